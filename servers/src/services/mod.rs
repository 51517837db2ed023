//! What the servers do for a client. Every service is a plain function of a request, knows the answer it must give, so
//! that load can verify it, and is a row of [`ALL`].
//!
//! CPU work is done in the call and so occupies whoever runs it. A modelled back-end call is not waited for here: the
//! [`service::Reply`] says how long it takes, and the architecture decides who waits.

use service::Service;

pub mod bytes;
pub mod compute;
pub mod echo;
pub mod fault;
pub mod files;
pub mod hello;
pub mod json;
pub mod mix;
pub mod pages;
pub mod preconditions;
pub mod ranges;
pub mod service;
pub mod wait;

/// Every service, in the order in which `dyno list` shows them.
pub const ALL: [&Service; 10] = [
    &hello::SERVICE,
    &json::SERVICE,
    &echo::SERVICE,
    &bytes::SERVICE,
    &compute::SERVICE,
    &wait::SERVICE,
    &mix::SERVICE,
    &pages::SERVICE,
    &files::SERVICE,
    &fault::SERVICE,
];
