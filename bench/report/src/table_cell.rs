//! Text in the tables of Markdown and of the terminal.

use dyno_analysis::figure::RowFigure;

/// Text as a cell of a table, which ends at a bar and at the end of the line (GitHub Flavored Markdown 4.10).
pub(crate) fn cell(text: &str) -> String {
    let mut cell = String::new();
    for character in text.chars() {
        match character {
            '|' | '\\' => cell.extend(['\\', character]),
            '\n' | '\r' => cell.push(' '),
            other => cell.push(other),
        }
    }
    cell
}

/// A figure in a table of the terminal, or the word for what stands in its place.
pub(crate) fn figure(figure: &RowFigure, shown: impl Fn(f64) -> String) -> String {
    match figure.value() {
        Some(value) => format!("{}{}", if figure.at_least { ">" } else { "" }, shown(value)),
        None => figure.sign().unwrap_or("-").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_stays_one_cell() {
        for (text, expected) in [
            ("epoll", "epoll"),
            ("a|b", "a\\|b"),
            ("a\\b", "a\\\\b"),
            ("a\\|b", "a\\\\\\|b"),
            ("a\nb", "a b"),
            ("a\r\nb", "a  b"),
            ("|", "\\|"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
