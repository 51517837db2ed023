//! The extra cost of answering requests in another way than directly from an epoll loop: by a pool of workers, by
//! tasks of a runtime, or by coroutines.
//!
//! A loop and each other way serve the same load, on one core, with the same HTTP, and the cost is the difference. The
//! load is that of the load generator itself, on another core, because these costs depend on how it comes: what a
//! request to a pool costs depends on how often a worker or the loop is asleep when something is queued for it. A
//! client that sends faster than the generator would find them awake more often.

mod coroutines;
mod event_loop;
mod pool;
mod tasks;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use dyno_clients::engine::live::Live;
use dyno_clients::engine::run;
use dyno_clients::plan::request::RequestParts;
use dyno_clients::plan::{Length, Plan};
use nix::sys::socket::{Shutdown, shutdown};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use super::host::{Answered, TwoCores, between};
use super::relay;
use crate::limits::CONNECT_CONNECTIONS;
use crate::probe::machine::pin;
use crate::probe::process::{cpu_time, thread_counters, threads};

/// Requests for one price: they take 30 to 60 ms under either load. In less time the ends of the lasting connections
/// would be a part of the price, in more the machine would change its speed.
const LASTING_REQUESTS: u64 = 4_000;
const CALLS: u64 = 1_200;

/// Connections with which a pool falls asleep between requests: with 16 it switches 1.3 to 1.6 times for each, with 64
/// between 0.1 and 0.8 times, where a loop alone does not switch.
const FEW_CONNECTIONS: u32 = 16;

/// A pool that switches less often than this for each request tells no price of a switch.
const LEAST_SWITCHES: f64 = 0.3;

/// Requests before them that are not part of the price: threads start, and memory is touched for the first time.
const WARM_UP_REQUESTS: u64 = 400;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The epoll loop itself.
    Loop,
    /// A pool of workers, to which the loop sends each request, and which sends the response back to the loop.
    Pool,
    /// The loop itself, after each request has gone through the queues of a pool.
    Queues,
    /// A task for each connection, on a runtime with one thread beside the one that accepts.
    Tasks,
    /// A coroutine for each connection, resumed by the loop.
    Coroutines,
}

/// The load, as that of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// [`relay::CONNECTIONS`] connections that last.
    Lasting,
    /// `FEW_CONNECTIONS` that last.
    Few,
    /// [`CONNECT_CONNECTIONS`] at a time, with one request each.
    Calls,
}

/// How much more `way` takes for each request than a loop, and context switches likewise. Both are taken in turns, so
/// that a machine whose speed changes moves both alike.
///
/// # Errors
/// As [`answer`].
pub fn more(way: Way, load: Load) -> io::Result<Answered> {
    let before = answer(Way::Loop, load)?;
    let (first, second) = (answer(way, load)?, answer(way, load)?);
    Ok(Answered::more([first, second], [before, answer(Way::Loop, load)?]))
}

/// What a context switch in a pool costs, in nanoseconds, with all that goes with it: a worker yields or sleeps, it or
/// the loop is woken, and the loop finds fewer connections ready at a time. That is what a pool takes more than a loop
/// that sends each request through the same queues and answers it itself.
///
/// It has a price of its own, apart from that of the queues, because a pool under one load switches up to eight times
/// as often in one run as in another; one price for a request would be right for no run.
///
/// # Errors
/// As [`answer`], or when the pool hardly switched.
pub fn pool_switch_ns() -> io::Result<f64> {
    let queues = answer(Way::Queues, Load::Few)?;
    let pools = [answer(Way::Pool, Load::Few)?, answer(Way::Pool, Load::Few)?];
    of_a_switch(Answered::more(pools, [queues, answer(Way::Queues, Load::Few)?]))
        .ok_or_else(|| io::Error::other("the pool hardly switched"))
}

fn of_a_switch(more: Answered) -> Option<f64> {
    (more.switches >= LEAST_SWITCHES).then_some(more.ns / more.switches)
}

/// Answers a load in a process of its own.
///
/// # Errors
/// When the machine has no second core for the clients, when the system refuses a resource, or when a request fails.
pub fn answer(way: Way, load: Load) -> io::Result<Answered> {
    let cores = TwoCores::find()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    // SAFETY: of what a fork of a program with threads may leave locked the child uses the memory allocator alone,
    // which the C library keeps usable, and ends.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let _ = pin(&[cores.server]).and_then(|()| serve(way, &listener));
            // SAFETY: _exit runs no handler of this program and touches no memory of it.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            let answered = pin(&[cores.client]).and_then(|()| measure(child, address, load, cores.client));
            let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
            waitpid(child, None)?;
            answered
        }
    }
}

/// Serves until the listener is shut. When it ends for another reason it shuts the listener, so that clients fail and
/// do not wait.
fn serve(way: Way, listener: &TcpListener) -> io::Result<()> {
    let served = match way {
        Way::Loop => event_loop::serve(listener),
        Way::Pool => pool::serve(listener),
        Way::Queues => pool::serve_alone(listener),
        Way::Tasks => tasks::serve(listener),
        Way::Coroutines => coroutines::serve(listener),
    };
    let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
    served
}

fn measure(server: Pid, address: SocketAddr, load: Load, core: usize) -> io::Result<Answered> {
    let requests = match load {
        Load::Lasting | Load::Few => LASTING_REQUESTS,
        Load::Calls => CALLS,
    };
    drive(address, load, core, WARM_UP_REQUESTS, &mut || {})?;
    let mut before = (Duration::ZERO, 0);
    // Accepting the lasting connections is not part of the price.
    drive(address, load, core, requests, &mut || before = used(server))?;
    Ok(Answered::of(between(before, used(server)), requests as f64))
}

/// CPU and context switches so far of a process, all its threads.
fn used(server: Pid) -> (Duration, u64) {
    let pid = server.as_raw();
    let counters = threads(pid).into_iter().filter_map(|thread| thread_counters(pid, thread));
    let switches = counters.map(|one| one.switches_voluntary + one.switches_involuntary).sum();
    (cpu_time(pid).unwrap_or_default(), switches)
}

/// Sends so many requests; `started` is called when the lasting connections are open and no request has been sent.
fn drive(
    address: SocketAddr,
    load: Load,
    core: usize,
    requests: u64,
    started: &mut dyn FnMut(),
) -> io::Result<()> {
    let request = RequestParts {
        target: "/".into(),
        authority: address.to_string(),
        close: load == Load::Calls,
        weight: 1.0,
        ..RequestParts::default()
    };
    let request = request.prepare().map_err(io::Error::other)?;
    let connections = match load {
        Load::Lasting => relay::CONNECTIONS as u32,
        Load::Few => FEW_CONNECTIONS,
        Load::Calls => CONNECT_CONNECTIONS,
    };
    let mut plan = Plan::closed(address, connections, Length::Requests(requests), request);
    plan.requests_per_connection = (load == Load::Calls).then_some(1);
    plan.placement.cores = vec![core];
    let live = Arc::new(Live::new(plan.threads));
    let mut has_started = false;
    let measured = run(&Arc::new(plan), &live, &mut |_| {
        if live.is_started() && !has_started {
            has_started = true;
            started();
        }
    });
    let measured = measured.map_err(io::Error::other)?;
    match measured.partial {
        None if measured.tally.errors().is_empty() => Ok(()),
        _ => Err(io::Error::other("a request failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// In threads: a process would be forked in the middle of other tests' threads.
    fn drive_served(way: Way, load: Load) -> io::Result<()> {
        let cores = TwoCores::find()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        thread::scope(|scope| {
            scope.spawn(|| serve(way, &listener));
            let mut started = 0;
            let driven = drive(listener.local_addr()?, load, cores.client, 200, &mut || started += 1);
            shutdown(listener.as_raw_fd(), Shutdown::Both)?;
            assert_eq!(started, 1);
            driven
        })
    }

    #[test]
    fn every_way_answers_every_request_under_both_loads() {
        if TwoCores::find().is_err() {
            assert!(answer(Way::Loop, Load::Lasting).is_err(), "the clients need a core of their own");
            return;
        }
        for way in [Way::Loop, Way::Pool, Way::Queues, Way::Tasks, Way::Coroutines] {
            for load in [Load::Lasting, Load::Few, Load::Calls] {
                drive_served(way, load).unwrap_or_else(|error| panic!("{way:?}, {load:?}: {error}"));
            }
        }
    }

    #[test]
    fn a_pool_that_does_not_switch_tells_no_price_of_a_switch() {
        assert_eq!(of_a_switch(Answered { ns: 9_000.0, switches: 1.5 }), Some(6_000.0));
        assert_eq!(of_a_switch(Answered { ns: 500.0, switches: 0.01 }), None, "nothing is divided by noise");
    }

    #[test]
    fn clients_of_a_server_that_has_ended_fail() {
        let Ok(cores) = TwoCores::find() else { return };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        shutdown(listener.as_raw_fd(), Shutdown::Both).unwrap();
        for load in [Load::Lasting, Load::Calls] {
            assert!(drive(address, load, cores.client, 1, &mut || {}).is_err(), "{load:?}");
        }
    }
}
