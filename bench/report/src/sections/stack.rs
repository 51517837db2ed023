//! Of what the CPU of a request is made: counts times unit costs for every contestant, beside each other.

use dyno_analysis::cost_part::CostPart;
use dyno_analysis::explanation::stack::CostStack;
use dyno_analysis::levelling::Levelled;
use dyno_record::step::Step;
use dyno_units::show;

use crate::charts::escape;
use crate::charts::stack::{self, Stack, StackRow};
use crate::sections::{charts, head, noted, short_name_cell};

/// What no part explains.
const REST: &str = "the rest: HTTP, receiving, sending, what else it does";

/// The body of the section; `None` where no unit costs were measured or nothing counts.
pub(crate) fn body(records: &Levelled, stacks: &[CostStack]) -> Option<String> {
    let figures: Vec<String> = [Step::Capacity, Step::Connect]
        .into_iter()
        .filter_map(|step| {
            let (words, svg) = picture(records, stacks, step)?;
            Some(noted(&words, load(step), &svg))
        })
        .collect();
    if figures.is_empty() {
        return None;
    }
    Some(format!(
        "<p class=\"note\">What is counted for each request, times what one of it costs on this machine, by the prices that were measured before the comparison; CPU as measured. `dyno explain A B` tells the same of two, with how sure it is.</p>{}{}",
        charts(&figures),
        table(stacks)
    ))
}

fn load(step: Step) -> &'static str {
    if step == Step::Capacity {
        "CPU of the server per request over lasting connections, under full load."
    } else {
        "CPU of the server per request with a connection each."
    }
}

/// The parts that somebody has.
fn known(stacks: &[CostStack]) -> Vec<CostPart> {
    let has = |part: &CostPart| stacks.iter().any(|stack| stack.parts.iter().any(|one| one.0 == *part));
    CostPart::ALL.into_iter().filter(has).collect()
}

/// The picture of one kind of load and what it shows, the cheapest first; `None` where nobody has parts.
pub(crate) fn picture(records: &Levelled, stacks: &[CostStack], step: Step) -> Option<(String, String)> {
    let mut own: Vec<&CostStack> = stacks.iter().filter(|stack| stack.step == step).collect();
    own.sort_by(|one, other| one.cpu_ns.total_cmp(&other.cpu_ns));
    let dearest = own.iter().rev().find(|stack| stack.largest().is_some())?;
    let words = words(dearest, &own);
    let family = |label: &str| {
        let line = records.header.contestants.iter().find(|line| line.label == label);
        line.map_or(String::new(), |line| line.family.clone())
    };
    let rows: Vec<StackRow> = own
        .iter()
        .map(|stack| StackRow {
            label: stack.label.clone(),
            family: family(&stack.label),
            parts: stack.parts.iter().map(|(part, ns)| (part.name(), part.what(), *ns)).collect(),
            whole: stack.cpu_ns,
        })
        .collect();
    let picture =
        Stack { title: &words, axis: "CPU per request", shown: show::time, rest: REST, rows: &rows };
    Some((words.clone(), stack::draw(&picture)))
}

/// What the dearest pays most for, and whose parts are priced too high.
fn words(dearest: &CostStack, all: &[&CostStack]) -> String {
    let (part, ns) = dearest.largest().unwrap_or((CostPart::Switches, 0.0));
    let mut words = format!(
        "{} takes {} a request, {} of it for {}.",
        dearest.label,
        show::time(dearest.cpu_ns),
        show::time(ns),
        part.what()
    );
    let overpriced: Vec<&str> =
        all.iter().filter(|stack| stack.rest_ns() < 0.0).map(|stack| stack.label.as_str()).collect();
    if !overpriced.is_empty() {
        words += &format!(
            " The parts of {} add up to more than was measured: one of them is priced too high here.",
            crate::finding::list(&overpriced)
        );
    }
    words
}

fn table(stacks: &[CostStack]) -> String {
    let parts = known(stacks);
    let mut columns = vec![("architecture", false), ("load", false), ("CPU / request", true)];
    columns.extend(parts.iter().map(|part| (part.what(), true)));
    columns.extend([("the rest", true), ("not counted", false)]);
    let cell = |ns: Option<f64>| match ns {
        Some(ns) => format!("<td data-value=\"{ns}\">{}</td>", show::time(ns)),
        None => "<td data-value=\"\">–</td>".to_string(),
    };
    let row = |stack: &CostStack| {
        let of = |part: &CostPart| cell(stack.parts.iter().find(|one| one.0 == *part).map(|one| one.1));
        let own: String = parts.iter().map(of).collect();
        format!(
            "<tr>{}<td class=\"text\">{}</td>{}{own}{}<td class=\"text\">{}</td></tr>",
            short_name_cell(&stack.label),
            if stack.step == Step::Capacity { "lasting" } else { "a connection each" },
            cell(Some(stack.cpu_ns)),
            cell(Some(stack.rest_ns())),
            escape(&stack.not_available.join(", ")),
        )
    };
    let rows: String = stacks.iter().map(row).collect();
    format!(
        "<details><summary>The same as a table</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Of what a request is made\"><table data-sort><thead><tr>{}</tr></thead><tbody>{rows}</tbody></table></div></details>",
        head(&columns)
    )
}
