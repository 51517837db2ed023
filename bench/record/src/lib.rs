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
pub mod instructions;
pub mod isolation;
pub mod limits;
pub mod load;
pub mod measured;
pub mod pace;
pub mod quota;
pub mod server;
pub mod step;
pub mod store;
pub mod textbook;
pub mod transport;
pub mod waiting;
pub mod workload;

/// Version of the schema; it rises with every change that an older reader would misread.
///
/// | version | what rose it |
/// |---|---|
/// | 1 | the first |
/// | 2 | a verdict stands under `verdict` and in the words of `dyno load`; `standing: valid` of version 1 is `sound` |
pub const SCHEMA: u32 = 2;

/// The oldest schema that is still read.
pub const SCHEMA_OLDEST: u32 = 1;
