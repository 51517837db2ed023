//! A weighted mix of requests from a file: TOML, or JSON lines.
//!
//! ```toml
//! [[request]]
//! target = "/json"
//! weight = 3
//! expect = "service"
//!
//! [[request]]
//! method = "POST"
//! target = "/echo"
//! headers = { "Content-Type" = "text/plain" }
//! body = "hello"
//! expect = "text:hello"
//! expect_status = 200
//! ```
//!
//! JSON holds such requests in an array, or one after the other, such as one a line.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::plan::error::PlanError;
use crate::plan::place::Place;
use crate::plan::request::{Expect, ExpectedBody, Request, RequestParts, known_answer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MixFile {
    request: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    method: String,
    target: String,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    body_file: Option<std::path::PathBuf>,
    #[serde(default)]
    expect: String,
    expect_status: Option<u16>,
}

fn one() -> f64 {
    1.0
}

/// Reads the requests of a mix; `close` asks the server to close the connection after each.
///
/// # Errors
/// Names the file's fault.
pub fn parse(text: &str, place: &Place, close: bool) -> Result<Vec<Request>, PlanError> {
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let entries = match form(text) {
        Form::Toml => toml::from_str::<MixFile>(text).map_err(PlanError::MixToml)?.request,
        Form::Array => serde_json::from_str(text).map_err(PlanError::MixJson)?,
        Form::Lines => {
            let values = serde_json::Deserializer::from_str(text).into_iter();
            values.collect::<Result<Vec<Entry>, _>>().map_err(PlanError::MixJson)?
        }
    };
    if entries.is_empty() {
        return Err(PlanError::EmptyMix);
    }
    entries.into_iter().map(|entry| request(entry, place, close)).collect()
}

/// How a mix is written.
enum Form {
    Toml,
    /// One array of JSON.
    Array,
    /// JSON objects, one after the other.
    Lines,
}

/// By how it begins: a table of TOML begins with two brackets, an array of objects with one.
fn form(text: &str) -> Form {
    let text = text.trim_start();
    match text.strip_prefix('[').map(str::trim_start) {
        Some(inside) if inside.starts_with('{') || inside.trim_end() == "]" => Form::Array,
        None if text.starts_with('{') => Form::Lines,
        _ => Form::Toml,
    }
}

fn request(entry: Entry, place: &Place, close: bool) -> Result<Request, PlanError> {
    if entry.target.contains("://") && !entry.target.starts_with('/') {
        return Err(PlanError::WholeUrl(entry.target));
    }
    let body = match (&entry.body_file, entry.body) {
        (Some(_), Some(_)) => return Err(PlanError::TwoBodies(entry.target)),
        (Some(path), None) => Some(read_bounded(path)?),
        (None, text) => text.map(String::into_bytes),
    };
    let sent = body.as_deref().unwrap_or_default();
    let expect =
        Expect { status: entry.expect_status, body: expected_body(&entry.expect, &entry.target, sent)? };
    let mut headers = entry.headers.into_iter().collect();
    place.authorize(&mut headers);
    RequestParts {
        method: entry.method,
        target: entry.target,
        authority: place.authority.clone(),
        headers,
        body,
        weight: entry.weight,
        expect,
        close,
    }
    .prepare()
}

/// Reads what a body shall be: `status` (any), `same`, `service`, `text:...` or `file:PATH`.
///
/// # Errors
/// Names what would be possible.
pub fn expected_body(text: &str, target: &str, sent: &[u8]) -> Result<ExpectedBody, PlanError> {
    match text.split_once(':') {
        None if text.is_empty() || text == "status" => Ok(ExpectedBody::Any),
        None if text == "same" => Ok(ExpectedBody::Same),
        None if text == "service" => known_answer(target, sent)
            .map(|body| ExpectedBody::Exactly(body.into()))
            .ok_or_else(|| PlanError::AnswerNotFixed(target.into())),
        Some(("text", body)) => Ok(ExpectedBody::Exactly(body.as_bytes().into())),
        Some(("file", path)) => Ok(ExpectedBody::Exactly(read_bounded(Path::new(path))?.into())),
        _ => Err(PlanError::CannotExpect(text.into())),
    }
}

/// Reads a file to be sent or compared.
///
/// # Errors
/// Names the file; it may not be larger than [`crate::limits::BODY_FILE_MAX_OCTETS`].
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, PlanError> {
    let say = |error| PlanError::BodyFile { path: path.to_path_buf(), error };
    let length = std::fs::metadata(path).map_err(say)?.len();
    if length > crate::limits::BODY_FILE_MAX_OCTETS {
        return Err(PlanError::BodyFileTooLarge(path.to_path_buf()));
    }
    std::fs::read(path).map_err(say)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::place::resolve;

    #[test]
    fn toml_and_json_lines_say_the_same() {
        let toml = "[[request]]\ntarget = \"/json\"\nweight = 3\nexpect = \"service\"\n\n[[request]]\nmethod = \"POST\"\n\
                    target = \"/echo\"\nheaders = { \"X-A\" = \"b\" }\nbody = \"hi\"\nexpect_status = 201\n";
        let lines = "{\"target\": \"/json\", \"weight\": 3, \"expect\": \"service\"}\n\n{\"method\": \"POST\", \"target\": \
                     \"/echo\", \"headers\": {\"X-A\": \"b\"}, \"body\": \"hi\", \"expect_status\": 201}\n";
        let array = format!("[{}]", lines.trim_end().replace("\n\n", ","));
        let place = resolve("http://127.0.0.1:1/").unwrap();
        let a = parse(toml, &place, false).unwrap();
        assert_eq!(a.len(), 2);
        let marked = [toml, lines, &array].map(|text| format!("\u{feff}{text}"));
        let spread = lines.replace(", ", ",\n  ");
        for text in [lines, &array, &format!(" \n{array}\n"), &spread]
            .into_iter()
            .chain(marked.iter().map(String::as_str))
        {
            let b = parse(text, &place, false).unwrap();
            assert_eq!(a.len(), b.len(), "{text}");
            for (a, b) in a.iter().zip(&b) {
                assert_eq!((&a.wire, a.weight, a.expect.status), (&b.wire, b.weight, b.expect.status));
            }
        }
        assert!(
            matches!(&a[0].expect.body, ExpectedBody::Exactly(body) if body.starts_with(b"{\"message\""))
        );
        assert_eq!(a[1].expect.status, Some(201));
    }

    #[test]
    fn faults_are_named() {
        let place = resolve("http://127.0.0.1:1/").unwrap();
        for (text, word) in [
            ("[[request]]\ntarget = \"/\"\ncolour = 1\n", "colour"),
            ("request = []\n", "no request"),
            ("[[request]]\ntarget = \"/pages/5/5\"\nexpect = \"service\"\n", "not fixed"),
            ("[[request]]\ntarget = \"/\"\nexpect = \"luck\"\n", "luck"),
            ("[[request]]\ntarget = \"/a b\"\n", "target"),
            ("{\"target\": 5}", "line 1"),
            ("{\"target\": \"/\"}\n{\"target\": 5}", "line 2"),
            ("[{\"target\": \"/\"},\n {\"target\": 5}]", "line 2"),
            ("[]", "no request"),
            ("[[request]]\ntarget = \"http://other:1/x\"\n", "whole URL"),
            ("{\"target\": \"https://127.0.0.1:1/x\"}", "whole URL"),
            ("{\"target\": \"/\", \"body\": \"a\", \"body_file\": \"b\"}", "two bodies"),
        ] {
            assert!(parse(text, &place, false).unwrap_err().to_string().contains(word), "{text}");
        }
    }
}
