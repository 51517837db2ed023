//! The policies by their names.

use std::fmt;
use std::str::FromStr;

use crate::policies::{hash, jiq, lard, least, p2c, peak_ewma, random, round_robin};
use crate::policy::Dispatch;

/// Every policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyName {
    /// In turn, as often as their weights say.
    RoundRobin,
    /// By chance, as often as their weights say.
    Random,
    /// Who has the fewest requests under way, for its weight.
    Least,
    /// Two by chance, and of these the one with fewer.
    P2c,
    /// Two by chance, and of these the one with the lower latency times load; a peak of latency counts at once, and
    /// fades.
    PeakEwma,
    /// The same backend for the same path, unless it is loaded by a quarter more than the mean.
    Hash,
    /// The same for the same path, moved when its backend is busy and another one idle.
    Lard,
    /// Who has nothing under way; if there is none, by chance.
    Jiq,
}

/// There is no such policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such policy of forwarding")]
pub struct NoPolicy;

impl PolicyName {
    /// All of them, in the order in which they are shown.
    pub const ALL: [PolicyName; 8] = [
        PolicyName::RoundRobin,
        PolicyName::Random,
        PolicyName::Least,
        PolicyName::P2c,
        PolicyName::PeakEwma,
        PolicyName::Hash,
        PolicyName::Lard,
        PolicyName::Jiq,
    ];

    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            PolicyName::RoundRobin => "round-robin",
            PolicyName::Random => "random",
            PolicyName::Least => "least",
            PolicyName::P2c => "p2c",
            PolicyName::PeakEwma => "peak-ewma",
            PolicyName::Hash => "hash",
            PolicyName::Lard => "lard",
            PolicyName::Jiq => "jiq",
        }
    }

    /// The policy for backends of these weights.
    pub fn policy(self, weights: &[u32]) -> Box<dyn Dispatch> {
        match self {
            PolicyName::RoundRobin => Box::new(round_robin::RoundRobin::new(weights)),
            PolicyName::Random => Box::new(random::Random),
            PolicyName::Least => Box::new(least::Least),
            PolicyName::P2c => Box::new(p2c::TwoChoices),
            PolicyName::PeakEwma => Box::new(peak_ewma::PeakEwma),
            PolicyName::Hash => Box::new(hash::BoundedHash::new(weights)),
            PolicyName::Lard => Box::new(lard::Lard::new()),
            PolicyName::Jiq => Box::new(jiq::JoinIdle),
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PolicyName {
    type Err = NoPolicy;

    fn from_str(name: &str) -> Result<Self, NoPolicy> {
        PolicyName::ALL.into_iter().find(|policy| policy.name() == name).ok_or(NoPolicy)
    }
}
