//! # Idea
//! A process for each connection: the parent accepts, a child serves that connection and exits.
//!
//! # Picture
//! ```text
//!   parent:  accept -> fork -> accept -> fork -> ...        SIGCHLD -> waitpid
//!                        |                 |
//!   children:            +-> serve, exit   +-> serve, exit
//! ```
//!
//! # Price
//! A process for each connection: page tables are copied, pages are copied on the first write, and at the end come
//! the child's exit and the parent's `waitpid`. With a new connection for each request this is the most expensive
//! design in the book, by more than ten times.
//!
//! # Shines
//! Isolation. A child can corrupt its memory, drop privileges, change its root directory or be killed, and its
//! siblings do not notice. Nothing leaks for long, because every child exits after one connection. And a child can
//! [become the user](crate::kit::identity) whom its client has proved to be, as sshd's does: from then
//! on the kernel itself decides which files it opens. Every other design serves several users by one process, and has
//! to read the owners' lists [by itself](crate::services::owner); both answers agree.
//!
//! # Breaks
//! At the limit of processes: further clients get a 503 at once. Children share no memory, so a cache that one child
//! fills helps no other, and what one puts into a queue no other can take (`/queues` answers 501). Overload control
//! has one state for all children, in shared memory; a request's age runs from its arrival in the kernel, because a
//! child that has no core does not read. What the children [work on](crate::under_way) is listed in shared memory too,
//! and an order for one of them reaches its child by a signal.
//!
//! # Lineage
//! The Unix way since 4.2BSD (inetd, CERN httpd); Stevens, *UNP* 5 and 30.5. PostgreSQL and sshd still do it.
//!
//! # Question
//! A child increments a counter in memory for each request that it serves. What does the parent read there
//! after a thousand requests?
//!
//! <details><summary>Answer</summary>
//!
//! Zero. A child has a copy of the parent's memory, and what it writes is copied away at the first write.
//! What children are to share has to live in a mapping that was made shared before the fork, a file or a
//! socket.
//!
//! </details>

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
    source: include_str!("fork.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    let children = Children::reaped_by_signal(&site.memory)?;
    site.ready(1);
    while let Some(stream) = accept(site)? {
        if !site.may_admit(children.living()) {
            refuse(site, stream, tally);
            continue;
        }
        // After the fork both processes own the connection. The child takes its copy out of `stream`; the parent
        // drops its own at the end of this iteration.
        let mut stream = Some(stream);
        let serve = || {
            if let Some(stream) = stream.take() {
                blocking::serve(&mut BlockingWire::new(stream, site), site, tally);
            }
        };
        if children.start(site, serve).is_err()
            && let Some(stream) = stream.take()
        {
            refuse(site, stream, tally);
        }
    }
    Tally::add(&tally.faults, children.stop_all()? as u64);
    Ok(())
}
