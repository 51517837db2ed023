//! A loop moves bytes, a pool of workers answers: the request is copied and queued, a worker takes it, queues the
//! response, and wakes the loop through an eventfd(2) unless a wakeup is pending.

use std::hint::black_box;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded};
use crossbeam::queue::SegQueue;
use dyno_http::request::OwnedRequest;
use dyno_http::response::Response;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::event_loop::{self, PLACES, Turns};
use crate::unit_costs::loaded::host::{Host, SharedMemory, response};

/// Workers on the one core: with one alone nobody would work while it sleeps in a call.
const WORKERS: usize = 2;

/// Responses on their way back to the loop.
struct Inbox {
    responses: SegQueue<(usize, Response)>,
    wakeup: EventFd,
    /// Whether the loop has been woken and has not looked since.
    is_signalled: AtomicBool,
}

impl Inbox {
    fn new() -> io::Result<Inbox> {
        let wakeup = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Inbox { responses: SegQueue::new(), wakeup, is_signalled: AtomicBool::new(false) })
    }

    fn post(&self, place: usize, response: Response) {
        self.responses.push((place, response));
        if !self.is_signalled.swap(true, SeqCst) {
            // It fails only when it was written to 2^64 - 2 times and never read.
            let _ = self.wakeup.write(1);
        }
    }

    /// The next response. An empty inbox takes its signal back, and looks again for what was posted before that.
    fn take(&self) -> Option<(usize, Response)> {
        self.responses.pop().or_else(|| {
            if self.is_signalled.swap(false, SeqCst) {
                let _ = self.wakeup.read();
            }
            self.responses.pop()
        })
    }
}

type Work = (usize, OwnedRequest);

struct Pool<'a> {
    queue: Sender<Work>,
    inbox: &'a Inbox,
    memory: SharedMemory,
    /// Where the loop does the work of the pool as well.
    own_work: Option<Receiver<Work>>,
}

/// A worker's part of a request.
fn answer((place, request): Work, inbox: &Inbox) {
    black_box(request.borrow().target());
    inbox.post(place, response());
}

impl Turns for Pool<'_> {
    type Connection = Host;

    fn begin(&mut self, stream: TcpStream) -> io::Result<Host> {
        Ok(Host::new(stream))
    }

    fn turn(&mut self, place: usize, host: &mut Host) -> io::Result<bool> {
        let Some(request) = host.take_request(&mut self.memory)? else { return Ok(false) };
        self.queue.send((place, request)).map_err(|_| io::Error::other("the workers are gone"))?;
        Ok(true)
    }

    fn wakeup(&self) -> Option<BorrowedFd<'_>> {
        Some(self.inbox.wakeup.as_fd())
    }

    fn after_turns(&mut self, connections: &mut [Option<Host>]) -> io::Result<()> {
        let Some(work) = &self.own_work else { return Ok(()) };
        work.try_iter().for_each(|work| answer(work, self.inbox));
        self.woken(connections)
    }

    fn woken(&mut self, connections: &mut [Option<Host>]) -> io::Result<()> {
        while let Some((place, response)) = self.inbox.take() {
            let Some(host) = &mut connections[place] else { continue };
            host.send(response, &mut self.memory)?;
            if host.is_over() {
                connections[place] = None;
            }
        }
        Ok(())
    }
}

/// Serves by a loop and a pool.
pub(super) fn serve(listener: &TcpListener) -> io::Result<()> {
    let inbox = Inbox::new()?;
    thread::scope(|scope| {
        let (queue, work) = bounded(PLACES);
        for _ in 0..WORKERS {
            let (work, inbox) = (work.clone(), &inbox);
            let worker = move || work.into_iter().for_each(|work| answer(work, inbox));
            thread::Builder::new().spawn_scoped(scope, worker)?;
        }
        drop(work);
        let mut pool = Pool { queue, inbox: &inbox, memory: [None, None], own_work: None };
        event_loop::run(listener, &mut pool)
    })
}

/// Serves by a loop that does the work of the pool as well: each request goes through both queues, and nobody has to be
/// woken for it.
pub(super) fn serve_alone(listener: &TcpListener) -> io::Result<()> {
    let inbox = Inbox::new()?;
    let (queue, work) = bounded(PLACES);
    let mut pool = Pool { queue, inbox: &inbox, memory: [None, None], own_work: Some(work) };
    event_loop::run(listener, &mut pool)
}
