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
//!
//! # Lineage
//! SO_REUSEPORT, Linux 3.9 (2013, Herbert); nginx `reuseport`, Envoy, Seastar; Netty's boss and workers with one
//! listener.

use std::io;
use std::net::TcpListener;
use std::thread;

use super::readiness::{self, epoll::Epoll};
use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::selector::Selector as _;
use crate::drivers::workers::Alone;
use crate::kit::listen::sibling;
use crate::kit::site::Site;
use crate::limits::MAX_CONNECTIONS;

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
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    // All selectors and listeners are made before the first connection is accepted, while there are descriptors for
    // them.
    let make = |_| Ok((sibling(&site.listener)?, Epoll::new()?));
    let siblings = (1..site.settings.workers).map(make).collect::<io::Result<Vec<_>>>()?;
    let first = Epoll::new()?;
    thread::scope(|scope| {
        let mut loops = Vec::with_capacity(siblings.len());
        for (index, (listener, epoll)) in siblings.into_iter().enumerate() {
            let reactor = move || react(site, index + 1, &listener, epoll);
            loops.push(thread::Builder::new().spawn_scoped(scope, reactor)?);
        }
        react(site, 0, &site.listener, first)?;
        loops.into_iter().try_for_each(|reactor| reactor.join().expect("the loop did not panic"))
    })
}

fn react(site: &'static Site, place: usize, listener: &TcpListener, epoll: Epoll) -> io::Result<()> {
    let tally = site.tallies.of(place);
    readiness::run(epoll, site, listener, tally, &mut Alone { site, tally })
}
