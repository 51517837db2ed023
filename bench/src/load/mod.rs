//! What the load commands share: from arguments to a plan, progress, and writing results.

pub mod plan;
pub mod progress;
pub mod write;
