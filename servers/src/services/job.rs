//! A reply that is not ready, and what it waits for.

use std::os::fd::RawFd;
use std::task::Waker;
use std::time::Instant;

use dyno_http::response::Response;

/// A reply that waits for something: for time, for another request, or for a descriptor. Who waits is the
/// architecture's affair.
///
/// It is dropped without an answer when its client has left, and what it holds of others must then be given back by
/// its `drop`. It may be asked to go on at any time, also without a reason, and from another thread than before.
pub trait WaitingJob: Send {
    /// Goes on as far as it gets without waiting. `waker` is kept by a job that somebody else will make going on
    /// possible for; only the last one counts.
    fn go_on(&mut self, now: Instant, waker: &Waker) -> JobStep;
}

/// How far a job has come.
#[derive(Debug)]
pub enum JobStep {
    /// To its answer.
    Done(Response),
    /// To where it waits for this, and no longer than until then.
    Wait(For, Option<Instant>),
}

/// What a job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Only for the time until which it waits at the most.
    Time,
    /// For its waker, which another request, or another thread, wakes.
    Waker,
    /// For a descriptor, which the job keeps open until it goes on or is dropped.
    Descriptor(RawFd, JobSide),
}

/// What a job wants to do with a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobSide {
    /// Read from it.
    Read,
    /// Write to it.
    Write,
}
