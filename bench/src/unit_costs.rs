//! What the single steps cost of which architectures are made, on this machine: the unit prices behind `dyno explain`.
//!
//! Each function does a step so many times and gives the time of all. Both sides of a step run on one core, as they do in
//! a server that has one. A switch is told apart from the calls that bring it about: the same calls without a switch are
//! measured too, and taken off. What a switch costs in a loaded server, where caches have gone cold, is measured in that situation:
//! see [`relay`].

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use crate::relay::{self, Way};
use crate::statistics::sample::median;

/// A step and how it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Whether both sides of it share a core; else it finds cores for itself.
    pub one_core: bool,
    /// Does it `rounds` times, and gives the time of all.
    pub run: fn(rounds: u32) -> io::Result<Duration>,
}

/// A switch from one thread to another and what goes with it: going to sleep on a descriptor, being woken. Caches stay warm, as
/// they do where few take turns.
pub const SWITCH: Unit = Unit {
    name: "switch",
    what: "a switch between two threads: to sleep, woken by a byte",
    one_core: true,
    run: |rounds| switch(rounds, false),
};
/// The same between processes: another page table, and cold entries of the translation buffer after it.
pub const PROCESS_SWITCH: Unit = Unit {
    name: "process-switch",
    what: "a switch between two processes, the same way",
    one_core: true,
    run: |rounds| switch(rounds, true),
};
/// The same in a loaded server: one of many is woken, and what it needs has gone cold since its last turn.
pub const WOKEN: Unit = Unit {
    name: "woken",
    what: "one of 64 threads woken for a request",
    one_core: false,
    run: |rounds| relay::woken(Way::Threads, rounds),
};
/// The same for a process, whose translations have gone as well.
pub const WOKEN_PROCESS: Unit = Unit {
    name: "woken-process",
    what: "one of 64 processes woken for a request",
    one_core: false,
    run: |rounds| relay::woken(Way::Processes, rounds),
};
/// A connection that epoll tells of.
pub const EVENT: Unit = Unit {
    name: "event",
    what: "a ready connection told by epoll, 64 at a time",
    one_core: false,
    run: relay::told,
};
/// A thread's life.
pub const SPAWN: Unit =
    Unit { name: "spawn", what: "a thread started and joined", one_core: true, run: spawn };
/// A process' life.
pub const FORK: Unit = Unit {
    name: "fork",
    what: "a process forked that answers a request and ends",
    one_core: true,
    run: fork_and_wait,
};
/// A message to another thread that sleeps until it comes.
pub const HAND_OVER: Unit = Unit {
    name: "hand-over",
    what: "a message through a queue to a crew that sleeps",
    one_core: true,
    run: hand_over,
};
/// A page of memory touched for the first time.
pub const FAULT: Unit =
    Unit { name: "fault", what: "a page touched for the first time", one_core: true, run: fault };
/// A page that a parent and its child share, written to.
pub const COPY: Unit =
    Unit { name: "copy", what: "a page copied after a fork, when written to", one_core: true, run: copy };
/// A system call that does next to nothing.
pub const CALL: Unit =
    Unit { name: "call", what: "a system call that does next to nothing", one_core: true, run: call };
/// A connection's life, seen by the one who accepts.
pub const ACCEPT: Unit = Unit {
    name: "accept",
    what: "a connection opened, accepted and closed, both ends",
    one_core: true,
    run: accept,
};

/// All of them, those that fork first: what others leave behind (stacks, arenas) would make this program larger, and its forks dearer.
pub const ALL: [Unit; 12] =
    [FORK, COPY, PROCESS_SWITCH, SWITCH, SPAWN, HAND_OVER, FAULT, CALL, ACCEPT, WOKEN, WOKEN_PROCESS, EVENT];

/// What one of a step costs, and what it contains of other steps, so that these are not counted twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Time, in nanoseconds.
    pub ns: f64,
    /// Context switches in it.
    pub switches: f64,
    /// Page faults without input or output in it.
    pub faults: f64,
}

impl Unit {
    /// The median time of one, of several attempts: it is set against medians of servers, on the same machine.
    pub fn cost(&self) -> Option<Cost> {
        const ROUNDS: u32 = 400;
        const ATTEMPTS: u32 = 7;
        let before = sched_getaffinity(Pid::from_raw(0)).ok()?;
        let mut one = CpuSet::new();
        let core = (0..CpuSet::count()).find(|core| before.is_set(*core).unwrap_or(false))?;
        one.set(core).ok()?;
        if self.one_core {
            sched_setaffinity(Pid::from_raw(0), &one).ok()?;
        }
        let seen = usage();
        let times: Vec<f64> = (0..ATTEMPTS)
            .filter_map(|_| (self.run)(ROUNDS).ok())
            .map(|time| time.as_nanos() as f64 / f64::from(ROUNDS))
            .collect();
        let _ = sched_setaffinity(Pid::from_raw(0), &before);
        let each = |before: i64, after: i64| (after - before) as f64 / f64::from(ROUNDS * ATTEMPTS);
        let (seen, now) = (seen?, usage()?);
        (!times.is_empty()).then(|| Cost {
            ns: median(&times),
            switches: each(seen.0, now.0),
            faults: each(seen.1, now.1),
        })
    }
}

/// Switches and page faults of this program and of its children that it has waited for.
fn usage() -> Option<(i64, i64)> {
    let both = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].map(|who| getrusage(who).ok());
    let [Some(own), Some(children)] = both else {
        return None;
    };
    let switches = |usage: &Usage| usage.voluntary_context_switches() + usage.involuntary_context_switches();
    Some((switches(&own) + switches(&children), own.minor_page_faults() + children.minor_page_faults()))
}

fn switch(rounds: u32, processes: bool) -> io::Result<Duration> {
    let (mut near, mut far) = UnixStream::pair()?;
    let mut byte = [0];
    // The calls alone, by one thread: nobody sleeps, nobody is woken.
    let began = Instant::now();
    for _ in 0..rounds {
        near.write_all(&byte)?;
        far.read_exact(&mut byte)?;
        far.write_all(&byte)?;
        near.read_exact(&mut byte)?;
    }
    let calls = began.elapsed();
    let echo = Echo::start(far, &near, processes)?;
    near.write_all(&byte)?;
    near.read_exact(&mut byte)?;
    let began = Instant::now();
    for _ in 0..rounds {
        near.write_all(&byte)?;
        near.read_exact(&mut byte)?;
    }
    let time = began.elapsed();
    drop(near);
    echo.end();
    // There and back are two switches.
    Ok(time.saturating_sub(calls) / 2)
}

/// The other end of a switch.
enum Echo {
    Thread(thread::JoinHandle<()>),
    Process(Pid),
}

impl Echo {
    fn start(mut far: UnixStream, near: &UnixStream, process: bool) -> io::Result<Self> {
        let mut echo = move || {
            let mut byte = [0];
            while matches!(far.read(&mut byte), Ok(1)) && far.write_all(&byte).is_ok() {}
        };
        if !process {
            return Ok(Echo::Thread(thread::spawn(echo)));
        }
        // SAFETY: the child makes system calls only, all of them safe after a fork of a program with threads, and ends.
        match unsafe { fork() }? {
            ForkResult::Child => {
                // SAFETY: the child's own copy of the descriptor, closed once, so that it sees the end of the stream.
                unsafe { libc::close(near.as_raw_fd()) };
                echo();
                // SAFETY: _exit runs no handler of this program and touches no memory of it.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => Ok(Echo::Process(child)),
        }
    }

    fn end(self) {
        match self {
            Echo::Thread(thread) => drop(thread.join()),
            Echo::Process(child) => drop(waitpid(child, None)),
        }
    }
}

fn spawn(rounds: u32) -> io::Result<Duration> {
    let began = Instant::now();
    for _ in 0..rounds {
        thread::Builder::new().spawn(|| {})?.join().map_err(|_| io::Error::other("the thread panicked"))?;
    }
    Ok(began.elapsed())
}

fn fork_and_wait(rounds: u32) -> io::Result<Duration> {
    let began = Instant::now();
    for _ in 0..rounds {
        // SAFETY: of what a fork of a program with threads may leave locked the child uses the memory allocator alone, which the C
        // library keeps usable, and ends.
        match unsafe { fork() }? {
            ForkResult::Child => {
                relay::answer_in_memory();
                // SAFETY: _exit runs no handler of this program and touches no memory of it.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => {
                waitpid(child, None)?;
            }
        }
    }
    Ok(began.elapsed())
}

fn hand_over(rounds: u32) -> io::Result<Duration> {
    const CREW: u32 = 16;
    let closed = || io::Error::other("the queue is closed");
    let (queue, work) = crossbeam::channel::bounded::<u32>(CREW as usize);
    let (done, answers) = mpsc::channel();
    let crew: Vec<_> = (0..CREW)
        .map(|_| {
            let (work, done) = (work.clone(), done.clone());
            thread::spawn(move || work.iter().try_for_each(|message| done.send(message)))
        })
        .collect();
    thread::sleep(Duration::from_millis(1));
    let began = Instant::now();
    for burst in 0..rounds.div_ceil(CREW) {
        // As many as there are, then sleep until they are served: as a dispatcher does in accept(2).
        let size = CREW.min(rounds - burst * CREW);
        (0..size).try_for_each(|message| queue.send(message)).map_err(|_| closed())?;
        for _ in 0..size {
            answers.recv().map_err(|_| closed())?;
        }
    }
    let time = began.elapsed();
    drop(queue);
    crew.into_iter().for_each(|one| drop(one.join()));
    Ok(time)
}

fn fault(rounds: u32) -> io::Result<Duration> {
    let page = procfs::page_size() as usize;
    let mut memory: Vec<u8> = Vec::with_capacity(page * (rounds as usize + 1));
    let began = Instant::now();
    // Growing within the capacity touches one new page after the other.
    for round in 0..rounds as usize {
        memory.resize(round * page + 1, 1);
    }
    let time = began.elapsed();
    std::hint::black_box(&memory);
    Ok(time)
}

fn copy(rounds: u32) -> io::Result<Duration> {
    let page = procfs::page_size() as usize;
    let mut memory = vec![1u8; page * rounds as usize];
    let (near, far) = UnixStream::pair()?;
    // SAFETY: the child makes system calls only, all of them safe after a fork of a program with threads, and ends.
    match unsafe { fork() }? {
        ForkResult::Child => {
            // SAFETY: the child's own copy of the descriptor, closed once, so that it sees the end of the stream.
            unsafe { libc::close(near.as_raw_fd()) };
            let _ = (&far).read(&mut [0]);
            // SAFETY: _exit runs no handler of this program and touches no memory of it.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            let began = Instant::now();
            for place in (0..memory.len()).step_by(page) {
                memory[place] = 2;
            }
            let time = began.elapsed();
            std::hint::black_box(&memory);
            drop(near);
            waitpid(child, None)?;
            Ok(time)
        }
    }
}

fn call(rounds: u32) -> io::Result<Duration> {
    let began = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(nix::unistd::getppid());
    }
    Ok(began.elapsed())
}

fn accept(rounds: u32) -> io::Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let began = Instant::now();
    for _ in 0..rounds {
        let client = TcpStream::connect(address)?;
        let (server, _) = listener.accept()?;
        drop(OwnedFd::from(client));
        drop(OwnedFd::from(server));
    }
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_takes_some_time() {
        // A fork of the test program is left out here: it would run in the middle of other tests' threads.
        let left_out = ["fork", "process-switch", "copy"];
        for unit in ALL.iter().filter(|unit| unit.one_core && !left_out.contains(&unit.name)) {
            assert!((unit.run)(30).unwrap() > Duration::ZERO, "{}", unit.name);
        }
    }
}
