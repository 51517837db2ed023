//! Asks each backend now and then whether it is well, so that one that has failed is found again without a client's
//! request, and one that hangs is left before a client finds it.
//!
//! A thread does it, also beside a process that forks workers. It takes no lock that a worker could need: what it
//! learns it writes into cells, and what it sends was written before.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Instant;

use dyno_proxy::farm::Backends;
use dyno_proxy::health::{self, HealthSign};
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};
use socket2::{Domain, SockAddr, Socket, Type};

use super::address::BackendAddress;
use super::group::BackendGroup;
use crate::limits::{PROBE_EVERY, PROBE_TIME, THREAD_STACK_BYTES};

/// A backend to be asked.
struct Probed {
    group: Arc<BackendGroup>,
    backend: usize,
    domain: Domain,
    address: SockAddr,
    request: Vec<u8>,
}

/// Starts the thread that asks for `path`. Call it before anything forks.
///
/// # Errors
/// When the system refuses the thread.
pub(super) fn begin(groups: &[Arc<BackendGroup>], path: &str) -> io::Result<()> {
    let mut all = Vec::new();
    for group in groups {
        group.is_probed.store(true, Relaxed);
        for backend in group.farm().all().each() {
            let (domain, address) = match group.address(backend) {
                BackendAddress::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
                BackendAddress::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
            };
            let (host, own) = (group.authority(), group.own.as_str());
            let request =
                format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nVia: 1.1 {own}\r\nConnection: close\r\n\r\n")
                    .into();
            all.push(Probed { group: Arc::clone(group), backend, domain, address, request });
        }
    }
    // A signal is for the threads that serve, whose calls it interrupts; a thread inherits the mask of its maker.
    let usual = SigSet::thread_get_mask()?;
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    let started =
        thread::Builder::new().name("health".into()).stack_size(THREAD_STACK_BYTES).spawn(move || {
            loop {
                all.iter().for_each(look);
                thread::sleep(PROBE_EVERY);
            }
        });
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&usual), None)?;
    started.map(|_| ())
}

/// Asks one, and notes what was seen. Whom requests try again, or leave alone for now, is asked as well.
fn look(probed: &Probed) {
    let farm = probed.group.farm();
    let is_up = health::up(&farm).has(probed.backend);
    let seen = if ask(probed).is_ok_and(is_well) { HealthSign::Success } else { HealthSign::Failure };
    let now_ns = probed.group.ns(Instant::now());
    // One that is down stays down for as long as it would have: only a trial that was due counts as one.
    let only = Backends::default().with(probed.backend);
    let is_trial = !is_up && seen == HealthSign::Failure && health::take_trial(&farm, only, now_ns).is_some();
    health::note(&farm, probed.backend, seen, is_trial, now_ns);
}

/// The begin of its answer.
fn ask(probed: &Probed) -> io::Result<[u8; 12]> {
    let mut socket = Socket::new(probed.domain, Type::STREAM, None)?;
    socket.connect_timeout(&probed.address, PROBE_TIME)?;
    socket.set_read_timeout(Some(PROBE_TIME))?;
    socket.set_write_timeout(Some(PROBE_TIME))?;
    socket.write_all(&probed.request)?;
    let mut begin = [0; 12];
    socket.read_exact(&mut begin)?;
    Ok(begin)
}

/// Whether it is HTTP/1, and neither a fault of the backend's nor of what we ask.
fn is_well(begin: [u8; 12]) -> bool {
    begin.starts_with(b"HTTP/1.") && begin[8] == b' ' && matches!(begin[9], b'2' | b'3')
}
