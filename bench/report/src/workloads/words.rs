//! Which design when, in words that follow from the figures: for each workload the designs to take, why, and
//! what is wrong with the others.

use dyno_analysis::workloads::{Matrix, Picks, Score, Standing, WorkloadRow};
use dyno_units::show;

use super::Read;

/// What is said of one workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advice {
    /// Whom to take; empty where nothing is decided.
    pub take: String,
    /// What the best have in common: rate, cost and latency.
    pub because: String,
    /// One sentence for each kind of others.
    pub others: Vec<String>,
}

impl Advice {
    /// All of it in one paragraph, after the name of the workload.
    pub(crate) fn paragraph(&self, row: &WorkloadRow) -> String {
        let take = match self.take.as_str() {
            "" => "no design is decided to be the best".to_string(),
            names => format!("take {names}"),
        };
        let because = if self.because.is_empty() { String::new() } else { format!(" ({})", self.because) };
        let others: String = self.others.iter().map(|words| format!(" {words}")).collect();
        format!("{}: {}; {take}{because}.{others}", row.workload.name, row.workload.idea)
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn names(names: &[String]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// The opening of the report: that no design is the best everywhere, or which one is; who jams and fails where.
pub(crate) fn verdict(matrix: &Matrix) -> Vec<String> {
    let tallies = matrix.tallies();
    let count = matrix.rows.len();
    let label = |place: usize| matrix.designs[place].label.clone();
    let Some(most) = tallies.iter().map(|tally| tally.best).max().filter(|most| *most > 0) else {
        return vec!["No workload is decided: too few cells count.".to_string()];
    };
    let with = |wanted: usize| -> Vec<String> {
        (0..tallies.len()).filter(|place| tallies[*place].best == wanted).map(label).collect()
    };
    let leaders = with(most);
    let is = if leaders.len() == 1 { "is" } else { "are" };
    let leaders = names(&leaders);
    let mut words = match (most == count, count) {
        (true, 1) => format!("{leaders} {is} among the best."),
        (true, _) => format!("{leaders} {is} among the best under each of the {count} workloads."),
        (false, _) => {
            format!(
                "No design is best everywhere: {leaders} {is} among the best under {most} of {count} workloads"
            )
        }
    };
    if most < count {
        let next = tallies.iter().map(|tally| tally.best).filter(|best| *best < most && *best > 0).max();
        words += &next.map_or(".".to_string(), |next| format!(", {} under {next}.", names(&with(next))));
    }
    let unsafe_ones: Vec<String> = (0..tallies.len())
        .filter(|place| tallies[*place].jammed + tallies[*place].failed > 0)
        .map(|place| {
            let under = |is: fn(&Standing) -> bool| -> Vec<String> {
                let rows = matrix.rows.iter().filter(|row| is(&row.scores[place].standing));
                rows.map(|row| row.workload.name.to_string()).collect()
            };
            let jams = under(|standing| *standing == Standing::Jammed);
            let fails = under(|standing| matches!(standing, Standing::Fails(_)));
            let mut said = Vec::new();
            if !jams.is_empty() {
                said.push(format!("jams under {}", names(&jams)));
            }
            if !fails.is_empty() {
                said.push(format!("fails under {}", names(&fails)));
            }
            format!("{} {}", label(place), said.join(" and "))
        })
        .collect();
    let mut found = vec![words];
    if !unsafe_ones.is_empty() {
        found.push(format!("{}.", unsafe_ones.join("; ")));
    }
    let undecided: Vec<String> = matrix
        .rows
        .iter()
        .filter(|row| row.picks().best.is_empty())
        .map(|row| row.workload.name.to_string())
        .collect();
    if !undecided.is_empty() {
        found.push(format!("Not decided: {}.", names(&undecided)));
    }
    found
}

/// What is said of a workload.
pub(crate) fn advice(matrix: &Matrix, row: &WorkloadRow) -> Advice {
    let picks = row.picks();
    let label = |place: &usize| matrix.designs[*place].label.clone();
    let best: Vec<&Score> = picks.best.iter().map(|place| &row.scores[*place]).collect();
    let list = names(&picks.best.iter().map(label).collect::<Vec<_>>());
    let mut others = Vec::new();
    others.extend(costly(matrix, row, &picks));
    others.extend(slower(matrix, row, &picks));
    others.extend(jammed(matrix, row, &picks));
    others.extend(failed(matrix, row, &picks));
    if !picks.unknown.is_empty() {
        let unknown = names(&picks.unknown.iter().map(label).collect::<Vec<_>>());
        others.push(format!("Not decided for {unknown}{}.", why_unknown(row, &picks)));
    }
    Advice {
        take: if best.len() > 1 { format!("{list} (no difference seen)") } else { list },
        because: because(row, &best),
        others,
    }
}

/// Rate, cost and latency of the best.
fn because(row: &WorkloadRow, best: &[&Score]) -> String {
    let mut parts = Vec::new();
    let unit = row.workload.unit();
    parts.extend(span(best, |score| &score.cpu_ns, show::time).map(|cpu| format!("{cpu} of CPU per {unit}")));
    if let Some(rate) = span(best, |score| &score.rate, show::rate) {
        let bound = if best.iter().any(|score| score.seen.generator_full) { "at least " } else { "" };
        parts.push(format!("{bound}{rate}/s"));
    }
    let at = row.common_per_s.map_or(String::new(), |rate| format!(" at {}/s", show::rate(rate)));
    parts.extend(span(best, |score| &score.p99_ns, show::time).map(|p99| format!("p99 {p99}{at}")));
    parts.join(", ")
}

/// The figures of several, from the lowest to the highest.
fn span(scores: &[&Score], read: Read, shown: fn(f64) -> String) -> Option<String> {
    let values: Vec<f64> = scores.iter().filter_map(|score| read(score).value()).collect();
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    let (low, high) = (shown(low), shown(high));
    Some(if low == high { low } else { format!("{low} to {high}") })
}

/// Those that carry the load for more CPU: how much more, and what the one that takes most does more often.
fn costly(matrix: &Matrix, row: &WorkloadRow, picks: &Picks) -> Option<String> {
    let most = *picks.costly.last()?;
    let least = least_cpu_ns(row, picks)?;
    let ratio = |place: usize| Some(row.scores[place].cpu_ns.value()? / least);
    let label = &matrix.designs[most].label;
    let dearest = show::ratio(ratio(most)?);
    let why = more_often(row, picks, most).map_or(String::new(), |why| format!(", with {why}"));
    Some(match picks.costly.len() {
        1 => format!("{label} carries the load for {dearest} the CPU{why}."),
        count => format!(
            "{count} others carry the load for {} to {dearest} the CPU, {label} most{why}.",
            show::ratio(ratio(picks.costly[0])?)
        ),
    })
}

/// The least CPU per request among the best.
fn least_cpu_ns(row: &WorkloadRow, picks: &Picks) -> Option<f64> {
    picks.best.iter().filter_map(|place| row.scores[*place].cpu_ns.value()).reduce(f64::min)
}

/// What a design does more often than the best do, as far as it was counted.
fn more_often(row: &WorkloadRow, picks: &Picks, place: usize) -> Option<String> {
    let own = &row.scores[place].seen;
    let best = |read: fn(&Score) -> Option<f64>| {
        picks.best.iter().filter_map(|place| read(&row.scores[*place])).reduce(f64::min)
    };
    let switches = own.switches.zip(best(|score| score.seen.switches));
    let calls = own.system_calls.zip(best(|score| score.seen.system_calls));
    let mut parts = Vec::new();
    for (pair, of) in [(switches, "context switches"), (calls, "system calls")] {
        // A difference of less than a tenth of an event explains no cost.
        if let Some((own, best)) = pair.filter(|(own, best)| *own > best + 0.1 && *own > best * 1.2) {
            parts.push(format!(
                "{} {of} per {} against {}",
                show::three(own),
                row.workload.unit(),
                show::three(best)
            ));
        }
    }
    (!parts.is_empty()).then(|| names(&parts))
}

/// Those whose cores are full earlier, or that cannot use all of them.
fn slower(matrix: &Matrix, row: &WorkloadRow, picks: &Picks) -> Option<String> {
    let (first, last) = (*picks.slower.first()?, *picks.slower.last()?);
    let best = picks.best.iter().chain(&picks.slower).filter_map(|place| row.scores[*place].rate.value());
    let best = best.reduce(f64::max)?;
    let share = |place: usize| Some(show::share(row.scores[place].rate.value()? / best));
    let label = &matrix.designs[last].label;
    let seen = &row.scores[last].seen;
    let busy = seen
        .busy_share
        .map_or(String::new(), |busy| format!(", with {} of its cores in use", show::share(busy.min(1.0))));
    let why = more_often(row, picks, last).map_or(String::new(), |why| format!(" and {why}"));
    Some(match picks.slower.len() {
        1 => format!("{label} answers {} of that rate{busy}{why}.", share(last)?),
        count => format!(
            "{count} others answer {} to {} of that rate, {label} least{busy}{why}.",
            share(last)?,
            share(first)?
        ),
    })
}

/// Those whose clients wait while cores are idle: their rate, and how many wait at a time.
fn jammed(matrix: &Matrix, row: &WorkloadRow, picks: &Picks) -> Option<String> {
    if picks.jammed.is_empty() {
        return None;
    }
    let one = |place: &usize| {
        let score = &row.scores[*place];
        let mut facts = vec![format!("{}/s", score.rate.value().map_or("–".into(), show::rate))];
        facts.extend(score.seen.waiting.map(|waiting| format!("{} wait at a time", show::three(waiting))));
        facts.extend(score.seen.busy_share.map(|busy| format!("{} of its cores in use", show::share(busy))));
        facts.push(crew(score));
        format!("{} ({})", matrix.designs[*place].label, facts.join(", "))
    };
    let verb = if picks.jammed.len() == 1 { "jams" } else { "jam" };
    let each: Vec<String> = picks.jammed.iter().map(one).collect();
    Some(format!("{} {verb}.", names(&each)))
}

/// The threads and processes that were seen.
fn crew(score: &Score) -> String {
    match (score.seen.processes, score.seen.threads) {
        (2.., _) => show::count(score.seen.processes as usize, "process").replace("processs", "processes"),
        (_, threads) => show::count(threads as usize, "thread"),
    }
}

/// Those that fail, each with the words of the audit.
fn failed(matrix: &Matrix, row: &WorkloadRow, picks: &Picks) -> Option<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for place in &picks.failed {
        let Standing::Fails(words) = &row.scores[*place].standing else { continue };
        let label = matrix.designs[*place].label.clone();
        match found.iter_mut().find(|(known, _)| known == words) {
            Some((_, labels)) => labels.push(label),
            None => found.push((words.clone(), vec![label])),
        }
    }
    let one = |(words, labels): &(String, Vec<String>)| {
        let verb = if labels.len() == 1 { "fails" } else { "fail" };
        format!("{} {verb}: {words}", names(labels))
    };
    let each: Vec<String> = found.iter().map(one).collect();
    (!each.is_empty()).then(|| format!("{}.", each.join("; ")))
}

fn why_unknown(row: &WorkloadRow, picks: &Picks) -> String {
    let reasons = picks.unknown.iter().filter_map(|place| match &row.scores[*place].standing {
        Standing::Unknown(words) if row.scores[*place].rate.value().is_none() => Some(words.as_str()),
        _ => None,
    });
    match reasons.into_iter().find(|words| !words.is_empty()) {
        Some(words) => format!(": {words}"),
        None => ": too few cells count".to_string(),
    }
}
