//! What an experiment leaves behind: JSON lines, from which every report is made.
//!
//! The first line of a file is the [`header`](header::Header): settings, seed, machine, floor. Each further line is one
//! [`cell`](measured::Record), written when it is done. A line names its kind and the version of the schema.

pub mod audit;
pub mod cell;
pub mod header;
pub mod load;
pub mod measured;
pub mod pace;
pub mod server;
pub mod store;

/// Version of the schema; it rises with every change that an older reader would misread.
pub const SCHEMA: u32 = 1;
