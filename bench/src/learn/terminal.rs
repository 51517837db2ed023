//! A chapter on the terminal.

use std::fmt::Write;

use dyno_servers::book::{Chapter, chapters};
use dyno_units::paint::Paint;
use dyno_units::text::wrap_parts;

use super::{facts, markdown};
use crate::limits::TERMINAL_COLUMNS;

/// Parts of a chapter that are shown, in this order; its question comes after its facts.
const SHOWN: [&str; 6] = ["Idea", "Picture", "Price", "Shines", "Breaks", "Lineage"];
/// Column in which texts begin.
const INDENT: &str = "  ";

/// The contents: each chapter with what changes, and how to go on.
pub(crate) fn contents(paint: Paint) -> String {
    let mut out = format!("{}\n\n", paint.bold("The chapters, and what changes from the one before"));
    for chapter in chapters() {
        let name = chapter.architecture.name;
        let words = markdown::lines(&chapter.changes(), "", TERMINAL_COLUMNS - 28);
        for (row, line) in words.lines().enumerate() {
            let (number, name) =
                if row == 0 { (chapter.number.to_string(), name) } else { (String::new(), "") };
            let _ = writeln!(out, "{number:>4}  {name:<22}{line}");
        }
    }
    let first = chapters()[0].architecture.name;
    let _ = write!(
        out,
        "\n  dyno learn {first:<18} a chapter: idea, picture, price, a question\n  \
         dyno learn --html DIR         the book as pages, with neighbours compared\n"
    );
    out
}

/// A chapter; its answer only if it is asked for.
pub(crate) fn chapter(chapter: &Chapter, with_answer: bool, paint: Paint) -> String {
    let mut out = String::new();
    let architecture = chapter.architecture;
    let place = format!("chapter {} of {} · {}", chapter.number, chapters().len(), architecture.family);
    let room = TERMINAL_COLUMNS - architecture.name.len();
    let _ = writeln!(out, "{}{}\n", paint.bold(architecture.name), paint.dim(&format!("{place:>room$}")));
    let mut part = |title: &str, text: &str| {
        let _ = writeln!(out, "{}\n{text}", paint.bold(title));
    };
    let read = |text: &str| markdown::lines(text, INDENT, TERMINAL_COLUMNS);
    let neighbour = chapter.neighbour();
    let changes = match neighbour {
        Some(neighbour) => format!("{} (beside {})", chapter.changes(), neighbour.architecture.name),
        None => chapter.changes(),
    };
    part("What changes", &read(&changes));
    for heading in SHOWN {
        part(heading, &read(&chapter.part(heading)));
    }
    let facts: String = facts::of(architecture)
        .into_iter()
        .map(|(name, words)| {
            let words: Vec<&str> = words.split_whitespace().collect();
            let broken = wrap_parts(&format!("{INDENT}{:<18}", ""), &words, " ", TERMINAL_COLUMNS);
            format!("{INDENT}{name:<18}{}\n", broken.trim_start())
        })
        .collect();
    part("Facts", &facts);
    part("Try it", &tried(chapter));
    if let Some(question) = chapter.question() {
        let answer = if with_answer {
            format!("\n{}", read(&question.answer))
        } else {
            format!("{INDENT}{}\n", paint.dim(&format!("dyno learn {} --answer tells", architecture.name)))
        };
        part("Question", &(read(&question.asked) + &answer));
    }
    if let Some(next) = chapters().get(chapter.number) {
        let _ = writeln!(out, "{}", paint.dim(&format!("next: dyno learn {}", next.architecture.name)));
    }
    out
}

/// Commands that show the chapter at work.
fn tried(chapter: &Chapter) -> String {
    let name = chapter.architecture.name;
    let serve = format!("{INDENT}dyno serve {name}\n");
    let Some(neighbour) = chapter.neighbour() else { return serve };
    let beside = neighbour.architecture.name;
    format!("{serve}{INDENT}dyno compare {beside} {name} --quick\n{INDENT}dyno explain {beside} {name}\n")
}
