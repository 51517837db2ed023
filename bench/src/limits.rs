//! Every bound of the program itself: a name, a unit, a value and a reason. Bounds of a measurement are in the limits
//! of `dyno-measure`, those of the generator and of the servers in their own.

use std::time::Duration;

/// Columns of the smallest terminal for which texts are written: every terminal has had that many since the VT100.
pub(crate) const TERMINAL_COLUMNS: usize = 80;

/// Length of a load when the user sets none, in nanoseconds: long enough for a 99.9th percentile at a thousand
/// requests a second, short enough to wait for.
pub(crate) const LOAD_DURATION_NS: u64 = 10_000_000_000;

/// Most requests that may wait for a connection when the user sets none: a million, which is a minute of what a server
/// could have answered, and 32 MB.
pub(crate) const BACKLOG_REQUESTS: u64 = 1_000_000;

/// The shortest cell of an experiment, in milliseconds: a shorter one ends before most of its requests are answered.
pub(crate) const SHORTEST_CELL_MS: u64 = 100;

/// The smallest share of cores by quota, in thousandths: a hundredth of a core, of which a period of 100 ms is the
/// millisecond that the kernel gives at least.
pub(crate) const LEAST_MILLICORES: f64 = 10.0;

/// The largest share of cores by quota, in thousandths: more cores than a machine has.
pub(crate) const MOST_MILLICORES: f64 = 1_024_000.0;

/// The period of a quota when the user sets none, in microseconds: 100 ms, as the kernel and Kubernetes have it.
pub(crate) const QUOTA_PERIOD_US: u32 = 100_000;

/// The longest cell of an experiment and the longest warm-up, in milliseconds: an hour. An experiment has a hundred
/// cells and more.
pub(crate) const LONGEST_CELL_MS: u64 = 3_600_000;

/// Longest load, in nanoseconds: 30 days, which a soak may take.
pub(crate) const LONGEST_RUN_NS: u64 = 30 * 24 * 3_600_000_000_000;

/// Points of the latency spectrum of a page for each nine of its axis: a line of them looks smooth at the width of a
/// chart.
pub(crate) const PAGE_POINTS_PER_NINE: f64 = 24.0;

/// Classes of the histogram of a page: each some pixels wide.
pub(crate) const PAGE_CLASSES: u32 = 72;

/// Blocks in which several servers are loaded in turn: twice as many as a verdict needs, so that void ones leave
/// enough.
pub(crate) const VERSUS_BLOCKS: u32 = 10;

/// A block of such a comparison has a warm-up of at most one of so many parts of its own length: each server has had
/// the same load before, but for the first block.
pub(crate) const VERSUS_WARM_UP_PARTS: u64 = 4;

/// The difference that matters between them, as a share: below it lies what the place of a program in memory makes.
pub(crate) const VERSUS_THRESHOLD: f64 = 0.02;

/// Servers that are compared at a time: more have no table in 80 columns, and no block in which they meet alike.
pub(crate) const VERSUS_SIDES: usize = 8;

/// Servers over which a load or calls are spread at most: 64, for each more is a run more, and a thread more.
pub(crate) const SPREAD_SERVERS: usize = 64;

/// Rounds of calls to several servers, of which the best is told: seven, of which some are not disturbed.
pub(crate) const CALL_ROUNDS: usize = 7;

/// How often a run tells its news in lines, ns: 5 s, so that a usual run has one or two, and a long one shows that it
/// lives.
pub(crate) const PLAIN_NEWS_NS: u64 = 5_000_000_000;

/// Moments that the view of a run remembers for its chart: as many as the widest terminal has columns.
pub(crate) const VIEW_MOMENTS: usize = 400;

/// Moments, ten to a second, of which the news of a run are made: five seconds, so that a percentile has some answers
/// beyond it, and what was changed is seen before the next is said.
pub(crate) const NEWS_MOMENTS: usize = 50;

/// Moments of which its rates are made: a second.
pub(crate) const NEWS_RATE_MOMENTS: usize = 10;

/// Longest pause, warm-up or time limit, in nanoseconds: an hour, the longest latency that a histogram holds.
pub(crate) const LONGEST_PAUSE_NS: u64 = 3_600_000_000_000;

/// How long `dyno control` waits for an answer, ns: the port answers in milliseconds, and on a machine that swaps in
/// less than a second.
pub(crate) const CONTROL_TIMEOUT_NS: u64 = 5_000_000_000;

/// How long the demonstration of interrupting waits for a request to be taken up or let go: a busy machine takes
/// milliseconds, and the requests themselves last a minute.
pub(crate) const INTERRUPT_PATIENCE: Duration = Duration::from_secs(10);

/// How often it looks whether a request was let go: what is shown is late by at most that and an exchange.
pub(crate) const INTERRUPT_LOOK: Duration = Duration::from_micros(200);

/// Questions for the server's date before a part of a load at most: each halves what is not known of a second, and 16
/// leave 15 us, which is less than the way of a question.
pub(crate) const CLOCK_QUESTIONS: u32 = 16;

/// What need not be known better of the server's clock, ns: 0.2 ms, below which the start of a load says nothing.
pub(crate) const CLOCK_KNOWN_NS: u64 = 200_000;

/// How long such a question may take, ns: one that takes a second tells nothing.
pub(crate) const CLOCK_ASK_NS: u64 = 1_000_000_000;

/// How long before the start the last of these questions is asked, ns: 3 s, so that connections can be opened in time.
pub(crate) const CLOCK_REST_NS: u64 = 3_000_000_000;

/// Most requests of a load: a million a second for 30 days, rounded down.
pub(crate) const MOST_REQUESTS: u64 = 1_000_000_000_000;

/// Most requests a second that can be asked for: one in each nanosecond.
pub(crate) const RATE_PER_S_MAX: f64 = 1e9;

/// Longest drain of a server, in seconds: a day.
pub(crate) const LONGEST_DRAIN_S: u64 = 86_400;

/// Lasting connections of the cells of `dyno explain`: as many as a comparison has by default, so that both describe
/// the same load.
pub(crate) const EXPLAIN_CONNECTIONS: u32 = 64;

/// Time left out at the start of a cell of `dyno explain`, in milliseconds: as in a quick comparison, since its many
/// short blocks alternate.
pub(crate) const EXPLAIN_WARM_UP_MS: u64 = 60;

/// How often `dyno explain --results` measures each unit cost. The median of nine does not change when four are
/// disturbed.
pub(crate) const UNIT_COST_ATTEMPTS: usize = 9;

/// How often a comparison measures each unit cost before its first cell. A picture needs less than an explanation,
/// and whoever waits for a short comparison waits for this as well; the median of three does not change when one is
/// disturbed.
pub(crate) const STACK_COST_ATTEMPTS: usize = 3;

/// How long an attempt at a unit cost takes, for the plan: an estimate, by what all attempts of `dyno explain` take
/// together.
pub(crate) const UNIT_COST_TIME: Duration = Duration::from_millis(150);

/// How long the trial of a claim may take before it is given up: ten times what the longest takes.
pub(crate) const TRIAL_LIMIT: Duration = Duration::from_secs(60);

/// How often it is looked meanwhile whether the user has interrupted: a person notices no delay of this length.
pub(crate) const TRIAL_LOOK: Duration = Duration::from_millis(100);

/// How long `dyno doctor` observes the machine for the work of other programs: long enough for work that runs every
/// second.
pub(crate) const DOCTOR_WATCH: Duration = Duration::from_secs(1);

/// Pause of a demonstration after each line: time to read the line aloud.
pub(crate) const DEMO_PAUSE: Duration = Duration::from_millis(900);

/// How long a party of a demonstration waits for bytes of the other: both run on this machine, and a step takes
/// milliseconds.
pub(crate) const DEMO_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the terminal of `dyno demo channel` that listens waits for the other one: time to type its command.
pub(crate) const DEMO_OTHER_TERMINAL: Duration = Duration::from_secs(300);

/// How often a terminal of `dyno demo channel` looks for text of the other while its own user does not type: a person
/// notices no delay of this length.
pub(crate) const DEMO_POLL: Duration = Duration::from_millis(50);

/// Longest message of the demonstration `mitm`, in bytes: its parties write one or two lines.
pub(crate) const DEMO_MESSAGE_OCTETS: usize = 1024;

/// Bytes of a hexadecimal excerpt in a demonstration: 32 digits fill less than half a line.
pub(crate) const DEMO_EXCERPT_OCTETS: usize = 16;

/// Bits of the largest prime that `diffie-hellman` breaks by brute force: 6 million steps, a fraction of a second.
pub(crate) const BRUTE_FORCE_BITS: u32 = 24;

/// Bits of the largest prime that it breaks by baby steps and giant steps: a table of 2^20 entries, some 40 MB.
pub(crate) const GIANT_STEP_BITS: u32 = 40;

/// Longest request head that a reference server reads, in bytes: load generators send little.
pub(crate) const REFERENCE_HEAD_OCTETS: usize = 16 * 1024;

/// Longest spin of a reference server before a response is due, in nanoseconds: the server has a core of its own, and
/// sleeping would add the time of a wake-up to the law.
pub(crate) const REFERENCE_SPIN_NS: u64 = 2_000_000;

/// How often an idle reference server wakes up, in nanoseconds: to notice that it is to stop.
pub(crate) const REFERENCE_IDLE_NS: u64 = 1_000_000_000;

/// How long a reference server stays awake after a request, in nanoseconds: many times the gap between requests in
/// the slowest load of a calibration.
pub(crate) const REFERENCE_AWAKE_NS: u64 = 100_000_000;

/// How often a run of a calibration is made at most while it is void: three, because a machine that disturbs three runs
/// in a row disturbs the fourth as well.
pub(crate) const CALIBRATION_TRIES: u32 = 3;

/// Time that a calibration spends on repeating void runs when the user sets none: as long as it takes without any.
pub(crate) const CALIBRATION_PATIENCE: Duration = Duration::from_secs(600);

/// The same for the short form, which is there to be short.
pub(crate) const CALIBRATION_PATIENCE_QUICK: Duration = Duration::from_secs(60);

/// How long a calibration looks at the machine before it begins, to say whether others use it: several ticks of the
/// kernel's accounts of CPU time.
pub(crate) const CALIBRATION_LOOK: Duration = Duration::from_millis(500);

/// Share of the allowed error that the lateness of a reference server may take: with more than a half, a wrong value
/// may be the server's as well as the tool's.
pub(crate) const CALIBRATION_LATE_SHARE: f64 = 0.5;

/// Share of a core that other programs may use before a value of a calibration is void: beyond it their work adds
/// microseconds.
pub(crate) const CALIBRATION_OTHERS_SHARE: f64 = 0.05;

/// The pause before a first retry when the user sets none, ns: 50 ms, half of the patience that people have.
pub(crate) const RETRY_BACKOFF_NS: u64 = 50_000_000;

/// The shortest time after which a server ends that nobody uses, ns: 100 ms; within less a client that was promised the
/// server has not connected.
pub(crate) const SHORTEST_IDLE_EXIT_NS: u64 = 100_000_000;

/// The longest, ns: 30 days, after which nobody waits for anything.
pub(crate) const LONGEST_IDLE_EXIT_NS: u64 = 30 * 24 * 3_600_000_000_000;

/// Connections that the kernel may hold for a service before its program runs: as many as it allows.
pub(crate) const SUPERSERVER_BACKLOG_CONNECTIONS: i32 = 4096;

/// Programs that a superserver has started at a time: as many as the chapter with a process for each connection.
pub(crate) const SUPERSERVER_CHILDREN: usize = 1_024;

/// Connections of one service that are accepted before other services have their turn.
pub(crate) const SUPERSERVER_BURST: usize = 64;

/// Starts of a service in a minute where its line says nothing: those of inetd(8).
pub(crate) const SUPERSERVER_STARTS_PER_MINUTE: u32 = 256;

/// The minute in which starts are counted.
pub(crate) const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Arguments of a program in the table: openbsd-inetd passes no more, and the same file drives both.
pub(crate) const INETD_ARGUMENTS: usize = 20;

/// A program that has ended within this time of its start has not served: most need less to be ready, and none that
/// serves a client over a network and waits for the next one ends so soon.
pub(crate) const QUICK_DEATH: Duration = Duration::from_secs(1);

/// So many such ends in a row bring a rest: one or two may be the bad luck of a restart.
pub(crate) const QUICK_DEATHS: u32 = 5;

/// Two that are further apart, the rest between them apart, are not in a row: ten seconds, after which a client that
/// came would have been served by a service that has mended.
pub(crate) const QUICK_DEATHS_WITHIN: Duration = Duration::from_secs(10);

/// The first rest: clients that wait in the queue hardly notice it. Each that follows is twice as long.
pub(crate) const REST_FIRST: Duration = Duration::from_secs(1);

/// The longest rest: a service that was mended is back within about a minute, and a start a minute costs nothing.
pub(crate) const REST_LONGEST: Duration = Duration::from_secs(64);

/// How long a program may take to end that was asked to when the drain limit was over; then it is killed.
pub(crate) const SUPERSERVER_KILL_GRACE: Duration = Duration::from_secs(1);

/// Clients in the demonstration of a restart: more than the one that a server with one connection at a time serves, so
/// that the others stand in its queue.
pub(crate) const RESTART_CLIENTS: usize = 8;

/// Restarts in each half of it: with each some clients are lost in the first half, and both halves take seconds.
pub(crate) const RESTART_TIMES: u32 = 5;

/// How long a server serves before it is followed: a hundred requests.
pub(crate) const RESTART_PAUSE: Duration = Duration::from_millis(200);

/// How long a client waits for an answer: all that stand before it in the queue need milliseconds.
pub(crate) const RESTART_PATIENCE: Duration = Duration::from_secs(10);

/// The port of the page of `dyno watch` when the user sets none: one that a lecturer can type again.
pub(crate) const WATCH_PORT: u16 = 5665;

/// Messages that wait for a watcher whose browser does not read: some seconds of them. Beyond it the oldest are
/// dropped, and the watcher is told how many.
pub(crate) const WATCH_QUEUE_MESSAGES: usize = 128;

/// Watchers at a time: a class with their own machines, and some that have not left yet.
pub(crate) const WATCHERS: usize = 64;

/// How long the queue of a watcher may stay full before its connection is closed: a laptop that was shut.
pub(crate) const WATCH_STALL: Duration = Duration::from_secs(30);

/// Connections to the page at a time: each watcher has one for events, and its browser opens some more.
pub(crate) const WATCH_CONNECTIONS: usize = 256;

/// How long a browser may take for the head of a request.
pub(crate) const WATCH_HEAD: Duration = Duration::from_secs(10);

/// Largest order, in bytes: some times what the page sends.
pub(crate) const WATCH_ORDER_BYTES: usize = 4096;

/// Orders that wait for the one who carries them out: a person gives one at a time, and a design that starts takes
/// a tenth of a second.
pub(crate) const WATCH_ORDERS: usize = 16;

/// How often the requests that are under way are looked at: 25 times a second, as a film has it. It costs the server
/// less than a hundredth of its capacity.
pub(crate) const WATCH_LOOK: Duration = Duration::from_millis(40);

/// Requests a second that are shown as dots: with more a watcher sees a cloud.
pub(crate) const WATCH_SHOWN_PER_S: u64 = 400;

/// Requests a second that are traced for a watcher: more than are shown, since a connection is traced or not from its
/// birth, and less than one in fifty of what a server can do.
pub(crate) const WATCH_TRACED_PER_S: u64 = 2_000;

/// Requests of one server that are followed at a time: each takes some 40 bytes here.
pub(crate) const WATCH_KNOWN_REQUESTS: usize = 20_000;

/// How long events of a trace wait for older ones of other threads, ns: a thread that looks at the clock writes within
/// microseconds, unless it loses its core in between.
pub(crate) const WATCH_SETTLE_NS: u64 = 10_000_000;

/// Requests that have gone and are remembered as such: those of some seconds, as far as they are shown.
pub(crate) const WATCH_GONE_REQUESTS: usize = 1_024;

/// How long a look may take: a server that is stopped or dead is shown without dots meanwhile.
pub(crate) const WATCH_LOOK_NS: u64 = 500_000_000;

/// Steps of requests that one message tells at most; with more there are more messages, which a watcher can lose.
pub(crate) const WATCH_STEPS: usize = 2_000;

/// Looks after which the accept queue is read again: five times a second.
pub(crate) const WATCH_LOOKS_PER_QUEUE: u32 = 5;

/// Looks after which CPU time and context switches are read again: twice a second, since each thread has a file.
pub(crate) const WATCH_LOOKS_PER_CPU: u32 = 12;

/// Looks after which the memory is read again: every two seconds, since the kernel walks the page tables for it.
pub(crate) const WATCH_LOOKS_PER_MEMORY: u32 = 50;

/// How often the page gets figures, and it is looked whether a server has died.
pub(crate) const WATCH_TICK: Duration = Duration::from_millis(100);

/// Highest rate that a watched load may have, requests a second: more than a laptop's server answers.
pub(crate) const WATCH_RATE_PER_S: u32 = 200_000;

/// Most connections of a watched load.
pub(crate) const WATCH_LOAD_CONNECTIONS: u32 = 4_000;

/// Most clients that are slow.
pub(crate) const WATCH_SLOW_CLIENTS: u32 = 500;

/// After how long slow clients that were cut off come back: as soon as programs do that try again.
pub(crate) const WATCH_SLOW_RETURN: Duration = Duration::from_secs(1);

/// Most workers of a watched design.
pub(crate) const WATCH_WORKERS: u32 = 256;

/// How long the first request of a pipeline waits: as long as a class notices.
pub(crate) const WATCH_PIPELINE_WAIT: Duration = Duration::from_millis(400);

/// How long its answers, or the bytes of a tapped exchange, are waited for.
pub(crate) const WATCH_PIPELINE_LIMIT: Duration = Duration::from_secs(5);

/// Lines of a tapped exchange that are shown in each direction: a small request, or the begin of a handshake.
pub(crate) const WATCH_TAP_LINES: usize = 6;

/// Errands, such as a burst, that are under way at a time: each is a process.
pub(crate) const WATCH_ERRANDS: usize = 8;

/// Requests of a burst, and connections over which they come at once.
pub(crate) const WATCH_BURST_REQUESTS: u32 = 200;

/// Tiers of a cluster that dispatch, one before the other. 8: each adds its latency, and the eighth shows nothing that
/// the fourth has not shown.
pub(crate) const CLUSTER_LAYERS: u32 = 8;

/// What simulated backends are asked for, as a share of what they can do. 0.75: queues form, and most policies still
/// stand.
pub(crate) const TRUTH_LOAD: f64 = 0.75;

/// How many times slower one of the simulated backends is. 4: it can do less than its share, so that who does not look
/// drowns it.
pub(crate) const TRUTH_SLOWNESS: f64 = 4.0;

/// First tiers beside each other in a simulation: few, and many.
pub(crate) const TRUTH_BALANCERS: [usize; 2] = [4, 16];

/// Requests of a simulation. 100,000: a hundred of them lie beyond p99.9, and all policies together take some seconds.
pub(crate) const TRUTH_REQUESTS: u64 = 100_000;

/// Two latencies are alike where the larger is less than so many times the smaller: single runs differ by as much.
pub(crate) const SAME_LATENCY_RATIO: f64 = 1.05;

/// Share of a latency from which on a part has a line of its own in a trace.
pub(crate) const TRACE_PART_SHARE: f64 = 0.001;

/// Requests of each design in a file for trace viewers, the last ones: 50 MB, which a browser opens in seconds.
pub(crate) const VIEWER_REQUESTS_MAX: usize = 20_000;

/// Requests a second at which `dyno explain` traces both: a third of what the dearest design does on one core.
pub(crate) const EXPLAIN_TRACED_RATE_PER_S: f64 = 2_000.0;

/// For how long, in milliseconds: thousands of requests, so that the 99th percentile is known.
pub(crate) const EXPLAIN_TRACED_MS: u64 = 1_000;
