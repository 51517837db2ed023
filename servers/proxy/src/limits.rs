//! Every bound of this crate: its name, unit, value and reason.

use std::time::Duration;

/// The head of an answer, in octets. 16 KiB: as much as a request's head may have.
pub const ANSWER_HEAD_OCTETS: usize = 16 << 10;

/// Field lines in the head of an answer. 100: as many as a request may have.
pub const ANSWER_FIELDS: usize = 100;

/// The body of an answer, in octets. 8 MiB: it is held whole, so that a client that reads slowly holds no backend.
pub const ANSWER_BODY_OCTETS: u64 = 8 << 20;

/// Interim answers (1xx) before the answer itself. 16: a backend that works for long may send one now and then, and
/// an endless row of them is an attack.
pub const INTERIM_ANSWERS: u8 = 16;

/// Backends behind one path. 64: one bit each in a word, and more than a first tier on one machine can feed.
pub const BACKENDS: usize = 64;

/// The largest weight of a backend, a ratio. 100: in per cent of each other they can be told apart as finely as loads
/// can be measured.
pub const WEIGHT_UNITS_MAX: u32 = 100;

/// How often the name of this server stands in Via when a request is refused as running in circles, in entries. 2: a
/// request may pass twice where a backend asks its own first tier for something else.
pub const LOOP_ENTRIES: usize = 2;

/// How long a backend is left alone after its first failure in a row; each further one doubles it. 1 s: a process
/// that is started again listens by then.
pub const DOWN_FIRST: Duration = Duration::from_secs(1);

/// The longest time for which a backend is left alone. 30 s: after a repair nobody wants to wait for longer.
pub const DOWN_MOST: Duration = Duration::from_secs(30);

/// How long one request that tries a backend again has to succeed, before another may try. 5 s: more than an answer
/// usually takes, and little where nothing works.
pub const TRIAL_TIME: Duration = Duration::from_secs(5);

/// The time after which a retry that was not made is lost. 10 s: what was saved in a quiet hour must not be spent at
/// once when everything fails (Finagle's budget has the same figure).
pub const RETRIES_EXPIRE: Duration = Duration::from_secs(10);

/// Retries that each second brings, whatever is asked for, in requests. 10: a server with few clients must be able to
/// retry as well (Finagle's budget has the same figure).
pub const RETRIES_PER_S: u64 = 10;

/// Retries that each request brings, in thousandths of a request. 200: the load of all backends rises by a fifth at
/// the most.
pub const RETRIES_PER_THOUSAND: u64 = 200;

/// The time after which an old latency counts for 1/e. 10 s: a backend that was slow is tried again soon, and one
/// slow answer does not turn everybody away (Finagle's peak EWMA has the same figure).
pub const LATENCY_DECAY: Duration = Duration::from_secs(10);

/// Places of each unit of weight on the ring of hashes. 64: with eight backends their shares differ by some 12 %.
pub const RING_PLACES: usize = 64;

/// How far above the mean a backend may be loaded before a key moves on, in per cent. 125: the figure of Mirrokni,
/// Thorup and Zadimoghaddam (2016) as the load balancers use it.
pub const BOUNDED_LOAD_HUNDREDTHS: u64 = 125;

/// Requests under way at a backend below which it is nearly idle for LARD. 25: the low mark of Pai et al. (1998).
pub const LARD_LOW_REQUESTS: u64 = 25;

/// Requests under way at a backend beyond which LARD moves a target to one that is nearly idle; with twice as many,
/// to any. 65: the high mark of Pai et al.
pub const LARD_HIGH_REQUESTS: u64 = 65;

/// Targets that LARD remembers, in entries. 4,096: a word each; two targets that share an entry share a backend.
pub const LARD_TARGETS: usize = 4_096;
