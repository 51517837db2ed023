//! The processes of a server while it is watched.

use std::time::Duration;

use dyno_record::isolation::ProcessFates;
use dyno_servers::architecture::Started;
use dyno_servers::architectures::ALL;

use crate::probe::process::{children, stat};

/// The processes of a server, from the fault to the end of the watch.
#[derive(Debug)]
pub(super) struct ProcessWatch {
    first: i32,
    culprits: i32,
    before: usize,
    ended_at: Option<Duration>,
    replaced_at: Option<Duration>,
}

impl ProcessWatch {
    /// Begins when the fault is about to be planted. `culprits` serves the request that will carry it.
    pub(super) fn begin(first: i32, culprits: i32) -> Self {
        ProcessWatch { first, culprits, before: living(first).len(), ended_at: None, replaced_at: None }
    }

    /// Whether this process belongs to the server. Nobody else's is ever sent a signal.
    pub(super) fn is_one_of(first: i32, pid: i32) -> bool {
        living(first).contains(&pid)
    }

    /// Looks at them at `now`.
    pub(super) fn look(&mut self, now: Duration) {
        if self.ended_at.is_none() && !lives(self.culprits) {
            self.ended_at = Some(now);
        }
        if self.ended_at.is_some() && self.replaced_at.is_none() && living(self.first).len() >= self.before {
            self.replaced_at = Some(now);
        }
    }

    /// Whether the process that served the culprit has ended.
    pub(super) fn culprits_ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// What became of them. Where each connection has a process of its own, one that comes replaces none.
    pub(super) fn fates(&self, fault: Duration, one_each: bool) -> ProcessFates {
        let replaced = self.replaced_at.filter(|_| !one_each);
        ProcessFates {
            before: self.before as u32,
            after: living(self.first).len() as u32,
            culprits_ended: self.culprits_ended(),
            first_ended: None,
            replaced_ns: replaced.map(|at| at.saturating_sub(fault).as_nanos() as u64),
        }
    }
}

/// The first process and its children, as far as they have not ended.
fn living(first: i32) -> Vec<i32> {
    [first].into_iter().chain(children(first)).filter(|pid| lives(*pid)).collect()
}

/// Whether a process runs; one that has ended and waits for its parent does not.
fn lives(pid: i32) -> bool {
    stat(pid).is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// Whether each connection has a process or a thread of its own, as the anatomy of the architecture behind this label
/// says. One of which nothing is known has none.
pub(super) fn has_one_each(label: &str) -> bool {
    let name = label.split([':', '#', '+']).next().unwrap_or(label);
    let known = ALL.into_iter().find(|architecture| architecture.name == name);
    known.is_some_and(|architecture| match architecture.anatomy.started {
        Started::Process | Started::Thread => true,
        // These share a thread with others.
        Started::Nothing | Started::Coroutine | Started::Task => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_anatomy_tells_who_has_one_each() {
        let one_each: Vec<&str> =
            ALL.into_iter().map(|one| one.name).filter(|name| has_one_each(name)).collect();
        assert_eq!(one_each, ["fork", "thread-per-connection"]);
        assert!(has_one_each("fork#2") && !has_one_each("io-uring:plain") && !has_one_each("nginx"));
    }
}
