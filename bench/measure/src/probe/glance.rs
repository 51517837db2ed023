//! The CPU time of both sides at one instant: all that is read while a cell is timed.
//!
//! A glance reads the clocks of processes that are already known, and where the contestant has a control group its
//! account: one system call each, some tens of microseconds in all. Everything else
//! ([`Reading`](super::figures::Reading)) takes milliseconds on the generator's core, and is read before the window and
//! after the load.

use std::time::Duration;

use crate::probe::cpu_group::CpuGroup;
use crate::probe::process;

/// CPU time of both sides at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuGlance {
    /// When it was taken, on the rig's clock.
    pub at: Duration,
    /// When it was over.
    pub until: Duration,
    /// CPU time of the contestant by the clocks of its processes, and the time of children that were waited for.
    pub clocks: Duration,
    /// The part of it that children had used that were waited for: it is known in ticks alone.
    pub children: Duration,
    /// The same by the account of the control group, where the contestant has one of its own.
    pub group: Option<Duration>,
    /// The clocks once more after the account of the group was read: between two reads the scheduler may have counted
    /// what it had not counted before.
    pub clocks_again: Duration,
    /// CPU of the generator.
    pub generator: Duration,
    /// CPU of this program.
    pub own: Duration,
}

impl CpuGlance {
    /// CPU time that the contestant used from `before` to this one. The account of the group is preferred, because
    /// it forgets nobody.
    pub fn cpu_since(&self, before: &CpuGlance) -> Duration {
        self.group_since(before).unwrap_or_else(|| self.clocks_since(before))
    }

    /// The same by the clocks alone.
    pub fn clocks_since(&self, before: &CpuGlance) -> Duration {
        self.clocks.saturating_sub(before.clocks)
    }

    /// The same by the account of the group alone; `None` where there is none.
    pub fn group_since(&self, before: &CpuGlance) -> Option<Duration> {
        Some(self.group?.saturating_sub(before.group?))
    }

    /// The least and the most that the clocks can have counted between the two reads of the group's account.
    pub fn clocks_about(&self, before: &CpuGlance) -> (Duration, Duration) {
        let least = self.clocks.saturating_sub(before.clocks_again);
        (least, self.clocks_again.saturating_sub(before.clocks))
    }
}

/// CPU time of processes by their clocks, and of children that the first of them has waited for. Children of the first
/// that have been started since count as well. A member that has ended since is among those that were waited for, or in
/// nobody's account.
pub fn clocks(members: &[i32]) -> (Duration, Duration) {
    let Some((root, others)) = members.split_first() else { return Default::default() };
    let born = process::children(*root);
    let born = born.iter().filter(|pid| !others.contains(pid));
    let others: Duration = others.iter().chain(born).filter_map(|pid| process::cpu_time(*pid)).sum();
    let root = process::stat(*root);
    let children = root.as_ref().map(process::children_cpu).unwrap_or_default();
    (root.as_ref().map(process::own_cpu).unwrap_or_default() + others, children)
}

/// A glance at the contestant with these members and its group, and at the generator; the times are `now`'s.
pub fn take(
    members: &[i32],
    group: Option<&CpuGroup>,
    generator: Option<i32>,
    now: impl Fn() -> Duration,
) -> CpuGlance {
    let cpu = |pid: i32| process::cpu_time(pid).unwrap_or_default();
    let at = now();
    let (own_clocks, children) = clocks(members);
    let first = own_clocks + children;
    let group = group.and_then(CpuGroup::cpu);
    let again = || {
        let (own_clocks, children) = clocks(members);
        own_clocks + children
    };
    let clocks_again = if group.is_some() { again() } else { first };
    let generator = generator.map(cpu).unwrap_or_default();
    let own = cpu(std::process::id() as i32);
    CpuGlance { at, until: now(), clocks: first, children, group, clocks_again, generator, own }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::shell::{await_line, shell};

    fn glance(clocks_ms: u64, group_ms: Option<u64>) -> CpuGlance {
        let ms = Duration::from_millis;
        CpuGlance { clocks: ms(clocks_ms), group: group_ms.map(ms), ..CpuGlance::default() }
    }

    #[test]
    fn the_group_counts_where_both_instants_have_it() {
        let ms = Duration::from_millis;
        assert_eq!(glance(30, Some(50)).cpu_since(&glance(10, Some(20))), ms(30));
        assert_eq!(glance(30, None).cpu_since(&glance(10, Some(20))), ms(20));
        assert_eq!(glance(30, Some(50)).cpu_since(&glance(10, None)), ms(20));
        assert_eq!(glance(10, None).cpu_since(&glance(30, None)), Duration::ZERO);
    }

    #[test]
    fn a_glance_sees_this_process_and_none_that_is_not_there() {
        let own = std::process::id() as i32;
        let seen = take(&[own], None, Some(own), || Duration::from_secs(7));
        assert!(seen.clocks > Duration::ZERO && seen.generator > Duration::ZERO && seen.own > Duration::ZERO);
        assert_eq!((seen.at, seen.group), (Duration::from_secs(7), None));
        assert_eq!(seen.clocks_again, seen.clocks);
        let nothing = (Duration::ZERO, Duration::ZERO);
        assert_eq!((clocks(&[i32::MAX]), clocks(&[])), (nothing, nothing));
    }

    #[test]
    fn a_child_that_was_born_after_the_members_were_listed_counts() {
        let burn = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done";
        // A shell gives those in its background nothing to read, and the child is to live until it is told.
        let script = format!("exec 3<&0; ({burn}; echo ready; read line <&3) & wait");
        let mut shell = shell(&script);
        await_line(&mut shell);
        let (seen, _) = clocks(&[shell.id() as i32]);
        let alone = process::cpu_time(shell.id() as i32).unwrap();
        drop(shell.stdin.take());
        shell.wait().unwrap();
        if !std::path::Path::new(&format!("/proc/self/task/{}/children", nix::unistd::gettid())).exists() {
            eprintln!("this kernel does not list children: nothing was tried");
            return;
        }
        assert!(seen > alone + Duration::from_millis(2), "{seen:?} {alone:?}");
    }
}
