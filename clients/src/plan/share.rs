//! The share of a plan that one of several hosts carries out.
//!
//! All hosts have the same plan, and each its number among them. Connections, requests and places in the backlog are
//! dealt out one by one to all threads of all hosts. Of the schedule each takes its part as [`crate::plan::pacer`]
//! says. Nobody speaks with anybody while the load goes on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::PARTS_MAX;

/// One of several equal shares of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanShare {
    /// Which one, from 1 on.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

impl Default for PlanShare {
    fn default() -> Self {
        PlanShare::WHOLE
    }
}

impl std::fmt::Display for PlanShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "part {} of {}", self.number, self.of)
    }
}

/// Why something written is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// It has not the form of one.
    #[error("'{0}' is no part of a load; write its number and how many there are, such as 2/3")]
    Form(String),
    /// The number is none of those that there are.
    #[error("'{0}': parts are numbered from 1, so the last of {1} is {1}/{1}")]
    Number(String, u32),
    /// There are more than anybody merges.
    #[error("'{0}': a load has at most {PARTS_MAX} parts")]
    TooMany(String),
}

impl PlanShare {
    /// All of it.
    pub const WHOLE: PlanShare = PlanShare { number: 1, of: 1 };

    /// Reads one such as `2/3`.
    ///
    /// # Errors
    /// Says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let trimmed = text.trim();
        let number = |digits: &str| digits.trim().parse::<u32>().ok();
        let (number, of) = trimmed
            .split_once('/')
            .and_then(|(first, second)| Some((number(first)?, number(second)?)))
            .ok_or_else(|| ShareError::Form(text.into()))?;
        if of > PARTS_MAX {
            return Err(ShareError::TooMany(text.into()));
        }
        if number == 0 || number > of {
            return Err(if of == 0 {
                ShareError::Form(text.into())
            } else {
                ShareError::Number(text.into(), of)
            });
        }
        Ok(PlanShare { number, of })
    }

    /// Whether it is all of the plan.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    /// The number of a thread among all threads of all parts, from 0 on, where each part has `threads`. The first
    /// threads of all parts come first, so the parts have equal shares whatever the number of threads.
    pub fn lane(self, thread: u32) -> u64 {
        u64::from(self.number - 1) + u64::from(thread) * u64::from(self.of)
    }

    /// How many threads all parts have together.
    pub fn lanes(self, threads: u32) -> u64 {
        u64::from(threads) * u64::from(self.of)
    }

    /// What a thread has of `all` things that are dealt out one by one.
    pub fn of_thread(self, all: u64, thread: u32, threads: u32) -> u64 {
        let lanes = self.lanes(threads);
        all / lanes + u64::from(self.lane(thread) < all % lanes)
    }

    /// What all threads of this part have of them.
    pub fn of_part(self, all: u64, threads: u32) -> u64 {
        (0..threads).map(|thread| self.of_thread(all, thread, threads)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_refused_with_advice() {
        assert_eq!(PlanShare::parse("2/3"), Ok(PlanShare { number: 2, of: 3 }));
        assert_eq!(PlanShare::parse(" 1 / 1 "), Ok(PlanShare::WHOLE));
        for (text, word) in [
            ("0/3", "numbered from 1"),
            ("4/3", "the last of 3 is 3/3"),
            ("0/0", "such as 2/3"),
            ("2", "such as 2/3"),
            ("-1/3", "such as 2/3"),
            ("one/two", "such as 2/3"),
            ("1/1000000", "at most"),
            ("", "such as 2/3"),
        ] {
            let refused = PlanShare::parse(text).unwrap_err().to_string();
            assert!(refused.contains(word), "{text}: {refused}");
        }
    }

    #[test]
    fn everything_is_dealt_out_once_and_evenly() {
        for of in 1..=16 {
            for threads in 1..=3 {
                for all in [0, 1, 47, 48, 49, 1_000_003] {
                    let parts = (1..=of).map(|number| PlanShare { number, of }.of_part(all, threads));
                    let parts: Vec<u64> = parts.collect();
                    assert_eq!(parts.iter().sum::<u64>(), all, "{of} {threads} {all}");
                    let (least, most) = (parts.iter().min().unwrap(), parts.iter().max().unwrap());
                    assert!(most - least <= 1, "{of} {threads} {all}: {parts:?}");
                }
            }
        }
    }
}
