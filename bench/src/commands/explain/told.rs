//! What `dyno explain` prints, in lines of 80 columns.

use std::fmt::Write as _;

use dyno_analysis::explanation::Explanation;
use dyno_analysis::explanation::blocks::Explained;
use dyno_analysis::unit::Unit;
use dyno_record::step::Step;
use dyno_units::show;
use dyno_units::text::{cut, wrap};

/// Columns of a terminal.
const COLUMNS: usize = 80;

/// Columns of the name of an architecture above its counts.
const NAME_COLUMNS: usize = 11;

/// What one of each unit costs, and how many of all measurements are left out.
pub(super) fn prices(prices: &[(Unit, Option<f64>)], [left_out, measured]: [usize; 2]) -> String {
    let mut text = "What one costs on this machine, on one core:\n".to_string();
    for (unit, ns) in prices {
        let price = ns.map_or("not available".into(), show::time);
        let _ = writeln!(text, "  {:<61} {price:>13}", unit.what());
    }
    if left_out > 0 {
        text += &paragraphs(&format!(
            "{left_out} of {measured} measurements are left out: the machine was slower or faster than usual then."
        ));
    }
    text
}

/// The difference under one kind of load, what has to be said of it first, its parts, and these in words.
pub(super) fn finding(names: [&str; 2], finding: &Explained) -> String {
    let explanation = &finding.explanation;
    let difference = explanation.difference_ns();
    let mut text = paragraphs(&format!(
        "A request {} costs {} of CPU with {} and {} with {}: {} {}.",
        if explanation.step == Step::Capacity {
            "over lasting connections"
        } else {
            "with a connection each"
        },
        show::time(explanation.cpu_ns[0]),
        names[0],
        show::time(explanation.cpu_ns[1]),
        names[1],
        show::time(difference.abs()),
        if difference >= 0.0 { "more" } else { "less" },
    ));
    text += &finding.verdict(names).map_or(String::new(), |words| paragraphs(&words));
    text += &table(names, explanation);
    if finding.is_noise() {
        return text;
    }
    let mut rest =
        format!("Not explained: {} of the difference", show::share(explanation.unexplained_share()));
    if let Some([low, high]) = finding.unexplained_share {
        let _ = write!(rest, "; 90 % of resamples give {} to {}", show::share(low), show::share(high));
    }
    text + &paragraphs(&(rest + ".")) + &paragraphs(&explanation.words(names))
}

fn table(names: [&str; 2], explanation: &Explanation) -> String {
    let [one, other] = names.map(|name| cut(name, NAME_COLUMNS));
    let mut text =
        format!("  {:<19} {one:>11} {other:>11} {:>11} {:>11}\n", "per request", "one costs", "adds");
    for reason in &explanation.reasons {
        let _ = writeln!(
            text,
            "  {:<19} {:>11} {:>11} {:>11} {:>11}",
            reason.what,
            show::three(reason.per_request[0]),
            show::three(reason.per_request[1]),
            show::time(reason.cost_ns[reason.dearer()]),
            show::time(reason.adds_ns()),
        );
    }
    for what in &explanation.not_available {
        let _ = writeln!(text, "  {what:<19} not available");
    }
    let _ = writeln!(text, "  {:<19} {:>47}", "not explained", show::time(explanation.unexplained_ns()));
    text
}

/// Lines as paragraphs that fit the terminal.
fn paragraphs(lines: &str) -> String {
    lines.lines().map(|line| wrap(line, COLUMNS) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_analysis::cost_part::CostPart;
    use dyno_analysis::explanation::Reason;
    use dyno_servers::architectures;

    fn every_line_fits(text: &str) {
        for line in text.lines() {
            assert!(line.chars().count() <= COLUMNS, "{} columns: {line}", line.chars().count());
        }
    }

    /// Every unit as a reason of its own, of which each adds so much to a difference of 40 us.
    fn explained(step: Step, adds_ns: f64) -> Explained {
        let reasons = Unit::ALL.into_iter().map(|unit| Reason {
            part: CostPart::Events,
            what: "connections watched",
            per_request: [123.456, 0.0],
            cost_ns: [adds_ns / 123.456; 2],
            is: [unit.what(); 2],
        });
        let explanation = Explanation {
            step,
            cpu_ns: [145_000.0, 105_000.0],
            reasons: reasons.collect(),
            not_available: vec!["page faults", "system calls", "connections queued"],
            outside_kernel_ns: Some([99_000.0, 88_000.0]),
        };
        let difference_ns = Some([38_000.0, 42_000.0]);
        Explained { explanation, difference_ns, unexplained_share: Some([0.01, 0.99]) }
    }

    #[test]
    fn prices_of_all_units_fit_the_terminal() {
        for ns in [None, Some(1.0), Some(999_999_999.0)] {
            every_line_fits(&prices(&Unit::ALL.map(|unit| (unit, ns)), [24, 1_234]));
        }
    }

    #[test]
    fn findings_of_all_pairs_fit_the_terminal() {
        for one in architectures::ALL.map(|architecture| architecture.name) {
            for other in architectures::ALL.map(|architecture| architecture.name) {
                for step in [Step::Capacity, Step::Connect] {
                    // Too little, too much, and less than nothing.
                    for adds_ns in [100.0, 1_200.0, 4_500.0, -4_500.0] {
                        every_line_fits(&finding([one, other], &explained(step, adds_ns)));
                    }
                }
            }
        }
    }

    #[test]
    fn a_large_rest_is_said_before_the_table() {
        let text = finding(["fork", "epoll"], &explained(Step::Capacity, 100.0));
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} in\n{text}"));
        assert!(at("This does not explain it here") < at("per request"));
        assert!(at("per request") < at("Not explained: 93.8 % of the difference"));
    }

    #[test]
    fn of_noise_no_share_is_told() {
        let noise =
            Explained { difference_ns: Some([-1_000.0, 3_000.0]), ..explained(Step::Connect, 2_000.0) };
        let text = finding(["tokio", "epoll"], &noise);
        assert!(text.contains("not told apart from noise") && !text.contains("Not explained:"), "{text}");
        every_line_fits(&text);
    }
}
