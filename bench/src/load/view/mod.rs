//! What a run shows while it goes on: a screen on a terminal, plain lines elsewhere.
//!
//! The threads of the generator tell their news ten times a second whether anybody looks or not. Whoever draws does so
//! with what the other programs of its core leave over, and not on the generator's cores, so that a run that is watched
//! measures what one that is not does.

mod aside;
pub(crate) mod forming;
mod moments;
mod screen;
mod terminal;

use std::io::IsTerminal;

use dyno_clients::books::glance::Glance;
use dyno_clients::engine::live::Live;
use dyno_clients::plan::{Length, Plan};
use dyno_units::show;

use crate::limits::PLAIN_NEWS_NS;
use crate::load::view::moments::Moments;
use crate::load::view::terminal::Terminal;
use crate::print::errln;

/// How a run is shown while it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Not at all.
    Nothing,
    /// By a line now and then.
    Lines,
    /// By a screen where there is a terminal for it, and by lines elsewhere.
    Screen,
}

/// What is known of a run before it begins.
#[derive(Debug, Clone)]
pub(crate) struct ViewFacts {
    pub(crate) title: String,
    pub(crate) plan: String,
    pub(crate) placement: String,
    pub(crate) warm_up_ns: u64,
    /// When the last request falls due, or how many there are.
    pub(crate) length: Length,
    pub(crate) open_loop: bool,
    pub(crate) errors_max: f64,
}

impl ViewFacts {
    pub(crate) fn of(plan: &Plan) -> Self {
        let as_run = plan.as_run();
        ViewFacts {
            title: plan.url.clone(),
            plan: dyno_clients::report::text::plan_line(&as_run),
            placement: plan.placement.words(),
            warm_up_ns: plan.warmup_ns,
            length: plan.length,
            open_loop: matches!(plan.pace, dyno_clients::plan::Pace::Open { .. }),
            errors_max: plan.errors_max,
        }
    }

    /// How much of the run is done, as a share, and what is left, in words.
    pub(crate) fn progress(&self, glance: &Glance) -> (f64, String) {
        match self.length {
            Length::Duration(ns) => {
                let end_ns = self.warm_up_ns + ns;
                let left = show::time(end_ns.saturating_sub(glance.now_ns) as f64);
                (glance.now_ns as f64 / end_ns.max(1) as f64, format!("{left} left"))
            }
            Length::Requests(all) => {
                let done = glance.window.completed + glance.window.failed;
                let left = show::many(all.saturating_sub(done), "request");
                (done as f64 / all.max(1) as f64, format!("{left} left"))
            }
        }
    }
}

/// A run under way, as it is shown.
pub(crate) struct View {
    facts: ViewFacts,
    moments: Moments,
    shown: Shown,
}

enum Shown {
    Nothing,
    /// When the last line was written.
    Lines(u64),
    /// A screen that opens when the run starts, so that a run that cannot start leaves nothing but its error. Which
    /// cores it is not to be drawn on.
    Unopened(Vec<usize>),
    Screen(Box<Terminal>),
}

impl View {
    /// Begins to show a run of `plan`.
    pub(crate) fn begin(plan: &Plan, wanted: Wanted) -> Self {
        let shown = match wanted {
            Wanted::Nothing => Shown::Nothing,
            Wanted::Lines => Shown::Lines(0),
            Wanted::Screen if has_screen() => Shown::Unopened(plan.placement.cores.clone()),
            Wanted::Screen => Shown::Lines(0),
        };
        View { facts: ViewFacts::of(plan), moments: Moments::default(), shown }
    }

    /// Shows the news.
    pub(crate) fn show(&mut self, glance: &Glance, live: &Live) {
        if let Shown::Unopened(spared) = &mut self.shown
            && live.is_started()
        {
            let open = Terminal::open(std::mem::take(spared));
            self.shown = open.map_or(Shown::Lines(0), |open| Shown::Screen(Box::new(open)));
        }
        match &mut self.shown {
            Shown::Nothing | Shown::Unopened(_) => {}
            Shown::Lines(last_ns) => {
                if glance.now_ns >= *last_ns + PLAIN_NEWS_NS {
                    *last_ns = glance.now_ns;
                    errln!("{}", line(&self.facts, glance, live));
                }
            }
            Shown::Screen(terminal) => {
                self.moments.add(glance);
                let (facts, moments, latencies) = (&self.facts, &self.moments, live.latencies());
                terminal.draw(|frame| screen::draw(frame, facts, glance, moments, &latencies));
            }
        }
    }

    /// Leaves the screen, so that what comes is seen.
    pub(crate) fn end(&mut self) {
        self.shown = Shown::Nothing;
    }
}

/// Whether standard error is a terminal that can be drawn on.
fn has_screen() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb" || term.is_empty());
    std::io::stderr().is_terminal() && !dumb
}

/// The news in a line of 80 columns.
fn line(facts: &ViewFacts, glance: &Glance, live: &Live) -> String {
    let window = &glance.window;
    let rate = window.answered as f64 * 1e9 / window.elapsed_ns.max(1) as f64;
    let latencies = live.latencies();
    let at = |quantile| latencies.quantile_ns(quantile).map_or("–".into(), |ns| show::time(ns as f64));
    let line = format!(
        "{}: {}/s · p50 {} · p99 {} · {} failed · {}",
        show::time(glance.now_ns as f64),
        show::rate(rate),
        at(0.5),
        at(0.99),
        show::whole(window.failed),
        facts.progress(glance).1
    );
    dyno_units::text::cut(&line, crate::limits::TERMINAL_COLUMNS)
}
