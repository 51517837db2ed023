//! The pictures of a run: rate and latencies over time, percentiles, histogram.

use dyno_units::show;

use super::table::rendered;
use super::{Moment, RunPage, RunTable};
use crate::charts::heat::{self, Heat, HeatRow};
use crate::charts::plot::{self, Plot, PlotAxis, PlotLine};
use crate::sections::{chart, charts, noted};

impl RunPage {
    pub(super) fn over_time(&self) -> String {
        let line = |name, of: fn(&Moment) -> f64| PlotLine {
            name,
            points: self.moments.iter().map(|moment| (moment.at_s, of(moment))).collect(),
            filled: false,
        };
        // An interval without answers has no latency, and the line goes over it.
        let latency = |name, of: fn(&Moment) -> u64| PlotLine {
            name,
            points: self.moments.iter().filter(|m| of(m) > 0).map(|m| (m.at_s, of(m) as f64)).collect(),
            filled: false,
        };
        let apart = (self.warm_up_s > 0.0).then_some((0.0, self.warm_up_s, "warm-up, not counted"));
        let seconds = || (PlotAxis::Linear(show::three), "seconds from the start");
        let rate = Plot {
            title: "Requests sent and answered a second, over time",
            x: seconds(),
            y: (PlotAxis::Linear(show::rate), "requests/s"),
            apart,
            lines: vec![line("answered", |m| m.answered_per_s), line("sent", |m| m.sent_per_s)],
        };
        let percentiles = Plot {
            title: "Latencies over time",
            x: seconds(),
            y: (PlotAxis::Log(show::time), "latency"),
            apart,
            lines: vec![
                latency("p50", |m| m.p50_ns),
                latency("p99", |m| m.p99_ns),
                latency("max", |m| m.max_ns),
            ],
        };
        let names = [("answered", "answered"), ("sent", "sent")];
        let rate = plot::draw(&rate) + &plot::legend(&names);
        let names = [("p50", "half were faster"), ("p99", "99 of 100 were faster"), ("max", "the slowest")];
        let percentiles = plot::draw(&percentiles) + &plot::legend(&names);
        let head = ["second", "sent/s", "answered/s", "failed", "p50", "p99", "max"];
        let time = |ns: u64| if ns == 0 { "–".to_string() } else { show::time(ns as f64) };
        let row = |m: &Moment| {
            vec![
                format!("{:.2}", m.at_s),
                show::rate(m.sent_per_s),
                show::rate(m.answered_per_s),
                show::whole(m.failed),
                time(m.p50_ns),
                time(m.p99_ns),
                time(m.max_ns),
            ]
        };
        let table = rendered(&RunTable {
            caption: "Every interval; requests count where they were sent, answers where they came.",
            head: head.map(String::from).to_vec(),
            rows: self.moments.iter().map(row).collect(),
            ..RunTable::default()
        });
        let mut figures = vec![
            chart("How much was sent and answered", &rate),
            chart("How long answers took", &percentiles),
        ];
        figures.extend(self.heat().map(|(words, svg)| {
            noted(&words, "Half of the answers, 99 of 100, and the slowest; the darker, the longer.", &svg)
        }));
        charts(&figures) + &format!("<details><summary>The same as a table</summary>{table}</details>")
    }

    /// Latencies over time as shades, and when they were worst; `None` where nothing was answered.
    fn heat(&self) -> Option<(String, String)> {
        let slowest = self.moments.iter().filter(|m| m.max_ns > 0).max_by_key(|m| m.max_ns)?;
        let words = format!(
            "The slowest answer, {}, came {} s after the start",
            show::time(slowest.max_ns as f64),
            show::three(slowest.at_s)
        );
        let row = |label: &str, of: fn(&Moment) -> u64| HeatRow {
            label: label.into(),
            family: label.into(),
            // The moments lie at even distances, and one without answers has the lightest shade.
            cells: vec![self.moments.iter().map(|m| of(m) as f64).collect()],
        };
        let rows = [row("p50", |m| m.p50_ns), row("p99", |m| m.p99_ns), row("max", |m| m.max_ns)];
        let last = self.moments.last().map_or(0.0, |m| m.at_s);
        let axis = format!("from the start to {} s, warm-up included", show::three(last));
        let svg = heat::draw(&Heat { title: &words, axis: &axis, shown: show::time, rows: &rows })?;
        Some((words, svg))
    }

    pub(super) fn latencies(&self) -> String {
        // On this axis each step to the right is a tenth of the answers: one more nine.
        let nines = |quantile: f64| -(1.0 - quantile).log10();
        let line = |name, spectrum: &[(f64, u64)]| PlotLine {
            name,
            points: spectrum.iter().map(|&(quantile, ns)| (nines(quantile), ns as f64)).collect(),
            filled: false,
        };
        let last = self.due_spectrum.last().map_or(0.0, |point| point.0);
        let marks = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
        let names = marks.into_iter().filter(|mark| *mark <= last);
        let spectrum = Plot {
            title: "Latency by percentile, one more nine with each step",
            x: (
                PlotAxis::Named(names.map(|mark| (nines(mark), show::quantile(mark))).collect()),
                "percentile",
            ),
            y: (PlotAxis::Log(show::time), "latency"),
            apart: (self.known_to < last)
                .then(|| (nines(self.known_to), nines(last), "fewer than ten answers lie beyond")),
            lines: vec![line("due", &self.due_spectrum), line("sent", &self.sent_spectrum)],
        };
        let names = [("due", "from when a request was due"), ("sent", "from when it was sent")];
        let spectrum = plot::draw(&spectrum) + &plot::legend(&names);
        let histogram = Plot {
            title: "Share of the answers by latency",
            x: (PlotAxis::Log(show::time), "latency, from when a request was due"),
            y: (PlotAxis::Linear(show::share), "of the answers"),
            apart: None,
            lines: vec![PlotLine {
                name: "due",
                points: self.classes.iter().map(|&(ns, share)| (ns as f64, share)).collect(),
                filled: true,
            }],
        };
        charts(&[
            chart("What share of the answers was faster", &spectrum),
            chart("How the answers spread", &(plot::draw(&histogram) + &plot::legend(&names[..1]))),
        ])
    }
}
