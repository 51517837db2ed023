//! Experiments: which cells, in which order, and what later cells owe to earlier ones.

pub mod compare;
pub mod setup;
