//! Captions that tell what a chart shows, taken from the figures: who is first, who is last, and by how much.

use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::ranking::{Ranked, podium};
use dyno_statistics::sample::median;
use dyno_units::show;

/// Names of a list that are told; of longer ones, how many they are.
const NAMED: usize = 4;

/// What is claimed of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caption {
    /// What it is, as the subject of a sentence: `Memory under load`.
    pub subject: &'static str,
    /// How values are written.
    pub shown: fn(f64) -> String,
    /// Whether a higher value is better.
    pub higher: bool,
}

/// Names in words.
pub(crate) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_string(),
        [first, others @ ..] if names.len() > NAMED => format!("{first} and {} others", others.len()),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn labels(places: &[Ranked]) -> String {
    list(&places.iter().map(|place| place.row.label.as_str()).collect::<Vec<_>>())
}

/// Where a figure is best and where it is worst, and how far both are apart.
pub(crate) fn ends(model: &Model, read: fn(&Row) -> &RowFigure, claim: Caption) -> String {
    let Caption { subject, shown, higher } = claim;
    let Some(found) = podium(model, read, higher) else { return format!("{subject}: no cell counts.") };
    let values = found.first.iter().map(|place| place.value);
    let best = if higher { values.fold(0.0, f64::max) } else { values.fold(f64::INFINITY, f64::min) };
    match (found.first.as_slice(), found.last.as_slice()) {
        ([only], []) if model.rows.len() == 1 => format!("{subject}: {}.", shown(only.value)),
        (first, []) if first.len() > 1 => {
            format!("{subject}: no difference was seen between {}.", labels(first))
        }
        (first, []) => {
            format!("{subject}: {} with {}; of the others it is not decided.", shown(best), labels(first))
        }
        (first, last) => {
            let worst = found.behind.last().map_or(best, |place| place.value);
            let (most, least) = if higher { ("highest", "lowest") } else { ("lowest", "highest") };
            format!(
                "{subject} is {most} with {} ({}) and {least} with {} ({}): {}.",
                labels(first),
                shown(best),
                labels(last),
                shown(worst),
                times(worst / best)
            )
        }
    }
}

/// A ratio in words: `2.1 times as much`, `40 % of it`.
fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio >= 1.0 => format!("{} times as much", show::three(ratio)),
        ratio => format!("{:.0} % of it", ratio * 100.0),
    }
}

/// What a request costs at the common rate beside what it costs under full load.
pub(crate) fn waking(model: &Model) -> Option<String> {
    /// From here on waking up is the larger part of a request.
    const NOTED: f64 = 1.3;
    let ratios =
        model.rows.iter().filter_map(|row| Some(row.cpu_ns.value()? / row.cpu_at_capacity_ns.value()?));
    let middle = median(&ratios.collect::<Vec<_>>())?;
    let rate = show::rate(model.rate_per_s?);
    (middle > NOTED).then(|| {
        let share = (1.0 - 1.0 / middle) * 100.0;
        format!(
            "At {rate}/s a request costs {} times what it costs under full load (median of all): {share:.0} % of it is what full load saves, because nobody has to be woken then.",
            show::three(middle)
        )
    })
}

/// How many of the rates with a connection each are bounds, where that is most of them.
pub(crate) fn bounds(model: &Model) -> Option<String> {
    let known = model.rows.iter().filter(|row| row.connect.value().is_some()).count();
    let bounds = model.rows.iter().filter(|row| row.connect.at_least).count();
    (bounds * 2 > known).then(|| {
        format!(
            "{bounds} of {known} rates are bounds: the generator was full before the server, so what a connection costs tells the servers apart, and not how many were seen."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{list, times};

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(list(&["a", "b"]), "a and b");
        assert_eq!(list(&["a", "b", "c", "d", "e"]), "a and 4 others");
    }

    #[test]
    fn a_ratio_is_told_from_the_side_on_which_it_is_read() {
        assert_eq!((times(2.0).as_str(), times(0.4).as_str()), ("2.00 times as much", "40 % of it"));
    }
}
