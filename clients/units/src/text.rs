//! Text that fits the terminal.

/// Breaks a paragraph between words into lines of at most `columns` characters; a longer word has a line of its own.
pub fn wrap(paragraph: &str, columns: usize) -> String {
    let words: Vec<&str> = paragraph.split_whitespace().collect();
    wrap_parts("", &words, " ", columns)
}

/// Puts parts into lines of at most `columns` characters, with `joint` between two that share a line and `indent`
/// before each line. A part is never broken, so one that is too long makes its line longer.
pub fn wrap_parts(indent: &str, parts: &[&str], joint: &str, columns: usize) -> String {
    let length = |text: &str| text.chars().count();
    let (mut text, mut column) = (String::new(), 0);
    for part in parts {
        let first = column == 0;
        if first || column + length(joint) + length(part) > columns {
            text += if text.is_empty() { "" } else { "\n" };
            text += indent;
            column = length(indent);
        } else {
            text += joint;
            column += length(joint);
        }
        text += part;
        column += length(part);
    }
    text
}

/// Cuts a text to `columns` characters; what is cut off is shown as `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_string();
    }
    text.chars().take(columns.saturating_sub(1)).chain(['…']).collect()
}

/// Cuts a text to `columns` characters in its middle, where addresses of one place differ least.
pub fn cut_middle(text: &str, columns: usize) -> String {
    let length = text.chars().count();
    if length <= columns {
        return text.to_string();
    }
    let kept = columns.saturating_sub(1);
    let (front, back) = (kept / 2, kept - kept / 2);
    text.chars().take(front).chain(['…']).chain(text.chars().skip(length - back)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_broken_between_words() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("incomprehensible", 4), "incomprehensible");
        assert_eq!(wrap("  a \n b  ", 80), "a b");
        assert_eq!(wrap("", 80), "");
    }

    #[test]
    fn parts_stay_whole_behind_their_indent() {
        assert_eq!(wrap_parts("  ", &["one", "two", "three"], " · ", 11), "  one · two\n  three");
    }

    #[test]
    fn the_ends_of_an_address_are_kept() {
        assert_eq!(cut_middle("/wait/50000?image=7", 14), "/wait/…image=7");
        assert_eq!(cut_middle("/wait", 14), "/wait");
        assert_eq!(cut_middle("überlang", 3), "ü…g");
        assert_eq!(cut_middle("ab", 0), "…");
    }

    #[test]
    fn what_is_cut_off_is_shown() {
        assert_eq!(cut("übermut", 7), "übermut");
        assert_eq!(cut("übermut", 4), "übe…");
    }
}
