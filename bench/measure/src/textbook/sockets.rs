//! Claims about sockets: domains, Nagle's algorithm, copying.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use dyno_analysis::textbook::TrialRounds;
use dyno_record::textbook::ClaimUnit;
use nix::time::{ClockId, clock_gettime};

use super::claim::{Claim, Effort, MATTERS, Printed, TrialError, about, at_least, itself};
use super::rounds::{each_ns, in_turns, per};
use crate::unit_costs::on_one_core;

/// Round trips for one figure.
const ROUND_TRIPS: u32 = 1_000;

/// Requests in two writes for one figure; each takes 40 ms where the claim holds.
const SPLIT_REQUESTS: u32 = 4;

/// The file that is sent: 1 MiB, from the page cache.
const FILE_OCTETS: usize = 1 << 20;

/// How often it is sent for one figure.
const SENT: u32 = 16;

/// Memory through which it is copied: what servers use.
const COPIED_OCTETS: usize = 64 << 10;

const MS: f64 = 1e6;

pub(super) const CLAIMS: [Claim; 3] = [
    Claim {
        name: "unix-domain",
        group: "Sockets",
        says: "A Unix domain socket is about twice as fast as TCP on the same host.",
        source: Printed {
            author: "W. R. Stevens, B. Fenner and A. M. Rudoff",
            work: "UNIX Network Programming, vol. 1, 3rd ed. (2003)",
            place: "section 15.1",
        },
        claimed: about(2.0),
        figures: &["TCP", "Unix domain"],
        unit: ClaimUnit::Ns,
        trial: "A byte goes to and fro between two threads on one core, over TCP (loopback) and over a pair of Unix domain sockets.",
        if_holds: "TCP goes through segments, acknowledgements and a software interrupt, a Unix domain socket through one queue.",
        if_not: "The switch between both sides, which is the same for both, weighs more or less than it did.",
        run: domains,
    },
    Claim {
        name: "nagle-delayed-ack",
        group: "Sockets",
        says: "Nagle's algorithm and delayed acknowledgements together cost 40 ms.",
        source: Printed {
            author: "J. C. Mogul and G. Minshall",
            work: "Rethinking the TCP Nagle Algorithm (ACM CCR, 2001)",
            place: "with the 40 ms of Linux in place of 200 ms",
        },
        claimed: itself(Some(30.0 * MS), Some(60.0 * MS)),
        figures: &["a request in two writes", "the same with TCP_NODELAY"],
        unit: ClaimUnit::Ns,
        trial: "A request goes out in two small writes and is answered when both have come; with Nagle's algorithm, and without.",
        if_holds: "The second write waits for the acknowledgement of the first, which the other side delays in the hope of data to send along.",
        if_not: "One side does not delay: the kernel acknowledges at once, or sends small segments at once.",
        run: nagle,
    },
    Claim {
        name: "zero-copy",
        group: "Sockets",
        says: "To send a file with sendfile is cheaper than to read it and to write it.",
        source: Printed {
            author: "M. Kerrisk",
            work: "The Linux Programming Interface (2010)",
            place: "section 61.4",
        },
        claimed: at_least(MATTERS),
        figures: &["read and write, CPU", "sendfile, CPU"],
        unit: ClaimUnit::Ns,
        trial: "A file of 1 MiB that lies in the page cache is sent over TCP to a thread that throws it away; what counts is the sender's CPU.",
        if_holds: "The pages of the cache go into the socket as they are: two copies and their system calls less.",
        if_not: "Over loopback the receiver's work runs on the sender's time as well, and it outweighs the copy that is saved.",
        run: copies,
    },
];

fn domains(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let tcp = || {
        let (near, far) = tcp_pair()?;
        on_one_core(|| Ok(round_trips(near, far)))?
    };
    let unix = || {
        let (near, far) = UnixStream::pair()?;
        on_one_core(|| Ok(round_trips(near, far)))?
    };
    in_turns(effort, tcp, unix)
}

/// Both ends of a connection, which send at once.
fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

/// The time of a byte to the other side and back.
fn round_trips<S: Read + Write + Send>(mut near: S, mut far: S) -> Result<f64, TrialError> {
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut byte = [0];
            while matches!(far.read(&mut byte), Ok(1)) && far.write_all(&byte).is_ok() {}
        });
        let mut byte = [0];
        let time = each_ns(ROUND_TRIPS, || {
            near.write_all(&byte)?;
            near.read_exact(&mut byte)
        });
        drop(near);
        time
    })
}

fn nagle(effort: &Effort) -> Result<TrialRounds, TrialError> {
    in_turns(effort, || split_requests(false), || split_requests(true))
}

/// The time of a request that goes out in two writes.
fn split_requests(at_once: bool) -> Result<f64, TrialError> {
    let (mut near, mut far) = tcp_pair()?;
    near.set_nodelay(at_once)?;
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut both = [0; 2];
            while far.read_exact(&mut both).is_ok() && far.write_all(&both[..1]).is_ok() {}
        });
        let mut ask = || {
            near.write_all(b"a")?;
            near.write_all(b"b")?;
            near.read_exact(&mut [0])
        };
        // A fresh connection is acknowledged at once for a while.
        ask()?;
        let time = each_ns(SPLIT_REQUESTS, ask);
        drop(near);
        time
    })
}

fn copies(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let path = effort.directory.join("sent");
    std::fs::write(&path, vec![b'x'; FILE_OCTETS])?;
    let found = in_turns(effort, || sender_cpu(&path, copied), || sender_cpu(&path, sent));
    std::fs::remove_file(&path)?;
    found
}

/// CPU of the sender for each time the file is sent.
fn sender_cpu(path: &Path, send: fn(&File, &mut TcpStream) -> io::Result<()>) -> Result<f64, TrialError> {
    let (mut near, mut far) = tcp_pair()?;
    let file = File::open(path)?;
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut room = vec![0; COPIED_OCTETS];
            while matches!(far.read(&mut room), Ok(1..)) {}
        });
        let own = || -> io::Result<Duration> { Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into()) };
        let before = own()?;
        let outcome = (0..SENT).try_for_each(|_| send(&file, &mut near));
        let used = own()?.saturating_sub(before);
        drop(near);
        outcome?;
        Ok(per(used, SENT))
    })
}

fn copied(file: &File, to: &mut TcpStream) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    let (mut room, mut place) = ([0; COPIED_OCTETS], 0);
    loop {
        match file.read_at(&mut room, place)? {
            0 => return Ok(()),
            count => {
                to.write_all(&room[..count])?;
                place += count as u64;
            }
        }
    }
}

fn sent(file: &File, to: &mut TcpStream) -> io::Result<()> {
    let mut place: libc::off_t = 0;
    while (place as usize) < FILE_OCTETS {
        let left = FILE_OCTETS - place as usize;
        // SAFETY: both descriptors are open as long as the borrows last, and the kernel writes to `place` alone.
        match unsafe { libc::sendfile(to.as_raw_fd(), file.as_raw_fd(), &raw mut place, left) } {
            -1 => return Err(io::Error::last_os_error()),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
    Ok(())
}
