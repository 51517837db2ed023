//! `dyno learn`: the chapters on the terminal and as pages.

mod support;

use std::fs;

use dyno_servers::architectures::ALL;
use support::dyno;

#[test]
fn every_chapter_is_read_and_its_answer_waits_until_it_is_asked_for() {
    let contents = dyno("learn", &[]);
    for (number, architecture) in ALL.iter().enumerate() {
        let name = architecture.name;
        assert!(contents.stdout.contains(&format!("{:>4}  {name} ", number + 1)), "{}", contents.stdout);
        let read = dyno(&format!("learn {name}"), &[]);
        assert_eq!(read.code, 0, "{name}: {}", read.stderr);
        for words in [
            "What changes",
            "Idea",
            "Picture",
            "Price",
            "Breaks",
            "Facts",
            "its wall",
            "Question",
            "--answer",
        ] {
            assert!(read.stdout.contains(words), "{name}: {words}\n{}", read.stdout);
        }
        let answered = dyno(&format!("learn {name} --answer"), &[]).stdout;
        assert!(answered.len() > read.stdout.len() && !answered.contains("--answer"), "{answered}");
        for mark in ["](", "<details>", "```", "//!"] {
            assert!(!answered.contains(mark), "{name}: {mark} in\n{answered}");
        }
        let long = answered.lines().find(|line| line.chars().count() > 80);
        assert_eq!(long, None, "{name}");
    }
    assert!(contents.stdout.lines().all(|line| line.chars().count() <= 80), "{}", contents.stdout);
}

#[test]
fn an_unknown_chapter_is_refused_with_the_one_that_was_meant() {
    let refused = dyno("learn thread-pol", &[]);
    assert!(refused.code == 2 && refused.stderr.contains("did you mean thread-pool?"), "{}", refused.stderr);
}

#[test]
fn the_book_is_written_as_pages_that_lead_to_each_other() {
    let place = tempfile::tempdir().unwrap();
    let book = place.path().join("deep/book");
    let written = dyno(&format!("learn --html {}", book.display()), &[]);
    assert!(written.code == 0 && written.stdout.contains("index.html"), "{}", written.stderr);
    let index = fs::read_to_string(book.join("index.html")).unwrap();
    for pair in ALL.windows(2) {
        let page = fs::read_to_string(book.join(format!("{}.html", pair[0].name))).unwrap();
        assert!(index.contains(&format!("href=\"{}.html\"", pair[0].name)), "{}", pair[0].name);
        assert!(page.contains(&format!("href=\"{}.html\"", pair[1].name)), "{}", pair[0].name);
        assert!(page.contains("<summary>Answer</summary>") && page.contains("fn run("), "{}", pair[0].name);
        assert!(!page.contains("crate::") || page.contains("use crate::"), "{}", pair[0].name);
        assert!(!page.contains("src=\"") && page.contains("default-src 'none'"), "{}", pair[0].name);
    }
    let second = fs::read_to_string(book.join(format!("{}.html", ALL[1].name))).unwrap();
    assert!(second.contains("<ins>+ ") && second.contains("<del>- "), "the difference to its neighbour");
}
