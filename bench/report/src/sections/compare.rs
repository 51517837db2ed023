//! Table and charts of a comparison.

use crate::charts::bars::{self, ChartBar};
use crate::charts::escape;
use crate::finding::{self, Caption};
use crate::section::Section;
use crate::sections::{
    charts, head, latency, legend, name_cell, noted, noted_in_two_scales, short_name_cell, stack,
};
use crate::transports;
use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::explanation::stack::CostStack;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::transports::prices;
use dyno_statistics::bootstrap::Interval;
use dyno_units::show;

/// The parts of the page.
pub(crate) fn sections(model: &Model, records: &Levelled, stacks: &[CostStack]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    let mut found = vec![
        section("table", "Side by side", table(model)),
        section("latency", "Latency at a common rate", latency::section(model, records)),
        section("cost", "What a request costs", cost(model)),
        section("connect", "New connections", connecting(model)),
        section("memory", "Memory", memory(model)),
        section("spread", "How evenly work was spread", spread(model)),
    ];
    if let Some(body) = stack::body(records, stacks) {
        found.insert(3, section("stack", "Of what the cost is made", body));
    }
    if let Some(table) = security(model) {
        found.insert(1, section("security", "What security costs", table));
    }
    found
}

/// A figure as a cell of a table.
pub(crate) fn value_cell(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    match figure.interval {
        Some(Interval { value, low, high, .. }) => format!(
            "<td data-value=\"{value}\" title=\"{}\">{}{} <small>{}</small></td>",
            escape(&remark(figure, shown)),
            if figure.at_least { "≥ " } else { "" },
            shown(value),
            show::range(low, high, shown),
        ),
        None if figure.sign().is_some() => {
            let sign = figure.sign().unwrap_or_default();
            format!("<td class=\"void\" data-value=\"\" title=\"{}\">{sign}</td>", escape(&figure.reason))
        }
        None => "<td data-value=\"\">–</td>".to_string(),
    }
}

/// Why a figure is "at least", and what was measured where that is another.
fn remark(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    let measured = figure.adjusted_from().map(|value| format!("{} as measured", shown(value)));
    let reason = Some(figure.reason.clone()).filter(|reason| !reason.is_empty());
    measured.into_iter().chain(reason).collect::<Vec<_>>().join("; ")
}

/// The sentence by which a table tells that its figures are not those that were measured.
fn pace(model: &Model) -> &'static str {
    let figures = |row: &Row| [row.capacity.adjusted_from(), row.connect.adjusted_from()];
    match model.rows.iter().flat_map(figures).flatten().next() {
        Some(_) => {
            " Rates and CPU are at full pace: what slowed cores and moments cost is taken off; summary.csv and the tooltips tell what was measured."
        }
        None => " All figures are as measured.",
    }
}

fn table(model: &Model) -> String {
    let rate = model.rate_per_s.map(|rate| format!("{}/s", show::rate(rate))).unwrap_or_default();
    let (p50, p99) = (format!("p50 at {rate}"), format!("p99 at {rate}"));
    let columns = head(&[
        ("architecture", false),
        ("capacity /s", true),
        (&p50, true),
        (&p99, true),
        ("CPU / connection", true),
        ("connections /s, seen", true),
        ("CPU / request", true),
        ("CPU to baseline", true),
        ("switches / request", true),
        ("memory", true),
        ("memory / connection", true),
    ]);
    let mut rows = String::new();
    for (place, row) in model.rows.iter().enumerate() {
        let ratio = model.to_baseline(place, |row| &row.cpu_at_capacity_ns);
        let ratio = match ratio {
            Some(ratio) => format!(
                "<td data-value=\"{}\">{} <small>{}–{}</small></td>",
                ratio.value,
                show::ratio(ratio.value),
                show::three(ratio.low),
                show::three(ratio.high)
            ),
            None => "<td data-value=\"\">–</td>".to_string(),
        };
        rows += &format!(
            "<tr{}>{}{}{}{}{}{}{}{}{}{}{}</tr>",
            if place == model.baseline { " class=\"baseline\"" } else { "" },
            name_cell(&row.label, &row.idea, &row.family),
            value_cell(&row.capacity, show::rate),
            value_cell(&row.p50_ns, show::time),
            value_cell(&row.p99_ns, show::time),
            value_cell(&row.cpu_at_connect_ns, show::time),
            value_cell(&row.connect, show::rate),
            value_cell(&row.cpu_at_capacity_ns, show::time),
            ratio,
            value_cell(&row.switches, show::three),
            value_cell(&row.memory, show::bytes),
            value_cell(&row.memory_per_connection, show::bytes),
        );
    }
    let base = model.rows.get(model.baseline).map_or("none", |base| base.label.as_str());
    format!(
        "<p class=\"note\">Medians of {}; 95 % intervals beside them. ≥ says that the server was not the bottleneck. \
         CPU per request and per connection is the server's, under full load. The generator pays more for a connection than most servers, \
         so connections a second are those that were seen. The baseline is {}.{}</p>\
         <div class=\"tools script\"><label>Filter: <input data-filter=\"main-table\" placeholder=\"threads\"></label><output data-count=\"main-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results side by side\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>",
        model.basis(),
        escape(base),
        pace(model),
    )
}

fn security(model: &Model) -> Option<String> {
    let prices = prices(model);
    if prices.is_empty() {
        return None;
    }
    let columns: String = transports::COLUMNS
        .iter()
        .enumerate()
        .map(|(place, name)| {
            format!("<th scope=\"col\"{}>{name}</th>", if place < 2 { " class=\"text\"" } else { "" })
        })
        .collect();
    let rows: String = prices
        .iter()
        .map(|price| {
            let [contestant, transport, others @ ..] = transports::texts(price);
            let others: String = others.iter().map(|text| format!("<td>{}</td>", escape(text))).collect();
            format!(
                "<tr>{}<td class=\"text\">{}</td>{others}</tr>",
                short_name_cell(&contestant),
                escape(&transport)
            )
        })
        .collect();
    Some(format!(
        "<p class=\"note\">Each architecture behind a secure transport against itself in plain: shares and differences of the medians in the table above. A handshake is a new connection with one request. A core's handshakes are what one core of the server would make by its CPU for each, the client not counted; octets are those of both directions until a request may be sent.</p>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What security costs\"><table><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table></div>"
    ))
}

/// The bars of one figure, the best first, void ones last.
pub(crate) fn bars_of(model: &Model, figure: fn(&Row) -> &RowFigure, higher: bool) -> Vec<ChartBar> {
    let mut rows: Vec<&Row> =
        model.rows.iter().filter(|row| figure(row).value().is_some() || figure(row).void > 0).collect();
    rows.sort_by(|a, b| {
        let key = |row: &Row| {
            figure(row).value().map_or(f64::INFINITY, |value| if higher { -value } else { value })
        };
        key(a).total_cmp(&key(b))
    });
    rows.iter()
        .map(|row| {
            let figure = figure(row);
            ChartBar {
                label: row.label.clone(),
                family: row.family.clone(),
                parts: figure.value().map(|value| vec![(String::new(), value)]).unwrap_or_default(),
                interval: figure.interval.map(Interval::ends),
                cells: figure.by_round.values().copied().collect(),
                at_least: figure.at_least,
                void: if figure.value().is_none() { figure.reason.clone() } else { String::new() },
            }
        })
        .collect()
}

fn connecting(model: &Model) -> String {
    let of_cost = |log: bool| {
        let frame = bars::Frame {
            title: "CPU of the server per connection",
            axis: "CPU per connection",
            shown: show::time,
            log,
            binary: false,
            mark: None,
        };
        bars::draw(&frame, &bars_of(model, |row| &row.cpu_at_connect_ns, false))
    };
    let seen = |log: bool| {
        let frame = bars::Frame {
            title: "Requests a second with a connection each",
            axis: "connections a second",
            shown: show::rate,
            log,
            binary: false,
            mark: None,
        };
        bars::draw(&frame, &bars_of(model, |row| &row.connect, true))
    };
    let claim = |subject, shown, higher| Caption { subject, shown, higher };
    let of_cost_claim = claim("What a connection costs the server", show::time as fn(f64) -> String, false);
    let seen_claim = claim("The rate of new connections", show::rate as fn(f64) -> String, true);
    let figures = [
        noted_in_two_scales(
            &finding::ends(model, |row| &row.cpu_at_connect_ns, of_cost_claim),
            "CPU of the server per connection with the one request that it carries. The less the better.",
            one_dwarfs_the_others(model, |row| &row.cpu_at_connect_ns),
            of_cost,
        ),
        noted_in_two_scales(
            &finding::bounds(model).unwrap_or_else(|| finding::ends(model, |row| &row.connect, seen_claim)),
            "Closed loop, a new connection for each request. ≥: at least.",
            false,
            seen,
        ),
    ];
    legend(model) + &charts(&figures)
}

/// Whether one bar, or its whisker, is so long that a linear axis would leave the others no room.
pub(crate) fn one_dwarfs_the_others(model: &Model, read: fn(&Row) -> &RowFigure) -> bool {
    let mut ends: Vec<f64> = model.rows.iter().filter_map(|row| Some(read(row).interval?.high)).collect();
    ends.sort_by(|one, other| other.total_cmp(one));
    matches!(ends.as_slice(), [most, second, ..] if *most > 3.0 * second)
}

fn cost(model: &Model) -> String {
    let base = model.rows.get(model.baseline).and_then(|row| Some((row.cpu_ns.value()?, row.label.as_str())));
    let mut rows: Vec<(&Row, Interval)> =
        model.rows.iter().filter_map(|row| Some((row, row.cpu_ns.interval?))).collect();
    rows.sort_by(|(_, one), (_, other)| one.value.total_cmp(&other.value));
    let bars: Vec<ChartBar> = rows
        .iter()
        .map(|(row, cost)| {
            let whole = cost.value;
            let kernel = row.system_share.value();
            let parts = match kernel {
                Some(kernel) => {
                    vec![("user".to_string(), whole * (1.0 - kernel)), ("kernel".to_string(), whole * kernel)]
                }
                None => vec![("together".to_string(), whole)],
            };
            ChartBar {
                label: row.label.clone(),
                family: row.family.clone(),
                parts,
                interval: Some(cost.ends()),
                ..ChartBar::default()
            }
        })
        .collect();
    let frame = |title, mark| bars::Frame {
        title,
        axis: "CPU per request",
        shown: show::time,
        log: false,
        binary: false,
        mark,
    };
    let at_rate = bars::draw(&frame("CPU of the server per request at the common rate", base), &bars);
    let above: Vec<ChartBar> = rows
        .iter()
        .filter_map(|(row, cost)| {
            let above = cost.value - base?.0;
            (above > 0.0).then(|| ChartBar {
                label: row.label.clone(),
                family: row.family.clone(),
                parts: vec![(String::new(), above)],
                ..ChartBar::default()
            })
        })
        .collect();
    let whole = bars::draw(
        &frame("CPU of the whole machine per request at capacity", None),
        &bars_of(model, |row| &row.machine_cpu_ns, false),
    );
    let full = bars::draw(
        &frame("CPU of the server per request at capacity", None),
        &bars_of(model, |row| &row.cpu_at_capacity_ns, false),
    );
    let claim = |subject| Caption { subject, shown: show::time, higher: false };
    let at_capacity =
        finding::ends(model, |row| &row.cpu_at_capacity_ns, claim("CPU per request under full load"));
    let of_machine =
        finding::ends(model, |row| &row.machine_cpu_ns, claim("CPU of the whole machine per request"));
    let mut figures = vec![
        noted(&at_capacity, "CPU of the server per request under full load, lasting connections.", &full),
        noted(
            &finding::waking(model).unwrap_or_else(|| {
                finding::ends(model, |row| &row.cpu_ns, claim("CPU per request at the common rate"))
            }),
            "CPU of the server per request at the common rate: in the program (full colour) and in the kernel (pale); outlined where they cannot be told apart. The dashed line is the baseline.",
            &at_rate,
        ),
    ];
    if let Some((_, base)) = base.filter(|_| !above.is_empty()) {
        let cheaper = rows.len() - above.len();
        figures.push(noted(
            &format!("{} of {} cost more than {base} at the common rate.", above.len(), above.len() + cheaper.saturating_sub(1)),
            "CPU per request above the baseline, at the common rate: what each design adds (Stevens, Unix Network Programming, chapter 30, measures servers so).",
            &bars::draw(&frame("CPU per request above the baseline", None), &above),
        ));
    }
    figures.push(noted(
        &of_machine,
        "The same for everything that ran, generator included: loopback bills the receiver's work to the sender, so this is the fairer account.",
        &whole,
    ));
    charts(&figures)
}

fn memory(model: &Model) -> String {
    let claim = |subject| Caption { subject, shown: show::bytes, higher: false };
    let draw = |figure: fn(&Row) -> &RowFigure, title: &str, log: bool| {
        let frame = bars::Frame { title, axis: "bytes", shown: show::bytes, log, binary: true, mark: None };
        bars::draw(&frame, &bars_of(model, figure, false))
    };
    let figures = [
        noted_in_two_scales(
            &finding::ends(model, |row| &row.memory, claim("Memory under full load")),
            "Memory of the process tree (proportional set size: shared pages count in shares).",
            one_dwarfs_the_others(model, |row| &row.memory),
            |log| draw(|row| &row.memory, "Memory under load", log),
        ),
        noted(
            &finding::ends(model, |row| &row.memory_per_connection, claim("Growth per connection")),
            "From idle to full load. The experiment \"connections\" measures this up to 10,000.",
            &draw(|row| &row.memory_per_connection, "Memory per connection", false),
        ),
    ];
    charts(&figures)
}

fn spread(model: &Model) -> String {
    let rows: String = model
        .rows
        .iter()
        .filter(|row| row.spread.len() > 1)
        .map(|row| {
            let all: u64 = row.spread.iter().sum();
            let even = all as f64 / row.spread.len() as f64;
            let most = row.spread.iter().copied().max().unwrap_or(0) as f64;
            let least = row.spread.iter().copied().min().unwrap_or(0) as f64;
            format!(
                "<tr>{}<td>{}</td><td>{}</td><td>{}</td></tr>",
                short_name_cell(&row.label),
                row.spread.len(),
                show::share(least / even.max(1.0)),
                show::share(most / even.max(1.0)),
            )
        })
        .collect();
    if rows.is_empty() {
        return "<p>No server that took part told of more than one worker.</p>".to_string();
    }
    format!(
        "<p class=\"note\">Requests of the least and the most busy worker, 100 % being an even share; last capacity cell of each.</p>\
         <div class=\"scroll\"><table><thead><tr><th scope=\"col\">architecture</th><th scope=\"col\">workers</th><th scope=\"col\">least busy</th><th scope=\"col\">most busy</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}
