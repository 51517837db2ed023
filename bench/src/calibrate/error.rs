//! Why a calibration cannot go on. A wrong value is no error: finding such values is the purpose of a calibration.

use std::io;
use std::process::ExitStatus;

use dyno_units::read::ReadError;

/// Why a process of a calibration cannot do its part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CalibrationError {
    /// The program's own file cannot be found, so nothing can be started.
    #[error("where this program lies: {0}")]
    OwnProgram(io::Error),
    /// The reference server cannot be started, read or ended.
    #[error("the reference server: {0}")]
    Reference(io::Error),
    /// The first line of the reference server does not say where it listens.
    #[error("the reference server is not ready: {0}")]
    NotReady(String),
    /// The last line of the reference server does not say what it did.
    #[error("the reference server ends without an account: {0}")]
    NoAccount(String),
    /// Dyno's generator cannot be started.
    #[error("dyno load: {0}")]
    Load(io::Error),
    /// Dyno's generator ended without a result.
    #[error("dyno load gave no result ({status}): {said} {error}")]
    NoResult {
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        said: String,
        /// Why its standard output is no result.
        error: serde_json::Error,
    },
    /// A thread may not run on the CPU that it is for.
    #[error("CPU {cpu}: {error}")]
    Cpu {
        /// Number of the CPU.
        cpu: usize,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A foreign generator cannot be started.
    #[error("{tool}: {error}")]
    Tool {
        /// Name of its program.
        tool: &'static str,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A foreign generator ended without reporting a value.
    #[error("{tool} reported nothing ({status}): {said}")]
    NothingReported {
        /// Name of its program.
        tool: &'static str,
        status: ExitStatus,
        /// What it wrote to standard error.
        said: String,
    },
}

/// Why a text is no law of latency.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum LawError {
    /// A time or a number in it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It has no colon.
    #[error("'{0}' is no law: delay:TIME or queue:service=TIME")]
    NoLaw(String),
    /// The word before the colon is unknown.
    #[error("'{0}' is no law: delay or queue")]
    Unknown(String),
    /// A part of a queue has no equals sign.
    #[error("'{0}' is not KEY=VALUE")]
    NoKey(String),
    /// A part of a queue has an unknown key.
    #[error("'{0}' is no part of a queue: service, exponential, stall, from, period")]
    UnknownKey(String),
    /// A queue without a service time.
    #[error("a queue needs service=TIME")]
    NoService,
    /// A server that stands still all the time.
    #[error("a stall is shorter than its period, or the server never gets on")]
    EndlessStall,
}
