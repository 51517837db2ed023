//! Exit codes, and the failure that ends a command.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | fine |
//! | 1 | the run failed |
//! | 2 | wrong usage: an unknown name, an impossible value, a combination that makes no sense |
//! | 3 | a condition decided it: `--require` does not hold, `--fail-if` does, `--abort-on` ended the run |
//! | 4 | a regression against the baseline |
//! | 5 | the result is invalid: its audit declared it void |
//! | 130 | interrupted; what was measured has been written and is marked as partial |

use std::fmt;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Code 0: fine.
    Success,
    /// Code 1: the run failed.
    Failed,
    /// Code 2: wrong usage.
    Usage,
    /// Code 3: a threshold was missed.
    ThresholdMissed,
    /// Code 4: a regression against the baseline.
    Regression,
    /// Code 5: the result is invalid.
    Invalid,
    /// Code 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::ThresholdMissed => 3,
            Exit::Regression => 4,
            Exit::Invalid => 5,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// Why a command could not do its work, and what the user can do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The exit code that goes with it.
    pub(crate) exit: Exit,
    /// What went wrong, in one line.
    pub(crate) message: String,
    /// What to do about it; empty when there is nothing to advise.
    pub(crate) remedy: String,
}

impl Failure {
    /// The run failed (exit code 1).
    pub(crate) fn failed(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { exit: Exit::Failed, message: message.into(), remedy: remedy.into() }
    }

    /// The command line makes no sense (exit code 2).
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { exit: Exit::Usage, message: message.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dyno: {}", self.message)?;
        if !self.remedy.is_empty() {
            write!(f, "\n      {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}
