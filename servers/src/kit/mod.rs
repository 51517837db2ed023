//! The verbs that the chapters share. Nothing in here decides who runs what: that is the chapters' own.
//!
//! | to | use |
//! |---|---|
//! | open the listening socket | [`listen`] |
//! | accept, and know what a failure means | [`accept`] |
//! | turn a stop signal into an orderly end | [`stop`] |
//! | read the time once for many uses | [`clock`] |
//! | put a transport under an HTTP connection | [`session`] |
//! | call a service and survive its panic | [`mod@call`] |
//! | carry one connection by blocking calls | [`pump`] |
//! | carry many by readiness | [`selector`], [`reactor`], [`deadlines`], [`buffers`] |
//! | hand answers back from a pool to a loop | [`mailbox`] |
//! | let a coroutine wait | [`fiber`] |
//! | await with one timer for many waits | [`alarm`] |
//! | put another HTTP in front of the services | [`async_wire`], [`gate`] |
//! | carry many by completion | [`ring`], [`proactor`] |
//! | start and reap processes | [`process`] |
//! | count, across threads and forks | [`tally`] |
//! | tell the operator what a peer did wrong | [`complaint`] |

pub mod accept;
pub mod alarm;
pub mod async_wire;
pub mod buffers;
pub mod call;
pub mod clock;
pub mod complaint;
pub mod deadlines;
pub mod fiber;
pub mod gate;
pub mod listen;
pub mod mailbox;
pub mod proactor;
pub mod process;
pub mod pump;
pub mod reactor;
pub mod ring;
pub mod selector;
pub mod session;
pub mod site;
pub mod stop;
pub mod tally;
