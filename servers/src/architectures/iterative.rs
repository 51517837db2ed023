//! # Idea
//! One thread serves one connection from its first byte to its last, then accepts the next.
//!
//! # Picture
//! ```text
//!   backlog: c4 c3 c2 ->  accept  ->  read, call, write, read, ...  ->  close
//!                           ^                                             |
//!                           +---------------------------------------------+
//! ```
//!
//! # Price
//! None: no thread is started, no thread is switched to, no table of connections is kept. A request cannot cost less
//! than here, so every other chapter is measured by what it adds.
//!
//! # Shines
//! With short connections and short services: time servers, health checks, a test of everything else.
//!
//! # Breaks
//! With the first client that stays. While one connection is open, even an idle one, all others wait in the kernel's
//! backlog, and a second core is of no use. The damage has a bound: while others wait, a connection ends with its next
//! answer, and its client is waited for the shorter the more of them there are, in the end for 2 ms. There is nowhere
//! to put a slow client meanwhile, so it is [given up](crate::drivers::patience), and may be an honest one. Where
//! overload is controlled, a request is as old as the time for which it stood in the accept queue with
//! its connection: the kernel knows it, and accept(2) does not tell.
//!
//! # Lineage
//! Comer and Stevens, *Internetworking with TCP/IP* vol. 3, chapter 8; Stevens, *UNP* 1.5 and 30.3, where it is the
//! baseline too.
//!
//! # Question
//! Four clients come at once, and each asks for one answer that takes 10 ms. When has the last of them its
//! answer, and what would a second core change?
//!
//! <details><summary>Answer</summary>
//!
//! After 40 ms: each waits for all before it. A second core changes nothing, because one thread uses one
//! core. That is the price of having nothing to switch to, and the reason why nothing is cheaper for a single
//! client.
//!
//! </details>

use std::io;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::patience::Patience;
use crate::kit::accept::accept;
use crate::kit::site::Site;

/// The baseline.
pub const ITERATIVE: Architecture = Architecture {
    name: "iterative",
    idea: "one thread, one connection at a time",
    family: Family::Iterative,
    concurrency: Concurrency::One,
    anatomy: Anatomy {
        waits_by: WaitsBy::Blocking,
        served_by: ServedBy::OnlyThread,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Nothing,
    },
    wall: "the first client that stays; while others wait, it is soon given up",
    knobs: &[],
    defaults: |_| Defaults { workers: 1, max_connections: 1, queue_places: 0 },
    source: include_str!("iterative.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    let mut patience = Patience::new(site);
    site.ready(1);
    while let Some(stream) = accept(site)? {
        patience.serve(stream, tally);
    }
    Ok(())
}
