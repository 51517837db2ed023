//! The loop of the superserver: who knocks, which program has ended, what was asked by signals.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::fault::LineError;
use super::listeners::Listening;
use super::start::start;
use super::table::TableEntry;
use super::throttle::{Rest, Throttle};
use crate::limits::{SUPERSERVER_BURST, SUPERSERVER_CHILDREN, SUPERSERVER_KILL_GRACE};
use dyno_units::show;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuperserverEnd {
    /// All programs have ended.
    Drained,
    /// It was asked a second time.
    AtOnce,
}

/// A superserver with its sockets.
pub(crate) struct Superserver {
    services: Vec<Service>,
    children: HashMap<Pid, Child>,
    next_number: u64,
    signals: SignalFd,
    /// Until when programs may go on; `None`: it serves.
    drain_until: Option<Instant>,
}

struct Service {
    number: u64,
    entry: TableEntry,
    listening: Listening,
    throttle: Throttle,
    /// The program that has the listening socket.
    holder: Option<Pid>,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    started: u64,
    not_started: u64,
    failed: u64,
    rests: u64,
}

struct Child {
    service: u64,
    born: Instant,
    is_asked: bool,
}

/// Why a service has no socket.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: cannot listen at {address}: {error}")]
pub(crate) struct NotListening {
    line: usize,
    address: String,
    pub(crate) error: io::Error,
}

impl Superserver {
    /// Opens the sockets of all entries. From now on the signals are this loop's.
    ///
    /// # Errors
    /// When one cannot be opened, or the system refuses to give the signals.
    pub(crate) fn open(entries: Vec<TableEntry>) -> Result<Superserver, NotListening> {
        let signals =
            signals().map_err(|error| NotListening { line: 0, address: "signals".into(), error })?;
        let mut server = Superserver {
            services: Vec::new(),
            children: HashMap::new(),
            next_number: 0,
            signals,
            drain_until: None,
        };
        for entry in entries {
            server.listen(entry)?;
        }
        Ok(server)
    }

    fn listen(&mut self, entry: TableEntry) -> Result<(), NotListening> {
        match Listening::open(&entry) {
            Ok(listening) => {
                let throttle = Throttle::new(entry.most_starts);
                self.next_number += 1;
                let (number, holder, counts) = (self.next_number, None, Counts::default());
                self.services.push(Service { number, entry, listening, throttle, holder, counts });
                Ok(())
            }
            // A machine without IPv6 has its services all the same.
            Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => Ok(()),
            Err(error) => Err(NotListening { line: entry.line, address: entry.address.to_string(), error }),
        }
    }

    /// What it listens for, one object for each socket; at the end with what was started.
    pub(crate) fn services(&self, is_over: bool) -> Vec<Value> {
        let told = |service: &Service| {
            let mut told = json!({
                "line": service.entry.line,
                "address": service.listening.address.to_string(),
                "waits": service.entry.waits,
                "program": service.entry.program,
            });
            if is_over {
                let Counts { started, not_started, failed, rests } = service.counts;
                let counts = json!({ "started": started, "not_started": not_started, "failed": failed, "rests": rests });
                told["counts"] = counts;
            }
            told
        };
        self.services.iter().map(told).collect()
    }

    /// Serves until it is asked to stop, and then until all programs have ended, at most for `drain`. `read` gives the
    /// table anew; `say` tells the operator.
    ///
    /// # Errors
    /// When waiting is refused.
    pub(crate) fn run(
        &mut self,
        drain: Duration,
        read: impl Fn() -> io::Result<Result<Vec<TableEntry>, Vec<LineError>>>,
        say: impl Fn(&str),
    ) -> io::Result<SuperserverEnd> {
        loop {
            let knocked = self.wait()?;
            while let Some(signal) = self.signals.read_signal()? {
                match Signal::try_from(signal.ssi_signo.cast_signed()) {
                    Ok(Signal::SIGCHLD) => self.bury(&say),
                    Ok(Signal::SIGHUP) if self.drain_until.is_none() => self.read_again(read(), &say),
                    Ok(Signal::SIGTERM | Signal::SIGINT) if self.drain_until.is_some() => {
                        return Ok(SuperserverEnd::AtOnce);
                    }
                    Ok(Signal::SIGTERM | Signal::SIGINT) => self.begin_to_drain(drain, &say),
                    _ => {}
                }
            }
            for number in knocked {
                self.serve(number, &say);
            }
            if self.has_drained() {
                return Ok(SuperserverEnd::Drained);
            }
        }
    }

    /// Waits for a signal, for somebody who knocks, or for the end of a rest.
    ///
    /// # Returns
    /// The services at which somebody waits.
    fn wait(&self) -> io::Result<Vec<u64>> {
        let now = Instant::now();
        let is_full = self.children.len() >= SUPERSERVER_CHILDREN;
        let may_start = |one: &&Service| one.holder.is_none() && !is_full && self.drain_until.is_none();
        let (resting, awake): (Vec<&Service>, Vec<&Service>) =
            self.services.iter().filter(may_start).partition(|one| one.throttle.rests_until(now).is_some());
        let rests_end = resting.iter().filter_map(|one| one.throttle.rests_until(now));
        let until = rests_end.chain(self.drain_until).min();
        let timeout = until.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(now) + Duration::from_millis(1);
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        let mut watched = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        watched.extend(awake.iter().map(|one| PollFd::new(one.listening.as_fd(), PollFlags::POLLIN)));
        match poll(&mut watched, timeout) {
            Ok(_) | Err(Errno::EINTR | Errno::ENOMEM | Errno::EAGAIN) => {}
            Err(error) => return Err(error.into()),
        }
        let has_knocked = |(watched, _): &(&PollFd<'_>, &&Service)| watched.any().unwrap_or(true);
        Ok(watched[1..].iter().zip(&awake).filter(has_knocked).map(|(_, one)| one.number).collect())
    }

    /// Starts what somebody wants who has knocked.
    fn serve(&mut self, number: u64, say: &impl Fn(&str)) {
        let Some(service) = self.services.iter_mut().find(|one| one.number == number) else { return };
        if service.entry.waits {
            let started = start(&service.entry, service.listening.as_fd());
            if let Some(child) = service.note(started, &mut self.children, say) {
                service.holder = Some(child);
            }
            return;
        }
        for _ in 0..SUPERSERVER_BURST {
            if self.children.len() >= SUPERSERVER_CHILDREN
                || service.throttle.rests_until(Instant::now()).is_some()
            {
                return;
            }
            match service.listening.accept() {
                Ok(Some(connection)) => {
                    let started = start(&service.entry, connection.as_fd());
                    service.note(started, &mut self.children, say);
                }
                Ok(None) => return,
                Err(error) => return say(&format!("{}: {error}", service.name())),
            }
        }
    }

    /// Takes note of all programs that have ended.
    fn bury(&mut self, say: &impl Fn(&str)) {
        loop {
            let (process, is_failure) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(process, code)) => (process, code != 0),
                Ok(WaitStatus::Signaled(process, signal, _)) => (process, signal != Signal::SIGTERM),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            let Some(child) = self.children.remove(&process) else { continue };
            let now = Instant::now();
            let Some(service) = self.services.iter_mut().find(|one| one.number == child.service) else {
                continue;
            };
            service.counts.failed += u64::from(is_failure && !child.is_asked);
            if service.holder == Some(process) {
                service.holder = None;
                // Whoever still waits was not accepted. Of connections each has its own program, so clients would
                // decide whether the service rests.
                let was_wanted = child.is_asked || (!is_failure && !service.listening.is_wanted());
                let rest = service.throttle.ended(now, now - child.born, was_wanted);
                service.rest(rest, say);
            }
        }
    }

    /// Puts another table in the place of the one in force, unless it has a fault. Sockets that both have stay open.
    fn read_again(&mut self, read: io::Result<Result<Vec<TableEntry>, Vec<LineError>>>, say: &impl Fn(&str)) {
        let entries = match read {
            Ok(Ok(entries)) => entries,
            Ok(Err(errors)) => {
                errors.iter().for_each(|error| say(&error.to_string()));
                return say("the table has faults; going on with the one before");
            }
            Err(error) => {
                return say(&format!("cannot read the table: {error}; going on with the one before"));
            }
        };
        self.services.retain(|service| entries.iter().any(|entry| service.is_for(entry)));
        for entry in entries {
            match self.services.iter_mut().find(|service| service.is_for(&entry)) {
                Some(service) if service.entry == entry => {}
                Some(service) => {
                    service.throttle = Throttle::new(entry.most_starts);
                    service.entry = entry;
                }
                None => {
                    if let Err(error) = self.listen(entry) {
                        say(&error.to_string());
                    }
                }
            }
        }
        say(&format!("read the table again: {}", show::many(self.services.len() as u64, "socket")));
    }

    /// Nothing more is started. Programs that listen are asked to stop; those that have a connection finish.
    fn begin_to_drain(&mut self, drain: Duration, say: &impl Fn(&str)) {
        // Who has connected by now is served.
        let waiting: Vec<_> =
            self.services.iter().filter(|one| !one.entry.waits).map(|one| one.number).collect();
        waiting.into_iter().for_each(|number| self.serve(number, say));
        self.drain_until = Some(Instant::now() + drain);
        for holder in self.services.iter().filter_map(|one| one.holder) {
            self.children.get_mut(&holder).into_iter().for_each(|child| child.is_asked = true);
            let _ = kill(holder, Signal::SIGTERM);
        }
    }

    /// Whether all is over. Programs that have not ended in time are asked to stop, and then killed.
    fn has_drained(&mut self) -> bool {
        let (Some(until), now) = (self.drain_until, Instant::now()) else { return false };
        if self.children.is_empty() {
            return true;
        }
        if now < until {
            return false;
        }
        for (process, child) in &mut self.children {
            let signal = if child.is_asked { Signal::SIGKILL } else { Signal::SIGTERM };
            child.is_asked = true;
            let _ = kill(*process, signal);
        }
        self.drain_until = Some(now + SUPERSERVER_KILL_GRACE);
        false
    }
}

impl Service {
    fn name(&self) -> String {
        format!("line {} ({})", self.entry.line, self.listening.address)
    }

    /// Whether `entry` is about the same socket.
    fn is_for(&self, entry: &TableEntry) -> bool {
        self.entry.address == entry.address
            && self.entry.waits == entry.waits
            && self.entry.buffers == entry.buffers
    }

    /// Takes note of a start, or says why there was none.
    fn note(
        &mut self,
        started: io::Result<Pid>,
        children: &mut HashMap<Pid, Child>,
        say: &impl Fn(&str),
    ) -> Option<Pid> {
        let now = Instant::now();
        let (process, rest) = match started {
            Ok(process) => {
                self.counts.started += 1;
                children.insert(process, Child { service: self.number, born: now, is_asked: false });
                (Some(process), self.throttle.started(now))
            }
            Err(error) => {
                self.counts.not_started += 1;
                say(&format!("{}: cannot start {}: {error}", self.name(), self.entry.program.display()));
                (None, self.throttle.ended(now, Duration::ZERO, false))
            }
        };
        self.rest(rest, say);
        process
    }

    fn rest(&mut self, rest: Option<Rest>, say: &impl Fn(&str)) {
        let Some(rest) = rest else { return };
        self.counts.rests += 1;
        let (name, program) = (self.name(), self.entry.program.display());
        let for_how_long = |time: Duration| show::time(time.as_nanos() as f64);
        say(&match rest {
            Rest::Looping(time) => {
                format!(
                    "{name}: {program} keeps ending as soon as it is started; resting for {}",
                    for_how_long(time)
                )
            }
            Rest::TooOften(time) => format!(
                "{name}: {program} was started {} times within a minute; resting for {}",
                self.entry.most_starts,
                for_how_long(time)
            ),
        });
    }
}

/// From now on these signals are read instead of handled.
fn signals() -> io::Result<SignalFd> {
    let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD]);
    mask.thread_block()?;
    Ok(SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}
