//! Code that the load commands share: from arguments to a plan, progress, and writing results.

pub(crate) mod carry;
pub(crate) mod news;
pub(crate) mod options;
pub(crate) mod page;
pub(crate) mod patience;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod route;
pub(crate) mod serving;
pub(crate) mod versus;
pub(crate) mod view;
pub(crate) mod write;
