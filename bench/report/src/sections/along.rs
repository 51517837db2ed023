//! Charts of the experiments that go along an axis: scale, connections, curve.

use crate::charts::escape;
use crate::charts::lines::{self, ChartAxis, ChartLine, Dot, Frame};
use crate::section::Section;
use crate::sections::compare::value_cell;
use crate::sections::{
    chart_in_two_scales, charts, head, hockey, legend, quota, row_name_cell, short_name_cell, speed_up,
};
use crate::who;
use dyno_analysis::comparison::Model;
use dyno_analysis::critical::{RateStanding, TriedRate, limit_of};
use dyno_analysis::curves;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::{Axis, AxisKind, IDLE, QUOTA, Trail, TrailPoint};
use dyno_record::experiment::SWEEP_SHARES;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::scalability;
use dyno_units::show;

/// The parts of the page.
pub(crate) fn sections(model: &Model, records: &Levelled, axis: Axis, trails: &[Trail]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    let mut found = Vec::new();
    let across = Across::along(axis, trails);
    let limit = limit_of(&records.header).filter(|_| axis.kind == AxisKind::Offered);
    let latencies = |across: &Across, note| {
        latencies(across, trails, &Marked { model, limit_ns: limit.map(|limit| limit.p99_ns) }, note)
    };
    match axis.kind {
        AxisKind::Cores => {
            let speed_up = speed_up::figure(trails);
            let figures: Vec<String> = speed_up
                .into_iter()
                .chain([rates(&across, trails, "Right answers a second."), latencies(&across, "")])
                .collect();
            found.push(section(
                "throughput",
                "Throughput and latency against cores",
                legend(model) + &charts(&figures),
            ));
            if let Some(body) = quota::table(records) {
                found.push(section("quota", "Shares of cores by quota", body));
            }
            found.push(section(
                "law",
                "Speed-up, parallelism, and the scalability law",
                law(trails, records.header.seed),
            ));
        }
        AxisKind::Connections => {
            let [own, kernel] = memory(&across, trails);
            let figures = [own, kernel, latencies(&across, "")];
            found.push(section(
                "memory",
                "Memory, and latency of those that are active",
                legend(model) + &charts(&figures),
            ));
            found.push(section("walls", "Walls", walls(trails)));
        }
        AxisKind::Offered => {
            found.push(section("up-and-back", "Up to overload, and back", hockey::section(records, trails)));
            let note = " A ring marks the critical point where it is confirmed; the dashed line is the limit. Past the point, a server that keeps its peak goes straight up, and one that collapses turns back.";
            let answered = rates(&across, trails, "What was answered of what was offered.");
            let figures = [latencies(&Across::throughput(), note), answered];
            found.push(section(
                "latency",
                "Latency against throughput, and critical points",
                legend(model) + &charts(&figures) + &critical(records),
            ));
        }
    }
    found.push(section("table", "The figures", table(axis, trails)));
    found
}

/// The horizontal axis of a chart, and the place of a point on it.
struct Across<'a> {
    axis: ChartAxis<'a>,
    place: fn(&TrailPoint) -> Option<f64>,
}

impl Across<'_> {
    /// The axis of the experiment itself.
    fn along(axis: Axis, trails: &[Trail]) -> Self {
        let names = whole(axis, trails);
        let axis = ChartAxis { title: axis.name, log: axis.log, shown: show::rate, binary: false, names };
        Across { axis, place: |point| Some(point.x) }
    }

    /// The rate that was answered, as the axis.
    fn throughput() -> Self {
        let title = "right answers a second";
        let axis = ChartAxis { title, log: false, shown: show::rate, binary: false, names: Vec::new() };
        Across { axis, place: |point| point.rate.value() }
    }
}

fn line(
    trail: &Trail,
    across: &Across,
    read: fn(&TrailPoint) -> &RowFigure,
    shown: fn(f64) -> String,
) -> ChartLine {
    let dots = trail.points.iter().filter_map(|point| {
        let figure = read(point);
        let value = figure.value()?;
        let critical = if point.critical { ", the critical point" } else { "" };
        Some(Dot {
            x: (across.place)(point)?,
            y: value,
            interval: figure.interval.map(Interval::ends),
            hollow: figure.at_least || point.shared || point.siblings,
            ringed: point.critical,
            title: format!("{} at {}{critical}: {}", trail.line.label, show::rate(point.x), shown(value)),
        })
    });
    ChartLine { label: trail.line.label.clone(), family: trail.line.family.clone(), dots: dots.collect() }
}

/// Names that have room beside a chart.
const MOST_NAMES: usize = 24;

fn draw(
    across: &Across,
    trails: &[Trail],
    read: fn(&TrailPoint) -> &RowFigure,
    y: (&str, fn(f64) -> String, bool),
    binary: bool,
    marks: &[(f64, String)],
) -> String {
    let lines: Vec<ChartLine> = trails
        .iter()
        .map(|trail| line(trail, across, read, y.1))
        .filter(|line| !line.dots.is_empty())
        .collect();
    let mut lines = lines;
    if lines.len() > MOST_NAMES {
        // The names of the others stand at lines of their own, and the idle ones of the same are beside them.
        let idle = lines.iter_mut().filter(|line| line.label.ends_with(IDLE) || line.label.ends_with(QUOTA));
        idle.for_each(|line| line.label.clear());
    }
    let title = format!("{} against {}", y.0, across.axis.title);
    let frame = Frame {
        title: &title,
        x: across.axis.clone(),
        y: ChartAxis { title: y.0, log: y.2, shown: y.1, binary, names: Vec::new() },
        marks: marks.to_vec(),
    };
    lines::draw(&frame, &lines)
}

/// The places themselves, where they are few whole numbers: there is no half core.
fn whole(axis: Axis, trails: &[Trail]) -> Vec<(f64, String)> {
    if axis.log || axis.counts_connections {
        return Vec::new();
    }
    let mut places: Vec<f64> = trails.iter().flat_map(|trail| &trail.points).map(|point| point.x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    places.into_iter().map(|place| (place, show::rate(place))).collect()
}

fn rates(across: &Across, trails: &[Trail], what: &str) -> String {
    let one = |log: bool| {
        draw(across, trails, |point| &point.rate, ("right answers a second", show::rate, log), false, &[])
    };
    let caption = format!(
        "{what} A hollow point is \"at least\", or had its cores shared with the generator. Whiskers are 95 % intervals."
    );
    chart_in_two_scales(&caption, false, one)
}

/// What is drawn across a chart of latencies.
struct Marked<'a> {
    /// Whose header holds the floor of the machine.
    model: &'a Model,
    /// The limit that a good rate keeps.
    limit_ns: Option<u64>,
}

/// The 99th percentile, or the median where answers are too few for more.
fn latencies(across: &Across, trails: &[Trail], marked: &Marked, note: &str) -> String {
    let few = trails.iter().all(|trail| trail.points.iter().all(|point| point.p99_ns.value().is_none()));
    let floor = marked.model.header.floor.as_ref().and_then(|floor| floor.across_cores_ns);
    let marks: Vec<(f64, String)> = [
        floor.map(|ns| (ns as f64, "floor: two cores that sleep".to_string())),
        marked.limit_ns.filter(|_| !few).map(|ns| (ns as f64, format!("limit: {}", show::time(ns as f64)))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let read: fn(&TrailPoint) -> &RowFigure = if few { |point| &point.p50_ns } else { |point| &point.p99_ns };
    let name = if few { "median latency" } else { "99th percentile" };
    let one = |log: bool| draw(across, trails, read, (name, show::time, log), false, &marks);
    let caption = match few {
        false => "99th percentile, counted from when a request was due.",
        true => {
            "Median latency, counted from when a request was due; the cells are too short for a 99th percentile."
        }
    };
    chart_in_two_scales(&format!("{caption}{note}"), true, one)
}

fn memory(across: &Across, trails: &[Trail]) -> [String; 2] {
    let one = |read: fn(&TrailPoint) -> &RowFigure, log: bool| {
        draw(across, trails, read, ("memory above idle", show::bytes, log), true, &[])
    };
    [
        chart_in_two_scales("Memory of the process tree above its idle state.", true, |log| {
            one(|point| &point.memory, log)
        }),
        chart_in_two_scales(
            "Memory of the kernel above its idle state: slabs, kernel stacks and page tables of the whole machine, both ends of each connection.",
            true,
            |log| one(|point| &point.kernel_memory, log),
        ),
    ]
}

/// The head cell of a trail: of a contestant, or of one among connections that say nothing.
fn trail_cell(label: &str) -> String {
    let suffix = [IDLE, QUOTA].into_iter().find(|suffix| label.ends_with(suffix));
    match suffix.and_then(|suffix| Some((label.strip_suffix(suffix)?, suffix))) {
        Some((name, suffix)) => row_name_cell(label, &(who::link(name) + suffix)),
        None => short_name_cell(label),
    }
}

fn walls(trails: &[Trail]) -> String {
    let rows: String = trails
        .iter()
        .filter_map(|trail| {
            let wall = trail.points.iter().find(|point| point.wall.is_some())?;
            let held = trail.points.iter().rfind(|point| point.x < wall.x && point.rate.value().is_some());
            Some(format!(
                "<tr>{}<td>{}</td><td>{}</td><td class=\"text\">{}</td></tr>",
                trail_cell(&trail.line.label),
                held.map_or("–".to_string(), |point| show::rate(point.x)),
                show::rate(wall.x),
                escape(wall.wall.as_deref().unwrap_or_default())
            ))
        })
        .collect();
    if rows.is_empty() {
        return "<p>Nobody hit a wall: whatever was asked for, all held it.</p>".to_string();
    }
    format!(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">architecture</th><th scope=\"col\">held</th><th scope=\"col\">failed at</th><th scope=\"col\" class=\"text\">why</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn law(trails: &[Trail], seed: u64) -> String {
    let mut rows = String::new();
    // A share of a core by quota is no core, and waits by the clock.
    for trail in trails.iter().filter(|trail| !trail.line.label.ends_with(QUOTA)) {
        let base = trail.points.iter().find(|point| point.x == 1.0).and_then(|point| point.rate.value());
        let samples: Vec<(f64, f64)> = trail
            .points
            .iter()
            .filter(|point| !point.shared && !point.siblings && !point.rate.at_least)
            .flat_map(|point| point.rate.by_round.values().map(move |rate| (point.x, *rate)))
            .collect();
        let fitted = match scalability::fit(&samples, seed) {
            Some(law) => format!(
                "contention {} ({}–{}), coherency {} ({}–{})",
                show::three(law.sigma.value),
                show::three(law.sigma.low),
                show::three(law.sigma.high),
                show::three(law.kappa.value),
                show::three(law.kappa.low),
                show::three(law.kappa.high)
            ),
            None => "too few points for a fit".to_string(),
        };
        for point in &trail.points {
            let speed_up = base.zip(point.rate.value()).map(|(base, rate)| rate / base);
            rows += &format!(
                "<tr>{}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"text\">{}</td></tr>",
                trail_cell(&trail.line.label),
                point.x,
                speed_up.map_or("–".into(), show::ratio),
                speed_up.map_or("–".into(), |ratio| show::share(ratio / point.x)),
                point.parallelism.value().map_or("not available".into(), show::three),
                match (point.shared, point.siblings) {
                    (true, _) => "cores shared with the generator".to_string(),
                    (false, true) => "siblings begin: some share the units of one core".to_string(),
                    (false, false) => escape(&fitted),
                }
            );
        }
    }
    format!(
        "<p class=\"note\">The law is fitted from four numbers of cores on, to points whose cores were not shared, had no siblings (SMT) among them, and whose maximum was reached; on fewer it would be a drawing.</p>\
         <div class=\"scroll\"><table><thead><tr><th scope=\"col\">architecture</th><th scope=\"col\">cores</th><th scope=\"col\">speed-up</th><th scope=\"col\">efficiency</th><th scope=\"col\">threads that ran at once</th><th scope=\"col\" class=\"text\">scalability law</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

/// The rate past a critical point, with what is known of it.
fn beyond(rate: TriedRate) -> String {
    let sign = match rate.standing() {
        RateStanding::Refuted => "",
        RateStanding::Unmeasured => " (void)",
        _ => " (not confirmed)",
    };
    format!("{}/s{sign}", show::rate(rate.rate_per_s))
}

fn critical(records: &Levelled) -> String {
    let rows: String = curves::findings(records)
        .iter()
        .map(|finding| {
            format!(
                "<tr>{}<td>{}</td><td>{}</td><td>{}</td><td class=\"text\">{}</td><td>{}</td></tr>",
                trail_cell(&finding.contestant),
                finding.critical_per_s().map_or("–".into(), |rate| format!("{}/s", show::rate(rate))),
                finding.bracket.beyond.map_or("–".into(), beyond),
                finding.p99_there_ns.map_or("–".into(), show::time),
                escape(finding.beyond.words()),
                finding.recovery.words(),
            )
        })
        .collect();
    format!(
        "<div><p class=\"note\">The critical point is the highest rate that is confirmed to keep the limit: at least three cells did, and more than twice as many as did not. Beside it the lowest rate above it that did not, and the 99th percentile over all cells at the critical point. Beyond it: what was still answered at twice that rate. After a spike of twice the critical point: the time until latency was back within twice what it was.</p>\
         <div class=\"scroll\"><table><thead><tr><th scope=\"col\">architecture</th><th scope=\"col\">critical point</th><th scope=\"col\">refuted at</th><th scope=\"col\">p99 there</th><th scope=\"col\" class=\"text\">beyond it</th><th scope=\"col\">back to normal</th></tr></thead><tbody>{rows}</tbody></table></div><p class=\"note\">The sweep up and down ({} steps) and the spike can be seen under \"One cell over time\" as well.</p></div>",
        SWEEP_SHARES.len()
    )
}

fn table(axis: Axis, trails: &[Trail]) -> String {
    let points = || trails.iter().flat_map(|trail| &trail.points);
    let memory = points().any(|point| point.memory.value().is_some());
    let mut names = vec![
        ("architecture", false),
        (axis.name, true),
        ("requests/s", true),
        ("p50", true),
        ("p99", true),
        ("CPU / request", true),
    ];
    if memory {
        names.push(("memory above idle", true));
    }
    let columns = head(&names);
    let note = match axis.counts_connections {
        true => "<p class=\"note\">\"idle\": all but ten of the connections say nothing.</p>",
        false => "",
    };
    let rows: String = trails
        .iter()
        .flat_map(|trail| trail.points.iter().map(move |point| (trail, point)))
        .map(|(trail, point)| {
            format!(
                "<tr>{0}<td data-value=\"{1}\">{2}</td>{3}{4}{5}{6}{7}</tr>",
                trail_cell(&trail.line.label),
                point.x,
                show::rate(point.x),
                value_cell(&point.rate, show::rate),
                value_cell(&point.p50_ns, show::time),
                value_cell(&point.p99_ns, show::time),
                value_cell(&point.cpu_ns, show::time),
                if memory { value_cell(&point.memory, show::bytes) } else { String::new() },
            )
        })
        .collect();
    format!(
        "{note}<div class=\"tools script\"><label>Filter: <input data-filter=\"main-table\" placeholder=\"epoll\"></label><output data-count=\"main-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All points\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}
