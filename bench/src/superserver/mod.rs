//! A superserver: it listens for servers that do not run yet, and starts one when somebody connects.
//!
//! ```text
//!                 +- wait ----> starts the program with the listening socket, and listens again when that ends
//!   poll(2) over -+
//!   all sockets   +- nowait --> accepts, and starts the program with the connection
//! ```
//!
//! Its table is that of inetd(8), so the same file drives both. What differs is told by `dyno superserver --help`.

pub(crate) mod fault;
mod lines;
mod listeners;
pub(crate) mod run;
mod start;
pub(crate) mod table;
mod throttle;
mod user;
