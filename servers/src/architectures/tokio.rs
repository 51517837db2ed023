//! # Idea
//! A task for each connection, many tasks on a few kernel threads (many to many). A task is a state machine that the
//! compiler makes of straight-line code. The runtime runs the tasks that can go on, and idle threads steal tasks from
//! busy ones.
//!
//! # Picture
//! ```text
//!   thread 1 [ t1 t4 t7 ]  <-- steals --  thread 2 [ t2 ]
//!        \________________ epoll, timers ________/
//!   task:  read.await -> call -> write.await -> read.await -> ...
//! ```
//!
//! # Price
//! An allocation for each connection's task, a wake-up through the runtime for each wait, and timers rounded to
//! milliseconds. There is no stack: an idle task is as large as the variables that it keeps across its await.
//!
//! # Shines
//! With many connections on all cores, in straight-line code, and with libraries for every protocol.
//!
//! # Breaks
//! When a task computes or blocks for long without an await, its thread serves no other task, and often no thread does:
//! one at a time waits for events, and when it goes on with the task, the others sleep and are not told (`dyno
//! isolation` shows it; tokio's issue 4730). The remedy is half-sync/half-async (`spawn_blocking`). A task that moves
//! to another thread finds a cold cache there. Under overload control a request's age runs from its arrival in the
//! kernel, before the task was woken.
//!
//! # Lineage
//! Erlang's processes; Go's scheduler (2012); tokio (2016), whose scheduler of 2019 follows Go's. The HTTP here is
//! Dyno's own core, so that the next chapter can show what hyper's HTTP costs.
//!
//! # Question
//! Ten thousand tasks wait. How many stacks are there?
//!
//! <details><summary>Answer</summary>
//!
//! As many as the runtime has threads. A waiting task is a value that holds the variables which it needs
//! after its await, and no more; that is why an idle connection costs hundreds of bytes here and thousands
//! with a stack.
//!
//! </details>

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::io::unix::AsyncFd;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::select;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::task;
use crate::kit::accept::{Accepted, Mode, accept_once, accept_rest, refuse};
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::kit::threads;
use crate::limits::{EXHAUSTED_PAUSE, MAX_CONNECTIONS};

/// Tasks on a work-stealing runtime.
pub const TOKIO: Architecture = Architecture {
    name: "tokio",
    idea: "tasks on a work-stealing runtime (many to many)",
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
    knobs: &[Knob::Workers, Knob::MaxConnections],
    defaults: |cores| Defaults { workers: cores, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("tokio.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    run_tasks(site, serve)
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
    // The runtime takes no refusal of a thread, so it is only asked for as many as the system allows.
    let workers = threads::probe(site.settings.workers)?;
    let threads = AtomicUsize::new(0);
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    builder.on_thread_start(move || work_as(threads.fetch_add(1, Relaxed)));
    let runtime = threads::or_exit(|| builder.build())?;
    runtime.block_on(async {
        let most = site.settings.max_connections.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(most));
        accept_all(site, serve, &places, workers).await?;
        // Whoever waits for another request is told, whether the switch or the listener has shown the stop.
        site.services.stop();
        // All places are free again when no connection is left. Past the deadline, dropping the runtime drops the
        // remaining tasks.
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
    workers: usize,
) -> io::Result<()>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    // SAFETY: the site, and with it both descriptors, lives as long as the process.
    let listener = unsafe { AsyncFd::register(site.listener.as_fd()) }?;
    // SAFETY: as above.
    let stop = unsafe { AsyncFd::register(site.stop.as_fd()) }?;
    site.ready(workers);
    loop {
        let mut knock = select! {
            biased;
            _ = stop.readable() => break,
            knock = listener.readable() => knock?,
        };
        match accept_once(site, &site.listener, Mode::NonBlocking)? {
            Accepted::Connection(stream) => admit(site, stream, serve, places),
            Accepted::Nobody => knock.clear_ready(),
            Accepted::Exhausted => sleep(EXHAUSTED_PAUSE).await,
            Accepted::Stopped => return Ok(()),
        }
    }
    // What waits in the queue when the server stops has arrived, and is served.
    for stream in accept_rest(site, &site.listener) {
        admit(site, stream?, serve, places);
    }
    Ok(())
}

fn admit<F>(
    site: &'static Site,
    stream: net::TcpStream,
    serve: fn(&'static Site, TcpStream) -> F,
    places: &Arc<Semaphore>,
) where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    // The places keep the limit.
    let place = site.may_admit(0).then(|| Arc::clone(places).try_acquire_owned());
    let Some(Ok(place)) = place else {
        return refuse(site, stream, site.tallies.of(0));
    };
    tokio::spawn(async move {
        // The runtime's epoll may refuse the descriptor. A broken connection concerns only its peer.
        if let Ok(stream) = TcpStream::from_std(stream) {
            let _ = serve(site, stream).await;
        }
        drop(place);
    });
}

/// Serves one connection as the blocking designs do, with an await where those block.
///
/// # Errors
/// When the connection breaks, which concerns only its peer.
pub async fn serve(site: &'static Site, stream: TcpStream) -> io::Result<()> {
    task::serve(stream, site, tally_here).await
}

thread_local! {
    static WORKER: Cell<usize> = const { Cell::new(0) };
}

/// From now on this thread adds to the counts of worker `place`.
pub fn work_as(place: usize) {
    WORKER.set(place);
}

/// The counts of the thread that runs the task now.
pub fn tally_here(site: &'static Site) -> &'static Tally {
    site.tallies.of(WORKER.get())
}
