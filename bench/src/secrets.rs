//! Keeps keys out of core dumps, as far as a process can.

use nix::sys::resource::{Resource, setrlimit};

/// From now on a crash of this process or of its children writes no memory anywhere.
///
/// The limit covers dumps to files; a dump that is piped to a program ignores it (core(5)), so the filter leaves every
/// mapping out as well. The process stays "dumpable", or its parent could not read its figures in /proc.
pub fn leave_no_core_dump() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = std::fs::write("/proc/self/coredump_filter", "0");
}
