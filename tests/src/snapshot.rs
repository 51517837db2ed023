//! Golden files: what a program prints, held against what it is known to print.
//!
//! `DYNO_UPDATE=1 cargo test -p dyno-tests --test snapshots` writes the files anew; `git diff` then shows what changed
//! for a user.

use std::fs;
use std::path::PathBuf;

use crate::suite::{Outcome, ensure};
use crate::tree::root;

/// The directory of the golden files.
pub fn directory() -> PathBuf {
    root().join("tests/data/snapshots")
}

/// Whether the golden files are to be written instead of compared.
pub fn updates() -> bool {
    std::env::var_os("DYNO_UPDATE").is_some_and(|value| value == "1")
}

/// Compares `actual` with the golden file `name`, or writes that file when it was asked to.
///
/// # Errors
/// When both differ: the first lines that do, and how to take what is new.
pub fn check(name: &str, actual: &str) -> Outcome {
    let path = directory().join(name);
    if updates() {
        fs::create_dir_all(path.parent().expect("a file lies in a directory"))?;
        fs::write(path, actual)?;
        return Ok(());
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    ensure(expected == actual, || {
        let difference = difference(&expected, actual);
        format!("{name} differs; DYNO_UPDATE=1 takes what is new (`git diff` shows it)\n{difference}")
    })
}

/// The part in which both texts differ, with a minus before what was expected and a plus before what came.
fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), actual.lines().collect());
    let alike = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[alike..], &new[alike..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);
    let marked = |mark: char, lines: &[&str]| -> Vec<String> {
        lines.iter().take(SHOWN_LINES).map(|line| format!("{mark} {line}")).collect()
    };
    let from = format!("from line {}:", alike + 1);
    [vec![from], marked('-', old), marked('+', new)].concat().join("\n")
}

/// How many lines of either side a failure shows.
const SHOWN_LINES: usize = 12;

/// The text of a page as a reader meets it: a line for each block, no markup, no drawings, no scripts.
pub fn text_of(html: &str) -> String {
    let (mut lines, mut line, mut rest) = (Vec::new(), String::new(), html);
    while let Some(at) = rest.find('<') {
        line.push_str(&rest[..at]);
        rest = &rest[at..];
        let name: String =
            rest[1..].chars().take_while(|next| next.is_ascii_alphanumeric() || *next == '/').collect();
        let name = name.trim_end_matches('/').to_ascii_lowercase();
        if let Some(hidden) = HIDDEN.iter().find(|hidden| **hidden == name) {
            let end = format!("</{hidden}");
            rest = rest.find(&end).map_or("", |at| &rest[at..]);
        }
        if !INLINE.contains(&name.trim_start_matches('/')) {
            lines.push(std::mem::take(&mut line));
        }
        rest = rest.find('>').map_or("", |at| &rest[at + 1..]);
    }
    lines.push(line + rest);
    let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = |line: String| line.replace("&#34;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    let lines = lines.iter().map(words).map(plain).filter(|line| !line.is_empty());
    lines.map(|line| line + "\n").collect()
}

/// Elements whose content nobody reads as text.
const HIDDEN: [&str; 3] = ["script", "style", "svg"];

/// Elements that go on within a line. A cell of a table begins a line, so that a change shows in one.
const INLINE: [&str; 13] =
    ["a", "abbr", "b", "code", "em", "i", "small", "span", "strong", "sub", "sup", "time", "wbr"];

#[cfg(test)]
mod tests {
    use super::{difference, text_of};

    #[test]
    fn a_page_is_read_without_its_markup() {
        let page = "<!doctype html><title>T</title><style>p{}</style>\n<h1>One <b>two</b></h1>\n\
                    <svg><text>no</text></svg><p>three\n four</p><script>1 < 2</script>";
        assert_eq!(text_of(page), "T\nOne two\nthree four\n");
    }

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(difference("a\nb\nc\n", "a\nx\nc\n"), "from line 2:\n- b\n+ x");
    }
}
