//! Conditional requests (RFC 9110, section 13): whether a request for a file still applies to the file as it is now.

use std::time::SystemTime;

use super::service::FieldLookup;

/// What the preconditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// All of them hold, or there are none: the request is served.
    Holds,
    /// The client has the file as it is: 304.
    NotModified,
    /// The client means another state of the file: 412.
    Failed,
}

/// The validators of a file.
#[derive(Debug, Clone, Copy)]
pub struct Validators<'a> {
    /// The strong entity tag, with its quotes.
    pub etag: &'a str,
    /// The time of the last modification, in whole seconds.
    pub modified: SystemTime,
}

/// Evaluates the preconditions of a GET or HEAD, in the order of RFC 9110, 13.2.2.
pub fn evaluate(fields: &dyn FieldLookup, file: Validators<'_>) -> Precondition {
    // A field in several lines is one list (RFC 9110, 5.3).
    let tags = |name| Some(fields.all(name)).filter(|lines| !lines.is_empty());
    if let Some(lines) = tags("if-match") {
        // The comparison is the strong one (13.1.1): a weak tag matches nothing.
        if !members(&lines).any(|tag| tag == "*" || tag == file.etag) {
            return Precondition::Failed;
        }
    } else if date(fields, "if-unmodified-since").is_some_and(|date| file.modified > date) {
        return Precondition::Failed;
    }
    if let Some(lines) = tags("if-none-match") {
        // Here the weak comparison is right (13.1.2).
        if members(&lines).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == file.etag) {
            return Precondition::NotModified;
        }
    } else if date(fields, "if-modified-since").is_some_and(|date| file.modified <= date) {
        return Precondition::NotModified;
    }
    Precondition::Holds
}

/// Whether a request that changes a file may, by its preconditions; `file`: the one that is there. If-Modified-Since is
/// for GET and HEAD alone (13.1.3).
pub fn allow_change(fields: &dyn FieldLookup, file: Option<Validators<'_>>) -> bool {
    let tags = |name| Some(fields.all(name)).filter(|lines| !lines.is_empty());
    if let Some(lines) = tags("if-match") {
        if !file.is_some_and(|file| members(&lines).any(|tag| tag == "*" || tag == file.etag)) {
            return false;
        }
    } else if let (Some(file), Some(date)) = (file, date(fields, "if-unmodified-since"))
        && file.modified > date
    {
        return false;
    }
    let Some(lines) = tags("if-none-match") else { return true };
    let is_met = |file: Validators<'_>| {
        members(&lines).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == file.etag)
    };
    !file.is_some_and(is_met)
}

/// Whether a request asks that nothing be there: `If-None-Match: *`.
pub fn wants_new(fields: &dyn FieldLookup) -> bool {
    members(&fields.all("if-none-match")).any(|tag| tag == "*")
}

/// The strong entity tag of a file of that length, which was changed then.
pub fn entity_tag(length: u64, seconds: i64, nanos: i64) -> String {
    format!("\"{length:x}-{seconds:x}-{nanos:x}\"")
}

/// If-Range (RFC 9110, 13.1.5): a part is only of use to a client whose other parts are of the same file.
pub fn may_be_partial(fields: &dyn FieldLookup, file: Validators<'_>) -> bool {
    let Some(condition) = fields.get("if-range") else { return true };
    condition == file.etag || httpdate::parse_http_date(condition).is_ok_and(|date| date == file.modified)
}

fn members<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    lines.iter().flat_map(|line| line.split(',')).map(str::trim)
}

/// The date in a field. A date that is not valid is no condition (RFC 9110, 13.1.3 and 13.1.4).
fn date(fields: &dyn FieldLookup, name: &str) -> Option<SystemTime> {
    fields.get(name).and_then(|date| httpdate::parse_http_date(date).ok())
}

#[cfg(test)]
mod tests {
    use super::Precondition::{self, Failed, Holds, NotModified};
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    struct Lines(&'static [(&'static str, &'static str)]);

    impl FieldLookup for Lines {
        fn all(&self, name: &str) -> Vec<&str> {
            self.0
                .iter()
                .filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
                .map(|(_, v)| *v)
                .collect()
        }

        fn each(&self, _take: &mut dyn FnMut(&str, &[u8])) {}

        fn host(&self) -> &str {
            ""
        }
    }

    const SAME: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
    const EARLIER: &str = "Sun, 09 Sep 2001 01:46:39 GMT";
    const LATER: &str = "Sun, 09 Sep 2001 01:46:41 GMT";

    #[test]
    fn preconditions_are_evaluated_in_the_order_of_the_rfc() {
        let cases: &[(&[(&str, &str)], Precondition)] = &[
            (&[], Holds),
            (&[("If-Match", "*")], Holds),
            (&[("If-Match", "\"a\"")], Holds),
            (&[("If-Match", "\"b\"")], Failed),
            (&[("If-Match", "\"b\", \"a\"")], Holds),
            (&[("If-Match", "\"b\""), ("If-Match", "\"a\"")], Holds),
            (&[("If-Match", "W/\"a\"")], Failed),
            (&[("If-Match", "")], Failed),
            (&[("If-Unmodified-Since", SAME)], Holds),
            (&[("If-Unmodified-Since", LATER)], Holds),
            (&[("If-Unmodified-Since", EARLIER)], Failed),
            (&[("If-Unmodified-Since", "yesterday")], Holds),
            (&[("If-Match", "\"a\""), ("If-Unmodified-Since", EARLIER)], Holds),
            (&[("If-None-Match", "*")], NotModified),
            (&[("If-None-Match", "\"a\"")], NotModified),
            (&[("If-None-Match", "W/\"a\"")], NotModified),
            (&[("If-None-Match", "\"b\",\"c\"")], Holds),
            (&[("If-None-Match", "\"b\""), ("If-None-Match", "\"a\"")], NotModified),
            (&[("If-Modified-Since", SAME)], NotModified),
            (&[("If-Modified-Since", LATER)], NotModified),
            (&[("If-Modified-Since", EARLIER)], Holds),
            (&[("If-Modified-Since", "never")], Holds),
            (&[("If-None-Match", "\"b\""), ("If-Modified-Since", LATER)], Holds),
            (&[("If-Match", "\"b\""), ("If-None-Match", "\"a\"")], Failed),
            (&[("If-Match", "\"a\""), ("If-None-Match", "\"a\"")], NotModified),
            (&[("If-Unmodified-Since", EARLIER), ("If-None-Match", "\"a\"")], Failed),
        ];
        let modified = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for (fields, expected) in cases {
            let found = evaluate(&Lines(fields), Validators { etag: "\"a\"", modified });
            assert_eq!(found, *expected, "{fields:?}");
        }
    }

    #[test]
    fn a_change_goes_by_the_state_that_its_sender_knows() {
        let modified = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = Validators { etag: "\"a\"", modified };
        // Whether the file may be changed, and whether it may be made where there is none.
        type Case = (&'static [(&'static str, &'static str)], bool, bool);
        let cases: &[Case] = &[
            (&[], true, true),
            (&[("If-None-Match", "*")], false, true),
            (&[("If-None-Match", "\"b\"")], true, true),
            (&[("If-None-Match", "W/\"a\"")], false, true),
            (&[("If-Match", "*")], true, false),
            (&[("If-Match", "\"a\"")], true, false),
            (&[("If-Match", "\"b\"")], false, false),
            (&[("If-Match", "W/\"a\"")], false, false),
            (&[("If-Unmodified-Since", SAME)], true, true),
            (&[("If-Unmodified-Since", EARLIER)], false, true),
            (&[("If-Match", "\"a\""), ("If-Unmodified-Since", EARLIER)], true, false),
            (&[("If-Modified-Since", LATER)], true, true),
            (&[("If-Match", "\"a\""), ("If-None-Match", "\"a\"")], false, false),
        ];
        for (fields, changed, made) in cases {
            assert_eq!(allow_change(&Lines(fields), Some(file)), *changed, "{fields:?}");
            assert_eq!(allow_change(&Lines(fields), None), *made, "{fields:?}");
        }
        assert!(wants_new(&Lines(&[("If-None-Match", "\"a\", *")])) && !wants_new(&Lines(&[])));
    }

    #[test]
    fn a_part_is_sent_only_to_whom_it_fits() {
        let modified = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let file = Validators { etag: "\"a\"", modified };
        let cases: &[(&'static [(&str, &str)], bool)] = &[
            (&[], true),
            (&[("If-Range", "\"a\"")], true),
            (&[("If-Range", "\"b\"")], false),
            (&[("If-Range", "W/\"a\"")], false),
            (&[("If-Range", SAME)], true),
            (&[("If-Range", EARLIER)], false),
            (&[("If-Range", LATER)], false),
        ];
        for (fields, expected) in cases {
            assert_eq!(may_be_partial(&Lines(fields), file), *expected, "{fields:?}");
        }
    }
}
