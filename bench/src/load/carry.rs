//! Carries a plan out: learns what it has to learn, runs it, shows how it goes, and ends it early where it shall.

use std::io;
use std::sync::Arc;

use dyno_clients::books::glance::Glance;
use dyno_clients::engine::appointment::StartTime;
use dyno_clients::engine::measured::Measured;
use dyno_clients::engine::{self, live::Live};
use dyno_clients::outcome::{Outcome, Threshold};
use dyno_clients::plan::Plan;
use dyno_clients::verdict::condition::Condition;
use dyno_clients::verdict::judge::judge;
use dyno_record::contract::OVER;

use crate::exit::Failure;
use crate::load::progress;
use crate::load::view::{View, Wanted};
use crate::print::errln;
use crate::remedy;

/// How a run is watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watching<'a> {
    /// How it is shown while it goes on.
    pub(crate) view: Wanted,
    /// Whether the start is said on standard error.
    pub(crate) announce_start: bool,
    /// Whether the end of the last answer is said there as well, and the connections are held until standard input
    /// ends.
    pub(crate) hold: bool,
    /// Conditions that end the run.
    pub(crate) abort_on: &'a [Condition],
}

/// Fetches the answers that a plan has to know before it can be run.
///
/// # Errors
/// Which request got no answer, or not the expected one.
pub(crate) fn learn(plan: &mut Plan) -> Result<(), Failure> {
    let transport = plan.transport.transport();
    dyno_clients::run::learn(plan).map_err(|error| {
        let usual = "try `dyno probe URL` to see what the server answers";
        Failure::failed(error.to_string(), remedy::of(error.cause(), transport).unwrap_or(usual))
    })
}

/// Runs a plan that has learned everything. Signals end it early once [`progress::stop_on_signals`] was called.
///
/// # Errors
/// When no run could be made.
pub(crate) fn run(plan: Plan, watching: Watching) -> Result<Outcome, Failure> {
    Ok(run_at(StartTime::WhenReady, &Arc::new(plan), watching)?.0)
}

/// The same from a time on; what was measured stands beside its outcome.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_at(
    start_time: StartTime,
    plan: &Arc<Plan>,
    watching: Watching,
) -> Result<(Outcome, Measured), Failure> {
    let transport = plan.transport.transport();
    let live = Arc::new(Live::new(plan.threads));
    let mut view = View::begin(plan, watching.view);
    let (mut unannounced, mut unheld) = (watching.announce_start, watching.hold);
    let mut end = End { conditions: watching.abort_on, came_true: None };
    let measured = engine::run_at(start_time, plan, &live, &mut |glance| {
        if live.is_started() && std::mem::take(&mut unannounced) {
            errln!("{}", progress::STARTED);
        }
        end.look(glance, &live);
        view.show(glance, &live);
        if progress::is_interrupted() {
            // A second Ctrl-C ends the program at once, and the terminal must be left in order by then.
            view.end();
        }
        if live.is_over() && std::mem::take(&mut unheld) {
            errln!("{OVER}");
            // An input that cannot be read has ended as well.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        }
    });
    view.end();
    let measured = measured?;
    let mut outcome = judge(plan, &measured, |cause| remedy::of(cause, transport));
    outcome.thresholds = end.thresholds();
    Ok((outcome, measured))
}

/// What ends a run early: its user, or a condition.
struct End<'a> {
    conditions: &'a [Condition],
    /// The condition that came true first, and its figure then.
    came_true: Option<(usize, f64)>,
}

impl End<'_> {
    fn look(&mut self, glance: &Glance, live: &Live) {
        if progress::is_interrupted() {
            live.stop();
        }
        if self.conditions.is_empty() || self.came_true.is_some() {
            return;
        }
        let latencies = live.latencies();
        let each = self.conditions.iter().enumerate();
        let mut true_ones =
            each.filter_map(|(i, one)| Some((i, one.comes_true(&glance.window, &latencies)?)));
        self.came_true = true_ones.next();
        if self.came_true.is_some() {
            live.abort();
        }
    }

    fn thresholds(&self) -> Vec<Threshold> {
        let figure = |index| self.came_true.filter(|&(which, _)| which == index).map(|(_, value)| value);
        self.conditions.iter().enumerate().map(|(index, one)| one.watched(figure(index))).collect()
    }
}
