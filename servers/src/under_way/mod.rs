//! Which requests are under way, and what was ordered for each.
//!
//! | to read about | open |
//! |---|---|
//! | the register of all requests | [`register`] |
//! | what it knows of one, and what can be ordered | [`entry`] |
//! | how a process hears that there is an order | [`bell`] |
//! | urgent data, by which a client gives an order itself, and why not to build on it | [`mod@urgent`] |
//!
//! A request whose body is still on its way ends with its connection, which is shut down; only where the HTTP is not
//! ours, and has the connection to itself, is it told and answers. Nothing else is interrupted in the middle: a request
//! [looks for its orders](crate::kit::watched) when it is taken up, when its handler returns, and as often as it is
//! asked to go on while it waits, for which an order is a reason. A handler that computes is therefore cancelled when
//! it returns: on a loop it keeps everybody waiting until then, ordered or not, and on threads it keeps its thread.

pub mod bell;
pub mod entry;
pub mod register;
pub mod urgent;
