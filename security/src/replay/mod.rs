//! Freshness for messages that stand alone: a sequence window (RFC 6479) and a timestamp.
//!
//! Encryption and signatures say nothing about *when*: a recorded order to pay opens as well the second time. Here
//! every message carries a number and a time, both authenticated; the receiver refuses what it has seen, what is too
//! old to know whether it has seen it, and what does not belong to now. Only a message whose tag has been checked moves
//! the window: otherwise one forged number far ahead would shut out everything honest.
//!
//! Across a restart, either the window was saved after each message, or everything is refused that can have been taken
//! before: what carries a time up to the restart, and the tolerance of the clocks beyond it. Where the receiver acts
//! on a message, the act itself should bear to be asked for twice (an order with a number of its own is paid once).

pub mod message;
pub mod window;
