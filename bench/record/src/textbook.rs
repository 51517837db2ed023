//! What `dyno textbook` writes: each claim with its source, what was measured of it, and the verdict.

use serde::{Deserialize, Serialize};

use crate::header::Environment;

/// Version of the schema of [`TextbookRun`]; it rises with every change that an older reader would misread.
pub const TEXTBOOK_SCHEMA: u32 = 1;

/// Claims that were tried on a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TextbookRun {
    /// Version of the schema.
    pub schema: u32,
    /// When it began, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// The machine.
    pub environment: Environment,
    /// The claims, in the order of the table.
    pub findings: Vec<ClaimFinding>,
}

/// A claim, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClaimFinding {
    /// Its name, by which it can be tried alone.
    pub name: String,
    /// The group to which it belongs.
    pub group: String,
    /// The claim in a sentence.
    pub says: String,
    /// Who says so.
    pub source: ClaimSource,
    /// What the claim comes to, as a range of a quantity.
    pub claimed: ClaimedRange,
    /// How it was tried.
    pub trial: String,
    /// The figures of both sides, or of the one that there is.
    pub figures: Vec<ClaimFigure>,
    /// Interquartile mean of the quantity over the rounds, with its 95 % interval; absent where too few rounds gave a
    /// figure.
    pub estimate: Option<ClaimEstimate>,
    /// Rounds that gave a figure.
    pub rounds: usize,
    /// Whether it holds on this machine.
    pub verdict: ClaimVerdict,
    /// Why, in a sentence.
    pub because: String,
}

/// Where a claim stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClaimSource {
    /// Who wrote it.
    pub author: String,
    /// The book, paper or page, with its edition and year.
    pub work: String,
    /// Chapter or section; empty where the whole work says it.
    pub place: String,
}

/// What a claim comes to: the quantity lies in this range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClaimedRange {
    /// Of which quantity.
    pub of: ClaimedQuantity,
    /// Least value; absent for none.
    pub least: Option<f64>,
    /// Largest value; absent for none.
    pub most: Option<f64>,
}

/// The quantity that a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimedQuantity {
    /// The first figure, divided by the second of the same round.
    Ratio,
    /// The first figure.
    First,
}

/// A figure of one side, over the rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClaimFigure {
    /// Of what.
    pub of: String,
    /// In which unit.
    pub unit: ClaimUnit,
    /// Median of the rounds; absent where none gave a figure.
    pub median: Option<f64>,
    /// Each round.
    pub rounds: Vec<f64>,
}

/// The unit of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimUnit {
    /// Time.
    Ns,
    /// Memory.
    Bytes,
    /// Answers a second.
    PerS,
    /// A part of a whole, from 0 to 1.
    Share,
    /// A number of things.
    Count,
}

/// A quantity with the interval that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ClaimEstimate {
    /// The value.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Whether a claim holds on the machine on which it was tried.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimVerdict {
    /// The whole interval lies in the range that is claimed.
    Holds,
    /// The whole interval lies outside.
    DoesNotHold,
    /// The interval reaches over an end of the range, or there are too few rounds.
    NotDecided,
}

impl ClaimVerdict {
    /// All of them, in the order in which they are counted.
    pub const ALL: [ClaimVerdict; 3] =
        [ClaimVerdict::Holds, ClaimVerdict::DoesNotHold, ClaimVerdict::NotDecided];

    /// Its words.
    pub fn words(self) -> &'static str {
        match self {
            ClaimVerdict::Holds => "holds",
            ClaimVerdict::DoesNotHold => "does not hold here",
            ClaimVerdict::NotDecided => "not decided",
        }
    }
}
