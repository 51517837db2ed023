//! The terminal's account of a trace.

use std::fmt::Write;

use dyno_analysis::timeline::{Level, LevelParts, TimePart};
use dyno_clients::outcome::Partial;
use dyno_units::paint::Paint;
use dyno_units::show;
use dyno_units::text::{wrap, wrap_parts};
use dyno_units::verdict::Verdict;

use super::bars::{bar, key};
use super::slowest::{line, slowest};
use super::{SlowerDesign, TracedDesign, slower};
use crate::limits::{SAME_LATENCY_RATIO, TERMINAL_COLUMNS, TRACE_PART_SHARE};

/// The account: bars, tables, why one is slower than another, the slowest requests, and what is missing.
pub(crate) fn text(designs: &[TracedDesign], conditions: &str, most_slow: usize, paint: Paint) -> String {
    let mut text = format!("{}\n\n", wrap(conditions, TERMINAL_COLUMNS));
    for words in slower(designs).iter().map(words) {
        let _ = writeln!(text, "{}\n", wrap(&words, TERMINAL_COLUMNS));
    }
    text += &bars(designs, paint);
    for design in designs {
        let _ = writeln!(text, "{}", table(design, paint));
    }
    for design in designs {
        let slow = slowest(design, most_slow);
        if !slow.is_empty() {
            let _ = writeln!(text, "{}", paint.bold(&format!("The slowest of {}", design.label)));
            slow.iter().for_each(|one| text += &format!("{}\n", hanging(&line(one))));
            text.push('\n');
        }
    }
    let missing: Vec<String> = designs.iter().flat_map(missing).collect();
    for words in missing {
        let _ = writeln!(text, "{}", wrap(&words, TERMINAL_COLUMNS));
    }
    text
}

/// The parts that are there: a share of the latency at some height.
fn parts_of<'a>(levels: impl IntoIterator<Item = &'a LevelParts>) -> Vec<TimePart> {
    let levels: Vec<_> = levels.into_iter().collect();
    let is_there = |part: &TimePart| {
        levels
            .iter()
            .any(|level| level.of(*part) >= TRACE_PART_SHARE * level.total_ns() && level.of(*part) > 0.0)
    };
    TimePart::ALL.into_iter().filter(is_there).collect()
}

fn bars(designs: &[TracedDesign], paint: Paint) -> String {
    let width = designs.iter().map(|design| design.label.len()).max().unwrap_or_default();
    let columns = TERMINAL_COLUMNS.saturating_sub(width + 14).max(10);
    let mut text = String::new();
    for level in Level::ALL {
        let sides: Vec<_> =
            designs.iter().filter_map(|design| Some((&design.label, design.level(level)?))).collect();
        let whole_ns = sides.iter().map(|(_, parts)| parts.total_ns()).fold(0.0, f64::max);
        if sides.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{}", paint.bold(level.name()));
        for (label, parts) in sides {
            let (bar, total) = (bar(parts, whole_ns, columns), show::time(parts.total_ns()));
            let _ = writeln!(text, "  {label:<width$}  {total:>8}  {bar}");
        }
    }
    let key = key(&parts_of(designs.iter().flat_map(|design| &design.levels)));
    let key: Vec<&str> = key.iter().map(String::as_str).collect();
    format!("{text}{}\n\n", wrap_parts("", &key, ", ", TERMINAL_COLUMNS))
}

fn table(design: &TracedDesign, paint: Paint) -> String {
    let requests = show::many(design.run.joined.requests.len() as u64, "request");
    let mut text = format!("{} ({requests})\n", paint.bold(&design.label));
    if design.levels.is_empty() {
        return text;
    }
    let row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells: String = cells.map(|cell| format!("{cell:>11}")).collect();
        format!("  {name:<14}{cells}\n")
    };
    text += &row("", &mut design.levels.iter().map(|level| level.level.name().to_string()));
    for part in parts_of(&design.levels) {
        text += &row(part.name(), &mut design.levels.iter().map(|level| show::time(level.of(part))));
    }
    text + &row("total", &mut design.levels.iter().map(|level| show::time(level.total_ns())))
}

/// Why one is slower than the fastest, in a sentence.
pub(crate) fn words(slower: &SlowerDesign<'_>) -> String {
    let [(one, its), (fastest, fastest_its)] = &slower.sides;
    let (level, name, other) = (slower.level.name(), &one.label, &fastest.label);
    let times = format!("{} and {}", show::time(its.total_ns()), show::time(fastest_its.total_ns()));
    let Some(why) = slower.why.filter(|why| why.ratio >= SAME_LATENCY_RATIO) else {
        return format!("At {level} {name} and {other} are alike ({times}).");
    };
    let part = why.part.words();
    let share = if why.share > 1.0 {
        format!("{part} takes more than the whole difference ({}) longer", show::time(why.share * why.ns))
    } else {
        format!("{:.0} % of the difference is {part}", why.share * 100.0)
    };
    format!("{name}'s {level} is {:.1} times {other}'s ({times}); {share}.", why.ratio)
}

/// A line whose continuation stands behind its first column.
fn hanging(line: &str) -> String {
    const INDENT: usize = 11;
    let (time, words) = line.split_at_checked(INDENT).unwrap_or((line, ""));
    let indent = format!("\n{}", " ".repeat(INDENT));
    format!("{time}{}", wrap(words, TERMINAL_COLUMNS - INDENT).replace('\n', &indent))
}

/// What is not in the timelines, and what failed.
fn missing(design: &TracedDesign) -> Vec<String> {
    let (losses, joined, outcome) = (&design.run.losses, &design.run.joined, &design.run.outcome);
    let audit = &outcome.audit;
    let of = |count: u64, what: &str, words: &str| {
        let is_or_are = if count == 1 { "was" } else { "were" };
        (count > 0).then(|| format!("{}: {} {is_or_are} {words}.", design.label, show::many(count, what)))
    };
    let failed = (outcome.counts.failed > 0).then(|| {
        let kinds: Vec<&str> = outcome.errors.iter().map(|error| error.kind.name()).collect();
        format!(
            "{}: {} failed ({}); those without an answer are in no figure here.",
            design.label,
            show::many(outcome.counts.failed, "request"),
            kinds.join(", ")
        )
    });
    let ended = match outcome.partial {
        Some(Partial::Backlog) => Some(format!(
            "{}: the load was ended, because too many requests waited; the server cannot keep up with this rate.",
            design.label
        )),
        Some(Partial::Interrupted | Partial::Condition) | None => None,
    };
    let is_void = (audit.latency == Verdict::Void).then(|| audit.findings.first()).flatten();
    let is_void = is_void.map(|finding| format!("{}: {}", design.label, finding.message));
    let all = [
        ended,
        failed,
        is_void,
        of(
            joined.unjoined,
            "answered request",
            "left out: the server's side of them is not there or not whole",
        ),
        of(losses.overtaken_events, "event", "overwritten before they were read"),
        of(
            losses.dropped_events,
            "event",
            "dropped, the oldest first: the trace is too large to be kept whole",
        ),
        of(losses.dropped_requests, "request", "dropped for the same reason"),
        of(losses.missed_connections, "connection", "not traced: more workers at once than there are lanes"),
    ];
    all.into_iter().flatten().collect()
}
