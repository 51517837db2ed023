//! The records of an experiment: JSON lines, from which every report is made.
//!
//! The first line of a file is the [`header`](header::Header): settings, seed, machine, floor. Each further line is
//! one [`cell`](measured::Record), written when it is done. Each line contains its kind and the version of the
//! schema.
//!
//! Reading returns what was measured and nothing else: corrections are made by the analysis, in types of their own.

pub mod audit;
pub mod cell;
pub mod contract;
pub mod experiment;
pub mod header;
pub mod limits;
pub mod load;
pub mod measured;
pub mod pace;
pub mod server;
pub mod step;
pub mod store;
pub mod transport;

/// Version of the schema; it rises with every change that an older reader would misread.
pub const SCHEMA: u32 = 1;
