//! Pacer, dispatcher, split, books and audit against a simulated server on a simulated clock: no socket, no sleep,
//! and a truth that is known to the nanosecond.

mod audit;
mod identity;
mod laws;
mod phases;
mod world;
