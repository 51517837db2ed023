//! A claim, its source, and the trial that decides it.

use std::io;
use std::path::PathBuf;

use dyno_analysis::textbook::{Judgement, TrialRounds};
use dyno_record::textbook::{
    ClaimFigure, ClaimFinding, ClaimSource, ClaimUnit, ClaimVerdict, ClaimedQuantity, ClaimedRange,
};
use dyno_statistics::sample::median;

use crate::contestant::error::ContestantError;
use crate::rig::CellFault;
use crate::rig::system::SystemError;

/// Two figures are told apart when they differ by this share: less is nothing that a design is chosen for.
pub(super) const MATTERS: f64 = 1.05;

/// What a claim means that says "about", as a factor up and down.
pub(super) const ABOUT: f64 = 1.5;

/// A claim of a book, a paper or a lecture.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Its name on the command line.
    pub name: &'static str,
    /// The group to which it belongs.
    pub group: &'static str,
    /// The claim, in a sentence.
    pub says: &'static str,
    /// Who says so.
    pub source: Printed,
    /// What the claim comes to.
    pub claimed: ClaimedRange,
    /// What the figures are of: the first side, and the second.
    pub figures: &'static [&'static str],
    /// Their unit.
    pub unit: ClaimUnit,
    /// How it is tried, in a sentence.
    pub trial: &'static str,
    /// Why it holds, where it does.
    pub if_holds: &'static str,
    /// Why it does not, where it does not.
    pub if_not: &'static str,
    /// The trial.
    pub run: fn(&Effort) -> Result<TrialRounds, TrialError>,
}

/// A source.
#[derive(Debug, Clone, Copy)]
pub struct Printed {
    /// Who wrote it.
    pub author: &'static str,
    /// The work, with edition and year.
    pub work: &'static str,
    /// Chapter or section.
    pub place: &'static str,
}

/// How much is done for a claim.
#[derive(Debug, Clone)]
pub struct Effort {
    /// Rounds; each gives one figure of each side.
    pub rounds: u32,
    /// Where files may be written.
    pub directory: PathBuf,
}

/// Why a claim could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The system refused something.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A server did not keep to its contract.
    #[error("{}", .0.words)]
    Server(CellFault),
    /// There is no rig.
    #[error("{0}")]
    Rig(#[from] SystemError),
    /// There is no such contestant.
    #[error("{0}")]
    Contestant(#[from] ContestantError),
    /// The machine has too few cores for it.
    #[error("it needs a second core")]
    OneCore,
    /// The audit found too many cells void.
    #[error("only {usable} of {all} rounds count: {reason}")]
    Void {
        /// Rounds in which every cell counts.
        usable: usize,
        /// All rounds.
        all: usize,
        /// Why the last void cell was void.
        reason: String,
    },
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
}

impl From<CellFault> for TrialError {
    fn from(fault: CellFault) -> Self {
        TrialError::Server(fault)
    }
}

impl From<nix::errno::Errno> for TrialError {
    fn from(error: nix::errno::Errno) -> Self {
        TrialError::System(error.into())
    }
}

/// The ratio of both figures is at least this.
pub(super) const fn at_least(least: f64) -> ClaimedRange {
    ClaimedRange { of: ClaimedQuantity::Ratio, least: Some(least), most: None }
}

/// The ratio of both figures is at most this.
pub(super) const fn at_most(most: f64) -> ClaimedRange {
    ClaimedRange { of: ClaimedQuantity::Ratio, least: None, most: Some(most) }
}

/// The ratio of both figures is about this.
pub(super) const fn about(ratio: f64) -> ClaimedRange {
    ClaimedRange { of: ClaimedQuantity::Ratio, least: Some(ratio / ABOUT), most: Some(ratio * ABOUT) }
}

/// The first figure lies in this range.
pub(super) const fn itself(least: Option<f64>, most: Option<f64>) -> ClaimedRange {
    ClaimedRange { of: ClaimedQuantity::First, least, most }
}

impl Claim {
    /// What was found of the claim.
    pub fn finding(&self, rounds: &TrialRounds, judgement: Judgement) -> ClaimFinding {
        let sides = [&rounds.first, &rounds.second];
        let figures = self.figures.iter().zip(sides).map(|(of, side)| ClaimFigure {
            of: (*of).to_string(),
            unit: self.unit,
            median: median(side),
            rounds: side.clone(),
        });
        let because = match judgement.verdict {
            ClaimVerdict::Holds => self.if_holds.to_string(),
            ClaimVerdict::DoesNotHold => self.if_not.to_string(),
            ClaimVerdict::NotDecided if judgement.estimate.is_none() => {
                "Too few rounds gave a figure."
                    .to_string()
            }
            ClaimVerdict::NotDecided => {
                "The interval reaches over an end of what is claimed; a quieter machine or more rounds may decide."
                    .to_string()
            }
        };
        ClaimFinding {
            figures: figures.collect(),
            estimate: judgement.estimate,
            rounds: judgement.rounds,
            verdict: judgement.verdict,
            because,
            ..self.untried(String::new())
        }
    }

    /// The finding where the claim could not be tried, and why.
    pub fn untried(&self, why: String) -> ClaimFinding {
        let Printed { author, work, place } = self.source;
        ClaimFinding {
            name: self.name.to_string(),
            group: self.group.to_string(),
            says: self.says.to_string(),
            source: ClaimSource { author: author.into(), work: work.into(), place: place.into() },
            claimed: self.claimed,
            trial: self.trial.to_string(),
            figures: Vec::new(),
            estimate: None,
            rounds: 0,
            verdict: ClaimVerdict::NotDecided,
            because: why,
        }
    }
}
