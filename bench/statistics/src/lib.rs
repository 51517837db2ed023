//! The statistics that a comparison of servers needs, and no more.
//!
//! Every function is pure: samples (and a seed, where chance is involved) in, figures out.

pub mod bootstrap;
pub mod covariance;
pub mod dip;
pub mod limits;
pub mod neighbours;
pub mod parallelism;
pub mod rank;
pub mod sample;
pub mod scalability;
pub mod steady;
pub mod verdict;
