//! Every bound of this crate: its name, unit, value and reason.

use std::time::Duration;

/// From start to ready line. A debug build with 64 processes is ready in tens of milliseconds; two cores may be
/// shared by many tests.
pub const READY: Duration = Duration::from_secs(20);

/// From a stop signal to the end where the end is not what the test is about.
pub const STOP: Duration = Duration::from_secs(20);

/// How long an answer may take that is certain to come: far beyond what a loaded machine needs, short of a test's
/// patience.
pub const ANSWER: Duration = Duration::from_secs(10);

/// How long a connection must stay silent and open for `waiting`, as the cases define it.
pub const WAITING: Duration = Duration::from_millis(600);

/// How long a client waits for a response that may or may not come, when the others are there.
pub const MAYBE: Duration = Duration::from_millis(600);

/// Threads of the test program. Trials mostly wait for the wire, so there are more of them than cores.
pub const TEST_THREADS: usize = 12;

/// Octets of standard error that are kept of a server, to be shown when its test fails.
pub const KEPT_STDERR_BYTES: usize = 64 * 1024;

/// Rounds per microsecond that servers under test are told, so that none spends its start on measuring them. What
/// `/compute` costs is no matter of these suites.
pub const COMPUTE_ROUNDS_PER_US: u64 = 10;

/// How soon things happen that are to happen "at once": a stop with nothing in flight, a place that is free again.
pub const AT_ONCE: Duration = Duration::from_secs(1);

/// Until a request that was sent is certainly in the hands of the server, where no event tells: a thousand times what
/// loopback needs.
pub const UNDERWAY: Duration = Duration::from_millis(200);

/// How long a run of the load generator may take in these tests, all of which want less than three seconds of it.
pub const LOAD: Duration = Duration::from_secs(40);

/// How long a server that was at work may take to put all of it away: the time limit on a head, which is two seconds in
/// these tests, and time for a busy machine.
pub const SOAK_REST: Duration = Duration::from_secs(5);

/// How much the memory of a server may grow while it works: what an allocator holds in pieces varies by half of
/// it, and ten octets that are lost with each answer come to more within three minutes, in a debug build as well.
pub const SOAK_GROWTH_BYTES: u64 = 2 << 20;

/// The same for servers that work for seconds: within them some worker may meet its first large answer.
pub const SOAK_GROWTH_SHORT_BYTES: u64 = 8 << 20;

/// By what share of its size the memory of a large server may grow, where that is more.
pub const SOAK_GROWTH_SHARE: f64 = 0.05;
