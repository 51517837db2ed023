//! Contestants that carry planted faults out.

use super::Contestant;

/// Has the contestant offer planted faults.
#[must_use]
pub fn with_faults(mut contestant: Contestant) -> Contestant {
    contestant.command.push("--faults".to_string());
    contestant
}
