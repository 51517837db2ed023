//! The load generator, the probe and the browser-like client.
//!
//! Load is three independent axes, each in one place: the plan says what, the pacer says when, the engine does it.
//!
//! | to read about | open |
//! |---|---|
//! | what shall be sent, and how the answers must look | [`plan`], [`request`] |
//! | when requests start | [`profile`], [`pacer`], [`dispatch`] |
//! | how they are sent and read | [`engine`], [`response`] |
//! | what is written down | [`split`], [`tally`], [`histogram`], [`series`], [`arrivals`] |
//! | what a run gives back | [`outcome`], [`verdict`] |
//! | bounds; numbers with units | [`limits`], [`units`] |

pub mod arrivals;
pub mod dispatch;
pub mod engine;
pub mod histogram;
pub mod limits;
pub mod outcome;
pub mod pacer;
pub mod plan;
pub mod profile;
pub mod request;
pub mod response;
pub mod series;
pub mod split;
pub mod tally;
pub mod units;
pub mod verdict;
