//! A load of which both sides write down each request: what the plan wanted, what the generator did, and which points
//! the request passed in the server, joined by connection and number, on one clock.
//!
//! * [`run`]: a server that writes a trace, and the load on it;
//! * [`join`]: the two sides become one timeline of each request;
//! * [`segment`]: a timeline as stretches, each of one [part](dyno_analysis::timeline::TimePart);
//! * [`front`]: what stood in front of a request.

pub mod front;
pub mod join;
pub mod run;
pub mod segment;
#[cfg(test)]
mod tests;
