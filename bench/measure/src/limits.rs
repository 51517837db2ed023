//! Every bound of a measurement: a name, a unit, a value and a reason.

use std::time::Duration;

/// A contestant has to print its ready line within this time: the slowest here loads a configuration and forks workers.
pub const READY_LIMIT: Duration = Duration::from_secs(10);

/// A contestant has to end within this time after SIGTERM, then it is killed: draining is bounded by its own deadline.
pub const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The generator has to end within this time after the end of its load, then it is killed and the cell is void.
pub const GENERATOR_GRACE: Duration = Duration::from_secs(15);

/// The ready line and the tallies are one line of JSON each; more than this many bytes cannot be one of them.
pub const LINE_LIMIT_BYTES: usize = 1 << 20;

/// A maximum counts only if the server used this share of its cores; else it is "at least".
pub const SATURATED_SHARE: f64 = 0.90;

/// How far two accounts of the same CPU time may be apart (utilization law), as a share.
pub const UTILIZATION_TOLERANCE: f64 = 0.03;

/// What clocks may have forgotten of threads that ended, as a share of the CPU time: 8 to 9 % were seen where each
/// connection has a thread of its own.
pub const ENDED_THREADS_SHARE: f64 = 0.15;

/// CPU that a contestant may use in addition between the last look at its clocks and its end: draining, its last line,
/// and giving back the memory of a process.
pub const ENDING_CPU: Duration = Duration::from_millis(20);

/// The same for each of its threads and processes: a process of a few megabytes takes a third of a millisecond to end.
pub const ENDING_CPU_EACH: Duration = Duration::from_millis(1);

/// How long a contestant may take to come to rest after the load, before the last look at its clocks.
pub(crate) const REST_LIMIT: Duration = Duration::from_millis(300);

/// From one look to the next whether it rests.
pub(crate) const REST_LOOK: Duration = Duration::from_millis(5);

/// It rests when it uses less than this share of a core between two looks.
pub(crate) const REST_SHARE: f64 = 0.1;

/// Births of threads and processes in the whole machine for each answer, from which on the threads of a contestant come
/// and go between the looks at them: a design with a thread for each connection has one for each.
pub(crate) const BIRTHS_AN_ANSWER: f64 = 0.1;

/// How far the rate between the two looks at the clocks may be from that of the whole window, as a share.
pub const RATE_TOLERANCE: f64 = 0.03;

/// How much the rate may fall in the intervals in which the clocks were read, as a share of the rate in all others.
pub const WATCHED_SHARE: f64 = 0.03;

/// Standard errors that are allowed beyond that: of a thousand cells that nothing disturbs, one is further off.
pub const WATCHED_ERRORS: f64 = 4.0;

/// How far CPU per request in the second half of the window may differ from that of all of it before the audit notes
/// it, as a share: the clock of a shared processor changes by so much within half a second.
pub const DRIFT_NOTED: f64 = 0.10;

/// The same difference, from which on the cell is void: no processor clock changes by so much, so the server did
/// something else.
pub const DRIFT_VOID: f64 = 0.25;

/// How far the mean number in flight may be from rate times mean time (Little's law), as a share. Requests that cross
/// an edge of the window are cut there on both sides, so no sampling error is left, only the time between two
/// readings of the clock.
pub const LITTLE_TOLERANCE: f64 = 0.01;

/// Share of requests that may fail before a cell is void: 0.1 %, the limit on answered requests of a capacity.
pub const ERROR_SHARE: f64 = 0.001;

/// CPU that others may use during a cell before the machine counts as busy, as a share of the cores of the smaller
/// side: more on one of its cores would be seen in the figures.
pub const BUSY_SHARE: f64 = 0.10;

/// Resolution of the machine's idle time, in seconds: /proc/stat tells hundredths.
pub const MACHINE_TICK: f64 = 0.01;

/// Share of the machine's time that the hypervisor may take before a cell is void.
pub const STEAL_SHARE: f64 = 0.05;

/// Share of the offered rate that must have been sent.
pub const OFFERED_SHARE: f64 = 0.98;

/// Threads whose counters are read one by one: 2,000 take about 40 ms, and more would disturb the measurement.
pub const THREADS_LIMIT: u32 = 2_000;

/// Processes whose page tables are walked for their memory; at about 0.1 ms each this is a quarter of a second.
pub const PROCESSES_LIMIT: usize = 2_500;

/// Share of its time in which the generator may be busy; beyond it, its own speed is measured instead of the
/// server's.
pub const GENERATOR_BUSY_SHARE: f64 = 0.95;

/// From the line by which the generator reports its start to its first request.
pub const START_LEAD: Duration = Duration::from_nanos(dyno_clients::limits::START_LEAD_NS);

/// From the end of the warm-up to the first look at the clocks, so that it certainly lies in the window.
pub const SAMPLE_LEAD: Duration = Duration::from_millis(10);

/// The last look at the clocks is taken this long before the generator ends.
pub const SAMPLE_TAIL: Duration = Duration::from_millis(20);

/// How often a control group that still has a process in it is tried to be removed.
pub(crate) const GROUP_REMOVAL_TRIES: u32 = 50;

/// The pause between two tries: a process that was killed is gone within a few of them.
pub(crate) const GROUP_REMOVAL_PAUSE: Duration = Duration::from_millis(1);

/// How often a core's speed is sampled: forty times in the shortest cells.
pub const PACE_INTERVAL: Duration = Duration::from_millis(4);

/// System calls in a batch of one sample; five batches take some 5 us.
pub const PACE_CALLS: u32 = 8;

/// Number of samples of which the shortest tells how fast a core is at one moment: 0.2 ms, short beside any change of
/// speed.
pub const PACE_LOOKS_AT_ONCE: u32 = 40;

/// Samples under load from which on they alone define full pace.
pub const LEAST_LOOKS_FOR_PACE: usize = 500;

/// Samples that are kept for that: about a minute and a half of load, so that a long experiment needs no more memory
/// than a short one.
pub const MOST_LOOKS_FOR_PACE: usize = 20_000;

/// How long cores are sampled before their first load.
pub const PACE_FIRST_LOOK: Duration = Duration::from_millis(300);

/// How often running threads are counted, during the first quarter of the warm-up: once in the shortest.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(5);

/// Largest number of threads that are counted at all: reading the state of 200 takes about 2 ms.
pub const WATCH_THREADS_LIMIT: i64 = 200;

/// Messages by which the floor is measured on each path: enough for a stable median within a quarter of a second.
pub const FLOOR_ROUNDS: usize = 2_000;

/// Longest that the floor of one path may take, so that a loaded machine delays no experiment.
pub const FLOOR_LIMIT: Duration = Duration::from_millis(600);

/// Time that a cell takes in addition to its load: starts of server and generator, opening the connections, samples,
/// rest and stop; 120 to 200 ms were measured on a virtual machine with two cores.
pub const CELL_OVERHEAD: Duration = Duration::from_millis(120);

/// Share of the time of all trials that repeats of void trials may take in addition: on a shared machine a tenth of the
/// trials are void, and a third of the repeats again.
pub const REPEAT_SHARE: f64 = 0.3;

/// How often a void trial is measured again at most. Whatever disturbs for longer than that, no repeat helps against.
pub const REPEAT_PASSES: u32 = 3;

/// Least time that a pilot takes: forty intervals of the generator's series, of which half may be warm-up.
pub const PILOT_TIME_MS: u64 = 400;

/// Number of pilots of a contestant that was not soon steady: where neighbours come and go, one pilot in two never
/// is, and a warm-up that is too long by 170 ms takes more time than the cell itself.
pub const PILOT_ATTEMPTS: u32 = 3;

/// Warm-up above which a contestant is piloted again, in milliseconds: Dyno's servers need half of it.
pub const RESTLESS_MS: u64 = 60;

/// Least warm-up: the first events of the last connections are over, and all that is read before the window is read.
pub const WARM_UP_LEAST_MS: u64 = 40;

/// Share of the slowest contestant's capacity at which latencies are compared.
pub const COMMON_RATE_SHARE: f64 = 0.5;

/// Share of its connections that have to resume a session where all were to: each of the connections at once begins
/// without a ticket, and hundreds come after it.
pub const RESUMED_SHARE_MIN: f64 = 0.9;

/// Connections of the step that opens one per request: enough to keep the accept queue filled, few enough to leave most
/// of it empty.
pub const CONNECT_CONNECTIONS: u32 = 16;

/// Rate of requests over the connections of `dyno connections`: enough for percentiles, too little to load a core.
pub const CONNECTIONS_RATE_PER_S: f64 = 500.0;

/// Additional warm-up for each connection that is opened: a server may still start threads, or children, for those
/// that its kernel has accepted.
pub const WARM_UP_PER_CONNECTION_US: u64 = 100;

/// Connections that carry requests while the others of a cell are idle.
pub const ACTIVE_CONNECTIONS: u32 = 10;

/// An idle connection that is not established within this time has reached the limit of the contestant: a full accept
/// queue answers after a second or never.
pub const IDLE_CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// Largest number of workers, as `dyno serve` allows.
pub const WORKERS_LIMIT: u32 = 4_096;

/// Cells that the search for a critical point may take: twice what it needs where nothing disturbs it.
pub const SEARCH_CELLS: u32 = 24;

/// Cells that it usually takes: seven to bracket the critical point, and four that look again at both of its sides.
pub const SEARCH_CELLS_USUAL: u32 = 11;

/// Cells that a search may take once more when the blocks of the curve have refuted its end.
pub const SEARCH_AGAIN_CELLS: u32 = 12;

/// How often a search goes on after blocks: on a machine that disturbs for longer, no further look ends it.
pub const SEARCH_AGAIN_ROUNDS: u32 = 2;

/// The generator has to open its connections within this time: it gives up connections that take longer than its own
/// time limit of ten seconds, and reports which were missing.
pub const OPENING_LIMIT: Duration = Duration::from_secs(20);

/// Last lines of a contestant that are kept for the words of a fault: a message and its context.
pub const WORDS_LIMIT_LINES: usize = 5;

/// Bytes of such a line that are kept: five lines still fit a terminal.
pub const WORDS_LIMIT_BYTES: usize = 400;

/// How long the first process of a contestant may take to end before its whole group is asked: an order of magnitude
/// more than a server takes that ends its own children.
pub const GROUP_PAUSE: Duration = Duration::from_millis(500);

/// How long processes that were killed may take to vanish: the kernel frees their memory meanwhile.
pub const KILL_LIMIT: Duration = Duration::from_secs(2);

/// How long the last line of a contestant that has ended may take to arrive.
pub const FAREWELL_LIMIT: Duration = Duration::from_millis(200);

/// How long the guest waits after a load before it reads the accounts, on the clock of the guest: a server closes its
/// connections within some milliseconds, and idle time takes none of the host's.
pub const GUEST_SETTLE: Duration = Duration::from_millis(50);

/// How long the guest stops before it reads the accounts, on its own clock: any time makes it stop running.
pub const GUEST_PAUSE: Duration = Duration::from_millis(1);

/// How long a guest may say nothing before it is given up: it boots within 15 seconds, and a block of the slowest cell
/// takes some seconds, on a core that others use as well.
pub const GUEST_SILENCE: Duration = Duration::from_secs(180);

/// Memory of a guest, in bytes: a gibibyte. Programs and libraries take 60 MiB, and no server needs more than 100.
pub const GUEST_MEMORY_BYTES: u64 = 1 << 30;

/// How far the nanoseconds of an instruction may be from one, as a share: interrupts of the timer fall into the loop
/// that finds it and take a thousandth.
pub const INSTRUCTION_TOLERANCE: f64 = 0.01;

/// How far the accounts of all sides together may be from the time that all threads ran, as a share.
pub const ACCOUNTS_TOLERANCE: f64 = 0.01;

/// Victims with a request under way at any moment: enough that some share each worker, few enough that a server of one
/// connection at a time serves all of them within a third of [`STALL_LIMIT`].
pub(crate) const VICTIMS_RUNNING: u32 = 16;

/// Victims that keep a connection open without a request: four for each worker.
pub(crate) const VICTIMS_IDLE: u32 = 16;

/// Victims that connect after the fault: one every 30 ms or less, so that the time until new ones are served is known
/// to a tenth of a second.
pub(crate) const VICTIMS_NEW: u32 = 32;

/// All victims of a fault.
pub const VICTIMS: u32 = VICTIMS_RUNNING + VICTIMS_IDLE + VICTIMS_NEW;

/// Workers where their number can be set: few enough that each has several victims, as in a server with more clients
/// than workers, and enough that one of them is a minority.
pub const ISOLATION_WORKERS: u32 = 4;

/// A victim that waits for longer has been stalled: three times what the slowest design makes the last of its victims
/// wait without a fault, and what a person notices.
pub const STALL_LIMIT: Duration = Duration::from_millis(300);

/// The least time for which victims are watched after a fault: twice a stall, so that one is seen to its end.
pub const ISOLATION_WATCH_LEAST: Duration = Duration::from_millis(600);

/// How long all early victims may take to be served once: a pool takes one connection after the other in, between
/// requests of those that it has, and forks and threads are started.
pub(crate) const SETTLE_LIMIT: Duration = Duration::from_secs(5);

/// A victim that takes longer to send its first request has been too slow itself: half of what the iterative server
/// waits for a client while others wait.
pub(crate) const SEND_LAG: Duration = Duration::from_millis(1);

/// How long a victim waits for a connection: on one machine the kernel answers at once, or its queue is full.
pub(crate) const VICTIM_CONNECT_LIMIT: Duration = Duration::from_millis(50);

/// When a victim that was not served asks again: so often that recovery is seen to a hundredth of a second, so rarely
/// that refusing it takes no core.
pub(crate) const ASK_AGAIN: Duration = Duration::from_millis(20);

/// How often the processes of the server are looked at after a fault.
pub(crate) const PROCESS_LOOK: Duration = Duration::from_millis(5);

/// Memory that a server keeps after a fault, in bytes, from which on it was leaked: half of what leaks, and many times
/// what 64 connections take.
pub(crate) const KEPT_BYTES: u64 = 16 << 20;

/// How long each contestant is asked for its service before an experiment, in milliseconds: one answer of most
/// services fits, and of sixteen architectures only one is asked.
pub const PREFLIGHT_MS: u64 = 100;

/// For how long requests of a burst start, in microseconds: long enough for two rounds over 64 connections with the
/// fastest servers, short enough that the machine does not change from one burst to the next.
pub const BURST_US: u32 = 1_000;

/// About how long a group of bursts takes: long beside the pause in which clocks are read, short beside the moment in
/// which a machine with neighbours forgets how fast it was (METHODOLOGY).
pub(crate) const GROUP_TIME: Duration = Duration::from_millis(50);

/// Most repetitions of A B B A in a group: with them it lasts as long as it should where bursts take a millisecond.
pub(crate) const QUADS_MOST: u32 = 16;

/// Least number of groups of a bout: both halves hold one that A begins and one that B begins.
pub(crate) const GROUPS_LEAST: usize = 4;

/// From the last answer of a group to the glance: whoever sent that answer has gone to sleep by then.
pub(crate) const GROUP_SETTLE: Duration = Duration::from_millis(1);

/// A group has to be over within this time: its last requests are given up after ten seconds.
pub(crate) const GROUP_LIMIT: Duration = Duration::from_secs(40);

/// Longest pause of the generator that a cell may have whose latencies it spoils, ns: 10 ms. A busy machine takes as
/// much from anybody at times, and the median of the blocks bears it.
pub(crate) const PAUSE_VOID_NS: u64 = 10_000_000;

/// Cores from which on they are split by need: with fewer there is one way to split them, or two.
pub(crate) const LEAST_CORES_FOR_NEED: usize = 4;

/// Cores whose capacities differ by less, as a share, are of one kind: clocks differ by that much within a kind.
pub(crate) const KIND_SHARE: f64 = 0.10;

/// How far the border between the sides may be moved to lie between two caches, as a share of the cores: further would
/// take more from one side than a shared cache costs.
pub(crate) const BORDER_SHARE: f64 = 0.125;

/// Connections for each that impatient clients hold at most: a fourth more, for those that are being opened anew.
pub(crate) const OVERLOAD_CONNECTIONS_SPARE: f64 = 1.25;

/// Most connections of an overload: as many as servers listen for at one time. Where that is too few the cell says so.
pub(crate) const OVERLOAD_CONNECTIONS_MAX: u32 = 4_000;

/// How often clients of a storm come back: twice, as many libraries do.
pub(crate) const OVERLOAD_RETRIES: u8 = 2;

/// How far the shortest answer of a histogram may lie below the wait that was asked for, as a share: the
/// histogram keeps three significant digits.
pub const WAIT_TOLERANCE: f64 = 0.002;

/// How often a slow client sends a byte: a request of usual length takes a minute at that pace, longer than any cell.
pub(crate) const SLOW_BYTE_INTERVAL: Duration = Duration::from_millis(100);

/// Waits that the window of a cell holds at least whose requests wait: clients that began together come in
/// waves, and one wave more or less must not be seen in the rate.
pub const WAITS_IN_WINDOW: u64 = 40;

/// Most time that these waits may make a cell longer, in milliseconds: beyond it they are so long that a window
/// holds a part of them, and the clients have to be so many that the server is full.
pub const WAITS_WINDOW_LIMIT_MS: u64 = 400;

/// Share of what the contestant in the middle can answer at which latencies of a workload are compared: as in a
/// comparison of one service, but a single design that is far behind does not decide for all.
pub const WORKLOAD_RATE_SHARE: f64 = 0.5;

/// Share of its rate that a contestant may be asked for in an open loop; beyond it, it is full, and its latency
/// tells the length of the cell and nothing else.
pub const WORKLOAD_FULL_SHARE: f64 = 0.8;

/// Cells in which a contestant has to fail by its own limit before it is not sent against it again.
pub const WALLS_TO_GIVE_UP: u32 = 2;

/// Most requests that wait beside others: far beyond any pool, and below the wall of each design.
pub const WAITERS_MOST: u32 = 128;

/// Workers of a pool beside which requests wait: few, so that their number is soon reached, and the same for all.
pub const WAITING_WORKERS: u32 = 4;

/// Waiters that are held to see what they take: a hundred and more, so that pages of memory are small beside them.
pub const WAITERS_HELD: u32 = 128;

/// Workers that a pool has beyond its waiters, so that each of these has one.
pub const WAITERS_SPARE_WORKERS: u32 = 4;

/// Others who ask beside waiters, one after the other: the median of nine is not changed by four.
pub const OTHERS_ASKED: u32 = 9;

/// Whoever asks for so long and has no answer stands still: a thousand times what an answer takes.
pub const STANDS_STILL: Duration = Duration::from_millis(500);

/// How long waiters are given to reach their workers before others ask.
pub const WAITERS_SETTLE: Duration = Duration::from_millis(30);

/// How long the CPU of held waiters is observed: a waiter that is polled would show within a few ticks.
pub const WAITERS_HELD_TIME: Duration = Duration::from_millis(300);

/// Clients of each kind that leave in a cell.
pub const WAITERS_LEAVE: u32 = 15;

/// How long a client waits before it leaves: its request is underway by then.
pub const WAITER_UNDERWAY: Duration = Duration::from_millis(5);

/// How long a server may take to let go of those who have left: a hundred times what any should.
pub const RECOVERY_LIMIT: Duration = Duration::from_secs(5);

/// Answered requests that a traced load keeps, the last ones: a minute at 8,000 a second, and 60 MB.
pub const TRACE_REQUESTS_MAX: usize = 500_000;

/// Events that it keeps, the last ones: ten for each of those requests, and 120 MB.
pub const TRACE_EVENTS_MAX: usize = 10 * TRACE_REQUESTS_MAX;
