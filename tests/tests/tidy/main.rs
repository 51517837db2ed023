//! What can be checked about the tree is a test that anyone can run, not a habit to remember.
//!
//! A rule gives a line for each place where it does not hold. `.github/CONTRIBUTING.md` tells the rules in words.

mod book;
mod names;
mod sizes;
mod structure;
mod words;

use std::process::ExitCode;

use dyno_tests::suite::{self, Outcome, ensure, quick};

/// Where a rule does not hold yet: the rule, and how the lines begin that tell of it. Whoever has mended the last place
/// removes the row; nothing may join.
const OWED: &[(&str, &str)] = &[];

/// The places where a rule does not hold, a line for each.
type Broken = Vec<String>;

/// A rule's name, and the check of it.
type Rule = (&'static str, fn() -> Broken);

const RULES: [Rule; 20] = [
    ("files-are-short", sizes::files_are_short),
    ("most-files-are-read-at-one-sitting", sizes::medians_are_low),
    ("chapters-are-short", sizes::chapters_are_short),
    ("comments-are-narrow", sizes::comments_are_narrow),
    ("chapters-have-their-headings", book::chapters_have_headings),
    ("every-chapter-is-in-the-table", book::chapters_are_in_the_table),
    ("chapters-are-named-at-home", book::chapters_are_named_at_home),
    ("the-contents-list-the-chapters", book::contents),
    ("the-readme-lists-chapters-and-services", book::readme),
    ("modules-go-round-in-no-circle", structure::no_circles_of_files),
    ("folders-go-round-in-no-circle", structure::no_circles_of_folders),
    ("the-top-level-is-known", structure::top_level),
    ("crates-know-whom-they-may", structure::arrows),
    ("dependencies-are-used", structure::dependencies_are_used),
    ("crates-say-their-licence", structure::licences),
    ("unsafe-has-its-reason", words::unsafe_has_reason),
    ("nothing-is-left-to-do", words::nothing_left_to_do),
    ("limits-tell-unit-and-reason", words::limits_tell),
    ("no-flag-in-a-library", words::no_flags),
    ("crates-share-no-type-name", names::told_apart),
];

fn main() -> ExitCode {
    let trials = RULES.map(|(name, rule)| quick(format!("tidy::{name}"), move || none(name, &rule())));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials.into()).exit_code()
}

/// Fails with all of `broken`, one a line, unless it is owed; and when a row of [`OWED`] has nothing left to excuse.
fn none(rule: &str, broken: &[String]) -> Outcome {
    let owed: Vec<_> = OWED.iter().filter(|(of, _)| *of == rule).map(|(_, start)| *start).collect();
    let new = broken.iter().filter(|line| !owed.iter().any(|start| line.starts_with(start))).cloned();
    let paid = owed.iter().filter(|start| !broken.iter().any(|line| line.starts_with(*start)));
    let lines: Vec<_> = new.chain(paid.map(|start| format!("no longer owed: {start}"))).collect();
    ensure(lines.is_empty(), || lines.join("\n"))
}
