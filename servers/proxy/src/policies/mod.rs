//! The policies, one file each. A policy is a function of what the farm knows, the request and a random number.

pub mod hash;
pub mod jiq;
pub mod lard;
pub mod least;
pub mod p2c;
pub mod peak_ewma;
pub mod random;
pub mod round_robin;
