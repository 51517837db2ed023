//! The verdict in words: what the figures show, and what they do not show.

use crate::charts::escape;
use crate::transports;
use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::limits::{SLOWED_SHARE, WATCHED_FALL_NOTED};
use dyno_analysis::ranking::{Podium, Ranked, podium};
use dyno_record::header::{Header, PROBE};
use dyno_units::show;
use dyno_units::text::wrap;

/// Paragraphs for a terminal of 80 columns, an empty line before each.
pub(crate) fn wrapped(paragraphs: &[String]) -> String {
    paragraphs.iter().map(|paragraph| format!("\n{}\n", wrap(paragraph, 80))).collect()
}

/// Paragraphs as HTML.
pub(crate) fn html(paragraphs: &[String]) -> String {
    paragraphs.iter().map(|paragraph| format!("<p>{}</p>", escape(paragraph))).collect()
}

/// Some paragraphs of plain text.
pub(crate) fn paragraphs(model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(capacity(model));
    found.extend(latency(model));
    found.extend(cost(model));
    found.extend(connecting(model));
    found.extend(transports::sentences(model));
    found.extend(bearings(model));
    found
}

/// The verdict of the audit on all cells, and the floor of the machine.
pub(crate) fn bearings(model: &Model) -> Vec<String> {
    let found = [trust(model)].into_iter().chain(builds(model)).chain(probes(model)).chain(marks(model));
    found.chain(floor(model)).collect()
}

/// When, by what and where an experiment was measured, for the words below a table in Markdown.
pub(crate) fn measured(header: &Header) -> String {
    let environment = &header.environment;
    format!(
        "Measured {} UTC with dyno {} on {}, {}, Linux {}",
        show::moment(header.began_unix_ms),
        environment.dyno,
        environment.processor,
        show::count(environment.cores, "core"),
        environment.kernel,
    )
}

/// What stands below a table in Markdown: what its figures are, the result in words, and how far it may be believed.
pub(crate) fn below_table(told: &str, paragraphs: Vec<String>, model: &Model) -> String {
    let below = [told.to_string()].into_iter().chain(paragraphs).chain(bearings(model));
    below.fold("\n".to_string(), |text, paragraph| text + &paragraph + "\n\n")
}

/// That an older kind of probe measured, or several kinds did, where that is so.
fn probes(model: &Model) -> Option<String> {
    let words = "it read more while it measured, which lowered rates by 2 to 5 %, most of fork, prefork and the designs with threads.";
    match model.header.environment.probes.as_slice() {
        [] | [PROBE] => None,
        [_] => Some(format!("The cells were measured with an older kind of probe: {words}")),
        _ => Some(format!(
            "Some of the cells were measured with an older kind of probe: {words} They do not mix."
        )),
    }
}

/// Of whom the rate fell whenever clocks were read, where that is so.
fn marks(model: &Model) -> Option<String> {
    let marked: Vec<String> = model
        .rows
        .iter()
        .filter_map(|row| Some((row, row.watched_fall?)))
        .filter(|(_, fall)| fall.low > WATCHED_FALL_NOTED)
        .map(|(row, fall)| format!("{} ({})", row.label, show::share(fall.value)))
        .collect();
    (!marked.is_empty()).then(|| {
        format!(
            "Reading clocks left a mark: in the intervals in which they were read the rate fell, over all cells, with {}.",
            marked.join(", ")
        )
    })
}

/// That several builds of this program measured, where that is so: their servers may differ.
fn builds(model: &Model) -> Option<String> {
    let count = model.header.environment.programs.len();
    (count > 1).then(|| {
        format!("The cells were measured by {count} builds of dyno: what differs may be the build and not the server.")
    })
}

fn names(places: &[Ranked]) -> String {
    let names: Vec<&str> = places.iter().map(|place| place.row.label.as_str()).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// `41.2 k/s (40.9 k to 41.6 k)`, with "at least" where it belongs, and what was measured where that is another.
pub(crate) fn rate(figure: &RowFigure) -> String {
    let Some(interval) = figure.interval else { return "nothing that counts".to_string() };
    let at_least = if figure.at_least { "at least " } else { "" };
    let measured = figure.adjusted_from();
    let measured = measured.map_or(String::new(), |rate| format!("; {} as measured", show::rate(rate)));
    format!(
        "{at_least}{}/s ({} to {}{measured})",
        show::rate(interval.value),
        show::rate(interval.low),
        show::rate(interval.high)
    )
}

/// The figures of several, from the lowest to the highest, and what was measured where that is another.
fn span(places: &[Ranked], read: fn(&Row) -> &RowFigure, shown: fn(f64) -> String) -> String {
    let ends = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = (shown(low), shown(high));
        if low == high { low } else { format!("{low} to {high}") }
    };
    let figures = places.iter().map(|place| read(place.row));
    let measured: Vec<f64> = figures.clone().filter_map(|figure| figure.as_measured).collect();
    let is_adjusted = figures.clone().any(|figure| figure.adjusted_from().is_some());
    let at_least = if figures.clone().any(|figure| figure.at_least) { "at least " } else { "" };
    let values: Vec<f64> = places.iter().map(|place| place.value).collect();
    match is_adjusted && !measured.is_empty() {
        true => format!("{at_least}{} ({} as measured)", ends(&values), ends(&measured)),
        false => format!("{at_least}{}", ends(&values)),
    }
}

fn per_second(value: f64) -> String {
    format!("{}/s", show::rate(value))
}

/// Whether all that took part are level.
fn all_are_level(podium: &Podium) -> bool {
    podium.first.len() > 1 && podium.behind.is_empty() && podium.unknown.is_empty()
}

const TOO_FEW: &str = "the blocks that count are too few for a verdict";

/// The sentence for those of whom nothing can be said.
fn undecided(places: &[Ranked], why: &str) -> String {
    if places.is_empty() { String::new() } else { format!(" Not decided for {}: {why}.", names(places)) }
}

fn capacity(model: &Model) -> Option<String> {
    let read: fn(&Row) -> &RowFigure = |row| &row.capacity;
    let podium = podium(model, read, true)?;
    let answered = span(&podium.first, read, per_second);
    let mut words = match podium.first.as_slice() {
        // Nobody is known to be behind it.
        [only] if podium.behind.is_empty() && model.rows.len() > 1 => {
            format!("{} answered {} over lasting connections.", only.row.label, rate(read(only.row)))
        }
        [only] if model.rows.len() == 1 => {
            return Some(format!(
                "{} answered {} over lasting connections.",
                only.row.label,
                rate(read(only.row))
            ));
        }
        [only] => {
            format!("{} answered most over lasting connections: {}.", only.row.label, rate(read(only.row)))
        }
        level if all_are_level(&podium) => format!(
            "No difference was seen between {} over lasting connections: they answered {answered}.",
            names(level)
        ),
        level => format!(
            "{} answered most over lasting connections, and no difference was seen between them: {answered}.",
            names(level)
        ),
    };
    let (unreached, few): (Vec<Ranked>, Vec<Ranked>) =
        podium.unknown.iter().partition(|place| place.row.capacity.at_least);
    let why = match unreached.as_slice() {
        [_] => {
            "something else was full before it was (the generator, or the way between both), so it may do more; what a request costs tells them apart"
        }
        _ => {
            "something else was full before they were (the generator, or the way between both), so they may do more; what a request costs tells them apart"
        }
    };
    words += &undecided(&unreached, why);
    words += &undecided(&few, TOO_FEW);
    let best = podium.first.iter().map(|place| place.value).fold(0.0, f64::max);
    if let Some(worst) = podium.behind.last() {
        let (is, ratio) =
            (if podium.last.len() == 1 { "is" } else { "are" }, show::ratio(best / worst.value));
        if podium.behind.len() > podium.last.len() {
            words += &format!(" {} of the others answered fewer;", podium.behind.len());
        }
        let last = names(&podium.last);
        words += &match podium.last.len() {
            1 => format!(" {last} {is} last, {ratio} behind."),
            _ => format!(" {last} {is} last, with no difference seen between them, up to {ratio} behind."),
        };
    }
    Some(words)
}

fn latency(model: &Model) -> Option<String> {
    let rate = show::rate(model.rate_per_s?);
    let read: fn(&Row) -> &RowFigure = |row| &row.p99_ns;
    let podium = podium(model, read, false)?;
    let tails = span(&podium.first, read, show::time);
    let mut words = match podium.first.as_slice() {
        [only] => {
            let median = only.row.p50_ns.value().map_or("not known".to_string(), show::time);
            if model.rows.len() == 1 {
                return Some(format!("At {rate}/s its 99th percentile was {tails} (median {median})."));
            }
            let label = &only.row.label;
            match podium.behind.is_empty() {
                true => format!(
                    "At {rate}/s for everyone, the 99th percentile of {label} was {tails} (median {median})."
                ),
                false => format!(
                    "At {rate}/s for everyone, {label} had the lowest 99th percentile: {tails} (median {median})."
                ),
            }
        }
        level if all_are_level(&podium) => format!(
            "At {rate}/s for everyone, no difference was seen between the 99th percentiles of {}: {tails}.",
            names(level)
        ),
        level => format!(
            "At {rate}/s for everyone, {} had the lowest 99th percentiles, and no difference was seen between them: {tails}.",
            names(level)
        ),
    };
    words += &undecided(&podium.unknown, TOO_FEW);
    let worst = span(&podium.last, read, show::time);
    words += &match podium.last.as_slice() {
        [] => String::new(),
        [last] => format!(" The highest was that of {}: {worst}.", last.row.label),
        last => format!(" The highest were those of {}: {worst}.", names(last)),
    };
    Some(words)
}

fn cost(model: &Model) -> Option<String> {
    let asked = CostWords {
        of_one: "a request over a lasting connection",
        of: "a request",
        when: "With lasting connections under full load",
    };
    cost_words(model, |row| &row.cpu_at_capacity_ns, asked)
}

/// What a connection costs, and how many a second were seen. The generator pays more for a connection than most
/// servers, so their rates are bounds; what a connection costs a server is known all the same.
fn connecting(model: &Model) -> Option<String> {
    let asked = CostWords {
        of_one: "a connection with one request",
        of: "a connection with one request",
        when: "With a connection for each request under full load",
    };
    let mut words = cost_words(model, |row| &row.cpu_at_connect_ns, asked)?;
    let seen: Vec<&RowFigure> = model.rows.iter().map(|row| &row.connect).collect();
    let bounds = seen.iter().filter(|figure| figure.at_least).count();
    let rates: Vec<f64> = seen.iter().filter_map(|figure| figure.value()).collect();
    let least = rates.iter().copied().reduce(f64::min)?;
    let most = rates.iter().copied().reduce(f64::max)?;
    words += &match rates.len() {
        1 => format!(" {} a second were seen", show::rate(most)),
        _ => {
            format!(" Between {} and {} connections a second were seen", show::rate(least), show::rate(most))
        }
    };
    words += &match bounds {
        0 => ".".to_string(),
        _ if bounds == rates.len() && bounds == 1 => {
            ": at least, because something else was full before the server was.".to_string()
        }
        _ if bounds == rates.len() => {
            ": all of them at least, because something else was full before the servers were.".to_string()
        }
        _ => format!(
            ": at least, with {bounds} of {}, because something else was full before the server was.",
            rates.len()
        ),
    };
    Some(words)
}

/// The words by which a sentence about costs differs from another.
#[derive(Debug, Clone, Copy)]
struct CostWords {
    /// What it is that costs, where one server took part.
    of_one: &'static str,
    /// The same, where several did.
    of: &'static str,
    /// Under which load.
    when: &'static str,
}

fn cost_words(model: &Model, read: fn(&Row) -> &RowFigure, asked: CostWords) -> Option<String> {
    let CostWords { of_one, of, when } = asked;
    let podium = podium(model, read, false)?;
    let least = span(&podium.first, read, show::time);
    if model.rows.len() == 1 {
        return Some(format!("Under full load {of_one} cost the server {least} of CPU."));
    }
    let mut words = format!("{when} ");
    words += &match podium.first.as_slice() {
        level if all_are_level(&podium) => format!(
            "no difference was seen in what {of} cost the server in CPU: {least} with {}",
            names(level)
        ),
        [only] if podium.behind.is_empty() => {
            format!("{of} cost the server {least} of CPU with {}", only.row.label)
        }
        [only] => format!("{of} cost the server least CPU with {} ({least})", only.row.label),
        level => format!(
            "{of} cost the server least CPU with {} ({least}, no difference seen between them)",
            names(level)
        ),
    };
    if !podium.last.is_empty() {
        let most = span(&podium.last, read, show::time);
        words += &format!(" and most with {} ({most})", names(&podium.last));
    }
    words += ".";
    words += &undecided(&podium.unknown, TOO_FEW);
    let base = &model.rows[model.baseline];
    if let Some(base_cost) = read(base).value() {
        words += &format!(" The baseline is {}: {}.", base.label, show::time(base_cost));
    }
    Some(words)
}

fn trust(model: &Model) -> String {
    let [passed, at_least, void] = model.verdicts;
    let mut words =
        format!("Of {}, {passed} passed the audit", show::count(passed + at_least + void, "cell"));
    if at_least > 0 {
        words += &format!(", {at_least} say \"at least\" (the server was not the bottleneck)");
    }
    words += &match void {
        0 => ", none is void.".to_string(),
        1 => format!(", 1 is void ({}) and counts for nothing.", model.void_for),
        void => format!(", {void} are void ({}) and count for nothing.", model.void_for),
    };
    if let Some(share) = model.slowed_share.filter(|share| *share > SLOWED_SHARE / 10.0) {
        words += &format!(
            " Something that shares the cores' execution units slowed them for {} of the time; what that costs is told from all cells together and taken off rates and costs, which compare with each other better than with those of another hour. summary.csv holds each figure as measured and at full pace.",
            show::share(share)
        );
    }
    words
}

fn floor(model: &Model) -> Option<String> {
    let floor = model.header.floor.as_ref()?;
    let mut words = format!(
        "On this machine a byte over loopback and back takes {} on one core",
        show::time(floor.same_core_ns? as f64)
    );
    if let (Some(across), Some(spinning)) = (floor.across_cores_ns, floor.spinning_ns) {
        words += &format!(
            ", {} across two cores that sleep and {} across two that spin: at low load this floor is most of every latency",
            show::time(across as f64),
            show::time(spinning as f64)
        );
    }
    Some(words + ".")
}
