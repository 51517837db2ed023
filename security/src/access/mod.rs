//! Access control: who may do what with which object.
//!
//! Two questions are asked in this order, and both must be answered with yes.
//!
//! * **Mandatory**: does the operator's [policy](policy::Policy) let this principal use this verb on this object? The
//!   owner of an object cannot change the answer.
//! * **Discretionary**: does the [access control list](acl::Acl) of the object, which belongs to its owner, let this
//!   user?
//!
//! Whatever is not known is denied: a principal without a rule, an object without one, an object whose name is
//! [not canonical](object::NotCanonical). Nothing here does I/O, so a loop may ask.
//!
//! ```text
//!   peer ──▶ principal ─┐
//!   request ─▶ verb ────┼──▶ Policy::decide ──▶ Decision (allowed, line)
//!   target ──▶ object ──┘
//!   principal ─▶ Users ─┐
//!   open file ─▶ Acl ───┴──▶ Acl::allows
//! ```
//!
//! Source of the terms: Saltzer and Schroeder, *The Protection of Information in Computer Systems* (1975), which also
//! gives the reasons for the fail-safe default and for complete mediation.

pub mod acl;
pub mod fault;
pub mod file;
pub mod object;
pub mod policy;
pub mod principal;
mod rules;
pub mod users;
