//! Numbers with units, read from users and shown to users: one voice for the load generator, the bench and its
//! reports.
//!
//! A measured figure is shown with three significant digits and its unit; a number of things is shown whole.
//! How far a figure may be believed is said in one vocabulary, too.

pub mod paint;
pub mod read;
pub mod show;
pub mod text;
pub mod verdict;
