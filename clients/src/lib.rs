//! The load generator, the probe and the browser-like client.
//!
//! Load is three independent axes, each in one place: the plan says what, the pacer says when, the engine does it.
//!
//! | to read about | open |
//! |---|---|
//! | what shall be sent, and how the answers must look | [`plan`], [`plan::request`], [`plan::mixfile`], [`plan::place`] |
//! | when requests start | [`plan::profile`], [`plan::pacer`], [`plan::dispatch`] |
//! | how they are sent and read | [`engine`], [`response`] |
//! | what is written down: where the latency of a request is split | [`books`], [`books::split`] |
//! | from plan to outcome | [`run`] |
//! | what a run gives back | [`outcome`], [`outcome::verdict`] |
//! | whether it may be believed | [`verdict::self_check`], [`verdict::threshold`] |
//! | a load that several hosts make together | [`parts`] |
//! | one blocking exchange; the browser-like client | [`exchange`], [`browser`] |
//! | why a request fails, and what that suggests | [`failure`] |
//! | how a run is shown | [`report`] |
//! | bounds; numbers with units | [`limits`], `dyno-units` |

pub mod books;
pub mod browser;
pub mod engine;
pub mod exchange;
pub mod failure;
pub mod limits;
pub mod outcome;
pub mod parts;
pub mod plan;
pub mod report;
pub mod response;
pub mod run;
pub mod verdict;
