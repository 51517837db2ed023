//! Every bound of the load generator: name, unit, value, reason. Those by which a run is judged stand at the end.

use std::time::Duration;

/// Parts in which the latencies of a ramp are told: ten, which a reader takes in and which finds a knee.
pub const RAMP_PARTS: u64 = 10;

/// Most steps whose latencies are told one by one; each takes a histogram of 0.3 MB a thread, and nobody reads
/// more.
pub const STEPS_TOLD_MAX: usize = 50;

/// Longest latency that a histogram can hold, ns: one hour. Longer ones are recorded as this.
pub const LATENCY_MAX_NS: u64 = 3_600_000_000_000;

/// Significant digits of the histograms: three, so that a percentile is right to one part in a thousand.
pub const SIGNIFICANT_DIGITS: u8 = 3;

/// Significant digits of the histograms of single intervals: two are enough for a plot, at a tenth of the memory.
pub const INTERVAL_SIGNIFICANT_DIGITS: u8 = 2;

/// Most intervals in a series. At 18 KiB each a thread needs some 4 MiB, however long the run is.
pub const INTERVALS_MAX: usize = 240;

/// First length of an interval, ns: 10 ms, doubled whenever the series is full.
pub const INTERVAL_FIRST_NS: u64 = 10_000_000;

/// Samples that must lie beyond a percentile before it is printed: with ten, its share is known to a third or so.
pub const SAMPLES_BEYOND_MIN: u64 = 10;

/// Longest head of an answer, octets: what common servers allow themselves, with room to spare.
pub const HEAD_MAX_OCTETS: usize = 64 * 1024;

/// Most header fields of an answer.
pub const HEADERS_MAX: usize = 128;

/// Longest line inside a chunked body (size with extensions, or a trailer field), octets.
pub const CHUNK_LINE_MAX_OCTETS: usize = 8 * 1024;

/// Most interim (1xx) answers before the final one: a server that sends more is not getting anywhere.
pub const INTERIM_ANSWERS_MAX: u32 = 16;

/// Read buffer of a thread, octets: a big answer needs few calls, and it still fits the second-level cache.
pub const READ_BUFFER_OCTETS: usize = 64 * 1024;

/// Default for requests that may wait for a connection: at 8 octets each it cannot eat the memory.
pub const BACKLOG_DEFAULT_REQUESTS: u64 = 1_000_000;

/// Default for the time between sending a request and giving it up, ns: 10 s.
pub const TIMEOUT_DEFAULT_NS: u64 = 10_000_000_000;

/// Most connections that a thread opens at one time before the run: below the usual listen queue of 128.
pub const OPENING_CONNECTIONS_MAX: usize = 100;

/// How long a connection to a Unix socket may wait for a place in the server's queue, ns: 1 s, as long as a TCP
/// connection waits before its first packet is sent again.
pub const UNIX_CONNECT_NS: u64 = 1_000_000_000;

/// Connections of one run; the port space and the memory of one machine end near here.
pub const CONNECTIONS_MAX: u64 = 1_000_000;

/// Hosts that share a load at most: 4,096, more than a job array of common schedulers has. Each draws the whole
/// schedule, which takes some 10 ns an arrival.
pub const PARTS_MAX: u32 = 4096;

/// Longest file of a part of a load, octets: 64 MiB, where a usual one has 0.1 to 1 MiB.
pub const PART_FILE_MAX_OCTETS: u64 = 64 * 1024 * 1024;

/// How long before the appointed start of a load its connections are opened, ns: 2 s, and 1 ms more for each. Servers
/// close connections that idle for some seconds.
pub const APPOINTED_LEAD_NS: u64 = 2_000_000_000;

/// The part of that lead that each connection adds, ns: 1 ms, what a handshake takes on a distant host where a hundred
/// are made at a time.
pub const APPOINTED_LEAD_PER_CONNECTION_NS: u64 = 1_000_000;

/// How long a load may be appointed ahead, ns: a day. Whoever writes a later time has taken another unit.
pub const APPOINTED_MAX_NS: u64 = 24 * 3_600_000_000_000;

/// Readings of the two clocks of which the closest pair is taken: nine, of which some are not interrupted.
pub const CLOCK_READINGS: usize = 9;

/// Share of the measured window by which the starts of parts may lie apart: 2 %, as much as an open loop may miss of
/// its rate.
pub const APART_SHARE: f64 = 0.02;

/// Threads of one run.
pub const THREADS_MAX: u64 = 256;

/// Default for the longest spin before a request is due, ns: 1 ms, what a wake-up takes at worst where idle
/// cores sleep deeply; less is spun where wake-ups are quick.
pub const SPIN_DEFAULT_NS: u64 = 1_000_000;

/// How often a thread looks after timeouts, progress and interruption, ns: 50 ms.
pub const HOUSEKEEPING_NS: u64 = 50_000_000;

/// Length of a window from which on its rate is known well enough to end a run by it, ns: 1 s, in which what is under
/// way at its edges is a small part.
pub const RATE_KNOWN_NS: u64 = 1_000_000_000;

/// How often whoever watches a run gets news: 100 ms. Nobody reads a progress line faster.
pub const WATCH: Duration = Duration::from_millis(100);

/// Orders that a thread starts before it looks at its sockets again: so few that answers do not starve in overload.
pub const ORDERS_AT_ONCE: usize = 32;

/// Events that a thread takes from the kernel at one time: more would only wait longer for their turn.
pub const EVENTS_AT_ONCE: usize = 256;

/// Descriptors that a thread needs beside its connections: its poller, its timer, and room to spare.
pub const THREAD_DESCRIPTORS: u64 = 4;

/// Descriptors of the rest of the process: standard streams, files that are read or written, and room to spare.
pub const PROCESS_DESCRIPTORS: u64 = 64;

/// From when on a thread that has something to do and does not do it stands still, ns: 1 ms. A wake-up takes
/// less, and so does whatever the generator does in one piece; a share of the scheduler, a quota or a stop
/// takes longer.
pub const PAUSE_NS: u64 = 1_000_000;

/// Pauses that a thread remembers: 4,096, which is 12 s of a core that is shared in slices of 3 ms. Requests
/// that have waited for longer are not told apart any more.
pub const PAUSES_KEPT: usize = 4096;

/// Turns after a pause in which answers are still read with the time of their arrival: what came during the
/// pause is read in the turn that ends it or in the next one.
pub const STAMPED_TURNS: u32 = 2;

/// Grain of the time-out of epoll_wait(2), with room for a late wake-up, ns: 2 ms.
pub const POLL_GRAIN_NS: u64 = 2_000_000;

/// Longest sleep beside the timer, which ends it earlier: it is there for the case that the timer does not.
pub const POLL_MAX: Duration = Duration::from_secs(1);

/// The spin to begin with, ns: 100 us, what a wake-up takes on a machine of one's own, and some more.
pub const SPIN_FIRST_NS: u64 = 100_000;

/// Stretch without an answer that is noted, ns: 100 ms, which is rare, so that noting it costs nothing.
pub const STALL_NOTED_NS: u64 = 100_000_000;

/// Such stretches that are kept: the 64 longest. A server that stands still more often is found by its percentiles.
pub const STALLS_MAX: usize = 64;

/// Stretch without an answer that is worth a word, ns: half a second, more than what TCP waits for a packet that was
/// lost once on a short path.
pub const STALL_NS: u64 = 500_000_000;

/// How many times longer than the median latency it is besides, and in a closed loop than the 99th percentile: 10 and
/// 2. What is usual, or what a percentile of a closed loop tells, needs no further word.
pub const STALL_PARTS: (u64, u64) = (10, 2);

/// Preemptions between two housekeepings that count as company on the core: 10, which is 200 a second.
pub const PREEMPTIONS_MAX: u64 = 10;

/// Pause after a failed connect before the same place in the crew tries again, ns: 10 ms, so that a server that
/// refuses connections is not hammered.
pub const RECONNECT_PAUSE_NS: u64 = 10_000_000;

/// How long a server that was told goodbye may take to close its side, ns: 500 ms. Nothing hangs on it but the
/// order of the end, so a server that does not care holds nobody up for longer.
pub const GOODBYE_NS: u64 = 500_000_000;

/// Lead between the last opened connection and the first request, ns: 2 ms, for the threads to get ready.
pub const START_LEAD_NS: u64 = 2_000_000;

/// From the word that a group of bursts shall begin to its first request: 50 us, in which whoever gave the word goes to
/// sleep, so that it does not take the core from the generator.
pub const GROUP_LEAD_NS: u64 = 50_000;

/// Client addresses to spread connections over, toward loopback: 256 times 28,232 ports outlast a `TIME_WAIT` of
/// 60 s at 120,000 new connections a second.
pub const SOURCE_ADDRESSES: u32 = 256;

/// Connections from which on source addresses are spread even if connections are kept: one address pair has 28,232
/// ephemeral ports by default.
pub const SPREAD_FROM_CONNECTIONS: u32 = 20_000;

/// Arrivals of a recorded trace: at 8 octets each, 800 MB.
pub const TRACE_ARRIVALS_MAX: usize = 100_000_000;

/// Windows over a run in which arrivals are tested: a process that goes wrong only late is found, too.
pub const ARRIVAL_WINDOWS: usize = 4;

/// Fewest gaps that are tested: with fewer, a wrong process would seldom be told from a right one.
pub const ARRIVAL_GAPS_MIN: usize = 100;

/// Gaps kept for each test of the arrival process. More would find differences that do not matter.
pub const ARRIVAL_GAPS: usize = 2_000;

/// Largest body that is read from a file to be sent or compared, octets: 64 MiB.
pub const BODY_FILE_MAX_OCTETS: u64 = 64 * 1024 * 1024;

/// Largest body that the probe, the browser-like client and learning keep, octets: 64 MiB.
pub const EXCHANGE_BODY_MAX_OCTETS: usize = 64 * 1024 * 1024;

/// Resources of one page: more is a trap for crawlers and no page.
pub const RESOURCES_MAX: usize = 1_000;

/// Frames inside frames.
pub const FRAMES_DEPTH_MAX: u32 = 4;

/// Default for the share of failed requests that makes a run void: 1 %, because percentiles leave failures out,
/// and so flatter the server.
pub const ERRORS_MAX_SHARE: f64 = 0.01;

/// Share of the time with work from which on a run is void: 95 %. The generator's own queue is then part of the
/// latencies.
pub const BUSY_VOID_SHARE: f64 = 0.95;

/// The same as a warning: 85 %, early enough to be told before figures are lost.
pub const BUSY_DOUBTFUL_SHARE: f64 = 0.85;

/// Median lag that is nobody's business, ns: 20 us, so that no generator is blamed for a wake-up.
pub const LAG_P50_FREE_NS: u64 = 20_000;

/// 99th percentile of the lag that is nobody's business, ns: 50 us, because some wake-ups take longer than most.
pub const LAG_P99_FREE_NS: u64 = 50_000;

/// 99th percentile of the lag up to which no run is void, ns: four times what is free. A single late send in a
/// hundred is worth a warning before that, and no more.
pub const LAG_P99_VOID_NS: u64 = 4 * LAG_P99_FREE_NS;

/// A lag is doubtful that is longer than one of so many parts of the rest of the latency: a tenth of what the
/// server, the network and the connections took.
pub const LAG_DOUBTFUL_PARTS: u64 = 10;

/// A lag makes latencies void that is longer than one of so many parts of the rest of the latency: beyond a
/// half, the figure is wrong by as much. The rest is what it is held against, for the latency itself grows with
/// the lag.
pub const LAG_VOID_PARTS: u64 = 2;

/// Share of the requests' time that a generator which stood still may take from a closed loop before its rate is
/// doubtful: 0.5 %, half a per cent of the rate.
pub const LOST_DOUBTFUL_SHARE: f64 = 0.005;

/// The same before its rate is void: 2 %, which is as much as an open loop may miss of its rate.
pub const LOST_VOID_SHARE: f64 = 0.02;

/// The same before a rate is no useful bound any more, where the generator only waited for a core: a third,
/// which makes the rate of a server that had all the time larger by a half.
pub const LOST_BOUND_SHARE: f64 = 1.0 / 3.0;

/// Pause up to which no rate is void, ns: 10 ms, which a busy desktop takes from anybody at times. A run of so few
/// milliseconds that this spoils it is told as doubtful.
pub const LOST_FREE_NS: u64 = 10_000_000;

/// How much larger than without the generator's part a percentile may be: one and a half times, as with
/// [`LAG_VOID_PARTS`].
pub const LATE_GROWTH: f64 = 1.5;

/// Share of the time for which a thread of the generator may wait for a core before that is worth a word: 2 %.
pub const DELAYED_SHARE: f64 = 0.02;

/// Connections opened for each that was planned from which on they did not last: one and a half, so that a server
/// which closes some after many requests is not accused.
pub const REOPENED_FACTOR: f64 = 1.5;

/// The rate that is advised to whoever asked too much, as a share of what was answered: 70 %, where queues are
/// short.
pub const ADVISED_SHARE: f64 = 0.7;

/// Involuntary context switches a second that speak of company on the core: at one in 2 ms, the scheduler
/// shares the core between two who both compute.
pub const PREEMPTED_PER_S: f64 = 500.0;

/// By how much Little's law may be off: 1 %. Requests that straddle an edge of the window are cut there in both
/// figures, so nothing is left to chance; the rest is the time between two looks at the clock.
pub const LITTLE_SHARE: f64 = 0.01;

/// How much of the offered rate must be sent and answered: 98 %. The rest may be under way when the window ends.
pub const ACHIEVED_SHARE: f64 = 0.98;

/// Standard deviations by which a difference must pass what chance makes of it: three, which chance alone does
/// in fewer than 3 of 1,000 runs.
pub const DEVIATIONS: f64 = 3.0;

/// How far the two halves' means may lie apart: 10 %. Whatever is less, however sure, makes no mean worthless.
pub const HALVES_SHARE: f64 = 0.10;

/// Independent samples that must lie beyond a percentile up to [`JUDGED_QUANTILE_MAX`]: with five, its share is
/// known to a half or so.
pub const EFFECTIVE_BEYOND_MIN: f64 = 5.0;

/// The highest percentile that must rest on independent samples: above the 99th a common run has too few, and a
/// reader is told how many.
pub const JUDGED_QUANTILE_MAX: f64 = 0.99;

/// Intervals from which on the dependence of neighbours is estimated: ten, for the variance of fewer means is a
/// guess.
pub const DEPENDENCE_INTERVALS_MIN: usize = 10;

/// Share of requests that waited for a connection from which on the waiting, and not the generator, explains uneven
/// sends: 1 %.
pub const WAITED_SHARE: f64 = 0.01;

/// Largest coefficient of variation of the gaps of even arrivals: half of that of Poisson arrivals, which is 1.
pub const CONSTANT_VARIATION_MAX: f64 = 0.5;

/// Gaps between sends below which only their number is judged, ns: 20 us, as long as a lag that is nobody's business. A
/// send takes some of it, so no thread sends two requests closer to each other.
pub const SENT_GRAIN_NS: u64 = LAG_P50_FREE_NS;

/// Limit of the Anderson-Darling statistic for a fully specified law: a true one passes 999 times of 1,000.
pub const POISSON_STATISTIC_MAX: f64 = 5.97;
