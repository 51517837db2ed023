//! Reads what a process tree and the machine have used, from /proc and the processes' CPU clocks.
//!
//! Every value here is cumulative: a figure for a window is the difference of two samples.

pub mod counters;
pub mod figures;
pub mod machine;
pub mod memory;
pub mod network;
pub mod pace;
pub mod process;
pub mod tracepoints;
pub mod tree;
