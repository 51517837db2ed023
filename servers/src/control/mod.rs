//! Interrupting a server from outside: requests that are [under way](crate::under_way) are listed, held, resumed and
//! cancelled at a second door.
//!
//! The textbooks know three ways to tell a server that what it does is not wanted any more. The client leaves: every
//! [driver](crate::drivers) looks for that. It sends [urgent data](mod@crate::under_way::urgent). Or somebody uses the
//! second door, the [`port`], which a thread of its own serves ([`door`]), whatever the architecture is busy with.

pub mod door;
pub mod port;
