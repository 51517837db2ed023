//! The verdict in words: what the figures show, and what they do not show.

use crate::transports;
use dyno_analysis::comparison::{Model, RowFigure};
use dyno_analysis::limits::SLOWED_SHARE;
use dyno_analysis::ranking::{Against, Ranked, ranking};
use dyno_units::show;

/// Some paragraphs of plain text.
pub(crate) fn paragraphs(model: &Model) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(capacity(model));
    found.extend(latency(model));
    found.extend(cost(model));
    found.extend(transports::sentences(model));
    found.extend(bearings(model));
    found
}

/// The verdict of the audit on all cells, and the floor of the machine.
pub(crate) fn bearings(model: &Model) -> Vec<String> {
    [trust(model)].into_iter().chain(builds(model)).chain(floor(model)).collect()
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

fn those<'a>(others: &[(Ranked<'a>, Against)], wanted: Against) -> Vec<Ranked<'a>> {
    others.iter().filter(|(_, against)| *against == wanted).map(|(place, _)| *place).collect()
}

/// `41.2 k/s (40.9 k to 41.6 k)`, with "at least" where it belongs.
pub(crate) fn rate(figure: &RowFigure) -> String {
    let Some(interval) = figure.interval else { return "nothing that counts".to_string() };
    let at_least = if figure.at_least { "at least " } else { "" };
    format!(
        "{at_least}{}/s ({} to {})",
        show::rate(interval.value),
        show::rate(interval.low),
        show::rate(interval.high)
    )
}

fn capacity(model: &Model) -> Option<String> {
    let (lead, others) = ranking(model, |row| &row.capacity, true)?;
    let (label, answered) = (&lead.row.label, rate(&lead.row.capacity));
    if model.rows.len() == 1 {
        return Some(format!("{label} answered {answered} over lasting connections."));
    }
    let mut words = format!("{label} answered most over lasting connections: {answered}.");
    let level = those(&others, Against::Level);
    if !level.is_empty() {
        words += &format!(" No difference was seen to {}.", names(&level));
    }
    let unknown = those(&others, Against::Unknown);
    let (unreached, few): (Vec<Ranked>, Vec<Ranked>) =
        unknown.into_iter().partition(|place| place.row.capacity.at_least);
    let why = "something else was full before they were (the generator, or the way between both), so they may do more; what a request costs tells them apart";
    for (places, why) in [(unreached, why), (few, "the blocks that count are too few for a verdict")] {
        if !places.is_empty() {
            words += &format!(" Not decided for {}: {why}.", names(&places));
        }
    }
    let behind = those(&others, Against::Behind);
    if let Some(last) = behind.last() {
        words += &format!(
            " {} of the others answered fewer; {} is last, {} behind.",
            behind.len(),
            last.row.label,
            show::ratio(lead.value / last.value)
        );
    }
    Some(words)
}

fn latency(model: &Model) -> Option<String> {
    let rate = show::rate(model.rate_per_s?);
    let (lead, others) = ranking(model, |row| &row.p99_ns, false)?;
    let tail = show::time(lead.value);
    let median = lead.row.p50_ns.value().map_or("not known".to_string(), show::time);
    if model.rows.len() == 1 {
        return Some(format!("At {rate}/s its 99th percentile was {tail} (median {median})."));
    }
    let mut words = format!(
        "At {rate}/s for everyone, {} had the lowest 99th percentile: {tail} (median {median}).",
        lead.row.label
    );
    let level = those(&others, Against::Level);
    if !level.is_empty() {
        words += &format!(" No difference was seen to {}.", names(&level));
    }
    if let Some((last, _)) = others.last() {
        words += &format!(" The highest was that of {}: {}.", last.row.label, show::time(last.value));
    }
    Some(words)
}

fn cost(model: &Model) -> Option<String> {
    let (lead, others) = ranking(model, |row| &row.cpu_at_capacity_ns, false)?;
    let least = show::time(lead.value);
    let Some((last, _)) = others.last() else {
        return Some(format!(
            "Under full load a request over a lasting connection cost the server {least} of CPU."
        ));
    };
    let mut words = format!(
        "With lasting connections under full load a request cost the server least CPU with {} ({least}) and most with {} ({}).",
        lead.row.label,
        last.row.label,
        show::time(last.value),
    );
    let base = &model.rows[model.baseline];
    if let Some(base_cost) = base.cpu_at_capacity_ns.value() {
        words += &format!(" The baseline is {}: {}.", base.label, show::time(base_cost));
    }
    Some(words)
}

fn trust(model: &Model) -> String {
    let [passed, at_least, void] = model.verdicts;
    let mut words = format!("Of {} cells, {passed} passed the audit", passed + at_least + void);
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
