//! What a server is given to run.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use dyno_http::limits::Limits;
use dyno_security::pipe::Acceptor;

use super::stop::Stop;
use super::tally::Tallies;
use crate::services::service::Services;

/// What a server is given to run: where to listen, what to serve, within which limits, and until when.
pub struct Site {
    /// The listening socket, blocking; it is the architecture's to use as it likes.
    pub listener: TcpListener,
    /// What is served.
    pub services: Services,
    /// The bounds of HTTP.
    pub limits: Arc<Limits>,
    /// Makes the secure end under each connection; `None`: plaintext.
    pub transport: Option<Box<dyn Acceptor>>,
    /// How many of what.
    pub settings: Settings,
    /// The stop switch.
    pub stop: &'static Stop,
    /// Connections that loops serve now, all loops together.
    pub open_connections: AtomicUsize,
    /// The counts, shared by threads and forked workers.
    pub tallies: Tallies,
}

/// The options of `dyno serve` that chapters read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Processes, threads or loops.
    pub workers: usize,
    /// Places between dispatcher and workers.
    pub queue_places: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// The plain or the tuned variant.
    pub arm: Arm,
    /// How long a stopping server waits for requests in flight.
    pub drain: Duration,
}

/// The variant of a chapter that has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arm {
    /// As a textbook would write it.
    Plain,
    /// With all that the kernel offers.
    #[default]
    Tuned,
}
