//! What it costs a server to rouse its client: an answer to somebody who sleeps on another core, beside one to
//! somebody who is awake. The kernel bills the waking to who sends: the sleeper is found, put into the queue of its
//! core, and that core, which has gone idle, is called with an interrupt; on a virtual machine the hypervisor has to
//! be asked to deliver it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::host::{ANSWER, TwoCores};
use crate::probe::machine::pin;

/// From when the client goes to sleep until it is written to: by then its core is idle. As long as a generator that
/// is faster than its server sleeps.
const NAP: Duration = Duration::from_micros(20);

/// Answers for one price.
const ROUNDS: u32 = 100;

/// What rousing takes, in nanoseconds: an answer to a client that sleeps less one to a client that does not.
///
/// # Errors
/// When the machine has no second core for the client, or something is not to be had.
pub fn more() -> io::Result<f64> {
    let cores = TwoCores::find()?;
    let (awake, asleep) = (answers(&cores, ROUNDS, false, NAP)?, answers(&cores, ROUNDS, true, NAP)?);
    Ok((asleep.as_nanos() as f64 - awake.as_nanos() as f64) / f64::from(ROUNDS))
}

/// Time that the server spends in sending.
pub fn answers(cores: &TwoCores, rounds: u32, client_sleeps: bool, nap: Duration) -> io::Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let (mut server, _) = listener.accept()?;
    server.set_nodelay(true)?;
    pin(&[cores.server])?;
    // Odd when the client is about to wait for an answer, even when there is one.
    let turn = AtomicU32::new(0);
    thread::scope(|scope| {
        let other = scope.spawn(|| -> io::Result<()> {
            pin(&[cores.client])?;
            let epoll = Epoll::new(EpollCreateFlags::empty())?;
            epoll.add(&client, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
            let mut octets = [0; ANSWER];
            for round in 0..rounds {
                turn.store(2 * round + 1, Ordering::Release);
                if client_sleeps {
                    epoll.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE)?;
                }
                while turn.load(Ordering::Acquire) != 2 * round + 2 {
                    std::hint::spin_loop();
                }
                client.read_exact(&mut octets)?;
            }
            Ok(())
        });
        let mut time = Duration::ZERO;
        let answer = [b'x'; ANSWER];
        for round in 0..rounds {
            while turn.load(Ordering::Acquire) != 2 * round + 1 && !other.is_finished() {
                std::hint::spin_loop();
            }
            let since = Instant::now();
            while since.elapsed() < nap {
                std::hint::spin_loop();
            }
            let began = Instant::now();
            let sent = server.write_all(&answer);
            time += began.elapsed();
            turn.store(2 * round + 2, Ordering::Release);
            sent?;
        }
        other.join().map_err(|_| io::Error::other("the client panicked"))??;
        Ok(time)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_arrives_whether_the_client_sleeps_or_not() {
        let Ok(cores) = TwoCores::find() else {
            assert!(more().is_err(), "the client needs a core of its own");
            return;
        };
        for client_sleeps in [false, true] {
            assert!(answers(&cores, 20, client_sleeps, NAP).unwrap() >= Duration::from_micros(20));
        }
    }
}
