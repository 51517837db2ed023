//! # Idea
//! The tokio chapter's tasks with hyper's HTTP instead of ours, for comparison. Everything else is the same, so the
//! difference between the two is what the HTTP implementation costs or saves.
//!
//! # Picture
//! ```text
//!   tokio:  task -> [ Dyno's HTTP ]           -> services
//!   hyper:  task -> [ hyper's HTTP ] -> gate  -> services
//! ```
//!
//! # Price
//! A service that is a future, header maps that are allocated, buffers for each connection.
//!
//! # Shines
//! Years of use, HTTP/2 beside HTTP/1.1, streaming bodies, an ecosystem (axum, tonic, reqwest).
//!
//! # Breaks
//! hyper leaves more to its user than one might expect: the rules of Host, the forms of targets, repeated codings,
//! the answer to a malformed body. The [gate](crate::drivers::gate) in front of the services handles these, as every
//! user of bare hyper has to. Overload control is asked in the gate: before it a request is parsed, and its age runs
//! from its arrival in the kernel. The foil beside it is the limit that its ecosystem offers, tower's
//! ConcurrencyLimit and LoadShed: they count requests under way. What waits in sockets they do not see, so before a
//! service that computes and never waits they refuse nobody, and none of those whom it serves is served in time.
//! The runtime is tokio's: a handler that blocks may stop all connections here as well.
//!
//! # Lineage
//! hyper (McArthur, 2014), the HTTP of most Rust servers.
//!
//! # Question
//! Two servers differ in their HTTP alone, and one takes 3 µs more for a request. May it be said that its
//! library is slower?
//!
//! <details><summary>Answer</summary>
//!
//! That it costs more here, for these requests. It may do more for it: header maps, bodies as streams,
//! HTTP/2. A comparison is fair when both do the same work, and says so where they do not.
//!
//! </details>

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::{ServiceBuilder, ServiceExt};

use super::tokio::{run_tasks, tally_here};
use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::answer::Answer;
use crate::drivers::async_wire::{AsyncWire, SharedTurn, is_of_the_pipe, linger, lock};
use crate::drivers::gate::Gate;
use crate::drivers::share::TurnShare;
use crate::drivers::wire_memory::WireMemory;
use crate::kit::accept::refuse;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{HYPER_HEAD_BYTES, MAX_CONNECTIONS};

/// Tasks with hyper's HTTP, for comparison.
pub const HYPER: Architecture = Architecture {
    name: "hyper",
    idea: "the tokio tasks with hyper's HTTP: what our own core costs or saves",
    family: Family::Tasks,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Epoll,
        served_by: ServedBy::Tasks,
        started: Started::Task,
        hand_overs: HandOvers::Never,
        shares: Shares::Memory,
    },
    wall: "a task that computes holds its thread",
    knobs: &[Knob::Workers, Knob::MaxConnections, Knob::Tower],
    defaults: |cores| Defaults { workers: cores, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("hyper.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    run_tasks(site, converse)
}

/// Serves one connection.
///
/// # Errors
/// When the connection breaks, which concerns only its peer.
pub async fn converse(site: &'static Site, stream: TcpStream) -> io::Result<()> {
    Tally::add(&tally_here(site).connections, 1);
    let Some(memory) = WireMemory::new(site) else {
        refuse(site, stream.into_std()?, tally_here(site));
        return Ok(());
    };
    let wire = AsyncWire::new(site, stream, tally_here(site), memory);
    let gate = Gate::new(site, &wire, tally_here);
    let (attendance, share) = (wire.attendance(), wire.share());
    let last_words = {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // hyper has one time limit for idling and for the head; the wire has two.
            .header_read_timeout(None)
            // So hyper tells when it holds nothing behind a request; the wire keeps the end from it meanwhile.
            .half_close(false)
            .max_headers(site.limits.fields)
            .max_header_size(HYPER_HEAD_BYTES)
            .max_buf_size(HYPER_HEAD_BYTES);
        let wire = TokioIo::new(wire);
        let broken = match &site.tower {
            None => {
                let service = service_fn(|request| gate.answer(request));
                carry(http.serve_connection(wire, service), &gate, &share).await.err()
            }
            Some(limit) => {
                let service = service_fn(|request| answer_within(limit, &gate, request));
                carry(http.serve_connection(wire, service), &gate, &share).await.err()
            }
        };
        // Failures of the secure pipe were counted by the wire.
        let is_fault = broken.as_ref().is_some_and(|error| !is_of_the_pipe(error));
        Tally::add(&tally_here(site).peer_faults, u64::from(is_fault));
        if broken.is_some() || gate.has_ended() { Some(attendance.duplicate()?) } else { None }
    };
    // hyper closes at once. If a client whose connection we end is still sending, the close would become a reset, and
    // the client could lose its last answer.
    match last_words {
        Some(stream) => linger(stream, site.limits.linger_time, site.limits.linger_octets).await,
        None => Ok(()),
    }
}

/// Carries a connection on until it ends or its client has left.
///
/// # Errors
/// When it breaks.
async fn carry(
    connection: impl Future<Output = hyper::Result<()>>,
    gate: &Gate,
    share: &SharedTurn,
) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    poll_fn(|context| {
        *lock(share) = TurnShare::new();
        match connection.as_mut().poll(context) {
            Poll::Pending if gate.has_lost_client() => Poll::Ready(Ok(())),
            poll => poll,
        }
    })
    .await
}

/// Answers a request as a user of tower would have it: no more than so many are under way, and others are turned away.
///
/// # Errors
/// Never: the answer tells what is wrong.
async fn answer_within(
    limit: &GlobalConcurrencyLimitLayer,
    gate: &Gate,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let has_body = !request.body().is_end_stream();
    let services = ServiceBuilder::new()
        .load_shed()
        .layer(limit)
        .service_fn(|request: Request<Incoming>| gate.answer(request));
    // The gate itself knows no errors, so this one is that of the limit.
    Ok(services.oneshot(request).await.unwrap_or_else(|_| gate.turn_away(has_body)))
}
