//! Which backend is asked.

use crate::farm::{Backends, Farm};

/// A request that looks for its backend.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// Who may be asked: those that are up and were not asked before.
    pub among: Backends,
    /// The hash of what is asked for: equal ones go to the same backend, if the policy goes by that.
    pub key: u64,
    /// A random number.
    pub dice: u64,
    /// Now, ns.
    pub now_ns: u64,
}

/// Chooses a backend. What a policy keeps in itself is fixed when it is made, or lies in atomics, so all threads
/// share one.
pub trait Dispatch: Send + Sync {
    /// One of those that may be asked; `None` only where there is none.
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize>;

    /// A request took so long at a backend, ns.
    fn took(&self, _farm: &Farm<'_>, _backend: usize, _time_ns: u64, _now_ns: u64) {}
}
