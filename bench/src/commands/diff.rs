//! `dyno diff OLD NEW`: did it become better or worse?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::limits::TERMINAL_COLUMNS;
use crate::print::{PAINT, outln};
use dyno_analysis::difference::{
    Agreement, Change, Difference, DifferenceDoubt, Drift, agreements, beside, differences, drifts,
};
use dyno_analysis::levelling::Levelled;
use dyno_record::experiment::Experiment;
use dyno_record::store;
use dyno_units::paint::Tone;
use dyno_units::show;
use dyno_units::text::{cut, wrap};

/// Compare two sets of results: what became better or worse by more than the threshold, and what is not known.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory of the earlier results
    old: PathBuf,
    /// Directory of the later results
    new: PathBuf,
    /// Relative difference that matters
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = dyno_units::read::share)]
    threshold: f64,
    /// End with code 4 when anything became worse; what is inconclusive did not
    #[arg(long)]
    fail_on_regression: bool,
    /// Judge each beside the mean of all: what all have in common may be the machine, or code that all share
    #[arg(long)]
    relative: bool,
    /// Compare even if the machines differ
    #[arg(long)]
    across_machines: bool,
}

/// Prints the differences.
///
/// # Errors
/// When there are no records, or they do not compare.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let read = |place: &Path| store::read(place).map(Levelled::of);
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    if old.header.environment.machine_id != new.header.environment.machine_id && !arguments.across_machines {
        return Err(Failure::usage(
            format!(
                "the machines differ: {} with Linux {}, and {} with Linux {}",
                old.header.environment.processor,
                old.header.environment.kernel,
                new.header.environment.processor,
                new.header.environment.kernel
            ),
            "say --across-machines to compare them all the same",
        ));
    }
    refuse_other_kinds(&old, &new)?;
    let mut found = differences(&old, &new, arguments.threshold);
    if found.is_empty() {
        return Err(Failure::usage(
            "the two sets have no figure in common",
            "compare two runs of `dyno compare`, or two of `dyno count`",
        ));
    }
    let drifts = drifts(&found, new.header.seed);
    if arguments.relative {
        found = beside(&found, &drifts, arguments.threshold);
    }
    if let Some(words) = other_probe(&old, &new) {
        outln!("{}\n", wrap(&words, TERMINAL_COLUMNS));
    }
    let ratio = if arguments.relative { "beside the mean" } else { "new/old" };
    outln!("{:<21} {:<13} {:>8} {:>8} {ratio:<19} ", "", "", "old", "new");
    for difference in &found {
        outln!("{}", line(difference));
    }
    let worse = found.iter().filter(|difference| difference.change == Change::Worse).count();
    outln!(
        "\n{} better, {worse} worse, {} the same, {} inconclusive (threshold {})",
        found.iter().filter(|difference| difference.change == Change::Better).count(),
        found.iter().filter(|difference| difference.change == Change::Same).count(),
        found.iter().filter(|difference| difference.change == Change::Inconclusive).count(),
        show::share(arguments.threshold),
    );
    for line in legend(&found) {
        outln!("{line}");
    }
    if let Some(text) = together(&drifts, arguments) {
        outln!("{text}");
    }
    // Ratios to a baseline are those of one load.
    let is_one_load = new.header.experiment != Experiment::Workloads;
    for agreement in agreements(&old, &new, arguments.threshold).iter().filter(|_| is_one_load) {
        outln!("{}", wrap(&agreed(agreement, arguments.threshold), TERMINAL_COLUMNS));
    }
    Ok(if worse > 0 && arguments.fail_on_regression { Exit::Regression } else { Exit::Success })
}

/// That both sets were measured with different kinds of probe, where that is so.
fn other_probe(old: &Levelled, new: &Levelled) -> Option<String> {
    let kinds = [old, new].map(|records| {
        let mut probes = records.header.environment.probes.clone();
        probes.sort_unstable();
        probes
    });
    if kinds[0] == kinds[1] {
        return None;
    }
    let shown = kinds.map(|probes| probes.iter().map(u32::to_string).collect::<Vec<_>>().join(" and "));
    Some(format!(
        "warning: these were measured with probes of kind {} and {}. The older kind read more while it measured, which lowered rates by 2 to 5 % (fork, prefork and the designs with threads most): differences of that size may be the probe's.",
        shown[0], shown[1]
    ))
}

/// Refuses sets that hold no figures of the same kind.
fn refuse_other_kinds(old: &Levelled, new: &Levelled) -> Result<(), Failure> {
    let kinds = [old, new].map(|records| records.header.experiment);
    let is_told =
        |kind: Experiment| matches!(kind, Experiment::Compare | Experiment::Count | Experiment::Workloads);
    if kinds[0] != kinds[1] || !is_told(kinds[0]) {
        return Err(Failure::usage(
            format!("these are results of the experiments {} and {}", kinds[0], kinds[1]),
            "compare two runs of `dyno compare` with the same services, or two of `dyno count`",
        ));
    }
    let asked = |records: &Levelled| -> BTreeSet<String> {
        let cells = records.cells.iter().map(|cell| &cell.trial.cell);
        cells.map(|cell| cell.service.clone()).collect()
    };
    let (before, now) = (asked(old), asked(new));
    if before.is_empty() || now.is_empty() || before == now {
        return Ok(());
    }
    let words = |services: &BTreeSet<String>| services.iter().cloned().collect::<Vec<_>>().join(", ");
    Err(Failure::usage(
        format!("the services differ: {} and {}", words(&before), words(&now)),
        "compare two runs of the same service",
    ))
}

/// What the signs behind inconclusive differences mean, as far as they occur.
fn legend(found: &[Difference]) -> Vec<&'static str> {
    let signs = [
        (DifferenceDoubt::Few, "?few    too few blocks count for a verdict"),
        (DifferenceDoubt::AtLeast, "?least  a maximum was not reached: the server was not the bottleneck"),
        (DifferenceDoubt::Wide, "?wide   the interval reaches beyond the threshold"),
    ];
    let occurs = |doubt: DifferenceDoubt| found.iter().any(|difference| difference.doubt() == Some(doubt));
    signs.into_iter().filter(|(doubt, _)| occurs(*doubt)).map(|(_, words)| words).collect()
}

/// The change that all architectures have in common, where it is more than the threshold.
fn together(drifts: &[Drift], arguments: &Arguments) -> Option<String> {
    let high = 1.0 + arguments.threshold;
    let clear = drifts.iter().filter(|drift| drift.ratio.low > high || drift.ratio.high < 1.0 / high);
    let moved: Vec<String> =
        clear.map(|drift| format!("{} {}", drift.figure, show::ratio(drift.ratio.value))).collect();
    let left = match arguments.relative {
        true => "It is taken off above.",
        false => "`--relative` judges what is left without it.",
    };
    (!moved.is_empty()).then(|| {
        let moved = moved.join(", ");
        let words = format!(
            "All moved together: {moved}. That is the machine, or code that all share; only both versions in one run could tell. {left}"
        );
        wrap(&words, TERMINAL_COLUMNS)
    })
}

fn agreed(agreement: &Agreement, threshold: f64) -> String {
    if agreement.ratios == 0 {
        return format!("{}: one server alone has no ratios to compare", agreement.figure);
    }
    let rank = agreement
        .rank_correlation
        .map_or_else(|| "too few to rank".to_string(), |value| format!("rank correlation {value:.3}"));
    format!(
        "{}: {rank}; {} of {} ratios to {} within {}",
        agreement.figure,
        agreement.ratios_held,
        agreement.ratios,
        agreement.yardstick,
        show::share(threshold)
    )
}

fn line(difference: &Difference) -> String {
    let shown = |value: f64| match difference.figure {
        "p99" | "CPU/conn" | "CPU/request" => show::time(value),
        _ => show::rate(value),
    };
    let interval = difference.ratio;
    let ratio = format!(
        "{} ({}-{})",
        show::three(interval.value),
        show::three(interval.low),
        show::three(interval.high)
    );
    let word = match difference.change {
        Change::Better => PAINT.tone(Tone::Good, "better"),
        Change::Worse => PAINT.tone(Tone::Bad, "worse"),
        Change::Same => "same".into(),
        Change::Inconclusive => match difference.doubt() {
            Some(DifferenceDoubt::Few) => "?few".into(),
            Some(DifferenceDoubt::AtLeast) => "?least".into(),
            Some(DifferenceDoubt::Wide) | None => "?wide".into(),
        },
    };
    format!(
        "{:<21} {:<13} {:>8} {:>8} {ratio:<19} {word}",
        cut(&difference.contestant, 21),
        difference.figure,
        shown(difference.old),
        shown(difference.new)
    )
}
