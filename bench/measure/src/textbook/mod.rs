//! Claims that books and lectures make, each tried on this machine by a small trial of its own.
//!
//! A claim stands with its source, its range and its trial in the file of its group. The trial gives a figure of each
//! side in every round, in turns; [`judge`](dyno_analysis::textbook::judge) alone decides what they say.
//!
//! | file | what it holds |
//! |---|---|
//! | `claim` | what a claim is |
//! | `rounds` | how two sides take turns |
//! | `starting`, `switching`, `waking`, `watching`, `sockets`, `secrets` | claims about steps |
//! | `at_work`, `standing` | what claims about servers need: cells of an experiment, and clients who wait |
//! | `waiting`, `crashing`, `loading` | claims about servers |

pub mod claim;
pub mod rounds;

mod at_work;
mod crashing;
mod loading;
mod secrets;
mod sockets;
mod standing;
mod starting;
mod switching;
mod waiting;
mod waking;
mod watching;

use claim::Claim;

/// All claims, in the order in which they are shown: steps first, then servers.
pub const ALL: [&[Claim]; 9] = [
    &starting::CLAIMS,
    &switching::CLAIMS,
    &waking::CLAIMS,
    &watching::CLAIMS,
    &sockets::CLAIMS,
    &secrets::CLAIMS,
    &waiting::CLAIMS,
    &crashing::CLAIMS,
    &loading::CLAIMS,
];

/// All claims, one after the other.
pub fn claims() -> impl Iterator<Item = &'static Claim> {
    ALL.into_iter().flatten()
}

/// The claim of that name.
pub fn named(name: &str) -> Option<&'static Claim> {
    claims().find(|claim| claim.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use dyno_record::textbook::ClaimedQuantity;

    #[test]
    fn there_are_twenty_claims_and_more_with_names_of_their_own() {
        let names: BTreeSet<&str> = claims().map(|claim| claim.name).collect();
        assert_eq!(names.len(), claims().count());
        assert!(names.len() >= 20, "{}", names.len());
    }

    #[test]
    fn each_claim_has_a_source_a_range_and_its_words() {
        for claim in claims() {
            let name = claim.name;
            assert!(!claim.source.author.is_empty() && !claim.source.work.is_empty(), "{name}");
            assert!(claim.claimed.least.is_some() || claim.claimed.most.is_some(), "{name}");
            assert!(
                claim.claimed.least.unwrap_or(f64::MIN) < claim.claimed.most.unwrap_or(f64::MAX),
                "{name}"
            );
            let sides = if claim.claimed.of == ClaimedQuantity::Ratio { 2 } else { 1 };
            assert!(claim.figures.len() >= sides, "{name}: a ratio has two sides");
            for sentence in [claim.says, claim.trial, claim.if_holds, claim.if_not] {
                assert!(sentence.ends_with('.') && sentence.len() > 20, "{name}: {sentence}");
            }
            assert!(name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{name}");
        }
    }
}
