//! A server that takes the place of another without a client noticing.
//!
//! ```text
//!   client ---> [ listening socket ] <--- predecessor (drains, then ends)
//!                        ^
//!                        +--------------- successor (accepts)
//! ```
//!
//! The successor gets the predecessor's listening sockets themselves, not sockets of its own on the same address. So
//! there is one queue of connections all the time, and whoever stands in it is accepted by one of the two. With
//! SO_REUSEPORT each process has a queue of its own, and what stands in the queue of the one that ends is reset.
//!
//! 1. A server that may be followed listens at a [`door`] of its own, a Unix socket, on a thread beside those that
//!    serve.
//! 2. A [`successor`] connects. Each sees in the kernel's own word (SO_PEERCRED, unix(7)) that the other is of the same
//!    user. The predecessor passes its listening sockets (SCM_RIGHTS), and goes on serving.
//! 3. The successor starts, with the listeners in hand. When it is ready it says so; only now the predecessor drains:
//!    it accepts nothing more, answers what has arrived, and ends. If the successor ends before, nothing has
//!    happened.
//!
//! Connections that are open stay with the predecessor until its drain ends them: with their next answer, or after two
//! seconds without a request. One taker at a time is let in; another is told who is there.

pub mod door;
mod message;
pub mod place;
pub mod successor;
