//! The server's side: which connections are traced, and which thread writes into which lane.
//!
//! A thread takes a lane with its first event and gives it back at its end, a forked worker takes one of its own. So
//! each lane has one writer at a time, and an event costs two stores, a count and a look at the clock.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, gettid};
use socket2::SockRef;

use super::event::{TraceEvent, TracePoint};
use super::memory::{HeadWord, TraceMemory};
use crate::limits::{
    TRACE_BYTES, TRACE_DESCRIPTORS, TRACE_LANE_EVENTS_MAX, TRACE_LANES_MAX, TRACE_SPARE_LANES, TRACE_SWEEP_NS,
};
use crate::shared::monotonic_ns;

/// Writes the trace of this server.
#[derive(Debug)]
pub struct Tracer {
    memory: TraceMemory,
    /// The traced connection of each descriptor of this process; 0: it is not traced.
    connections: Box<[AtomicU32]>,
}

/// That of this process, for code that no argument reaches.
static TRACER: OnceLock<&'static Tracer> = OnceLock::new();

/// The lane of a thread.
struct LaneSeat(Cell<Option<usize>>);

thread_local! {
    static SEAT: LaneSeat = const { LaneSeat(Cell::new(None)) };
}

impl Drop for LaneSeat {
    fn drop(&mut self) {
        if let (Some(lane), Some(tracer)) = (self.0.take(), TRACER.get()) {
            tracer.leave(lane);
        }
    }
}

/// A share from 0 to 1 as the memory has it.
pub(super) fn share_of(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * (1u64 << 32) as f64) as u64
}

impl Tracer {
    /// Makes the memory for a server in which so many workers write at once, and which traces such a share of its
    /// connections, from 0 to 1. It lives as long as the process. Call it before the first worker is started.
    ///
    /// # Errors
    /// When the kernel refuses the memory, or there is a tracer already.
    pub fn open(workers: usize, share: f64) -> io::Result<&'static Self> {
        let lanes = (workers + TRACE_SPARE_LANES).min(TRACE_LANES_MAX);
        let most = TRACE_BYTES / lanes / size_of::<[u64; 2]>();
        // The memory takes powers of two only.
        let lane_events = (most / 2 + 1).next_power_of_two().min(TRACE_LANE_EVENTS_MAX);
        let memory = TraceMemory::make(lanes, lane_events)?;
        memory.head(HeadWord::Share).store(share_of(share), Relaxed);
        let connections = (0..TRACE_DESCRIPTORS).map(|_| AtomicU32::new(0)).collect();
        let tracer: &'static Tracer = Box::leak(Box::new(Tracer { memory, connections }));
        TRACER.set(tracer).map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
        Ok(tracer)
    }

    /// The path by which a [reader](super::reader) opens the memory, as long as this process lives.
    pub fn path(&self) -> String {
        self.memory.path()
    }

    /// A connection was accepted. Decides whether it is traced.
    pub fn accepted(&self, connection: &impl AsFd) {
        let descriptor = connection.as_fd();
        let Some(place) = self.connections.get(descriptor.as_raw_fd() as usize) else {
            self.memory.head(HeadWord::Missed).fetch_add(1, Relaxed);
            return;
        };
        let serial = self.memory.head(HeadWord::Connections).fetch_add(1, Relaxed) as u32 + 1;
        // Spread by a multiplication (Knuth, The Art of Computer Programming, 6.4), so that connections which come in
        // turns are traced in no pattern.
        let is_chosen =
            u64::from(serial.wrapping_mul(0x9e37_79b9)) < self.memory.head(HeadWord::Share).load(Relaxed);
        let id = if is_chosen && self.lane().is_some() { serial } else { 0 };
        place.store(id, Relaxed);
        if id != 0 {
            let client = SockRef::from(&descriptor).peer_addr().ok().and_then(|address| address.as_socket());
            let (port, octet) = client.map_or((0, 0), |client| {
                let octet = match client.ip() {
                    std::net::IpAddr::V4(ip) => ip.octets()[3],
                    std::net::IpAddr::V6(ip) => ip.octets()[15],
                };
                (client.port(), octet)
            });
            self.note(TracePoint::Accepted, id, port, u16::from(octet));
        } else if is_chosen {
            self.memory.head(HeadWord::Missed).fetch_add(1, Relaxed);
        }
    }

    /// The number of a connection that was accepted; `None`: it is not traced.
    pub(super) fn number_of(&self, connection: RawFd) -> Option<u32> {
        let place = self.connections.get(connection as usize)?;
        Some(place.load(Relaxed)).filter(|number| *number != 0)
    }

    /// Writes an event into the lane of this thread.
    pub(super) fn note(&self, point: TracePoint, connection: u32, request: u16, detail: u16) {
        let Some(lane) = self.lane() else {
            self.memory.head(HeadWord::Unwritten).fetch_add(1, Relaxed);
            return;
        };
        let event = TraceEvent { time_ns: monotonic_ns(), connection, request, detail, point };
        self.memory.ring(lane).write(event.words());
    }

    /// The lane of this thread; `None`: all are taken.
    fn lane(&self) -> Option<usize> {
        // A thread that has ended writes no more.
        SEAT.try_with(|seat| {
            let lane = seat.0.get().or_else(|| self.enter());
            seat.0.set(lane);
            lane
        })
        .ok()
        .flatten()
    }

    fn enter(&self) -> Option<usize> {
        let (process, thread) = (process::id(), gettid().as_raw().cast_unsigned());
        let own = u64::from(process) << 32 | u64::from(thread);
        let free = || {
            (0..self.memory.lanes())
                .find(|lane| self.memory.owner(*lane).compare_exchange(0, own, AcqRel, Relaxed).is_ok())
        };
        let lane = free().or_else(|| if self.sweep() { free() } else { None })?;
        let born = TraceEvent::of_worker(TracePoint::WorkerBorn, monotonic_ns(), process, thread);
        self.memory.ring(lane).write(born.words());
        Some(lane)
    }

    fn leave(&self, lane: usize) {
        let thread = gettid().as_raw().cast_unsigned();
        let gone = TraceEvent::of_worker(TracePoint::WorkerGone, monotonic_ns(), process::id(), thread);
        self.memory.ring(lane).write(gone.words());
        self.memory.owner(lane).store(0, Release);
    }

    /// Takes the lanes back of processes that have died, now and then; whether it has looked for them.
    fn sweep(&self) -> bool {
        let (last, now_ns) = (self.memory.head(HeadWord::SweptNs), monotonic_ns());
        let last_ns = last.load(Relaxed);
        let is_due = now_ns >= last_ns.saturating_add(TRACE_SWEEP_NS);
        if !is_due || last.compare_exchange(last_ns, now_ns, AcqRel, Relaxed).is_err() {
            return false;
        }
        for lane in 0..self.memory.lanes() {
            let owner = self.memory.owner(lane);
            let who = owner.load(Acquire);
            let process = Pid::from_raw((who >> 32) as i32);
            if who != 0 && kill(process, None) == Err(Errno::ESRCH) {
                // Unless somebody else was faster.
                let _ = owner.compare_exchange(who, 0, AcqRel, Relaxed);
            }
        }
        true
    }
}

/// A forked worker begins: the lane of this thread stays its parent's.
pub fn become_child() {
    let Some(tracer) = TRACER.get() else { return };
    SEAT.with(|seat| seat.0.set(None));
    let _ = tracer.lane();
}

/// A worker begins on this thread.
pub fn is_born() {
    if let Some(tracer) = TRACER.get() {
        let _ = tracer.lane();
    }
}

/// This thread or process ends and runs no destructors.
pub fn is_gone() {
    if let (Some(tracer), Some(lane)) = (TRACER.get(), SEAT.with(|seat| seat.0.take())) {
        tracer.leave(lane);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Barrier;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// Far beyond the time between two looks for the dead.
    const FINDS_WITHIN: Duration = Duration::from_secs(20);

    #[test]
    fn who_finds_no_lane_is_counted_and_whoever_ends_makes_room() {
        let tracer = Tracer::open(0, 1.0).unwrap();
        let lanes = tracer.memory.lanes();
        let unwritten = || tracer.memory.head(HeadWord::Unwritten).load(Relaxed);
        let writes = || {
            tracer.note(TracePoint::Whole, 1, 1, 0);
            tracer.lane().is_some()
        };
        let (all_write, all_end) = (&Barrier::new(lanes + 1), &Barrier::new(lanes + 1));
        thread::scope(|scope| {
            for _ in 0..lanes {
                scope.spawn(|| {
                    writes();
                    all_write.wait();
                    all_end.wait();
                });
            }
            all_write.wait();
            assert!(!scope.spawn(writes).join().unwrap() && unwritten() > 0, "there is no lane more");
            all_end.wait();
        });
        // Threads of other tests may have some for a moment, and the dead are looked for now and then.
        let finds_one = || {
            let since = Instant::now();
            while since.elapsed() < FINDS_WITHIN {
                if thread::spawn(writes).join().unwrap() {
                    return true;
                }
                thread::sleep(Duration::from_millis(1));
            }
            false
        };
        assert!(finds_one(), "lanes are free again");
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let dead = u64::from(child.id()) << 32 | 1;
        (0..lanes).for_each(|lane| tracer.memory.owner(lane).store(dead, Relaxed));
        assert!(finds_one(), "lanes of the dead are taken back");
    }
}
