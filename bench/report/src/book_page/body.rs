//! The parts of a page of a book, as HTML.

use super::{BookPart, DifferenceSide, PartBody};
use crate::charts::escape;
use crate::prose;
use crate::section::Section;

pub(super) fn section(part: &BookPart) -> Section {
    Section { id: part.id, title: part.title.clone(), body: body(&part.body) }
}

fn body(body: &PartBody) -> String {
    match body {
        PartBody::Text(text) => prose::book_html(text),
        PartBody::Question(asked, answer) => format!(
            "{}<details><summary>Answer</summary>{}</details>",
            prose::book_html(asked),
            prose::book_html(answer)
        ),
        PartBody::Facts(facts) => {
            let row = |(name, words): &(String, String)| {
                format!(
                    "<tr><th scope=\"row\">{}</th><td class=\"text\">{}</td></tr>",
                    escape(name),
                    escape(words)
                )
            };
            let rows: String = facts.iter().map(row).collect();
            format!("<div class=\"scroll\"><table><tbody>{rows}</tbody></table></div>")
        }
        PartBody::Code(code) => {
            format!("<details><summary>The code</summary><pre>{}</pre></details>", escape(code))
        }
        PartBody::Difference(lines) => {
            let line = |(side, text): &(DifferenceSide, String)| {
                let (tag, sign) = match side {
                    DifferenceSide::Both => ("span", ' '),
                    DifferenceSide::First => ("del", '-'),
                    DifferenceSide::Second => ("ins", '+'),
                };
                format!("<{tag}>{sign} {}\n</{tag}>", escape(text))
            };
            let lines: String = lines.iter().map(line).collect();
            format!(
                "<details><summary>The difference, line by line</summary><pre class=\"difference\">{lines}</pre></details>"
            )
        }
        PartBody::Contents(pages) => {
            let row = |(file, name, words): &(String, String, String)| {
                format!(
                    "<tr><th scope=\"row\"><a href=\"{}\">{}</a></th><td class=\"text\">{}</td></tr>",
                    escape(file),
                    escape(name),
                    prose::book_html(words)
                )
            };
            let rows: String = pages.iter().map(row).collect();
            format!("<table><tbody>{rows}</tbody></table>")
        }
    }
}
