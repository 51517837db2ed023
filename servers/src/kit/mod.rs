//! The verbs that all chapters share. The chapters decide which process, thread or loop runs what, and the
//! [drivers](crate::drivers) carry connections; the kit does neither.
//!
//! | to | use |
//! |---|---|
//! | open the listening socket | [`listen`] |
//! | adopt a socket that somebody else has opened; share it with others | [`mod@adopt`], [`sharing`] |
//! | accept, and know what a failure means | [`accept`] |
//! | end when nobody comes | [`idle`] |
//! | turn a stop signal into an orderly end | [`stop`], with [`marks`] |
//! | read the time once for many uses | [`clock`] |
//! | call a service and survive its panic | [`mod@call`] |
//! | let a request look for its orders | [`watched`] |
//! | know whether a client has left | [`client`] |
//! | bound the memory that connections hold, by what there is | [`memory`], [`available`] |
//! | wait for one descriptor; know whether waiting cures an error | [`mod@wait`], [`shortage`] |
//! | start threads, as many as the system allows | [`threads`] |
//! | start and reap processes | [`process`] |
//! | count, across threads and forks | [`tally`] |
//! | judge who may do what, and be the user | [`access`], [`identity`] |
//! | tell the operator what goes wrong | [`complaint`] |

pub mod accept;
pub mod access;
pub mod adopt;
pub mod available;
pub mod call;
pub mod client;
pub mod clock;
pub mod complaint;
pub mod identity;
pub mod idle;
pub mod listen;
pub mod marks;
pub mod memory;
pub mod process;
pub mod sharing;
pub mod shortage;
pub mod site;
pub mod stop;
pub mod tally;
pub mod threads;
pub mod wait;
pub mod watched;
