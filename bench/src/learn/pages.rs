//! The book as static pages: contents and glossary, and a page for each chapter.

use std::path::Path;

use dyno_report::book_page::{BookPage, BookPart, DifferenceSide, PartBody};
use dyno_servers::book::{Chapter, chapters, glossary};

use super::difference::{self, DifferenceLine};
use super::facts;
use crate::exit::Failure;
use crate::load::write::put;

const CONTENTS: &str = "index.html";
/// Parts of a chapter that are shown as they stand in it.
const SHOWN: [(&str, &str); 6] = [
    ("idea", "Idea"),
    ("picture", "Picture"),
    ("price", "Price"),
    ("shines", "Shines"),
    ("breaks", "Breaks"),
    ("lineage", "Lineage"),
];

/// Writes the book into a directory, which is made if it is not there.
///
/// # Errors
/// When a page cannot be made or written.
pub(crate) fn write(directory: &Path) -> Result<usize, Failure> {
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::failed(
            format!("cannot make {}: {error}", directory.display()),
            "choose another place (--html)",
        )
    })?;
    let pages: Vec<(String, BookPage)> =
        std::iter::once((CONTENTS.to_owned(), contents())).chain(chapters().iter().map(page)).collect();
    for (file, page) in &pages {
        let html = page.html().map_err(|error| Failure::failed(format!("the page {file}: {error}"), ""))?;
        put(&html, &directory.join(file))?;
    }
    Ok(pages.len())
}

fn file(chapter: &Chapter) -> String {
    format!("{}.html", chapter.architecture.name)
}

fn blank() -> BookPage {
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    BookPage { version: env!("CARGO_PKG_VERSION").into(), command, ..BookPage::default() }
}

fn contents() -> BookPage {
    let row = |chapter: &Chapter| (file(chapter), chapter.architecture.name.to_owned(), chapter.changes());
    let all = chapters();
    BookPage {
        title: "Server architectures, chapter by chapter".into(),
        facts: format!("{} chapters over one HTTP core and the same services", all.len()),
        opening: (
            "How to read it".into(),
            vec![
                "Each chapter decides who accepts, who reads, who computes and who waits, and nothing else. So its \
                 difference to its neighbour is its lesson, and stands on its page."
                    .into(),
            ],
        ),
        parts: vec![
            BookPart {
                id: "contents",
                title: "Contents".into(),
                body: PartBody::Contents(all.iter().map(row).collect()),
            },
            BookPart { id: "glossary", title: "Glossary".into(), body: PartBody::Text(glossary()) },
        ],
        links: all.first().map(|first| (file(first), format!("begin: {}", first.architecture.name))).into_iter().collect(),
        ..blank()
    }
}

fn page(chapter: &Chapter) -> (String, BookPage) {
    let architecture = chapter.architecture;
    let all = chapters();
    let mut parts: Vec<BookPart> = SHOWN
        .into_iter()
        .map(|(id, title)| BookPart { id, title: title.into(), body: PartBody::Text(chapter.part(title)) })
        .collect();
    let facts = facts::of(architecture).into_iter().map(|(name, words)| (name.to_owned(), words));
    parts.push(BookPart { id: "facts", title: "Facts".into(), body: PartBody::Facts(facts.collect()) });
    if let Some(question) = chapter.question() {
        let body = PartBody::Question(question.asked, question.answer);
        parts.push(BookPart { id: "question", title: "Question".into(), body });
    }
    if let Some(neighbour) = chapter.neighbour() {
        let title = format!("Beside {}", neighbour.architecture.name);
        parts.push(BookPart { id: "difference", title, body: beside(chapter, &neighbour) });
    }
    parts.push(BookPart { id: "code", title: "Code".into(), body: PartBody::Code(chapter.code()) });
    let mut links = vec![(CONTENTS.to_owned(), "contents".to_owned())];
    let other = |number: usize| number.checked_sub(1).and_then(|index| all.get(index));
    for (word, number) in [("before", chapter.number - 1), ("next", chapter.number + 1)] {
        links.extend(other(number).map(|one| (file(one), format!("{word}: {}", one.architecture.name))));
    }
    let page = BookPage {
        title: architecture.name.into(),
        facts: format!(
            "Chapter {} of {} · {} · {}",
            chapter.number,
            all.len(),
            architecture.family,
            architecture.idea
        ),
        opening: (
            "What changes".into(),
            vec![crate::learn::markdown::lines(&chapter.changes(), "", usize::MAX)],
        ),
        parts,
        links,
        ..blank()
    };
    (file(chapter), page)
}

fn beside(chapter: &Chapter, neighbour: &Chapter) -> PartBody {
    let (first, second) = (neighbour.code(), chapter.code());
    let lines = difference::of(&first, &second).into_iter().map(|line| match line {
        DifferenceLine::Same(text) => (DifferenceSide::Both, text.to_owned()),
        DifferenceLine::Gone(text) => (DifferenceSide::First, text.to_owned()),
        DifferenceLine::New(text) => (DifferenceSide::Second, text.to_owned()),
    });
    PartBody::Difference(lines.collect())
}
