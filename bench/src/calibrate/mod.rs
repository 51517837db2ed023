//! Calibration: servers whose latency law is known, and what each load generator makes of them.

pub mod cases;
pub mod laws;
pub mod own;
pub mod reference;
pub mod stand;
pub mod table;
pub mod tools;
