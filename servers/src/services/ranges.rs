//! Range requests (RFC 9110, 14.1.2 and 14.2): one range of bytes. A list of ranges is answered with the whole, which
//! the RFC allows and which spares the server a multipart body.

/// The part of a file to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// All of it: no range was asked for, or the field has a form that is not supported.
    Whole,
    /// From byte `first` to byte `last`, both included.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// The file has none of these bytes.
    Unsatisfiable,
}

/// What the Range field `wanted` selects from a file of `length` bytes.
pub fn select(wanted: Option<&str>, length: u64) -> Selection {
    let Some(range) = wanted.and_then(|wanted| wanted.strip_prefix("bytes=")) else {
        return Selection::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-') else { return Selection::Whole };
    let number =
        |digits: &str| digits.bytes().all(|d| d.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?;
    match (first.is_empty(), last.is_empty(), number(first), number(last)) {
        // The last N bytes.
        (true, false, _, Some(0)) => Selection::Unsatisfiable,
        (true, false, _, Some(_)) if length == 0 => Selection::Unsatisfiable,
        (true, false, _, Some(count)) => {
            Selection::Part { first: length.saturating_sub(count), last: length - 1 }
        }
        (false, _, Some(first), _)
            if first >= length && (last.is_empty() || number(last).is_some_and(|last| last >= first)) =>
        {
            Selection::Unsatisfiable
        }
        (false, true, Some(first), _) => Selection::Part { first, last: length - 1 },
        (false, false, Some(first), Some(last)) if first <= last => {
            Selection::Part { first, last: last.min(length - 1) }
        }
        _ => Selection::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::Selection::{self, Part, Unsatisfiable, Whole};
    use super::select;

    #[test]
    fn selections() {
        let cases: &[(&str, u64, Selection)] = &[
            ("bytes=0-4", 10, Part { first: 0, last: 4 }),
            ("bytes=5-", 10, Part { first: 5, last: 9 }),
            ("bytes=5-99", 10, Part { first: 5, last: 9 }),
            ("bytes=-3", 10, Part { first: 7, last: 9 }),
            ("bytes=-30", 10, Part { first: 0, last: 9 }),
            ("bytes=10-", 10, Unsatisfiable),
            ("bytes=-0", 10, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=-5", 0, Unsatisfiable),
            ("bytes=4-2", 10, Whole),
            ("bytes=12-3", 10, Whole),
            ("bytes=0-1,4-5", 10, Whole),
            ("bytes=a-b", 10, Whole),
            ("bytes=-", 10, Whole),
            ("lines=1-2", 10, Whole),
            ("bytes=99999999999999999999999-", 10, Whole),
        ];
        for (wanted, length, expected) in cases {
            assert_eq!(select(Some(wanted), *length), *expected, "{wanted} of {length}");
        }
        assert_eq!(select(None, 10), Whole);
    }
}
