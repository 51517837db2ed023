//! The thread that serves a control port: the poll chapter's loop over another listener and other services, so that it
//! answers whatever the server itself is busy with.
//!
//! It may stand beside a process which forks workers, as the other threads that [stand
//! beside](crate::kit::threads::beside) the serving ones. A forked worker has a copy of all memory
//! and none of the other threads, so a lock that one of these held at that moment stays locked in the copy; this
//! thread takes no lock that a worker could need.

use std::io;
use std::net::{Shutdown, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use dyno_http::limits::Limits;
use socket2::{Domain, SockRef};

use super::port::TABLE;
use crate::architectures::readiness::{self, poll::Poll};
use crate::drivers::selector::Selector as _;
use crate::drivers::workers::Alone;
use crate::kit::memory::MemoryBudget;
use crate::kit::sharing::Sharing;
use crate::kit::site::{Arm, Readiness, Settings, Site};
use crate::kit::stop::Stop;
use crate::kit::tally::Tallies;
use crate::kit::threads::beside;
use crate::limits::{CONNECTION_BYTES, CONTROL_CONNECTIONS, CONTROL_MEMORY_BYTES, CONTROL_NICE_STEPS, DRAIN};
use crate::services::service::Services;
use crate::under_way::register::Register;

/// How the thread of a control port is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Before all threads that are not real-time ones, as soon as it wakes (SCHED_RR).
    RealTime,
    /// With a larger share than the threads that serve (nice(2)).
    Raised,
    /// As they are: the system allows no more.
    Usual,
}

/// Serves a control port on `listener` until `stop` is thrown; what is held then is cancelled. Call it before anything
/// else starts a thread.
///
/// # Errors
/// When the system refuses memory, descriptors or the thread.
pub fn open(listener: TcpListener, register: &'static Register, stop: &'static Stop) -> io::Result<Priority> {
    let is_unix = SockRef::from(&listener).local_addr()?.domain() == Domain::UNIX;
    let mut services = Services::new(TABLE, Some(1))?;
    services.register = Some(register);
    services.queues = None;
    let settings = Settings {
        workers: 1,
        queue_places: 0,
        max_connections: CONTROL_CONNECTIONS,
        arm: Arm::Tuned,
        drain: DRAIN,
        memory_bytes: CONTROL_MEMORY_BYTES,
    };
    // As the site of the server itself, it lives as long as the process.
    let site: &'static Site = Box::leak(Box::new(Site {
        listener,
        is_unix,
        sharing: Sharing::default(),
        services,
        limits: Arc::new(Limits::default()),
        transport: None,
        access: None,
        admission: None,
        tower: None,
        register: None,
        trace: None,
        tallies: Tallies::new(1)?,
        open_connections: AtomicUsize::new(0),
        memory: MemoryBudget::new(settings.memory_bytes, 0)?,
        connection_bytes: CONNECTION_BYTES,
        settings,
        stop,
        readiness: Readiness::new(|_, _| {}),
    }));
    let (tell, told) = crossbeam::channel::bounded(1);
    beside("control", move || {
        let _ = tell.send(raise());
        serve(site);
    })?;
    Ok(told.recv().unwrap_or(Priority::Usual))
}

/// Asks that the calling thread run before others.
fn raise() -> Priority {
    // struct sched_param as the kernel knows it: sched_priority alone.
    let first: libc::c_int = 1;
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: sched_setscheduler(2) reads a live local; it is for the calling thread alone. musl's function of that
    // name refuses always, because POSIX means a whole process by it; the kernel's call means a thread.
    if unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const first) } == 0 {
        return Priority::RealTime;
    }
    // SAFETY: setpriority(2) only enters the kernel; on Linux it is for the calling thread alone.
    match unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, CONTROL_NICE_STEPS) } {
        0 => Priority::Raised,
        _ => Priority::Usual,
    }
}

/// Serves until the server stops. A port that breaks leaves the server as it is: whoever asks finds nobody.
fn serve(site: &'static Site) {
    let tally = site.tallies.of(0);
    let _ = Poll::new().and_then(|poll| {
        readiness::run(poll, site, &site.listener, tally, &mut Alone { site, tally }, || {})
    });
    // Nobody can resume what is held now.
    site.services.register.into_iter().for_each(Register::cancel_held);
    // What is left in the queue, and whoever comes after, is refused by the kernel; a successor may go on with the
    // port.
    if !site.stop.leaves_listener() {
        let _ = SockRef::from(&site.listener).shutdown(Shutdown::Both);
    }
}
