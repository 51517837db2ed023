//! What it costs to be woken for a caller, in the situation of a server whose clients open a connection for each
//! request: sixteen callers who call again as soon as they have their answer, one core to serve them, and the callers
//! on another core, which does not sleep.
//!
//! The same calls are answered in several ways. The first, by one thread that finds all of them ready, is the
//! measure: whatever another takes more is the price of its way, as in [`relay`](super::relay).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{Shutdown, shutdown};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use super::host::{ANSWER, Answered, Host, LAST_REQUEST, TwoCores, between, own, used, whole};
use crate::limits::CONNECT_CONNECTIONS;
use crate::probe::machine::pin;

/// Callers, and as many to answer them.
const CALLERS: usize = CONNECT_CONNECTIONS as usize;

/// Calls of each caller for one price: few, as in [`relay`](super::relay).
const ROUNDS: u32 = 50;

/// The listener, in the words of epoll.
const LISTENER: u64 = u64::MAX;

/// How calls are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One thread, all calls are there.
    Ready,
    /// One thread, epoll tells of callers and of what they say.
    Epoll,
    /// A crew of threads that sleep in accept(2).
    Threads,
    /// One thread accepts and hands over, through a queue, to a crew of threads.
    Queue,
    /// One thread accepts, and another is born for each caller.
    Births,
    /// A crew of processes that sleep in accept(2).
    Processes,
}

/// Answers about `rounds` calls of each caller.
///
/// # Errors
/// When the machine has no second core for the callers, or something is not to be had.
pub fn answer(way: Way, rounds: u32) -> io::Result<Answered> {
    let cores = TwoCores::find()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    match way {
        Way::Ready => ready(&cores, listener, rounds),
        Way::Epoll => threads(&cores, &listener, rounds, &[told as fn(&TcpListener)]),
        Way::Threads => threads(&cores, &listener, rounds, &[serve as fn(&TcpListener); CALLERS]),
        Way::Queue => {
            let (queue, work) = crossbeam::channel::bounded(CALLERS);
            let queue = Mutex::new(Some(queue));
            let dispatch = |listener: &TcpListener| {
                let queue = queue.lock().ok().and_then(|mut queue| queue.take());
                while let (Some(queue), Ok((caller, _))) = (&queue, listener.accept()) {
                    let _ = queue.send(caller);
                }
            };
            let serve = |_: &TcpListener| {
                for caller in work.clone() {
                    let _ = Host::new(caller).answer();
                }
            };
            let mut crew: Vec<&(dyn Fn(&TcpListener) + Sync)> = vec![&serve; CALLERS];
            crew.push(&dispatch);
            threads(&cores, &listener, rounds, &crew)
        }
        Way::Births => births(&cores, &listener, rounds),
        Way::Processes => processes(&cores, &listener, rounds),
    }
}

/// What `way` takes more than `base` for each call, and context switches likewise. Both are taken in turns, so that a
/// machine whose speed changes moves both alike.
///
/// # Errors
/// As [`answer`].
pub fn more(way: Way, base: Way) -> io::Result<Answered> {
    let before = answer(base, ROUNDS)?;
    let (first, second) = (answer(way, ROUNDS)?, answer(way, ROUNDS)?);
    Ok(Answered::more([first, second], [before, answer(base, ROUNDS)?]))
}

/// A caller: calls, speaks when it is through, waits for the answer without sleeping, calls again.
struct Caller {
    address: SocketAddr,
    line: Option<TcpStream>,
    spoke: bool,
}

impl Caller {
    fn all(address: SocketAddr) -> Vec<Caller> {
        (0..CALLERS).map(|_| Caller { address, line: None, spoke: false }).collect()
    }

    /// One step further, if there is one; true when an answer has come.
    fn go_on(&mut self) -> io::Result<bool> {
        let Some(line) = &mut self.line else {
            let line = TcpStream::connect(self.address)?;
            line.set_nonblocking(true)?;
            line.set_nodelay(true)?;
            (self.line, self.spoke) = (Some(line), false);
            return Ok(false);
        };
        if !self.spoke {
            line.write_all(LAST_REQUEST)?;
            self.spoke = true;
            return Ok(false);
        }
        match line.read(&mut [0; ANSWER]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {
                self.line = None;
                Ok(true)
            }
        }
    }
}

/// Calls until there were `rounds` answers for each caller, and no call is left.
fn call(address: SocketAddr, rounds: u32) -> io::Result<f64> {
    let mut callers = Caller::all(address);
    let (mut begun, mut answers, wanted) = (0, 0, rounds * CALLERS as u32);
    while answers < wanted {
        for caller in &mut callers {
            if caller.line.is_none() {
                if begun == wanted {
                    continue;
                }
                begun += 1;
            }
            answers += u32::from(caller.go_on()?);
        }
        std::hint::spin_loop();
    }
    Ok(f64::from(answers))
}

/// Accepts and answers until the listener is shut.
fn serve(listener: &TcpListener) {
    while let Ok((caller, _)) = listener.accept() {
        let _ = Host::new(caller).answer();
    }
}

/// The same for all callers in one thread.
fn told(listener: &TcpListener) {
    let run = || -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
        epoll.add(listener, EpollEvent::new(edges, LISTENER))?;
        let mut events = [EpollEvent::empty(); CALLERS + 1];
        let mut hosts: Vec<Option<Host>> = (0..CALLERS).map(|_| None).collect();
        let mut memory = [None, None];
        loop {
            let found = epoll.wait(&mut events, EpollTimeout::NONE)?;
            let mut called = false;
            for event in &events[..found] {
                match usize::try_from(event.data()).ok().filter(|place| *place < CALLERS) {
                    None => called = true,
                    Some(place) => {
                        if let Some(mut host) = hosts[place].take() {
                            host.answer_with(&mut memory)?;
                        }
                    }
                }
            }
            while called {
                match listener.accept() {
                    Ok((caller, _)) => {
                        let place = hosts.iter().position(Option::is_none).unwrap_or_default();
                        epoll.add(&caller, EpollEvent::new(edges, place as u64))?;
                        hosts[place] = Some(Host::new(caller));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => called = false,
                    Err(error) => return Err(error),
                }
            }
        }
    };
    // The listener was shut: that is how it ends.
    let _ = run();
}

/// One after the other: all call, all are answered, and only the answering is timed.
fn ready(cores: &TwoCores, listener: TcpListener, rounds: u32) -> io::Result<Answered> {
    let address = listener.local_addr()?;
    pin(&[cores.client])?;
    let turn = Arc::new(AtomicU32::new(0));
    let whose = turn.clone();
    let core = cores.server;
    let server = thread::spawn(move || -> io::Result<Duration> {
        pin(&[core])?;
        let mut time = Duration::ZERO;
        let mut memory = [None, None];
        for round in 0..=rounds {
            while whose.load(Ordering::Acquire) != 2 * round + 1 {
                std::hint::spin_loop();
            }
            let began = Instant::now();
            for _ in 0..CALLERS {
                Host::new(listener.accept()?.0).answer_with(&mut memory)?;
            }
            // What it does for the first calls is not part of the price.
            time += if round > 0 { began.elapsed() } else { Duration::ZERO };
            whose.store(2 * round + 2, Ordering::Release);
        }
        Ok(time)
    });
    let mut callers = Caller::all(address);
    for round in 0..=rounds {
        callers.iter_mut().try_for_each(|caller| caller.go_on().map(drop))?;
        callers.iter_mut().try_for_each(|caller| caller.go_on().map(drop))?;
        turn.store(2 * round + 1, Ordering::Release);
        while turn.load(Ordering::Acquire) != 2 * round + 2 && !server.is_finished() {
            std::hint::spin_loop();
        }
        for caller in &mut callers {
            while !caller.go_on()? {
                std::hint::spin_loop();
            }
        }
    }
    let time = server.join().map_err(|_| io::Error::other("the server panicked"))??;
    Ok(Answered::of((time, 0), f64::from(rounds) * CALLERS as f64))
}

/// A thread for each piece of `work`.
fn threads<W: Fn(&TcpListener) + Sync>(
    cores: &TwoCores,
    listener: &TcpListener,
    rounds: u32,
    work: &[W],
) -> io::Result<Answered> {
    let address = listener.local_addr()?;
    let core = cores.server;
    thread::scope(|scope| {
        let mut crew = Vec::new();
        for work in work {
            crew.push(scope.spawn(move || -> io::Result<(Duration, u64)> {
                pin(&[core])?;
                let before = own()?;
                work(listener);
                Ok(between(before, own()?))
            }));
        }
        let called = pin(&[cores.client]).and_then(|()| call(address, rounds));
        shutdown(listener.as_raw_fd(), Shutdown::Both)?;
        let mut sum = (Duration::ZERO, 0);
        for one in crew {
            let (time, switches) = one.join().map_err(|_| io::Error::other("one of the crew panicked"))??;
            sum = (sum.0 + time, sum.1 + switches);
        }
        Ok(Answered::of(sum, called?))
    })
}

/// A thread for each caller. What those have used that ended is in the account of the process, from which the
/// callers' is taken.
fn births(cores: &TwoCores, listener: &TcpListener, rounds: u32) -> io::Result<Answered> {
    let address = listener.local_addr()?;
    let core = cores.server;
    let others = || -> io::Result<(Duration, u64)> { Ok(between(own()?, whole()?)) };
    thread::scope(|scope| {
        scope.spawn(move || -> io::Result<()> {
            pin(&[core])?;
            while let Ok((caller, _)) = listener.accept() {
                thread::Builder::new().spawn_scoped(scope, move || Host::new(caller).answer())?;
            }
            Ok(())
        });
        let called = pin(&[cores.client]).and_then(|()| {
            call(address, 2)?;
            let before = others()?;
            let answers = call(address, rounds)?;
            Ok(Answered::of(between(before, others()?), answers))
        });
        shutdown(listener.as_raw_fd(), Shutdown::Both)?;
        called
    })
}

fn processes(cores: &TwoCores, listener: &TcpListener, rounds: u32) -> io::Result<Answered> {
    let address = listener.local_addr()?;
    let mut children = Vec::new();
    for _ in 0..CALLERS {
        // SAFETY: the child answers callers and ends; of what a fork of a program with threads may leave locked it
        // uses the memory allocator alone, and the C library keeps that usable.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let _ = pin(&[cores.server]);
                serve(listener);
                // SAFETY: _exit runs no handler of this program and touches no memory of it.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => children.push(child),
        }
    }
    let measured = pin(&[cores.client]).and_then(|()| {
        // What they do before the first calls is not part of the price.
        call(address, 2)?;
        let before = used(&children);
        let answers = call(address, rounds)?;
        Ok(Answered::of(between(before, used(&children)), answers))
    });
    shutdown(listener.as_raw_fd(), Shutdown::Both)?;
    for child in children {
        waitpid(child, None)?;
    }
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processes are left out here: they would be forked in the middle of other tests' threads.
    #[test]
    fn every_caller_is_answered_and_who_waits_for_callers_switches() {
        if TwoCores::find().is_err() {
            assert!(answer(Way::Ready, 1).is_err(), "the callers need a core of their own");
            return;
        }
        for way in [Way::Ready, Way::Epoll, Way::Threads, Way::Queue, Way::Births] {
            assert!(answer(way, 3).unwrap().ns > 0.0, "{way:?}");
        }
        // Long enough for all of the crew to have begun.
        assert!(answer(Way::Threads, 50).unwrap().switches > 0.0);
    }
}
