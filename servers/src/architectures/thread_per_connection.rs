//! # Idea
//! A kernel thread for each connection (one to one): the main thread accepts, and each thread serves one client with
//! blocking calls.
//!
//! # Picture
//! ```text
//!   main:     accept -> spawn -> accept -> spawn -> ...
//!                         |                  |
//!   threads:              +-> serve, end     +-> serve, end
//! ```
//!
//! # Price
//! The start and the end of a thread for each connection, two context switches for each request that the thread had
//! to wait for, and a stack for each client, idle or not.
//!
//! # Shines
//! The code reads like the protocol, from top to bottom. All cores are used without any further effort; a slow client
//! or a slow service delays no other connection.
//!
//! # Breaks
//! With tens of thousands of clients: memory, the scheduler's queues, the limit of threads. Past that limit clients
//! get a 503 at once. And with a handler that ends its process (an abort, a stack that overflows): threads share it, so
//! all connections end, as in every design without processes. Under overload control a request's age runs from its
//! arrival in the kernel until its thread gets a core, and what other threads have begun counts as standing before
//! it.
//!
//! # Lineage
//! Birrell, *An Introduction to Programming with Threads* (1989); Stevens, *UNP* 26 and 30.10; Java servers for twenty
//! years. Von Behren et al., *Why Events Are a Bad Idea* (2003), defend it.
//!
//! # Question
//! A thread waits for a client that says nothing. What does it cost the other clients?
//!
//! <details><summary>Answer</summary>
//!
//! No CPU time at all: a thread that waits is not in the scheduler's queue. It costs memory, a stack and what
//! the kernel keeps of a thread, and one place of the limit. So idle clients fill the memory long before they
//! take a core.
//!
//! </details>

use std::io;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::blocking::{self, BlockingWire};
use crate::kit::accept::{accept, refuse};
use crate::kit::site::Site;
use crate::limits::{MAX_THREADS, THREAD_STACK_BYTES};

/// A kernel thread per connection.
pub const THREAD_PER_CONNECTION: Architecture = Architecture {
    name: "thread-per-connection",
    idea: "a kernel thread for each connection (one to one)",
    family: Family::Threads,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Blocking,
        served_by: ServedBy::Threads,
        started: Started::Thread,
        hand_overs: HandOvers::Never,
        shares: Shares::Memory,
    },
    wall: "the limit of threads; past it 503",
    knobs: &[Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_THREADS, queue_places: 0 },
    source: include_str!("thread_per_connection.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    let living = AtomicUsize::new(0);
    let living = &living;
    site.ready(1);
    thread::scope(|scope| {
        while let Some(stream) = accept(site)? {
            if !site.may_admit(living.load(Relaxed)) {
                refuse(site, stream, tally);
                continue;
            }
            living.fetch_add(1, Relaxed);
            // The thread takes the connection out; if no thread can be started, it is still there to be refused.
            let held = Arc::new(Mutex::new(Some(stream)));
            let taken = Arc::clone(&held);
            let serve = move || {
                if let Some(stream) = take(&taken) {
                    blocking::serve(&mut BlockingWire::new(stream, site), site, tally);
                }
                living.fetch_sub(1, Relaxed);
            };
            if thread::Builder::new().stack_size(THREAD_STACK_BYTES).spawn_scoped(scope, serve).is_err() {
                living.fetch_sub(1, Relaxed);
                take(&held).into_iter().for_each(|stream| refuse(site, stream, tally));
            }
        }
        Ok(())
    })
}

fn take(held: &Mutex<Option<TcpStream>>) -> Option<TcpStream> {
    held.lock().unwrap_or_else(PoisonError::into_inner).take()
}
