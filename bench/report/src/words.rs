//! The verdict in words: what the figures say, and what they do not.

use crate::transports;
use dyno_analysis::comparison::{Measured, Model, Row};
use dyno_analysis::limits::SLOWED_SHARE;
use dyno_statistics::verdict::Verdict;
use dyno_units::show;

/// How one contestant stands against the one that leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// Behind it, beyond threshold and chance.
    Behind,
    /// No difference seen.
    Level,
    /// Not known: its own maximum was not reached, or there are too few blocks.
    Unknown,
}

/// The row with the highest value of a figure, and how the others stand against it.
pub fn ranking(
    model: &Model,
    figure: fn(&Row) -> &Measured,
    higher: bool,
) -> Option<(usize, Vec<(usize, Against)>)> {
    let mut order: Vec<usize> =
        (0..model.rows.len()).filter(|row| figure(&model.rows[*row]).value().is_some()).collect();
    let value = |row: usize| figure(&model.rows[row]).interval.value;
    order.sort_by(
        |a, b| if higher { value(*b).total_cmp(&value(*a)) } else { value(*a).total_cmp(&value(*b)) },
    );
    let (&leader, others) = order.split_first()?;
    let lead = figure(&model.rows[leader]);
    let stands = |row: usize| {
        let own = figure(&model.rows[row]);
        if own.at_least {
            return Against::Unknown;
        }
        match own.against(lead, model.header.threshold, model.header.seed).verdict {
            Verdict::TooFewBlocks => Against::Unknown,
            Verdict::NoDifferenceSeen => Against::Level,
            Verdict::Lower if higher => Against::Behind,
            Verdict::Higher if !higher => Against::Behind,
            Verdict::Lower | Verdict::Higher => Against::Level,
        }
    };
    Some((leader, others.iter().map(|row| (*row, stands(*row))).collect()))
}

/// Some paragraphs of plain text.
pub fn paragraphs(model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(capacity(model));
    found.extend(latency(model));
    found.extend(cost(model));
    found.extend(transports::sentences(model));
    found.extend(bearings(model));
    found
}

/// What the audit says of all cells, and what the machine allows at best.
pub fn bearings(model: &Model) -> Vec<String> {
    [trust(model)].into_iter().chain(floor(model)).collect()
}

fn names(model: &Model, rows: &[usize]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| model.rows[*row].label.as_str()).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

fn those(others: &[(usize, Against)], wanted: Against) -> Vec<usize> {
    others.iter().filter(|(_, against)| *against == wanted).map(|(row, _)| *row).collect()
}

/// `41.2 k/s (40.9 k to 41.6 k)`, with "at least" where it belongs.
pub fn rate(figure: &Measured) -> String {
    let interval = figure.interval;
    let at_least = if figure.at_least { "at least " } else { "" };
    format!(
        "{at_least}{}/s ({} to {})",
        show::rate(interval.value),
        show::rate(interval.low),
        show::rate(interval.high)
    )
}

fn capacity(model: &Model) -> Option<String> {
    let (leader, others) = ranking(model, |row| &row.capacity, true)?;
    let lead = &model.rows[leader];
    if model.rows.len() == 1 {
        return Some(format!("{} answered {} over lasting connections.", lead.label, rate(&lead.capacity)));
    }
    let mut words =
        format!("{} answered most over lasting connections: {}.", lead.label, rate(&lead.capacity));
    let level = those(&others, Against::Level);
    if !level.is_empty() {
        words += &format!(" No difference was seen to {}.", names(model, &level));
    }
    let unknown = those(&others, Against::Unknown);
    let (unreached, few): (Vec<usize>, Vec<usize>) =
        unknown.iter().partition(|row| model.rows[**row].capacity.at_least);
    let why = "something else was full before they were (the generator, or the way between both), so they may do more; what a request costs tells them apart";
    for (rows, why) in [(unreached, why), (few, "the blocks that count are too few for a verdict")] {
        if !rows.is_empty() {
            words += &format!(" Not decided for {}: {why}.", names(model, &rows));
        }
    }
    let behind = those(&others, Against::Behind);
    if let Some(last) = behind.last() {
        let ratio = lead.capacity.interval.value / model.rows[*last].capacity.interval.value;
        let last = &model.rows[*last].label;
        words += &format!(
            " {} of the others answered fewer; {last} is last, {} behind.",
            behind.len(),
            show::ratio(ratio)
        );
    }
    Some(words)
}

fn latency(model: &Model) -> Option<String> {
    let rate = model.rate_per_s?;
    let (leader, others) = ranking(model, |row| &row.p99_ns, false)?;
    let lead = &model.rows[leader];
    if model.rows.len() == 1 {
        return Some(format!(
            "At {}/s its 99th percentile was {} (median {}).",
            show::rate(rate),
            show::time(lead.p99_ns.interval.value),
            show::time(lead.p50_ns.interval.value),
        ));
    }
    let mut words = format!(
        "At {}/s for everyone, {} had the lowest 99th percentile: {} (median {}).",
        show::rate(rate),
        lead.label,
        show::time(lead.p99_ns.interval.value),
        show::time(lead.p50_ns.interval.value),
    );
    let level = those(&others, Against::Level);
    if !level.is_empty() {
        words += &format!(" No difference was seen to {}.", names(model, &level));
    }
    if let Some((last, _)) = others.last() {
        let row = &model.rows[*last];
        words +=
            &format!(" The highest was that of {}: {}.", row.label, show::time(row.p99_ns.interval.value));
    }
    Some(words)
}

fn cost(model: &Model) -> Option<String> {
    let (leader, others) = ranking(model, |row| &row.cpu_at_capacity_ns, false)?;
    let lead = &model.rows[leader];
    let Some((last, _)) = others.last() else {
        let cost = show::time(lead.cpu_at_capacity_ns.interval.value);
        return Some(format!(
            "Under full load a request over a lasting connection cost the server {cost} of CPU."
        ));
    };
    let (last, base) = (&model.rows[*last], &model.rows[model.baseline]);
    let mut words = format!(
        "With lasting connections under full load a request cost the server least CPU with {} ({}) and most with {} ({}).",
        lead.label,
        show::time(lead.cpu_at_capacity_ns.interval.value),
        last.label,
        show::time(last.cpu_at_capacity_ns.interval.value),
    );
    if let Some(base_cost) = base.cpu_at_capacity_ns.value() {
        words += &format!(" The baseline is {}: {}.", base.label, show::time(base_cost));
    }
    Some(words)
}

fn trust(model: &Model) -> String {
    let [valid, at_least, void] = model.standings;
    let mut words = format!("Of {} cells, {valid} passed the audit", valid + at_least + void);
    if at_least > 0 {
        words += &format!(", {at_least} say \"at least\" (the server was not the bottleneck)");
    }
    words += &match void {
        0 => ", none is void.".to_string(),
        1 => ", 1 is void and counts for nothing.".to_string(),
        void => format!(", {void} are void and count for nothing."),
    };
    if let Some(share) = model.slowed_share.filter(|share| *share > SLOWED_SHARE / 10.0) {
        words += &format!(
            " Something that shares the cores' execution units slowed them for {} of the time; what that costs is told from all cells together and taken off rates and costs, which compare with each other better than with those of another hour.",
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
