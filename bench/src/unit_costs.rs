//! What the single steps cost of which architectures are made, on this machine: the unit prices behind `dyno explain`.
//!
//! Each function does a step so many times and gives the time of one. Both sides of a step run on one core, as they do in
//! a server that has one.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

/// A step and how it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    /// Does it `rounds` times, and gives the time of all.
    pub run: fn(rounds: u32) -> io::Result<Duration>,
}

/// A switch from one thread to another and what goes with it: going to sleep on a descriptor, being woken.
pub const SWITCH: Unit = Unit {
    name: "switch",
    what: "a context switch between threads, by a byte through a socket pair",
    run: switch,
};
/// A thread's life.
pub const SPAWN: Unit = Unit { name: "spawn", what: "a thread started and joined", run: spawn };
/// A process' life.
pub const FORK: Unit = Unit { name: "fork", what: "a process forked and waited for", run: fork_and_wait };
/// A message to another thread, both awake.
pub const HAND_OVER: Unit =
    Unit { name: "hand-over", what: "a message through a channel, without a switch", run: hand_over };
/// A page of memory touched for the first time.
pub const FAULT: Unit = Unit { name: "fault", what: "a page touched for the first time", run: fault };
/// A system call that does next to nothing.
pub const CALL: Unit = Unit { name: "call", what: "a system call that does next to nothing", run: call };
/// A connection's life, seen by the one who accepts.
pub const ACCEPT: Unit =
    Unit { name: "accept", what: "a connection opened, accepted and closed, both ends", run: accept };

/// All of them.
pub const ALL: [Unit; 7] = [SWITCH, SPAWN, FORK, HAND_OVER, FAULT, CALL, ACCEPT];

impl Unit {
    /// The least time of one, of several attempts: whatever disturbs can only add.
    pub fn cost_ns(&self) -> Option<f64> {
        const ROUNDS: u32 = 400;
        let before = sched_getaffinity(Pid::from_raw(0)).ok()?;
        let mut one = CpuSet::new();
        let core = (0..CpuSet::count()).find(|core| before.is_set(*core).unwrap_or(false))?;
        one.set(core).ok()?;
        sched_setaffinity(Pid::from_raw(0), &one).ok()?;
        let times = (0..7)
            .filter_map(|_| (self.run)(ROUNDS).ok())
            .map(|time| time.as_nanos() as f64 / f64::from(ROUNDS));
        let least = times.fold(f64::INFINITY, f64::min);
        let _ = sched_setaffinity(Pid::from_raw(0), &before);
        least.is_finite().then_some(least)
    }
}

fn switch(rounds: u32) -> io::Result<Duration> {
    let (mut near, mut far) = UnixStream::pair()?;
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while matches!(far.read(&mut byte), Ok(1)) && far.write_all(&byte).is_ok() {}
    });
    let mut byte = [0];
    let began = Instant::now();
    for _ in 0..rounds {
        near.write_all(&byte)?;
        near.read_exact(&mut byte)?;
    }
    let time = began.elapsed();
    drop(near);
    let _ = echo.join();
    // There and back are two switches.
    Ok(time / 2)
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
        // SAFETY: the child makes one call that is safe after a fork of a program with threads, and ends.
        match unsafe { fork() }? {
            // SAFETY: _exit runs no handler of this program and touches no memory of it.
            ForkResult::Child => unsafe { libc::_exit(0) },
            ForkResult::Parent { child } => {
                waitpid(child, None)?;
            }
        }
    }
    Ok(began.elapsed())
}

fn hand_over(rounds: u32) -> io::Result<Duration> {
    let (sender, receiver) = mpsc::sync_channel::<u64>(1);
    let began = Instant::now();
    for round in 0..rounds {
        sender.send(u64::from(round)).map_err(|_| io::Error::other("the channel is closed"))?;
        std::hint::black_box(receiver.recv().map_err(|_| io::Error::other("the channel is closed"))?);
    }
    Ok(began.elapsed())
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
        for unit in ALL.iter().filter(|unit| unit.name != "fork") {
            assert!((unit.run)(3).unwrap() > Duration::ZERO, "{}", unit.name);
        }
    }
}
