//! # Idea
//! A task for each connection, many tasks on a few kernel threads (many to many). A task is a state machine that the
//! compiler made of straight code; the runtime runs whichever can go on, and idle threads steal tasks from busy ones.
//!
//! # Picture
//! ```text
//!   thread 1 [ t1 t4 t7 ]  <-- steals --  thread 2 [ t2 ]
//!        \________________ epoll, timers ________/
//!   task:  read.await -> call -> write.await -> read.await -> ...
//! ```
//!
//! # Price
//! A task's allocation for each connection, a wake-up through the runtime for each wait, timers rounded to milliseconds.
//! No stack: an idle task is as large as what it remembers.
//!
//! # Shines
//! Many connections, all cores, straight code, and an ecosystem that speaks every protocol.
//!
//! # Breaks
//! When a task computes for long without a pause, its thread serves nobody else; half-sync/half-async is the cure
//! (`spawn_blocking`). Work that moves between threads takes its cache along.
//!
//! # Lineage
//! Erlang's processes; Go's scheduler (2012); tokio (2016), whose scheduler of 2019 follows it. The HTTP here is Dyno's
//! own core, so that the next chapter can say what hyper's costs.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net;
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dyno_http::connection::Want;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::select;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use crate::architecture::{Architecture, Concurrency, Defaults, Family, Knob};
use crate::kit::accept::{Accepted, Mode, accept_once, refuse};
use crate::kit::alarm::within;
use crate::kit::call::call;
use crate::kit::clock::Clock;
use crate::kit::session::Session;
use crate::kit::site::Site;
use crate::kit::stop::Mark;
use crate::kit::tally::Tally;
use crate::limits::{EXHAUSTED_PAUSE, MAX_CONNECTIONS};

/// Tasks on a work-stealing runtime.
pub const TOKIO: Architecture = Architecture {
    name: "tokio",
    idea: "tasks on a work-stealing runtime (many to many)",
    family: Family::Tasks,
    concurrency: Concurrency::Many,
    wall: "a task that computes holds its thread",
    knobs: &[Knob::Workers, Knob::MaxConnections],
    defaults: |cores| Defaults { workers: cores, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    run_tasks(site, converse)
}

/// Runs one task of `serve` for each connection, on as many threads as there are workers.
///
/// # Errors
/// When the runtime cannot start or the listener breaks.
pub fn run_tasks<F>(site: &'static Site, serve: fn(&'static Site, TcpStream) -> F) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    site.listener.set_nonblocking(true)?;
    let threads = AtomicUsize::new(0);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(site.settings.workers)
        .on_thread_start(move || WORKER.set(threads.fetch_add(1, Relaxed)))
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let most = site.settings.max_connections.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        accept_all(site, serve, &places).await?;
        // Nobody is left when all places are free again. Past the deadline, dropping the runtime drops the tasks.
        let deadline = site.stop.deadline().unwrap_or_else(std::time::Instant::now);
        let everybody = places.acquire_many(u32::try_from(most).unwrap_or(u32::MAX));
        let _ = timeout_at(Instant::from_std(deadline), everybody).await;
        Ok(())
    })
}

async fn accept_all<F>(
    site: &'static Site,
    serve: fn(&'static Site, TcpStream) -> F,
    places: &Arc<Semaphore>,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    // SAFETY: the site, and with it both descriptors, lives as long as the process.
    let listener = unsafe { AsyncFd::register(site.listener.as_fd()) }?;
    // SAFETY: as above.
    let stop = unsafe { AsyncFd::register(site.stop.as_fd()) }?;
    loop {
        let mut knock = select! {
            biased;
            _ = stop.readable() => return Ok(()),
            knock = listener.readable() => knock?,
        };
        match accept_once(site, &site.listener, Mode::NonBlocking)? {
            Accepted::Connection(stream) => admit(site, stream, serve, places),
            Accepted::Nobody => knock.clear_ready(),
            Accepted::Exhausted => sleep(EXHAUSTED_PAUSE).await,
            Accepted::Stopped => return Ok(()),
        }
    }
}

fn admit<F>(
    site: &'static Site,
    stream: net::TcpStream,
    serve: fn(&'static Site, TcpStream) -> F,
    places: &Arc<Semaphore>,
) where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        return refuse(stream, site.tallies.of(0));
    };
    tokio::spawn(async move {
        // The runtime's own epoll may refuse the descriptor, and a broken connection is the peer's affair.
        if let Ok(stream) = TcpStream::from_std(stream) {
            let _ = serve(site, stream).await;
        }
        drop(place);
    });
}

thread_local! {
    static WORKER: Cell<usize> = const { Cell::new(0) };
}

/// The counts of the thread that runs the task at present.
pub fn tally_here(site: &'static Site) -> &'static Tally {
    site.tallies.of(WORKER.get())
}

/// Serves one connection: the pump of the blocking designs, with awaits where those wait.
async fn converse(site: &'static Site, mut stream: TcpStream) -> io::Result<()> {
    let mut clock = Clock::new();
    let mut session = Session::new(site, tally_here(site), clock.now());
    let mut alarm = pin!(sleep_until(Instant::now() + site.limits.idle_time));
    let mut is_shut = false;
    loop {
        while let Some(request) = session.next_request() {
            let reply = call(site, &request, tally_here(site));
            if let Some(wait) = reply.wait {
                sleep(wait).await;
            }
            clock.tick();
            if site.stop.is_requested() {
                session.finish(clock.now());
            }
            session.respond(reply.response, &clock);
        }
        if site.stop.is_requested() {
            session.finish(clock.now());
        }
        let want = session.want(clock.now());
        let deadline = session.deadline();
        let moved = match want {
            Want::Close => return Ok(()),
            Want::Write => within(deadline, alarm.as_mut(), stream.write(session.pending(clock.now()))).await,
            Want::Read | Want::Linger | Want::Respond => {
                if want == Want::Linger && !is_shut {
                    is_shut = true;
                    stream.shutdown().await?;
                }
                let mark = if session.is_idle() { Mark::Idle } else { Mark::Busy };
                site.stop.mark(stream.as_fd(), mark);
                let read = within(deadline, alarm.as_mut(), stream.read(session.spare())).await;
                site.stop.mark(stream.as_fd(), Mark::Busy);
                read
            }
        };
        clock.tick();
        match moved {
            Ok(Some(count)) if want == Want::Write => session.advance(count, clock.now()),
            Ok(Some(count)) => session.received(count, clock.now()),
            Ok(None) => session.handle_deadline(clock.now()),
            Err(error) => return Err(error),
        }
    }
}
