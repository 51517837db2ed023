//! Nothing is longer or wider than a reader takes in.

use dyno_tests::tree::{crates, sources};

use crate::Broken;
use crate::book::chapters;

/// A file is read at one sitting.
const FILE_LINES: usize = 450;

/// Half of a crate's files are shorter than this.
const MEDIAN_LINES: usize = 150;

/// Comments keep a column that fits beside a second file on one screen. rustfmt holds the code to its own width.
const COMMENT_COLUMNS: usize = 120;

/// A chapter is short, text included.
const CHAPTER_LINES: usize = 200;

/// Chapters that are longer, how long they may be, and why.
const LONG_CHAPTERS: [(&str, usize, &str); 1] =
    [("coroutines", 250, "the scheduler is the lesson, so it stands in the chapter and not in a driver")];

pub(crate) fn files_are_short() -> Broken {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = long.filter(|(lines, _)| *lines > FILE_LINES);
    long.map(|(lines, path)| format!("{path}: {lines} lines, more than {FILE_LINES}")).collect()
}

pub(crate) fn medians_are_low() -> Broken {
    let sources = sources();
    let median = |directory: &str| {
        let inside = sources.iter().filter(|source| source.path.starts_with(&format!("{directory}/src/")));
        let mut lines: Vec<_> = inside.map(|source| source.text.lines().count()).collect();
        lines.sort_unstable();
        lines.get(lines.len() / 2).copied().unwrap_or(0)
    };
    let long = crates().into_iter().map(|krate| (median(&krate.directory), krate.directory));
    let long = long.filter(|(lines, _)| *lines > MEDIAN_LINES);
    long.map(|(lines, krate)| format!("{krate}: the median of its files is {lines} lines")).collect()
}

pub(crate) fn chapters_are_short() -> Broken {
    let mut broken = Vec::new();
    for (name, source) in chapters() {
        let exception = LONG_CHAPTERS.iter().find(|(long, ..)| *long == name);
        let most = exception.map_or(CHAPTER_LINES, |(_, most, _)| *most);
        let lines = source.text.lines().count();
        if lines > most {
            broken.push(format!("{name}: {lines} lines, more than {most}"));
        }
        if exception.is_some() && lines <= CHAPTER_LINES {
            broken.push(format!("{name} needs no exception any more"));
        }
    }
    broken
}

pub(crate) fn comments_are_narrow() -> Broken {
    let mut broken = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            let comment = line.trim_start().strip_prefix("//");
            // A row of a table and an address cannot be broken.
            let may_break = |text: &str| {
                !text.trim_start_matches(['/', '!', ' ']).starts_with('|') && !text.contains("://")
            };
            if comment.is_some_and(may_break) && columns > COMMENT_COLUMNS {
                broken.push(format!("{}:{}: {columns} columns", source.path, index + 1));
            }
        }
    }
    broken
}
