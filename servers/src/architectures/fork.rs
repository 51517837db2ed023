//! # Idea
//! A process for each connection: the parent accepts, a child serves and ends.
//!
//! # Picture
//! ```text
//!   parent:  accept -> fork -> accept -> fork -> ...        SIGCHLD -> waitpid
//!                        |                 |
//!   children:            +-> serve, exit   +-> serve, exit
//! ```
//!
//! # Price
//! A process for each connection: page tables copied, pages copied on the first write, an exit and a funeral. With a
//! new connection for each request it is the most expensive design in the book, by more than ten times.
//!
//! # Shines
//! Isolation. Whatever a child does to itself, its siblings never notice; it can drop privileges, change its root,
//! and be killed alone. Nothing leaks, because everything ends.
//!
//! # Breaks
//! At the limit of processes: past it clients get a quick 503. Nothing is shared, so a cache warms for nobody.
//!
//! # Lineage
//! The Unix way since 4.2BSD (inetd, CERN httpd); Stevens, *UNP* 5 and 30.5. PostgreSQL and sshd still do it.

use std::io;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::blocking::{self, BlockingWire};
use crate::kit::accept::{accept, refuse};
use crate::kit::process::Children;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::MAX_PROCESSES;

/// A process per connection.
pub const FORK: Architecture = Architecture {
    name: "fork",
    idea: "a process for each connection",
    family: Family::Processes,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Blocking,
        served_by: ServedBy::Processes,
        started: Started::Process,
        hand_overs: HandOvers::Never,
        shares: Shares::Listener,
    },
    wall: "the limit of processes; past it 503",
    knobs: &[Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_PROCESSES, queue_places: 0 },
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    let children = Children::reaped_by_signal()?;
    while let Some(stream) = accept(site)? {
        if children.living() >= site.settings.max_connections {
            refuse(stream, tally);
            continue;
        }
        // After the fork the connection belongs to both. The child takes its copy out of `stream`; the parent's is
        // let go of at the end of this turn.
        let mut stream = Some(stream);
        let serve = || {
            if let Some(stream) = stream.take() {
                blocking::serve(&mut BlockingWire::new(stream, site), site, tally);
            }
        };
        if children.start(site, serve).is_err()
            && let Some(stream) = stream.take()
        {
            refuse(stream, tally);
        }
    }
    Tally::add(&tally.faults, children.stop_all()? as u64);
    Ok(())
}
