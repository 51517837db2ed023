//! What a group of bursts on two servers has come to: the words between the generator and whoever measures the servers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::failure::RequestFailure;
use crate::outcome::ErrorKind;
use crate::plan::bursts::SIDES;

/// What a group of bursts has come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstGroup {
    /// Each server.
    pub sides: [BurstSide; SIDES],
    /// For how long the generator had work, ns.
    pub busy_ns: u64,
    /// For how long it stood still although it had something to do, ns.
    pub paused_ns: u64,
    /// From the first request to the last answer, ns.
    pub took_ns: u64,
}

/// What a group of bursts has come to on one server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BurstSide {
    /// Right answers.
    pub answered: u64,
    /// Failures by kind; a kind that did not occur is absent.
    pub failed: BTreeMap<ErrorKind, u64>,
    /// The first failure, in words.
    pub example: Option<String>,
    /// Bursts.
    pub bursts: u64,
    /// From the first request of each burst to its last answer, added up, ns.
    pub active_ns: u64,
    /// Connections that were open at the end.
    pub open: u32,
}

/// How a group is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOrder {
    /// How often A B B A.
    pub quads: u32,
    /// Whether B begins.
    pub b_begins: bool,
}

impl BurstSide {
    /// A request has failed.
    pub(crate) fn failed(&mut self, failure: &RequestFailure) {
        *self.failed.entry(failure.kind()).or_default() += 1;
        self.example.get_or_insert_with(|| failure.to_string());
    }
}
