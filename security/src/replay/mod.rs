//! Freshness for messages that stand alone: a sequence window (RFC 6479) and a timestamp.
//!
//! Encryption and signatures say nothing about *when*: a recorded order to pay opens as well the second time. Here
//! every message carries a number and a time, both authenticated; the receiver refuses what it has seen, what is too
//! old to know whether it has seen it, and what does not belong to now. Only a message whose tag has been checked moves
//! the window: otherwise one forged number far ahead would shut out everything honest.
//!
//! Across a restart, either [`window::Window::save`] was called, or everything older than the restart is refused.

pub mod message;
pub mod window;
