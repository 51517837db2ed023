//! Reads what a process tree and the machine have used, from /proc and the processes' CPU clocks.
//!
//! Every value here is cumulative: a figure for a window is the difference of two samples. While a cell is timed only
//! [`glance`]s are taken; what takes longer is read before its window and after its load.

pub mod counters;
pub mod cpu_group;
pub mod figures;
pub mod glance;
pub mod kernel_threads;
pub mod machine;
pub mod memory;
pub mod network;
pub mod pace;
pub mod process;
pub mod quota_group;
#[cfg(test)]
mod shell;
pub mod tracepoints;
pub mod tree;
