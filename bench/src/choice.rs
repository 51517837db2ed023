//! The words of `dyno choose`.

use std::fmt::Write;
use std::path::Path;

use dyno_analysis::limits::PLANNED_USE_SHARE;
use dyno_analysis::workloads::Matrix;
use dyno_analysis::workloads::choice::{DesignOffer, Obstacle, Wish, level, needed, usual_connections};
use dyno_record::header::Header;
use dyno_units::show;
use dyno_units::text::{cut, wrap};

use crate::limits::TERMINAL_COLUMNS;

/// The choice: whom to take, all offers, and what of them was measured.
pub(crate) fn show(
    matrix: &Matrix,
    wish: &Wish,
    offers: &[DesignOffer],
    header: &Header,
    place: &Path,
) -> String {
    let paragraph = |words: &str| format!("{}\n", wrap(words, TERMINAL_COLUMNS));
    let mut text = paragraph(&asked(wish));
    text += &paragraph(&taken(matrix, offers, header.threshold));
    text.push('\n');
    let _ = writeln!(text, "{:<22}{:>9}{:>7}{:>8}  ", "", "CPU/req", "cores", "p99 +");
    for offer in offers {
        text += &line(matrix, offer);
    }
    text.push('\n');
    text += &paragraph(&format!(
        "cores: whole ones of which the rate uses at most {}. p99 +: what the 99th percentile adds to wait and work.",
        show::share(PLANNED_USE_SHARE)
    ));
    for words in grounds(matrix, wish, header, place) {
        text += &paragraph(&words);
    }
    text
}

/// What was asked for.
fn asked(wish: &Wish) -> String {
    let each = |ns: u64, what: &str| match ns {
        0 => String::new(),
        ns => format!(", {what} {}", show::time(ns as f64)),
    };
    format!(
        "{}/s over {}{}{}; p99 at most {} beyond that.",
        show::rate(wish.rate_per_s),
        show::count(wish.connections as usize, "connection"),
        each(wish.wait_ns, "each request waits"),
        each(wish.compute_ns, "each request computes"),
        show::time(wish.limit_ns as f64)
    )
}

/// Whom to take.
fn taken(matrix: &Matrix, offers: &[DesignOffer], threshold: f64) -> String {
    let label = |offer: &DesignOffer| matrix.designs[offer.place].label.as_str();
    let level = level(offers, threshold);
    let best: Vec<&str> = offers.iter().take(level).map(label).collect();
    let Some(first) = offers.first().filter(|_| level > 0) else {
        return "No architecture of this result is a choice; the table tells why.".to_string();
    };
    let (cpu, cores) = (first.cpu_ns.unwrap_or_default(), first.cores.unwrap_or_default());
    let needs = format!(
        "{} of CPU per request keep {} busy: have {}",
        show::time(cpu),
        match show::three(cores) {
            one if one == "1" => "1 core".to_string(),
            cores => format!("{cores} cores"),
        },
        show::count(first.whole_cores().unwrap_or(1) as usize, "core")
    );
    match best.as_slice() {
        [only] => format!("Take {only}: {needs}."),
        several => format!("Take {} (what they cost is not known to differ): {needs}.", several.join(", ")),
    }
}

/// A line of the table.
fn line(matrix: &Matrix, offer: &DesignOffer) -> String {
    let shown = |value: Option<f64>, shown: fn(f64) -> String| value.map_or("-".into(), shown);
    let label = cut(&matrix.designs[offer.place].label, 21);
    let cores = offer.whole_cores().map_or("-".to_string(), |cores| cores.to_string());
    let head = format!(
        "{label:<22}{:>9}{cores:>7}{:>8}  ",
        shown(offer.cpu_ns, show::time),
        shown(offer.added_ns, |ns| show::time(ns).replace(' ', "")),
    );
    let words = offer.obstacle.as_ref().map(why_not).unwrap_or_default();
    let room = TERMINAL_COLUMNS - head.chars().count();
    let mut lines = wrap(&words, room).lines().map(str::to_string).collect::<Vec<_>>().into_iter();
    let mut text = format!("{head}{}", lines.next().unwrap_or_default()).trim_end().to_string() + "\n";
    for more in lines {
        let _ = writeln!(text, "{:width$}{more}", "", width = TERMINAL_COLUMNS - room);
    }
    text
}

/// Why it is no choice.
fn why_not(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Fails(name, words) => format!("fails under {name}: {words}"),
        Obstacle::Jams(most, needs) => {
            format!("jams: {} wait at a time, {} needed", show::three(*most), show::three(*needs))
        }
        Obstacle::JamsUnder(name) => format!("jams under {name}"),
        Obstacle::OneCore(cores) => format!("uses one core, and {} are needed", show::three(*cores)),
        Obstacle::Slow(_) => "its tail is longer than the limit".to_string(),
        Obstacle::Between(asked, fails) => format!(
            "fails at {}; `dyno connections` tells of {}",
            show::rate(f64::from(*fails)),
            show::rate(f64::from(*asked))
        ),
        Obstacle::Unknown => "what it costs is not known: its cells are void".to_string(),
    }
}

/// What was measured, and what was put together from it.
fn grounds(matrix: &Matrix, wish: &Wish, header: &Header, place: &Path) -> Vec<String> {
    let names = needed(wish);
    let row = |name: &str| matrix.rows.iter().find(|row| row.workload.name == name);
    let measured: Vec<String> = names
        .iter()
        .filter_map(|name| row(name))
        .map(|row| {
            let connections = show::count(row.workload.clients.connections as usize, "connection");
            format!("{} ({}, {connections})", row.workload.name, row.workload.service)
        })
        .collect();
    let environment = &header.environment;
    let mut found = vec![format!(
        "Measured, in {}, on {}, {}: {}.",
        place.display(),
        if environment.processor.is_empty() { "a machine" } else { &environment.processor },
        show::count(environment.cores, "core"),
        measured.join(", ")
    )];
    let mut guessed = Vec::new();
    if wish.compute_ns > 0 {
        guessed.push("what a microsecond of work adds, from hello and compute".to_string());
    }
    if wish.wait_ns > 0 {
        guessed.push("what a wait adds, whatever its length, from hello and wait".to_string());
    }
    if let Some(held) = row("held").filter(|_| wish.connections > usual_connections()) {
        let most = held.workload.clients.connections;
        guessed.push(if wish.connections > most {
            format!(
                "more than {} connections as if they were {0}, the most that was measured (`dyno connections --counts {}` measures whether they are held)",
                show::rate(f64::from(most)),
                wish.connections
            )
        } else {
            format!(
                "what connections add, in proportion between {} and {}",
                usual_connections(),
                show::rate(f64::from(most))
            )
        });
    }
    guessed.push("cores beyond those of this machine, as if each did as much as here".to_string());
    found.push(format!("Put together from that, and not measured: {}.", guessed.join("; ")));
    found
}
