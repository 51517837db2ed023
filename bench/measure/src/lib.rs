//! How a server is measured: contestants and generators are started as programs, what they cost is read from the
//! kernel, each cell is judged, and experiments decide which cell comes when.
//!
//! * [`contestant`]: programs that take part, Dyno's own and foreign ones;
//! * [`rig`]: what a measurement needs of the world, done with processes;
//! * [`probe`]: what the kernel tells of processes, cores, memory and network;
//! * `runner`: one cell, from start to stop; `audit`: whether it may be believed;
//! * [`setup`]: what all experiments have in common; [`order`], [`campaign`]: which cell comes when, and an
//!   experiment while it runs;
//! * [`experiment`]: compare, curve, scale, connections, explain;
//! * [`unit_costs`]: what the steps cost of which architectures are made;
//! * [`doctor`], [`environment`], [`floor`]: the machine itself.

mod audit;
pub mod campaign;
pub mod contestant;
pub mod doctor;
pub mod environment;
pub mod experiment;
pub mod floor;
pub mod limits;
pub mod order;
pub mod probe;
pub mod rig;
mod runner;
pub mod setup;
pub mod suggest;
pub mod unit_costs;
