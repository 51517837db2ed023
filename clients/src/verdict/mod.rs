//! Whether a run may be believed, and whether it kept the thresholds that were asked for.

mod absence;
pub mod condition;
pub mod facts;
pub mod judge;
pub(crate) mod parts_words;
pub mod self_check;
pub mod threshold;
mod words;
