//! What a first tier decides, sans-IO: how the answer of a backend is read, how a request is passed on, which backend
//! is asked, and what becomes of a request whose backend fails.
//!
//! It owns no socket, thread or clock. Instants are arguments, in nanoseconds of one clock, and what it knows of the
//! backends lies in [cells](farm::Farm) of memory that somebody else owns: where that memory is shared, forked
//! workers have one view of the backends as threads do.
//!
//! | part | what |
//! |---|---|
//! | [`answer`] | reads an answer; what two recipients could read differently is a [fault](fault::GatewayFault), for which the client gets a 502 |
//! | [`rewrite`] | writes a request or an answer anew from its parts: what is meant for one connection alone stays behind (RFC 9110, 7.6.1) |
//! | [`farm`] | the backends: their weights, and what is under way at each |
//! | [`policy`], [`names`] | which backend is asked; one file each under [`policies`] |
//! | [`health`] | which backends are there |
//! | [`retry`] | what may be sent again, and how often |
//! | [`lab`] | what each policy comes to where nothing disturbs it |

#![forbid(unsafe_code)]

pub mod answer;
pub mod dice;
pub mod farm;
pub mod fault;
mod head;
pub mod health;
pub mod lab;
pub mod limits;
pub mod names;
pub mod policies;
pub mod policy;
pub mod retry;
pub mod rewrite;
