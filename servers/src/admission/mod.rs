//! Overload control: whom a server refuses while more is asked of it than it can do.
//!
//! A server that serves everybody in turn serves nobody in time once the line is longer than its clients' patience:
//! each answer comes after its client has given up. Who refuses some of them at once, and cheaply, serves the others
//! in time. The four [controllers](Controller) differ in what they go by:
//!
//! | control | refuses | goes by |
//! |---|---|---|
//! | [`bounded`] | behind so many others | a number that somebody has chosen |
//! | [`codel`] | what has waited twice the target, once even the shortest wait is over the target | a standing delay |
//! | [`deadline`] | what could not be done within a time | how long it has waited, and what stands before it |
//! | [`gradient`] | behind so many others | the limit that keeps latencies near those of an idle server |
//!
//! They are pure: times are nanoseconds of one clock and come as arguments. What they know of the server is its
//! [`mod@line`], which lies in memory that forked workers share, so that processes have one controller as threads do.
//! None of them refuses a request that meets an idle server.

pub mod age;
pub mod bounded;
pub mod codel;
pub mod deadline;
pub mod gradient;
pub mod line;
#[cfg(test)]
mod simulation;

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use self::age::AgeClock;
use self::bounded::Bounded;
use self::codel::Codel;
use self::deadline::Deadline;
use self::gradient::Gradient;
use self::line::WaitingLine;
use crate::limits::{ADMISSION_PLACES, ADMISSION_PLACES_MAX, CODEL_TARGET, DEADLINE_AGE};
use crate::services::service::FieldLookup;

/// A request that asks to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Now, ns.
    pub now_ns: u64,
    /// For how long it has waited already, ns.
    pub waited_ns: u64,
}

/// A request that was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Now, ns.
    pub now_ns: u64,
    /// For how long it had waited before it was served, ns.
    pub waited_ns: u64,
    /// For how long the service was at work, ns.
    pub served_ns: u64,
}

/// Decides whom to refuse.
pub trait Controller: Send + Sync {
    /// Whether a request may join the line. While the server is idle it may in any case.
    fn admits(&self, line: &WaitingLine, arrival: Arrival) -> bool;

    /// Whether a request that was admitted and then stood in a queue has become too old meanwhile.
    fn is_stale(&self, line: &WaitingLine, arrival: Arrival) -> bool;

    /// A request was served.
    fn done(&self, _line: &WaitingLine, _finished: Finished) {}

    /// Whether a queue should give out the newest first.
    fn prefers_newest(&self) -> bool {
        false
    }
}

/// Which controller, with its only parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// At most so many requests before one.
    Bounded(u64),
    /// A target for the shortest wait.
    CodelLifo(Duration),
    /// The longest wait.
    Deadline(Duration),
    /// A limit that the server finds by itself.
    Gradient,
}

impl Control {
    /// Every control, each with the parameter that it has when none is given.
    pub const ALL: [Control; 4] = [
        Control::Bounded(ADMISSION_PLACES),
        Control::CodelLifo(CODEL_TARGET),
        Control::Deadline(DEADLINE_AGE),
        Control::Gradient,
    ];

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Control::Bounded(_) => "bounded",
            Control::CodelLifo(_) => "codel-lifo",
            Control::Deadline(_) => "deadline",
            Control::Gradient => "gradient",
        }
    }
}

impl FromStr for Control {
    type Err = NoControl;

    fn from_str(name: &str) -> Result<Self, NoControl> {
        Control::ALL.into_iter().find(|control| control.name() == name).ok_or(NoControl)
    }
}

/// The name belongs to no control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such overload control")]
pub struct NoControl;

/// From when on a request has waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AgeFrom {
    /// Since the server took it up: since it accepted the connection, or was told that there is something to read.
    Accept,
    /// Since the kernel received its last octet, or since the server took it up if that was earlier.
    #[default]
    Receive,
    /// Since its client wanted to send it, by the clock of this host; without that, since the kernel received it.
    Due,
}

/// The overload control of a server.
pub struct Admission {
    control: Control,
    controller: Box<dyn Controller>,
    line: WaitingLine,
    age: AgeClock,
}

impl Admission {
    /// A control for one server.
    ///
    /// # Errors
    /// When the kernel refuses the memory that workers share.
    pub fn new(control: Control, from: AgeFrom) -> io::Result<Self> {
        // Those that this process may use, where it was kept to some.
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Admission {
            control,
            controller: controller(control)?,
            line: WaitingLine::new()?.with_cores(cores),
            age: AgeClock::new(from),
        })
    }

    /// Which control it is.
    pub fn control(&self) -> Control {
        self.control
    }

    /// Whether a queue should give out the newest first while there is more than it can do.
    pub fn prefers_newest(&self) -> bool {
        self.controller.prefers_newest()
    }

    /// Asks for a request that the server `took_up` then and that has come on `connection`. `None`: refuse it.
    pub fn ask(
        &self,
        took_up: Instant,
        connection: Option<BorrowedFd<'_>>,
        fields: &dyn FieldLookup,
    ) -> Option<Pass<'_>> {
        let now = Instant::now();
        let waited = self.age.waited(now, took_up, connection, fields);
        let arrival = Arrival { now_ns: self.age.ns(now), waited_ns: waited.as_nanos() as u64 };
        let since_ns = arrival.now_ns.saturating_sub(arrival.waited_ns);
        match admit(self.controller.as_ref(), &self.line, arrival) {
            Verdict::Refused => None,
            verdict => Some(Pass { admission: self, since_ns, is_urgent: verdict == Verdict::Idle }),
        }
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It has met an idle server, and is served however old it is.
    Idle,
    /// It may join the line.
    Admitted,
    /// It may not.
    Refused,
}

/// The rule around every controller: whoever meets an idle server is served.
fn admit(controller: &dyn Controller, line: &WaitingLine, arrival: Arrival) -> Verdict {
    // It is asked in any case: whoever has waited for nobody shows that the line is short.
    let admits = controller.admits(line, arrival);
    let verdict = if line.is_idle(arrival) {
        Verdict::Idle
    } else if admits {
        Verdict::Admitted
    } else {
        Verdict::Refused
    };
    if verdict != Verdict::Refused {
        line.enter(arrival.now_ns);
    } else {
        line.turn_away(arrival.now_ns);
    }
    verdict
}

fn controller(control: Control) -> io::Result<Box<dyn Controller>> {
    Ok(match control {
        Control::Bounded(places) => Box::new(Bounded::new(places.min(ADMISSION_PLACES_MAX))),
        Control::CodelLifo(target) => Box::new(Codel::new(target)?),
        Control::Deadline(age) => Box::new(Deadline::new(age)),
        Control::Gradient => Box::new(Gradient::new()?),
    })
}

/// A request that was admitted, until it is served or dropped.
pub struct Pass<'a> {
    admission: &'a Admission,
    /// Since when it has waited, ns.
    since_ns: u64,
    /// Whether it is served however old it becomes: it has met an idle server.
    is_urgent: bool,
}

impl Pass<'_> {
    /// Whether it has become too old in a queue.
    pub fn is_stale(&self) -> bool {
        let Admission { controller, line, age, .. } = self.admission;
        let now_ns = age.ns(Instant::now());
        let waited_ns = now_ns.saturating_sub(self.since_ns);
        let is_stale = !self.is_urgent && controller.is_stale(line, Arrival { now_ns, waited_ns });
        if is_stale {
            line.turn_away(now_ns);
        }
        is_stale
    }

    /// Serves it.
    pub fn serve<T>(self, serve: impl FnOnce() -> T) -> T {
        let Admission { controller, line, age, .. } = self.admission;
        let begun_ns = age.ns(Instant::now());
        let answer = serve();
        let now_ns = age.ns(Instant::now());
        let waited_ns = begun_ns.saturating_sub(self.since_ns);
        let finished = Finished { now_ns, waited_ns, served_ns: now_ns.saturating_sub(begun_ns) };
        line.served(finished);
        controller.done(line, finished);
        answer
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let Admission { line, age, .. } = self.admission;
        line.leave(age.ns(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_control_is_found_by_its_name() {
        for control in Control::ALL {
            assert_eq!(control.name().parse(), Ok(control));
        }
        assert_eq!("none".parse::<Control>(), Err(NoControl));
        assert_eq!("Deadline".parse::<Control>(), Err(NoControl));
    }
}
