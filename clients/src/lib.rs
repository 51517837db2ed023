//! The load generator, the probe and the browser-like client.
//!
//! Load is three independent axes, each in one place: the plan says what, the pacer says when, the engine does it.
//!
//! | to read about | open |
//! |---|---|
//! | what shall be sent, and how the answers must look | [`plan`], [`request`] |
//! | when requests start | [`profile`], [`pacer`], [`dispatch`] |
//! | how they are sent and read | [`engine`], [`response`] |
//! | one blocking exchange; where a URL leads; mixes from files | [`exchange`], [`place`], [`mixfile`] |
//! | the browser-like client | [`browser`] |
//! | what is written down | [`split`], [`tally`], [`histogram`], [`series`], [`arrivals`] |
//! | from plan to outcome, and the judgement of it | [`run`], [`audit`], [`threshold`] |
//! | what a run gives back | [`outcome`], [`verdict`] |
//! | how it is shown; what to do when no answer comes | [`report`], [`remedy`] |
//! | bounds; numbers with units | [`limits`], `dyno-units` |

pub mod arrivals;
pub mod audit;
pub mod browser;
pub mod dispatch;
pub mod engine;
pub mod exchange;
pub mod histogram;
pub mod limits;
pub mod mixfile;
pub mod outcome;
pub mod pacer;
pub mod place;
pub mod plan;
pub mod profile;
pub mod remedy;
pub mod report;
pub mod request;
pub mod response;
pub mod run;
pub mod series;
pub mod split;
pub mod tally;
pub mod threshold;
pub mod verdict;
