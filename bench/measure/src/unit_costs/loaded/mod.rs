//! The situations in which `dyno explain` takes unit costs of waiting and waking: as a loaded server meets them, with
//! the server on a core of its own and its clients on another, and with the same HTTP on both sides of every
//! comparison. No architecture of Dyno's takes part: what is priced here is what the kernel does.

pub mod beyond_loop;
pub mod callers;
pub mod host;
pub mod relay;
pub mod wake_client;
