//! Experiments: which cells, in which order, and what later cells owe to earlier ones.

pub mod compare;
pub mod connections;
pub mod curve;
pub mod explain;
pub mod pilot;
pub mod scale;
