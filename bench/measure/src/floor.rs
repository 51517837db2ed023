//! The machine's floor: the round trip that no server on it can beat.
//!
//! A byte goes to another thread and back over a loopback TCP connection. On one core the two threads take turns.
//! Across cores each thread must be woken from sleep, which on a virtual machine costs more than everything else
//! together; when both spin instead, no thread sleeps. At low load this floor is most of the latency that a plot
//! shows.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::limits::{FLOOR_LIMIT, FLOOR_ROUNDS};
use crate::probe::machine::pin;
use dyno_record::header::Floor;

/// Measures the floor between the first of the cores and the last.
pub fn measure(cores: &[usize]) -> Floor {
    let (Some(&first), Some(&last)) = (cores.first(), cores.last()) else {
        return Floor::default();
    };
    let apart = first != last;
    let same_core_ns = round_trip_ns(first, first, false).ok();
    let across_cores_ns = apart.then(|| round_trip_ns(first, last, false).ok()).flatten();
    let spinning_ns = apart.then(|| round_trip_ns(first, last, true).ok()).flatten();
    let wake_up_ns = across_cores_ns.zip(spinning_ns).map(|(slept, spun)| slept.saturating_sub(spun) / 2);
    Floor {
        same_core_ns,
        across_cores_ns,
        spinning_ns,
        wake_up_ns,
        clock_ns: Some(clock_ns()),
        unit_costs: Vec::new(),
    }
}

/// Median round trip of one byte between threads on two cores.
fn round_trip_ns(here: usize, there: usize, spin: bool) -> io::Result<u64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    for end in [&near, &far] {
        end.set_nodelay(true)?;
        end.set_nonblocking(spin)?;
    }
    let echo = thread::spawn(move || {
        let _ = pin(&[there]);
        let mut byte = [0];
        while receive(&mut far, &mut byte, spin).is_ok() {
            if far.write_all(&byte).is_err() {
                break;
            }
        }
    });
    let before = sched_getaffinity(Pid::from_raw(0));
    let _ = pin(&[here]);
    let mut times = Vec::with_capacity(FLOOR_ROUNDS);
    let began = Instant::now();
    let mut byte = [0];
    let result = loop {
        let sent = Instant::now();
        if let Err(error) = near.write_all(&[1]).and_then(|()| receive(&mut near, &mut byte, spin)) {
            break Err(error);
        }
        times.push(sent.elapsed().as_nanos() as u64);
        if times.len() >= FLOOR_ROUNDS || began.elapsed() > FLOOR_LIMIT {
            break Ok(());
        }
    };
    drop(near);
    if let Ok(before) = before {
        let _ = sched_setaffinity(Pid::from_raw(0), &before);
    }
    let _ = echo.join();
    result?;
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

fn receive(from: &mut TcpStream, byte: &mut [u8; 1], spin: bool) -> io::Result<()> {
    loop {
        match from.read(byte) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => return Ok(()),
            Err(error) if spin && error.kind() == io::ErrorKind::WouldBlock => std::hint::spin_loop(),
            Err(error) => return Err(error),
        }
    }
}

fn clock_ns() -> u64 {
    let began = Instant::now();
    for _ in 0..1_000 {
        std::hint::black_box(Instant::now());
    }
    began.elapsed().as_nanos() as u64 / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_takes_some_time_and_ends() {
        let floor = measure(&crate::probe::machine::online_cores());
        let same = floor.same_core_ns.unwrap();
        assert!((500..50_000_000).contains(&same), "{floor:?}");
    }
}
