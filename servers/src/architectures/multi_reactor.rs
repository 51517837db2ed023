//! # Idea
//! An epoll loop for each core. Each has a listener of its own on the same address, and the kernel deals connections
//! out among them; nothing is shared, nothing is handed over.
//!
//! # Picture
//! ```text
//!              +-> listener 1 -> epoll loop 1  (core 1)
//!   kernel ----+-> listener 2 -> epoll loop 2  (core 2)
//!   (hash)     +-> listener N -> epoll loop N  (core N)
//! ```
//!
//! # Price
//! Per request the epoll chapter's. Connections are dealt by a hash, so a loop can have too many of the busy ones while
//! another is idle; the counts at the end of a run show how evenly it went.
//!
//! # Shines
//! On many cores: there is no lock and no queue that all would meet at.
//!
//! # Breaks
//! With few, heavy connections, which no hash can spread; with a service that computes, as every loop.
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
    // All is made before anybody is let in, while there are descriptors for it.
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
