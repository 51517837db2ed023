//! Code that all commands for experiments share: the options, and how the experiment is carried out.
//!
//! | file | what it holds |
//! |---|---|
//! | [`spec`] | what an experiment is asked for, in command line, file and records alike |
//! | [`values`] | its values, written and read with their units |
//! | [`options`] | the command line of an experiment, alone or on top of a file |
//! | [`preset`] | how long the cells are, and how many |
//! | [`setup`] | the contestants and the cores on this machine |
//! | [`conduct`] | the experiment itself, from its directory to its report |

pub(crate) mod conduct;
pub(crate) mod options;
pub(crate) mod preset;
pub(crate) mod reads;
pub(crate) mod services;
pub(crate) mod setup;
pub(crate) mod spec;
pub(crate) mod values;
