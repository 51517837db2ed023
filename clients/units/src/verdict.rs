//! How far a figure may be believed: one vocabulary for a run, a cell of an experiment, their reports and exit
//! codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::paint::Tone;

/// The verdict on a figure; of two that hold for it, the later in this order counts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No check found anything.
    #[default]
    #[serde(alias = "valid")]
    Sound,
    /// It counts; read it with the findings beside it.
    Doubtful,
    /// It is a lower bound: something else than the server was the limit.
    AtLeast,
    /// It does not describe the server, and counts for nothing.
    Void,
}

impl Verdict {
    /// Every verdict, from the best to the worst.
    pub const ALL: [Verdict; 4] = [Verdict::Sound, Verdict::Doubtful, Verdict::AtLeast, Verdict::Void];

    /// As it stands in reports, in small letters.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Sound => "sound",
            Verdict::Doubtful => "doubtful",
            Verdict::AtLeast => "at least",
            Verdict::Void => "void",
        }
    }

    /// Before a figure that it holds for.
    pub fn sign(self) -> &'static str {
        if self == Verdict::AtLeast { "≥ " } else { "" }
    }

    /// What it means, as a colour on the terminal.
    pub fn tone(self) -> Tone {
        match self {
            Verdict::Sound => Tone::Good,
            Verdict::Doubtful | Verdict::AtLeast => Tone::Doubt,
            Verdict::Void => Tone::Bad,
        }
    }

    /// Whether it is the value of the figure, and not only a bound or nothing.
    pub fn is_value(self) -> bool {
        self < Verdict::AtLeast
    }
}
