//! A browser-like client: fetches a page and what belongs to it, with several threads and blocking requests.
//!
//! It shows how threads hide latency: while one waits for its answer, the others wait for theirs at the same time.

pub mod fetch;
pub mod links;
pub mod waterfall;
