//! Latencies at the common rate: percentiles in rows, percentiles on an axis of nines, and over time.

use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::{Levelled, LevelledCell};
use dyno_analysis::spectrum::{Spectrum, spectrum};
use dyno_record::step::Step;
use dyno_statistics::bootstrap::Interval;
use dyno_units::show;

use crate::charts::heat::{self, Heat, HeatRow};
use crate::charts::paths::{self, Path, PathAxes};
use crate::charts::tails::{self, TailRow, Tails};
use crate::finding::{self, Caption};
use crate::sections::{legend, noted, trade};

/// Marks of an axis of nines.
const NINES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// The part of the page.
pub(crate) fn section(model: &Model, records: &Levelled) -> String {
    let Some(rows) = tails(model) else { return "<p>No latency cell counts.</p>".to_string() };
    let rate = model.rate_per_s.map_or("-".to_string(), show::rate);
    let claim = Caption { subject: "The 99th percentile", shown: show::time, higher: false };
    let mut html = legend(model);
    html += "<div class=\"charts\">";
    html += &noted(
        &finding::ends(model, |row| &row.p99_ns, claim),
        &format!(
            "Open loop at {rate}/s for everyone; ○ p50, ● p90, and the largest dot p99 with its 95 % interval. Latency counts from the moment at which a request was due, so waiting is not left out."
        ),
        &rows,
    );
    html += &trade::figure(model).unwrap_or_default();
    html += "</div>";
    let spectra = spectra(model, records);
    if !spectra.is_empty() {
        html += "<h3>Percentiles on an axis of nines</h3>";
        html += &format!(
            "<p class=\"note\">{} All blocks together; each step to the right is a tenth of the answers. A percentile is drawn where at least ten answers lie beyond it. In grey: all the others.</p>",
            crate::charts::escape(&nines_words(&spectra))
        );
        let charts: String = nines(&spectra)
            .into_iter()
            .map(|(_, svg)| format!("<figure class=\"chart\">{svg}</figure>"))
            .collect();
        html += &format!("<div class=\"charts small\">{charts}</div>");
    }
    html
}

/// The rows of dots; `None` where no latency counts.
pub(crate) fn tails(model: &Model) -> Option<String> {
    let mut rows: Vec<&Row> = model
        .rows
        .iter()
        .filter(|row| row.p99_ns.value().is_some() || row.p99_ns.void > 0 || row.p50_ns.value().is_some())
        .collect();
    let tail = |row: &Row| row.p99_ns.value().or(row.p50_ns.value()).unwrap_or(f64::INFINITY);
    rows.sort_by(|one, other| tail(one).total_cmp(&tail(other)));
    let of = |row: &&Row| {
        let at = |wanted: f64| {
            row.percentiles
                .iter()
                .find(|(percentile, _)| *percentile == wanted)
                .and_then(|(_, figure)| figure.value())
        };
        let dots: Vec<(&'static str, f64)> =
            [("p50", at(50.0)), ("p90", at(90.0)), ("p99", row.p99_ns.value())]
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect();
        TailRow {
            label: row.label.clone(),
            family: row.family.clone(),
            ends: row.p99_ns.interval.map(Interval::ends),
            void: if dots.is_empty() { reason(&row.p99_ns) } else { String::new() },
            dots,
        }
    };
    let rows: Vec<TailRow> = rows.iter().map(of).collect();
    if rows.iter().all(|row| row.dots.is_empty()) {
        return None;
    }
    let floor = model.header.floor.as_ref();
    let marks = [
        (floor.and_then(|floor| floor.spinning_ns), "floor of the machine, spinning"),
        (floor.and_then(|floor| floor.across_cores_ns), "floor, sleeping"),
    ];
    let marks = marks.into_iter().filter_map(|(ns, name)| Some((ns? as f64, name.to_string())));
    let spoken =
        rows.iter().filter_map(|row| Some(format!("{} {}", row.label, show::time(row.dots.last()?.1))));
    let title = format!("99th percentiles at the common rate: {}", spoken.collect::<Vec<_>>().join(", "));
    let picture =
        Tails { title: &title, axis: "latency from when a request was due", marks: marks.collect(), rows };
    Some(tails::draw(&picture, show::time))
}

fn reason(figure: &RowFigure) -> String {
    if figure.reason.is_empty() { "no cell counts".to_string() } else { figure.reason.clone() }
}

/// Label, family and spectrum of each contestant that has one.
type Told<'m> = (&'m str, &'m str, Spectrum);

/// The spectra of all whose records hold histograms.
pub(crate) fn spectra<'m>(model: &'m Model, records: &Levelled) -> Vec<Told<'m>> {
    let of = |row: &'m Row| {
        let found = spectrum(&records.cells_of(&row.label, Step::Latency))?;
        Some((row.label.as_str(), row.family.as_str(), found)).filter(|told| told.2.points.len() > 1)
    };
    model.rows.iter().filter_map(of).collect()
}

/// At the highest percentile that all reach: who is lowest, and who is highest.
fn nines_words(spectra: &[Told]) -> String {
    let reached =
        spectra.iter().filter_map(|told| Some(told.2.points.last()?.0)).reduce(f64::min).unwrap_or(0.5);
    let at = |told: &Told| {
        told.2.points.iter().rev().find(|point| point.0 <= reached).map(|point| (point.1, point.0))
    };
    let mut known: Vec<(u64, f64, &str)> =
        spectra.iter().filter_map(|told| at(told).map(|(ns, quantile)| (ns, quantile, told.0))).collect();
    known.sort_by_key(|one| one.0);
    match (known.first(), known.last()) {
        (Some(first), Some(last)) if known.len() > 1 => format!(
            "At {} the answers of {} took {} and those of {} {}.",
            show::quantile(first.1),
            first.2,
            show::time(first.0 as f64),
            last.2,
            show::time(last.0 as f64)
        ),
        (Some(only), _) => {
            format!(
                "At {} the answers of {} took {}.",
                show::quantile(only.1),
                only.2,
                show::time(only.0 as f64)
            )
        }
        _ => String::new(),
    }
}

/// One chart for each family: its name and its drawing.
pub(crate) fn nines(spectra: &[Told]) -> Vec<(String, String)> {
    // On this axis each step to the right is a tenth of the answers: one more nine.
    let place = |quantile: f64| -(1.0 - quantile).log10();
    let path = |told: &Told| Path {
        label: told.0.to_string(),
        family: told.1.to_string(),
        points: told.2.points.iter().map(|(quantile, ns)| (place(*quantile), *ns as f64)).collect(),
        ..Path::default()
    };
    let points = || spectra.iter().flat_map(|told| &told.2.points);
    let last = points().map(|point| point.0).fold(0.0, f64::max);
    let axes = PathAxes {
        titles: ("percentile", "latency"),
        names: NINES
            .into_iter()
            .filter(|mark| *mark <= last)
            .map(|mark| (place(mark), show::quantile(mark)))
            .collect(),
        shown: (show::three, show::time),
        log: (false, true),
        limit: None,
        values: (
            points().map(|point| place(point.0)).collect(),
            points().map(|point| point.1 as f64).collect(),
        ),
    };
    let mut families: Vec<&str> = Vec::new();
    for told in spectra {
        if !families.contains(&told.1) {
            families.push(told.1);
        }
    }
    let of = |family: &&str| {
        let (own, others): (Vec<&Told>, Vec<&Told>) = spectra.iter().partition(|told| told.1 == *family);
        let title = format!("Latency by percentile, {family}: one more nine with each step");
        let own: Vec<Path> = own.into_iter().map(path).collect();
        let others: Vec<Path> = others.into_iter().map(path).collect();
        ((*family).to_string(), paths::draw(&title, &axes, &own, &others))
    };
    families.iter().map(of).collect()
}

/// The chart of latency over time; `None` where no latency was recorded.
pub(crate) fn over_time(records: &Levelled) -> Option<String> {
    let (words, svg) = heat(records)?;
    let note =
        "The 99th percentile of the intervals of each cell, block after block; the darker, the longer.";
    Some(noted(&words, note, &svg))
}

/// Latency over time, and where it was worst.
pub(crate) fn heat(records: &Levelled) -> Option<(String, String)> {
    let values = |cell: &&LevelledCell| -> Vec<f64> {
        let series = cell.latencies().map(|load| load.series.as_slice()).unwrap_or_default();
        series.iter().filter_map(|point| Some(point.p99_ns? as f64)).collect()
    };
    let of = |line: &dyno_record::header::ContestantLine| HeatRow {
        label: line.label.clone(),
        family: line.family.clone(),
        cells: records.cells_of(&line.label, Step::Latency).iter().map(values).collect(),
    };
    let rows: Vec<HeatRow> =
        records.header.contestants.iter().map(of).filter(|row| !row.cells.is_empty()).collect();
    let worst = rows.iter().flat_map(|row| {
        row.cells.iter().enumerate().flat_map(move |(block, cell)| {
            cell.iter().map(move |value| (*value, row.label.as_str(), block + 1))
        })
    });
    let (most, who, block) = worst.max_by(|one, other| one.0.total_cmp(&other.0))?;
    let words = format!(
        "The slowest moment was one of {who} in block {block}: 99 of 100 answers took up to {}.",
        show::time(most)
    );
    let svg =
        heat::draw(&Heat { title: &words, axis: "time, block after block", shown: show::time, rows: &rows })?;
    Some((words, svg))
}
