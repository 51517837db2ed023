//! A fuzz target for each parser: what it must never do, whatever the input. A violation is a panic.
//!
//! The drivers are `tests/tests/fuzz.rs`, which every test run plays for seconds, and `run.rs`, which coverage guides;
//! any other one needs only [`all`].

mod gateway;
mod http;
mod secure;

/// One parser under test.
pub(crate) struct Target {
    /// What it is called on a command line.
    pub name: &'static str,
    /// Inputs to start from: well-formed ones, as far as there are any.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Takes any input; panics when a rule is broken.
    pub run: fn(&[u8]),
}

/// Every parser that reads what others wrote.
pub(crate) fn all() -> impl Iterator<Item = &'static Target> {
    http::ALL.iter().chain(&gateway::ALL).chain(&secure::ALL)
}
