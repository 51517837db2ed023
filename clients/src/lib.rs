//! The load generator, the probe and the browser-like client.
//!
//! | to read about | open |
//! |---|---|
//! | what a run gives back | [`outcome`] |

pub mod outcome;
