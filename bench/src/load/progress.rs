//! The progress line of a run, and ending it early.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::OnceLock;

use dyno_clients::books::glance::Glance;
use dyno_clients::engine::live::Live;
use dyno_clients::plan::{Length, Plan};
use dyno_units::show;

use crate::exit::Failure;
use crate::limits::TERMINAL_COLUMNS;

/// Columns of the line: one less than the terminal has, so that the line never wraps.
const COLUMNS: usize = TERMINAL_COLUMNS - 1;

/// The line by which a run reports its start: all connections are open, and requests begin to fall due.
pub(crate) const STARTED: &str = "started";

/// One line on standard error that is overwritten again and again, if standard error is a terminal. It needs only a
/// carriage return and no escape code, so it works on every terminal and with NO_COLOR.
#[derive(Debug)]
pub(crate) struct Bar {
    on: bool,
    shown_columns: usize,
    end_ns: u64,
    requests: Option<u64>,
    last: Glance,
    rate: f64,
}

impl Bar {
    /// A line for a run of this plan; silent unless `wanted` and on a terminal.
    pub(crate) fn new(plan: &Plan, wanted: bool) -> Self {
        let requests = match plan.length {
            Length::Requests(n) => Some(n),
            Length::Duration(_) => None,
        };
        Bar {
            on: wanted && std::io::stderr().is_terminal(),
            shown_columns: 0,
            end_ns: plan.end_ns(),
            requests,
            last: Glance::default(),
            rate: 0.0,
        }
    }

    /// Writes the line.
    pub(crate) fn show(&mut self, glance: &Glance) {
        if !self.on {
            return;
        }
        let line = if glance.now_ns == 0 {
            "opening connections".to_string()
        } else {
            let elapsed = glance.now_ns.saturating_sub(self.last.now_ns);
            if elapsed >= 400_000_000 {
                self.rate = (glance.completed - self.last.completed) as f64 / (elapsed as f64 / 1e9);
                self.last = *glance;
            }
            let left = match self.requests {
                Some(n) => format!("{} left", show::many(n.saturating_sub(glance.sent), "request")),
                None => format!("{} left", show::time(self.end_ns.saturating_sub(glance.now_ns) as f64)),
            };
            format!(
                "{}/s · p99 {} · {} failed · {} waiting · {left}",
                show::rate(self.rate),
                show::time(glance.recent_p99_ns as f64),
                show::whole(glance.failed),
                show::whole(glance.backlog),
            )
        };
        self.write(&line);
    }

    fn write(&mut self, line: &str) {
        let line: String = line.chars().take(COLUMNS).collect();
        let (columns, before) = (line.chars().count(), self.shown_columns);
        self.shown_columns = columns;
        // The rest of a longer earlier line is overwritten with spaces. A line that cannot be written is no reason to
        // end a measurement.
        let _ = write!(std::io::stderr(), "\r{line}{:1$}", "", before.saturating_sub(columns));
        let _ = std::io::stderr().flush();
    }

    /// Erases the line.
    pub(crate) fn clear(&mut self) {
        if self.shown_columns > 0 {
            self.write("");
            let _ = write!(std::io::stderr(), "\r");
        }
    }
}

static LIVE: OnceLock<Arc<Live>> = OnceLock::new();

extern "C" fn stop(_signal: libc::c_int) {
    // One atomic store: safe inside a signal handler.
    if let Some(live) = LIVE.get() {
        live.stop();
    }
}

/// From now on Ctrl-C, SIGTERM and SIGHUP (a lost terminal) end the run early, and the measurements so far are
/// reported; a second signal ends the program.
///
/// # Errors
/// When the system does not allow signal handlers.
pub(crate) fn stop_on_signals(live: &Arc<Live>) -> Result<(), Failure> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    if LIVE.set(live.clone()).is_err() {
        return Err(Failure::failed("only one run at a time can be interrupted", ""));
    }
    let action = SigAction::new(
        SigHandler::Handler(stop),
        SaFlags::SA_RESETHAND | SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let say = |e| Failure::failed(format!("cannot handle {signal}: {e}"), "");
        // SAFETY: the handler does nothing but load a reference that is set once and store into an atomic.
        let before = unsafe { sigaction(signal, &action) }.map_err(say)?;
        if signal == Signal::SIGHUP && matches!(before.handler(), SigHandler::SigIgn) {
            // `nohup` has asked for it.
            // SAFETY: the action is the one that was there before.
            unsafe { sigaction(signal, &before) }.map_err(say)?;
        }
    }
    Ok(())
}
