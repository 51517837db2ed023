//! How soon a server lets go of a client that leaves while its request waits: from the end of the client's side to
//! the moment at which the server has one descriptor less.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use dyno_record::audit::Law;
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};

use super::clients::{greet, wait};
use crate::limits::{RECOVERY_LIMIT, WAITER_UNDERWAY};
use crate::probe::process;
use crate::rig::CellFault;
use crate::rig::process::Running;

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// With a FIN, as a program that ends does.
    Fin,
    /// With a reset.
    Reset,
}

/// The times of so many clients of each kind, in nanoseconds, in turns.
pub(super) fn both_ways(server: &Running, count: u32) -> Result<[Vec<u64>; 2], CellFault> {
    greet(server.address)?;
    // The first that waits may leave something behind that stays, such as a timer.
    release(server, descriptors(server), Leaves::Fin)?;
    let usual = descriptors(server);
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..count {
        for (place, way) in [Leaves::Fin, Leaves::Reset].into_iter().enumerate() {
            times[place].push(release(server, usual, way)?.as_nanos() as u64);
        }
    }
    Ok(times)
}

/// Lets a client wait and leave; the time until the server has no more descriptors than usual.
fn release(server: &Running, usual: usize, way: Leaves) -> Result<Duration, CellFault> {
    let client = wait(server.address).map_err(|error| fault(format!("a waiter was not let in: {error}")))?;
    reached(server, |now| now > usual, "a waiter was not taken")?;
    thread::sleep(WAITER_UNDERWAY);
    let began = Instant::now();
    leave(client, way);
    reached(server, |now| now <= usual, "a waiter that has left was not let go")?;
    Ok(began.elapsed())
}

fn leave(client: TcpStream, way: Leaves) {
    if way == Leaves::Reset {
        let _ = setsockopt(&client, sockopt::Linger, &linger { l_onoff: 1, l_linger: 0 });
    }
    drop(client);
}

/// Looks without a pause until the number of descriptors is as it shall be.
fn reached(server: &Running, is_reached: impl Fn(usize) -> bool, what: &str) -> Result<(), CellFault> {
    let deadline = Instant::now() + RECOVERY_LIMIT;
    while !is_reached(descriptors(server)) {
        if Instant::now() > deadline {
            return Err(fault(format!("{what} within {} s", RECOVERY_LIMIT.as_secs())));
        }
        thread::yield_now();
    }
    Ok(())
}

/// Descriptors of the server's first process and of its children.
fn descriptors(server: &Running) -> usize {
    let of = |pid: i32| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    of(server.pid()) + process::children(server.pid()).into_iter().map(of).sum::<usize>()
}

fn fault(words: String) -> CellFault {
    CellFault { law: Law::Contract, words }
}
