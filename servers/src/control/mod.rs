//! Interrupting a server: what is under way can be listed, held, resumed and cancelled from outside.
//!
//! The textbooks know three ways to tell a server that what it does is not wanted any more. The client leaves: every
//! [driver](crate::drivers) looks for that. It sends [urgent](mod@urgent) data on the connection. Or somebody uses a second door: the
//! [`port`] that is served here by a thread of its own, whatever the architecture is busy with.
//!
//! | to read about | open |
//! |---|---|
//! | which requests are under way, and what was ordered for each | [`register`], [`entry`] |
//! | a request that looks for its orders | [`watched`] |
//! | the port, and its thread | [`port`], [`door`] |
//! | how a process hears that there is an order | [`bell`] |
//! | urgent data, and why not to build on it | [`mod@urgent`] |
//!
//! A request whose body is still on its way ends with its connection, which is shut down; only hyper, which has the
//! connection to itself, is told and answers. Nothing else is interrupted in the middle of an instruction: a request looks for its orders when it is taken up, when its
//! handler returns, and as often as it is asked to go on while it waits, for which an order is a reason. A handler that
//! computes is therefore cancelled when it returns: on a loop it keeps everybody waiting until then, ordered or not, and
//! on threads it keeps its thread.

pub mod bell;
pub mod door;
pub mod entry;
pub mod port;
pub mod register;
pub mod urgent;
pub mod watched;
