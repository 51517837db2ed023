//! The drivers: code that carries a connection once a chapter has decided which process, thread or loop serves it.
//!
//! | to | use |
//! |---|---|
//! | put a transport under an HTTP connection | [`session`] |
//! | keep an answer that is not due yet, and the earliest deadline | [`timed`] |
//! | let no connection keep a thread from the others | [`share`] |
//! | hold a reply that is not ready | [`held`] |
//! | wait for it with a thread or a coroutine | [`attending`], [`parking`]; with a task: [`awaiting`] |
//! | wait for it in a loop | [`room`], with a [`mailbox`] |
//! | carry one connection by calls that block | [`blocking`], by a [`wire`] |
//! | let few workers serve many connections by such calls | [`crew`], a single one: [`patience`] |
//! | carry one connection as a task | [`task`], with one timer for many waits: [`alarm`] |
//! | let a coroutine wait | [`fiber`] |
//! | carry many connections by readiness | [`readiness`], [`selector`], [`workers`] |
//! | carry many connections by completion | [`completion`], [`ring`] |
//! | share memory and deadlines between the connections of a loop | [`buffers`], [`deadlines`] |
//! | hand work to a pool | [`work_queue`] |
//! | hand answers back from a pool to a loop | [`inbox`] |
//! | put another HTTP in front of the services | [`async_wire`], [`gate`], [`answer`], [`exchange`], [`sentry`], [`attendance`] |
//! | limit its time and memory | [`head_limit`], [`write_limit`], [`wire_memory`] |

pub mod alarm;
pub mod answer;
pub mod async_wire;
pub mod attendance;
pub mod attending;
pub mod awaiting;
pub mod blocking;
pub mod buffers;
pub mod completion;
pub mod crew;
pub mod deadlines;
pub mod exchange;
pub mod fiber;
pub mod gate;
pub mod head_limit;
pub mod held;
mod holding;
pub mod inbox;
pub mod mailbox;
pub mod parking;
pub mod patience;
pub mod readiness;
pub mod ring;
mod ring_pool;
pub mod room;
mod secure;
pub mod selector;
pub mod sentry;
pub mod session;
pub mod share;
pub mod task;
pub mod timed;
pub mod wire;
pub mod wire_memory;
pub mod work_queue;
pub mod workers;
pub mod write_limit;
