//! Calibration: servers whose latency law is known, and the reports of load generators about them.

pub(crate) mod cases;
pub(crate) mod error;
pub(crate) mod job;
pub(crate) mod laws;
pub(crate) mod own;
pub(crate) mod participant;
pub(crate) mod reference;
pub(crate) mod stand;
pub(crate) mod table;
pub(crate) mod tools;
