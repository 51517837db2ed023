//! Every bound of the load generator: name, unit, value, reason.

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

/// Connections of one run; the port space and the memory of one machine end near here.
pub const CONNECTIONS_MAX: u64 = 1_000_000;

/// Threads of one run.
pub const THREADS_MAX: u64 = 256;

/// Default for the longest spin before a request is due, ns: 1 ms, what a wake-up takes at worst where idle cores sleep
/// deeply; less is spun where wake-ups are quick.
pub const SPIN_DEFAULT_NS: u64 = 1_000_000;

/// How often a thread looks after timeouts, progress and interruption, ns: 50 ms.
pub const HOUSEKEEPING_NS: u64 = 50_000_000;

/// Pause after a failed connect before the same place in the crew tries again, ns: 10 ms, so that a server that
/// refuses connections is not hammered.
pub const RECONNECT_PAUSE_NS: u64 = 10_000_000;

/// How long a server that was told goodbye may take to close its side, ns: 500 ms. Nothing hangs on it but the order
/// of the end, so a server that does not care holds nobody up for longer.
pub const GOODBYE_NS: u64 = 500_000_000;

/// Lead between the last opened connection and the first request, ns: 2 ms, for the threads to get ready.
pub const START_LEAD_NS: u64 = 2_000_000;

/// Client addresses to spread connections over, toward loopback: 256 times 28,232 ports outlast a `TIME_WAIT` of
/// 60 s at 120,000 new connections a second.
pub const SOURCE_ADDRESSES: u32 = 256;

/// Connections from which on source addresses are spread even if connections are kept: one address pair has 28,232
/// ephemeral ports by default.
pub const SPREAD_FROM_CONNECTIONS: u32 = 20_000;

/// Arrivals of a recorded trace: at 8 octets each, 800 MB.
pub const TRACE_ARRIVALS_MAX: usize = 100_000_000;

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
