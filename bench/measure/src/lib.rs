//! How a server is measured: contestants and generators are started as programs, their costs are read from the
//! kernel, each cell is audited, and experiments decide the order of cells.
//!
//! * [`contestant`]: programs that take part, Dyno's own and foreign ones;
//! * [`rig`]: the interface between the measurement and the world, implemented with processes;
//! * [`probe`]: what the kernel reports of processes, cores, memory and network;
//! * `runner`: one cell, from start to stop; `bout`: two that take turns; `audit`: whether its result may be believed;
//! * [`place`]: which cores each side gets;
//! * [`setup`]: what all experiments have in common; [`order`]: the order of cells; [`campaign`]: an experiment while
//!   it runs;
//! * [`preflight`]: whether the service is there at all;
//! * [`experiment`]: compare, curve, scale, connections, waiting, duel, explain;
//! * [`count`]: instructions per request, counted in an emulated machine;
//! * [`textbook`]: claims of books, each tried by a small trial;
//! * [`traced`]: a load of which both sides write down each request;
//! * [`isolation`]: what a handler that fails costs everybody else;
//! * [`unit_costs`]: the costs of the steps of which architectures are made;
//! * [`doctor`], [`environment`], [`floor`]: the machine itself.

mod audit;
mod bout;
pub mod campaign;
pub mod contestant;
pub mod count;
pub mod doctor;
pub mod environment;
pub mod experiment;
pub mod floor;
pub mod isolation;
pub mod limits;
pub mod order;
pub mod place;
pub mod preflight;
pub mod probe;
pub mod rig;
mod runner;
mod settle;
pub mod setup;
pub mod suggest;
pub mod textbook;
pub mod traced;
pub mod unit_costs;
