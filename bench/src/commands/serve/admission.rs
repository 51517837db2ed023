//! The options of overload control.

use std::io;

use clap::ValueEnum;
use dyno_servers::admission::{Admission, AgeFrom, Control};
use dyno_servers::limits::ADMISSION_PLACES;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::exit::Failure;

/// Whom the server refuses while more is asked of it than it can do.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Overload control")]
pub(super) struct AdmissionOptions {
    /// Whom to refuse with a 503 and Retry-After while more is asked for than can be done.
    #[arg(long, value_name = "CONTROL", value_enum, default_value_t = ControlName::None)]
    admission: ControlName,
    /// From when on a request counts as waiting [default: receive].
    #[arg(long, value_name = "FROM", value_enum)]
    admission_age: Option<AgeName>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ControlName {
    /// Nobody: each is served in its turn, however late.
    None,
    /// Who finds 50 requests before it.
    Bounded,
    /// Who has waited 10 ms while nobody waited less than 5 ms for 100 ms; queues give out the newest first.
    CodelLifo,
    /// Who has waited 50 ms, or would have before its turn came.
    Deadline,
    /// Who finds as many before it as make latencies eight times those of an idle server.
    Gradient,
    /// As a foil, on hyper alone: who finds 50 requests under way in tower's ConcurrencyLimit, by its LoadShed.
    Tower,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AgeName {
    /// Since the server accepted the connection, or learned that there is something to read.
    Accept,
    /// Since the kernel received it.
    Receive,
    /// Since its client wanted to send it, as the field Dyno-Due says (`dyno load --due`); clients can lie.
    Due,
}

impl AdmissionOptions {
    /// Refuses an age where nothing asks for it.
    ///
    /// # Errors
    /// Usage (2), which names the option.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.admission == ControlName::None && self.admission_age.is_some() {
            return Err(Failure::usage(
                "--admission-age means nothing without overload control",
                "give an --admission as well, or leave it out",
            ));
        }
        if self.admission == ControlName::Tower && self.admission_age.is_some() {
            return Err(Failure::usage(
                "tower's limit counts requests under way, and asks for no age",
                "leave --admission-age out, or take another --admission",
            ));
        }
        Ok(())
    }

    /// The limit of tower around the services.
    pub(super) fn tower(&self) -> Option<GlobalConcurrencyLimitLayer> {
        let places = ADMISSION_PLACES as usize;
        (self.admission == ControlName::Tower).then(|| GlobalConcurrencyLimitLayer::new(places))
    }

    /// The control; `None`: everybody is served.
    ///
    /// # Errors
    /// When the kernel refuses the memory that workers share.
    pub(super) fn admission(&self) -> io::Result<Option<Admission>> {
        let from = match self.admission_age {
            Some(AgeName::Accept) => AgeFrom::Accept,
            Some(AgeName::Receive) | None => AgeFrom::Receive,
            Some(AgeName::Due) => AgeFrom::Due,
        };
        let control = match self.admission {
            ControlName::None | ControlName::Tower => return Ok(None),
            ControlName::Bounded => named("bounded"),
            ControlName::CodelLifo => named("codel-lifo"),
            ControlName::Deadline => named("deadline"),
            ControlName::Gradient => named("gradient"),
        };
        control.map(|control| Admission::new(control, from)).transpose()
    }
}

fn named(name: &str) -> Option<Control> {
    name.parse().ok()
}
