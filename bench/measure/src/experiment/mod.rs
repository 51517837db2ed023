//! Experiments: which cells they measure, in which order, and how later cells depend on earlier ones.

pub mod compare;
pub mod connections;
pub mod curve;
pub mod explain;
pub mod pilot;
pub mod scale;
pub mod waiting;
