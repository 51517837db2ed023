//! The counts that were stored, and the circumstances in which they were taken.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The stored counts, beside the manifest.
pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.toml");

/// What the counts depend on beside our own code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    rustc: String,
    valgrind: String,
    /// Architecture, and those abilities of the processor by which libraries choose their code.
    processor: String,
}

impl Machine {
    /// The compiler that cargo uses here, and this processor.
    pub(crate) fn here(valgrind: String) -> Machine {
        let rustc = Command::new("rustc").arg("--version").output();
        let rustc =
            rustc.map_or("unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().into());
        Machine { rustc, valgrind, processor: processor() }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.rustc, self.valgrind, self.processor)
    }
}

#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    use std::arch::is_x86_feature_detected as has;
    let abilities = [
        ("aes", has!("aes")),
        ("pclmulqdq", has!("pclmulqdq")),
        ("sha", has!("sha")),
        ("bmi2", has!("bmi2")),
        ("adx", has!("adx")),
        ("avx2", has!("avx2")),
    ];
    let here: Vec<&str> = abilities.iter().filter(|(_, here)| *here).map(|(name, _)| *name).collect();
    format!("x86_64 {}", here.join(" "))
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    std::env::consts::ARCH.into()
}

/// Instructions for a round of each path, by its name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// Where they were counted.
    pub machine: Machine,
    /// The counts.
    pub instructions: BTreeMap<String, f64>,
}

impl Baseline {
    /// The stored baseline.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub(crate) fn read() -> Result<Baseline, Box<dyn Error>> {
        let text = fs::read_to_string(PATH).map_err(|error| format!("{PATH}: {error}"))?;
        Ok(toml::from_str(&text).map_err(|error| format!("{PATH}: {error}"))?)
    }

    /// Stores this as the baseline.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self) -> Result<(), Box<dyn Error>> {
        let head = "# Instructions per round of each hot path; written by `cargo run --release -p dyno-instructions -- --update`.\n\n";
        Ok(fs::write(PATH, format!("{head}{}", toml::to_string(self)?))?)
    }
}
