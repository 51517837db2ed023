//! The summary for a terminal: 80 columns, the verdict first.

use std::fmt::Write;

use crate::books::histogram::decode;
use crate::limits::SAMPLES_BEYOND_MIN;
use crate::outcome::{ConditionRole, Distribution, Outcome, Partial, Threshold};
use crate::plan::as_run::{Load, PlanAsRun};
use crate::report::{hosts, impatience, plain, steps};
use crate::verdict::condition::{self, Metric};
use dyno_units::paint::{Paint, Tone};
use dyno_units::show;
use dyno_units::text::{cut, wrap_parts};
use dyno_units::verdict::Verdict;

/// Columns that the summary fills at most.
pub const WIDTH: usize = 80;

/// Percentiles in the table.
const SHOWN: [f64; 7] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999];

/// Rows of the picture at most.
const ROWS: usize = 12;

/// The figures by which a run was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistics<'a> {
    /// They stand below the others.
    Shown,
    /// They are left out; the text tells how to see them.
    Folded(&'a str),
}

/// The whole summary, each line ended.
pub fn summary(outcome: &Outcome, paint: Paint, statistics: Statistics) -> String {
    let mut out = String::new();
    let o = &mut out;
    // Writing to a String cannot fail, so the results of `writeln!` are let go here and below.
    let _ = writeln!(o, "{}  {}", paint.bold("dyno load"), outcome.plan.url);
    let _ = writeln!(o, "{}\n", wrapped("           ", &plan_line(&outcome.plan), " · "));
    verdict(o, outcome, paint);
    table(o, outcome, paint);
    steps::table(o, outcome, paint);
    picture(o, &outcome.latency.total, paint);
    figures(o, outcome, paint);
    match statistics {
        Statistics::Shown => audit(o, outcome, paint),
        Statistics::Folded(how) => {
            let _ = writeln!(o, "{}", paint.dim(how));
        }
    }
    for threshold in &outcome.thresholds {
        let (how, which) = came_out(threshold, paint);
        let _ = writeln!(o, "{} {how}: {which}", paint.dim(&format!("{:<10}", "condition")));
    }
    out
}

/// How a condition came out, and which: `passed`, and `require p99<5ms (measured 1.20 ms)`.
pub fn came_out(threshold: &Threshold, paint: Paint) -> (String, String) {
    let role = match threshold.role {
        ConditionRole::FailIf => "fail if",
        ConditionRole::Require => "require",
        ConditionRole::AbortOn => "abort on",
    };
    let measured = match (threshold.measured, threshold.role) {
        (Some(value), _) => format!("measured {}", show_measured(&threshold.expression, value)),
        (None, ConditionRole::AbortOn) => "it never held".into(),
        (None, _) => "not measured: too few answers".into(),
    };
    let (grade, word) = match (threshold.undecided, threshold.failed) {
        (true, _) => (Verdict::Doubtful, "UNDECIDED"),
        (false, true) if threshold.role == ConditionRole::AbortOn => (Verdict::Void, "ENDED THE RUN"),
        (false, true) => (Verdict::Void, "FAILED"),
        (false, false) => (Verdict::Sound, "passed"),
    };
    (paint.verdict(grade.tone(), word), format!("{role} {} ({measured})", threshold.expression))
}

fn show_measured(expression: &str, value: f64) -> String {
    match condition::parse(expression).map(|condition| condition.metric) {
        Ok(Metric::Rate) => format!("{}/s", show::rate(value)),
        Ok(Metric::Errors) => show::share(value),
        Ok(Metric::Latency { .. }) => show::time(value),
        // An outcome of another version may know conditions that this one does not.
        Err(_) => show::three(value),
    }
}

/// The plan in one line.
pub fn plan_line(plan: &PlanAsRun) -> String {
    let load = match &plan.load {
        Load::Closed { think_ns: 0 } => "closed loop".to_string(),
        Load::Closed { think_ns } => format!("closed loop, {} pause", show::time(*think_ns as f64)),
        Load::Open { arrivals, stretches } => match stretches.as_slice() {
            [] => format!("open loop, {arrivals}"),
            [one] if one.from_per_s == one.to_per_s => {
                format!("open loop, {arrivals} {}/s", show::rate(one.from_per_s))
            }
            many => {
                let (first, last) =
                    (many.first().map_or(0.0, |s| s.from_per_s), many.last().map_or(0.0, |s| s.to_per_s));
                format!("open loop, {arrivals} {}..{}/s", show::rate(first), show::rate(last))
            }
        },
    };
    let length = match (plan.duration_ns, plan.requests) {
        (Some(ns), _) => show::time(ns as f64),
        (None, Some(n)) => show::many(n, "request"),
        (None, None) => String::new(),
    };
    let connections = connections(u64::from(plan.connections));
    let mut line = format!("{load} · {connections} · {length}");
    if plan.warmup_ns > 0 {
        let _ = write!(line, " after {} warm-up", show::time(plan.warmup_ns as f64));
    }
    if !plan.spread_over.is_empty() {
        let _ = write!(line, " · over {} servers", plan.spread_over.len());
    }
    if let Some(part) = plan.part {
        let _ = write!(line, " · {part} of it");
    }
    if plan.transport != "plain" {
        let _ = write!(line, " · {}", plan.transport);
        if plan.server_unchecked {
            line.push_str(" unchecked");
        }
    }
    line
}

fn connections(count: u64) -> String {
    format!("{} connection{}", show::whole(count), if count == 1 { "" } else { "s" })
}

/// A verdict as a label.
fn label(verdict: Verdict, paint: Paint) -> String {
    paint.verdict(verdict.tone(), &format!(" {} ", verdict.name().to_uppercase()))
}

fn verdict(o: &mut String, outcome: &Outcome, paint: Paint) {
    let audit = &outcome.audit;
    let mix = &outcome.plan.mix;
    let verified = if mix.iter().all(|entry| entry.method == "HEAD") {
        "status verified"
    } else if mix.iter().all(|entry| entry.verified == "body") {
        "every byte verified"
    } else {
        "status and length verified"
    };
    let rate = show::rate(outcome.rates.achieved_per_s);
    let _ = writeln!(o, "{} {rate} answers/s, {verified}", label(audit.verdict, paint));
    if let Some(partial) = outcome.partial {
        let ended = match partial {
            Partial::Interrupted => "interrupted",
            Partial::Condition => "ended by a condition",
            Partial::Backlog => "ended by the bound of requests that may wait",
        };
        let _ = writeln!(o, "  PARTIAL: {ended}");
    }
    if let Some(line) = impatience::line(outcome) {
        let _ = writeln!(o, "{}", wrapped("  ", &line, " · "));
    }
    if let Some(sentence) = plain::fast(outcome) {
        let _ = writeln!(o, "{}", wrapped("  ", &sentence, " "));
    }
    if audit.latency > audit.verdict {
        let _ = writeln!(o, "{} latencies: they do not describe the server", label(audit.latency, paint));
    }
    for finding in &audit.findings {
        let mark =
            paint.verdict(finding.grade.tone(), if finding.grade == Verdict::Void { "✗" } else { "!" });
        // Broken with spaces in the place of the mark, which has no width of its own when it is coloured.
        let _ = writeln!(o, "  {mark} {}", wrapped("    ", &finding.message, " ").trim_start());
        let _ = writeln!(o, "{}", paint.dim(&wrapped("    ", &format!("→ {}", finding.remedy), " ")));
    }
    o.push('\n');
}

fn table(o: &mut String, outcome: &Outcome, paint: Paint) {
    let mut heading =
        format!("{:<8}", if outcome.audit.latency == Verdict::Void { "VOID" } else { "latency" });
    for q in SHOWN {
        let _ = write!(heading, "{:>9}", show::quantile(q));
    }
    let _ = writeln!(o, "{}", paint.dim(&format!("{heading}{:>9}", "max")));
    for (name, distribution) in super::parts(&outcome.latency) {
        if !super::is_shown(name, distribution, outcome) {
            continue;
        }
        let mut line = format!("{name:<8}");
        for q in SHOWN {
            let shown = distribution.percentile_ns(q).map_or("–".into(), |ns| show::time(ns as f64));
            let _ = write!(line, "{shown:>9}");
        }
        let _ = write!(line, "{:>9}", show::time(distribution.max_ns as f64));
        let _ = writeln!(o, "{}", if name == "total" { paint.bold(&line) } else { line });
    }
    if outcome.latency.total.count > 0
        && SHOWN.iter().any(|&q| outcome.latency.total.percentile_ns(q).is_none())
    {
        let why = format!("  – fewer than {SAMPLES_BEYOND_MIN} answers lie beyond it");
        let _ = writeln!(o, "{}", paint.dim(&why));
    }
    o.push('\n');
}

/// Boundaries at 1, 1.5, 2, 3, 5, 7 of each decade, or fewer where the range is wide.
fn boundaries(min: u64, max: u64) -> Vec<u64> {
    let steps: [&[f64]; 4] = [
        &[1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0],
        &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        &[1.0, 2.0, 5.0],
        &[1.0],
    ];
    for step in steps {
        let all: Vec<u64> =
            (0..13).flat_map(|d| step.iter().map(move |s| (s * 10f64.powi(d)) as u64)).collect();
        let first = all.partition_point(|&b| b <= min).saturating_sub(1);
        let last = all.partition_point(|&b| b <= max);
        if last - first <= ROWS || step.len() == 1 {
            return all[first..last].to_vec();
        }
    }
    Vec::new()
}

fn picture(o: &mut String, total: &Distribution, paint: Paint) {
    let Ok(histogram) = decode(&total.hdr_v2_base64) else { return };
    if histogram.len() < 2 {
        return;
    }
    let starts = boundaries(total.min_ns.max(1), total.max_ns);
    let counts: Vec<u64> = starts
        .iter()
        .enumerate()
        .map(|(i, &start)| {
            let end = starts.get(i + 1).map_or(u64::MAX, |&e| e - 1);
            histogram.count_between(if i == 0 { 0 } else { start }, end)
        })
        .collect();
    let most = counts.iter().copied().max().unwrap_or(1).max(1);
    let _ = writeln!(o, "{}", paint.dim("from         answers, by total latency"));
    for (start, count) in starts.iter().zip(&counts) {
        let eighths = (*count as f64 / most as f64 * 44.0 * 8.0).ceil() as usize;
        let mut bar = "█".repeat(eighths / 8);
        bar.push_str(["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]);
        let padding = " ".repeat(45 - bar.chars().count().min(45));
        let share = *count as f64 / histogram.len() as f64;
        let shown = if *count == 0 {
            String::new()
        } else {
            format!("{:>11} {:>8}", show::whole(*count), show::share(share))
        };
        let line =
            format!("{:>9}  {}{padding}{shown}", show::time(*start as f64), paint.tone(Tone::Note, &bar));
        let _ = writeln!(o, "{}", line.trim_end());
    }
    o.push('\n');
}

fn figures(o: &mut String, outcome: &Outcome, paint: Paint) {
    let (c, r, g) = (&outcome.counts, &outcome.rates, &outcome.generator);
    let mut line = |name: &str, text: String| {
        let _ = writeln!(o, "{} {text}", paint.dim(&format!("{name:<10}")));
    };
    let offered = match outcome.plan.load {
        Load::Open { .. } => format!("offered {}/s · ", show::rate(r.offered_per_s)),
        Load::Closed { .. } => String::new(),
    };
    line(
        "rate",
        format!(
            "{offered}answered {}/s · received {}/s",
            show::rate(r.achieved_per_s),
            show::bytes(r.received_octets_per_s)
        ),
    );
    let waited = if c.waited > 0 {
        format!(" · {} waited for a connection", show::whole(c.waited))
    } else {
        String::new()
    };
    line(
        "requests",
        format!("{} answered · {} failed{waited}", show::whole(c.completed), show::whole(c.failed)),
    );
    for error in &outcome.errors {
        line("", format!("{} {}: {}", show::whole(error.count), error.kind.name(), cut(&error.example, 48)));
    }
    line(
        "generator",
        format!(
            "busy {} · CPU {} a request · {} open",
            show::share(g.busy_share),
            show::time(g.cpu_per_request_ns),
            connections(outcome.connections.open_max)
        ),
    );
    if outcome.parts.is_empty() {
        line("", outcome.plan.placement.words());
    }
    for (number, text) in hosts::lines(outcome).into_iter().enumerate() {
        line(if number == 0 { "parts" } else { "" }, cut(&text, WIDTH - 11));
    }
    if let Some(words) = super::handshakes(&outcome.connections) {
        line("handshakes", words);
    }
}

fn audit(o: &mut String, outcome: &Outcome, paint: Paint) {
    for (name, text) in audit_lines(outcome) {
        let _ = writeln!(o, "{} {text}", paint.dim(&format!("{name:<10}")));
    }
}

/// The figures by which a run was judged: names, empty where the name of the line before goes on, and words.
pub fn audit_lines(outcome: &Outcome) -> Vec<(String, String)> {
    let f = &outcome.audit.figures;
    let mut lines = Vec::new();
    let mut line = |name: &str, text: String| lines.push((name.to_string(), text));
    let little = match f.in_system_predicted {
        p if p > 0.0 => format!(" · Little's law off by {}", show::share((f.in_system_mean / p - 1.0).abs())),
        _ => String::new(),
    };
    line(
        "audit",
        format!(
            "lag p50 {}, p99 {}{little}",
            show::time(f.lag_p50_ns as f64),
            show::time(f.lag_p99_ns as f64)
        ),
    );
    let g = &outcome.generator;
    if g.paused_ns > 0 {
        let (sum, longest) = (show::time(g.paused_ns as f64), show::time(g.paused_longest_ns as f64));
        line("", format!("the generator stood still for {sum}, up to {longest} at once"));
    }
    for test in &f.arrivals {
        let is = if test.passed { "is" } else { "is NOT" };
        let text = format!(
            "{} {is} {} ({} {:.2}, at most {:.2})",
            test.which, test.process, test.test, test.statistic, test.limit
        );
        line("", text);
    }
    let highest = outcome.latency.total.percentiles.last();
    if let Some(p) = highest {
        let halves = match outcome.latency.total.mean_ns {
            // Where the rate changes by plan, so do the latencies.
            _ if !outcome.steps.is_empty() => String::new(),
            mean if mean > 0.0 && f.first_half_mean_ns > 0.0 && f.second_half_mean_ns > 0.0 => {
                format!(
                    "halves differ by {} · ",
                    show::share((f.first_half_mean_ns - f.second_half_mean_ns).abs() / mean)
                )
            }
            _ => String::new(),
        };
        line(
            "",
            format!(
                "{halves}{}: {} samples beyond, worth {:.1}",
                show::quantile(p.quantile),
                p.samples_beyond,
                p.effective_beyond
            ),
        );
    }
    lines
}

/// Breaks text at `joint` into lines of [`WIDTH`] columns, each behind `indent`.
fn wrapped(indent: &str, text: &str, joint: &str) -> String {
    wrap_parts(indent, &text.split(joint).collect::<Vec<_>>(), joint, WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_their_joints() {
        assert_eq!(wrapped("  ", "a b", " "), "  a b");
        let long = wrapped("    ", &"word ".repeat(40), " ");
        assert!(
            long.lines().all(|line| line.starts_with("    ") && line.trim_end().len() <= WIDTH),
            "{long}"
        );
        assert_eq!(long.split_whitespace().count(), 40);
        let plan = wrapped("", &format!("{} · 4 s after 1 s", "x".repeat(70)), " · ");
        assert_eq!(plan.lines().nth(1), Some("4 s after 1 s"));
        assert_eq!(wrapped("", &"x".repeat(90), " ").lines().count(), 1, "a word is never cut");
    }

    #[test]
    fn boundaries_cover_the_range_in_few_rows() {
        for (min, max) in
            [(1, 10), (999, 1_000), (50_000, 400_000), (1, 3_600_000_000_000), (40_000, 90_000_000), (7, 7)]
        {
            let starts = boundaries(min, max);
            assert!(!starts.is_empty() && starts.len() <= 14, "{min} {max} {starts:?}");
            assert!(starts[0] <= min && *starts.last().unwrap() <= max, "{min} {max} {starts:?}");
        }
    }
}
