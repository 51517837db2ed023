//! What the calling thread has used of the machine.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sums since the thread began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// User time, ns.
    pub user_ns: u64,
    /// System time, ns.
    pub system_ns: u64,
    /// Voluntary context switches.
    pub voluntary: u64,
    /// Involuntary context switches.
    pub involuntary: u64,
    /// Largest resident set of the process, octets.
    pub resident_max_octets: u64,
    /// Time for which it could have run and had no core: preempted, not yet running after a wake-up, or out of its
    /// quota, ns. 0 unless [`Usage::with_delay`] has asked for it.
    pub delayed_ns: u64,
}

impl Usage {
    /// Of the calling thread, by getrusage(2); zeros if the system does not tell.
    pub fn of_this_thread() -> Usage {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_THREAD) else { return Usage::default() };
        let count = |value: i64| u64::try_from(value).unwrap_or(0);
        Usage {
            user_ns: count(usage.user_time().num_microseconds()) * 1000,
            system_ns: count(usage.system_time().num_microseconds()) * 1000,
            voluntary: count(usage.voluntary_context_switches()),
            involuntary: count(usage.involuntary_context_switches()),
            resident_max_octets: count(usage.max_rss()) * 1024,
            delayed_ns: 0,
        }
    }

    /// The same with [`delayed_ns`].
    #[must_use]
    pub fn with_delay(self) -> Usage {
        Usage { delayed_ns: delayed_ns(), ..self }
    }

    /// What was used since `earlier`.
    pub fn since(&self, earlier: &Usage) -> Usage {
        Usage {
            user_ns: self.user_ns.saturating_sub(earlier.user_ns),
            system_ns: self.system_ns.saturating_sub(earlier.system_ns),
            voluntary: self.voluntary.saturating_sub(earlier.voluntary),
            involuntary: self.involuntary.saturating_sub(earlier.involuntary),
            resident_max_octets: self.resident_max_octets,
            delayed_ns: self.delayed_ns.saturating_sub(earlier.delayed_ns),
        }
    }
}

/// For how long the calling thread could have run and had no core, ns, from its schedstat (proc(5): the second
/// field of /proc/PID/schedstat); 0 where the kernel does not count it.
pub fn delayed_ns() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split_ascii_whitespace().nth(1).and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// What a thread used between two moments of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Meter {
    /// At the begin of the window: when, time with work so far, and what was used so far.
    from: Option<(u64, u64, Usage)>,
    /// The same at its end.
    to: Option<(u64, u64, Usage)>,
}

impl Meter {
    /// Reads the meter at `now_ns`, when the thread had work for `busy_ns` so far: once at the begin of the window
    /// and once at its end.
    pub fn read(&mut self, now_ns: u64, busy_ns: u64, from_ns: u64, to_ns: u64) {
        if self.from.is_none() && now_ns >= from_ns {
            self.from = Some((now_ns, busy_ns, Usage::of_this_thread().with_delay()));
        }
        if self.to.is_none() && now_ns >= to_ns {
            self.to = Some((now_ns, busy_ns, Usage::of_this_thread().with_delay()));
        }
    }

    /// Time between the two readings, time with work, and what was used; zeros if there are not two readings.
    pub fn used(&self) -> (u64, u64, Usage) {
        let (Some(from), Some(to)) = (self.from, self.to) else { return Default::default() };
        // What is read from a file may be out of order.
        (to.0.saturating_sub(from.0), to.1.saturating_sub(from.1), to.2.since(&from.2))
    }
}
