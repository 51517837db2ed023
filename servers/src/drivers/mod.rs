//! The drivers: code that carries a connection once a chapter has decided which process, thread or loop serves it.
//!
//! | to | use |
//! |---|---|
//! | put a transport under an HTTP connection | [`session`] |
//! | keep an answer that is not due yet, and the earliest deadline | [`timed`] |
//! | let no connection keep a thread from the others | [`share`] |
//! | carry one connection by calls that block | [`blocking`] |
//! | let few workers serve many connections by such calls | [`crew`], a single one: [`patience`] |
//! | carry one connection as a task | [`task`], with one timer for many waits: [`alarm`] |
//! | let a coroutine wait | [`fiber`] |
//! | carry many connections by readiness | [`readiness`], [`selector`], [`workers`] |
//! | carry many connections by completion | [`completion`], [`ring`] |
//! | share memory and deadlines between the connections of a loop | [`buffers`], [`deadlines`] |
//! | hand requests to a pool, and answers back to its loop | [`request_queue`], [`inbox`] |
//! | put another HTTP in front of the services | [`async_wire`], [`gate`], [`answer`], [`exchange`] |
//! | limit its time and memory | [`head_limit`], [`write_limit`], [`wire_memory`] |

pub mod alarm;
pub mod answer;
pub mod async_wire;
pub mod blocking;
pub mod buffers;
pub mod completion;
pub mod crew;
pub mod deadlines;
pub mod exchange;
pub mod fiber;
pub mod gate;
pub mod head_limit;
mod holding;
pub mod inbox;
pub mod patience;
pub mod readiness;
pub mod request_queue;
pub mod ring;
mod ring_pool;
pub mod selector;
pub mod session;
pub mod share;
pub mod task;
pub mod timed;
pub mod wire_memory;
pub mod workers;
pub mod write_limit;
