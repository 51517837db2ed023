//! # Idea
//! An epoll loop for each core. Each loop has a listener of its own on the same address, and the kernel spreads new
//! connections over the listeners. Loops share nothing but a counter of open connections, and nothing is handed over.
//!
//! # Picture
//! ```text
//!              +-> listener 1 -> epoll loop 1  (core 1)
//!   kernel ----+-> listener 2 -> epoll loop 2  (core 2)
//!   (hash)     +-> listener N -> epoll loop N  (core N)
//! ```
//!
//! # Price
//! For each request the same as in the epoll chapter. The kernel spreads connections by a hash, so one loop can have
//! too many of the busy ones while another is idle; the counts at the end of a run show how even it was.
//!
//! # Shines
//! On many cores: there is no lock and no queue that all loops would compete for.
//!
//! # Breaks
//! With few, heavy connections, which no hash can spread evenly; and, as every loop, with a service that computes.
//! Overload control has one state for all loops; a request is as old as in [the loop](super::readiness).
//!
//! A loop that ends takes the queue of its listener with it: a successor therefore takes all listeners
//! over, and where a superserver has opened one socket all loops share it.
//!
//! # Lineage
//! SO_REUSEPORT, Linux 3.9 (2013, Herbert); nginx `reuseport`, Envoy, Seastar; Netty's boss and workers with one
//! listener.
//!
//! # Question
//! There are two loops on two cores, and four connections of which one is busy all the time. How much of the
//! machine is used?
//!
//! <details><summary>Answer</summary>
//!
//! One core. A connection belongs to the loop that its hash has chosen, and no loop helps another. With
//! thousands of connections the hash evens out; with four it is luck.
//!
//! </details>

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use crossbeam::channel::bounded;

use super::readiness::{self, epoll::Epoll};
use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::selector::Selector as _;
use crate::drivers::workers::Alone;
use crate::kit::site::Site;
use crate::kit::threads;
use crate::limits::{MAX_CONNECTIONS, THREAD_STACK_BYTES};

/// An epoll loop per core.
pub const MULTI_REACTOR: Architecture = Architecture {
    name: "multi-reactor",
    idea: "an epoll loop for each core, each with a listener of its own",
    family: Family::Readiness,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Epoll,
        served_by: ServedBy::Loops,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Address,
    },
    wall: "few heavy connections, which no hash can spread",
    knobs: &[Knob::Workers, Knob::MaxConnections],
    defaults: |cores| Defaults { workers: cores, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("multi_reactor.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let standing = &AtomicUsize::new(0);
    thread::scope(|scope| {
        // The threads are started first, because the kernel gives a share of the connections to each listener, whether
        // or not there is a thread to serve it. Each waits for its listener.
        let (hand_out, tools) = bounded::<(TcpListener, Epoll, usize)>(site.settings.workers);
        let reactor = |index| {
            let tools = tools.clone();
            move || {
                let Ok((listener, epoll, loops)) = tools.recv() else { return Ok(()) };
                react(site, index + 1, &listener, epoll, || stands(site, standing, loops))
            }
        };
        // This thread is a loop as well, so none of the others is indispensable.
        let others = site.settings.workers - 1;
        let others = threads::start(scope, others, THREAD_STACK_BYTES, reactor).unwrap_or_default();
        let loops = others.len() + 1;
        // All selectors and listeners are made before the first connection is accepted, while there are descriptors
        // for them.
        let make = |_| Ok((site.sharing.sibling(&site.listener)?, Epoll::new()?, loops));
        let first = Epoll::new()?;
        let siblings = others.iter().map(make).collect::<io::Result<Vec<_>>>()?;
        siblings.into_iter().for_each(|sibling| hand_out.send(sibling).expect("there is room for all"));
        let ended = react(site, 0, &site.listener, first, || stands(site, standing, loops));
        others
            .into_iter()
            .fold(ended, |ended, other| ended.and(other.join().expect("the loop did not panic")))
    })
}

/// One loop; `ready` is called when it stands.
fn react(
    site: &'static Site,
    place: usize,
    listener: &TcpListener,
    epoll: Epoll,
    ready: impl FnOnce(),
) -> io::Result<()> {
    let tally = site.tallies.of(place);
    let ended = readiness::run(epoll, site, listener, tally, &mut Alone { site, tally }, ready);
    // The kernel would go on spreading connections over the other loops, but those of this one are lost, so the server
    // ends as a whole.
    ended.inspect_err(|_| site.stop.request())
}

/// Counts a loop that stands; the last one says so.
fn stands(site: &Site, standing: &AtomicUsize, loops: usize) {
    if standing.fetch_add(1, SeqCst) + 1 == loops {
        site.ready(loops);
    }
}
