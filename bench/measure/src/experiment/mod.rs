//! Experiments: which cells they measure, in which order, and how later cells depend on earlier ones.

pub mod compare;
pub mod connections;
pub mod curve;
pub mod duel;
pub mod explain;
pub mod overload;
pub mod pilot;
pub mod scale;
pub mod waiting;
pub mod workloads;
