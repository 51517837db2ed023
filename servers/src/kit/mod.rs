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
//! | carry one by awaiting, in front of another HTTP | [`async_wire`], [`gate`] |
//! | carry many by completion | [`ring`] |
//! | start and reap processes | [`process`] |
//! | count, across threads and forks | [`tally`] |

pub mod accept;
pub mod async_wire;
pub mod buffers;
pub mod call;
pub mod clock;
pub mod deadlines;
pub mod gate;
pub mod listen;
pub mod mailbox;
pub mod process;
pub mod pump;
pub mod reactor;
pub mod ring;
pub mod selector;
pub mod session;
pub mod site;
pub mod stop;
pub mod tally;
