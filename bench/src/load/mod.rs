//! Code that the load commands share: from arguments to a plan, progress, and writing results.

pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod route;
pub(crate) mod write;
