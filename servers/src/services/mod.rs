//! What the servers do for a client. Every service is a plain function of a request, declares the answer that it must
//! give, so that the load generator can verify it, and is a row of [`ALL`].
//!
//! CPU work is done in the call and so occupies the calling thread. The wait for a modelled back end is not done
//! here: the [`service::Reply`] says how long the back end takes, and the architecture decides which thread or loop
//! waits.

use service::Service;

pub mod bytes;
pub mod compute;
pub mod echo;
pub mod fault;
pub mod files;
pub mod forward;
pub mod hello;
pub mod job;
pub mod json;
pub mod mix;
pub mod owner;
pub mod pages;
pub mod preconditions;
pub mod queue;
pub mod queue_table;
pub mod queues;
pub mod ranges;
pub mod service;
pub mod upload;
pub mod uploads;
pub mod wait;
pub mod work;

/// Every service, in the order in which `dyno list` shows them.
pub const ALL: [&Service; 12] = [
    &hello::SERVICE,
    &json::SERVICE,
    &echo::SERVICE,
    &bytes::SERVICE,
    &compute::SERVICE,
    &wait::SERVICE,
    &mix::SERVICE,
    &pages::SERVICE,
    &queues::SERVICE,
    &files::SERVICE,
    &uploads::SERVICE,
    &fault::SERVICE,
];
