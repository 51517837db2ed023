//! What is reported of a fault: its kind, not only the status, and the words for the operator.

mod support;

use dyno_http::connection::Connection;
use dyno_http::fault::{BadChunk, BadHead, Fault};
use dyno_http::limits::Limits;
use dyno_http::status::Status;
use std::collections::BTreeSet;
use std::sync::Arc;
use support::{base, limits};

/// Feeds `octets` under `limits`, and gives the fault.
fn fault(limits: Limits, octets: &[u8]) -> Option<Fault> {
    let mut connection = Connection::new(Arc::new(limits), base());
    connection.receive(octets, base());
    let _ = connection.next_request();
    connection.fault()
}

#[test]
fn a_refused_request_line_names_its_part() {
    for (line, expected) in [
        ("GET  HTTP/1.1", Fault::BadHead(BadHead::RequestLine)),
        (" / HTTP/1.1", Fault::BadHead(BadHead::RequestLine)),
        ("GET /", Fault::BadHead(BadHead::RequestLine)),
        ("G(T / HTTP/1.1", Fault::BadHead(BadHead::Method)),
        ("GET /\u{1} HTTP/1.1", Fault::BadHead(BadHead::Target)),
        ("GET / HTTP/0.9", Fault::BadHead(BadHead::Version)),
        ("GET / HTTQ/1.1", Fault::BadHead(BadHead::Version)),
        ("GET / HTTP/1.x", Fault::BadHead(BadHead::Version)),
        ("GET / HTTP/x.1", Fault::BadHead(BadHead::Version)),
        ("GET / HTTP/2.0", Fault::UnsupportedVersion),
        ("GET / HTTP/2.1", Fault::UnsupportedVersion),
        ("GET / HTTP/1.", Fault::BadHead(BadHead::Version)),
        ("GET / HTTP/1.20", Fault::BadHead(BadHead::Version)),
        ("GET /\u{1} HTTP/1.2", Fault::BadHead(BadHead::Target)),
        ("G(T / HTTP/1.2", Fault::BadHead(BadHead::Method)),
    ] {
        let head = format!("{line}\r\nHost: a\r\n\r\n");
        assert_eq!(fault(limits(), head.as_bytes()), Some(expected), "{line}");
    }
}

#[test]
fn a_refused_field_line_names_its_rule() {
    for (line, expected) in [
        ("Name : v", BadHead::SpaceBeforeColon),
        ("Name\t: v", BadHead::SpaceBeforeColon),
        (" folded: v", BadHead::ObsFold),
        ("\tfolded: v", BadHead::ObsFold),
        ("no colon", BadHead::FieldName),
        ("ends in a space ", BadHead::FieldName),
        ("(: v", BadHead::FieldName),
        ("Name: \u{1}", BadHead::FieldValue),
    ] {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        assert_eq!(fault(limits(), head.as_bytes()), Some(Fault::BadHead(expected)), "{line:?}");
    }
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn a_refused_chunk_names_its_rule() {
    for (body, expected) in [
        ("x\r\n", BadChunk::Size),
        ("5x\r\n", BadChunk::Size),
        ("12345678901234567\r\n", BadChunk::SizeTooLong),
        ("5;=\r\n", BadChunk::Extension),
        ("5\r\r", BadChunk::LineEnd),
        ("1\r\nab", BadChunk::DataEnd),
        ("0\r\n(\r\n", BadChunk::Trailer),
    ] {
        let request = format!("{CHUNKED}{body}");
        assert_eq!(fault(limits(), request.as_bytes()), Some(Fault::BadChunk(expected)), "{body:?}");
    }
}

#[test]
fn chunk_extensions_are_counted_to_the_octet() {
    let few = || Limits { chunk_extension_octets: 8, ..limits() };
    let request = |name: &str| format!("{CHUNKED}1;{name}\r\na\r\n0\r\n\r\n");
    // The semicolon counts, so eight octets leave seven for the name.
    let mut refused = (1..12).filter(|&count| fault(few(), request(&"n".repeat(count)).as_bytes()).is_some());
    let first = refused.next().expect("a long name is refused");
    assert_eq!(first, 8);
    assert_eq!(refused.count(), 11 - first, "every longer name is refused as well");
    let expected = Fault::BadChunk(BadChunk::ExtensionsTooLarge);
    assert_eq!(fault(few(), request("nnnnnnnnnnn").as_bytes()), Some(expected));
}

#[test]
fn a_body_in_chunks_may_be_as_large_as_the_limit_and_no_larger() {
    let small = || Limits { body_octets: 10, ..limits() };
    let request = |second: &str| format!("{CHUNKED}6\r\nabcdef\r\n{second}");
    assert_eq!(fault(small(), request("4\r\nghij\r\n0\r\n\r\n").as_bytes()), None);
    // The size alone is enough to refuse it: none of the data has come.
    assert_eq!(fault(small(), request("5\r\n").as_bytes()), Some(Fault::BodyTooLarge));
}

#[test]
fn the_host_comes_from_an_absolute_target_first() {
    for (head, host) in [
        ("GET http://target/ HTTP/1.1\r\nHost: field\r\n\r\n", "target"),
        ("GET / HTTP/1.1\r\nHost: field\r\n\r\n", "field"),
        ("GET / HTTP/1.0\r\n\r\n", ""),
    ] {
        let mut connection = Connection::new(Arc::new(limits()), base());
        connection.receive(head.as_bytes(), base());
        let request = connection.next_request().expect("a whole request");
        assert_eq!(request.host(), host, "{head}");
        let fields: Vec<_> = request.headers().collect();
        assert_eq!(fields.len(), head.matches(": ").count(), "{head}: {fields:?}");
    }
}

#[test]
fn every_rule_has_words_of_its_own() {
    let heads = [
        BadHead::EmptyLines,
        BadHead::BareLf,
        BadHead::BareCr,
        BadHead::Nul,
        BadHead::RequestLine,
        BadHead::Method,
        BadHead::Target,
        BadHead::Version,
        BadHead::FieldName,
        BadHead::SpaceBeforeColon,
        BadHead::FieldValue,
        BadHead::ObsFold,
        BadHead::HostMissing,
        BadHead::HostTwice,
        BadHead::HostMalformed,
    ];
    let chunks = [BadChunk::Size, BadChunk::SizeTooLong, BadChunk::Extension, BadChunk::Trailer];
    let faults: Vec<Fault> =
        heads.map(Fault::BadHead).into_iter().chain(chunks.map(Fault::BadChunk)).collect();
    let words: BTreeSet<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), faults.len(), "no two rules share their words");
    assert!(words.iter().all(|words| words.contains("(RFC 91")), "each names its source: {words:?}");
}

#[test]
fn a_status_has_the_phrase_of_its_rfc() {
    // RFC 9110, 15; RFC 6585 for 428, 429 and 431.
    const PHRASES: &str = "200 OK|201 Created|202 Accepted|204 No Content|206 Partial Content|301 Moved Permanently|\
        302 Found|303 See Other|304 Not Modified|307 Temporary Redirect|308 Permanent Redirect|400 Bad Request|\
        401 Unauthorized|403 Forbidden|404 Not Found|405 Method Not Allowed|406 Not Acceptable|408 Request Timeout|\
        409 Conflict|410 Gone|411 Length Required|412 Precondition Failed|413 Content Too Large|414 URI Too Long|\
        415 Unsupported Media Type|416 Range Not Satisfiable|417 Expectation Failed|421 Misdirected Request|\
        426 Upgrade Required|428 Precondition Required|429 Too Many Requests|431 Request Header Fields Too Large|\
        500 Internal Server Error|501 Not Implemented|502 Bad Gateway|503 Service Unavailable|504 Gateway Timeout|\
        505 HTTP Version Not Supported";
    for line in PHRASES.split('|') {
        let (code, phrase) = line.trim().split_once(' ').expect("a code and a phrase");
        assert_eq!(Status(code.parse().expect("a code")).reason(), phrase);
    }
    assert_eq!(Status(299).reason(), "", "a code without a phrase has an empty one");
}

/// Breaks one rule of the limits.
type Break = fn(&mut Limits);

#[test]
fn limits_that_the_core_cannot_keep_are_refused() {
    let broken: [(Break, &str); 7] = [
        (|l| l.fields = 1 << 16, "fields"),
        (|l| l.target_octets = l.head_octets, "target_octets"),
        (|l| l.body_octets = (1 << 30) - l.head_octets + 1, "1 GiB"),
        (|l| l.receive_initial_octets = 0, "buffers"),
        (|l| l.read_octets = 0, "buffers"),
        (|l| l.source_octets = 0, "source_octets"),
        (|l| l.body_octets_per_s = 0, "body_octets_per_s"),
    ];
    for (break_it, word) in broken {
        let mut limits = Limits::default();
        break_it(&mut limits);
        assert!(limits.check().is_err_and(|rule| rule.contains(word)), "{word}: {:?}", limits.check());
    }
    let none_at_once = Limits { pipelined_answers: 0, ..Limits::default() };
    assert!(none_at_once.check().is_err_and(|rule| rule.contains("pipelined_answers")));
    let whole = Limits { body_octets: (1 << 30) - Limits::default().head_octets, ..Limits::default() };
    assert_eq!(whole.check(), Ok(()), "exactly 1 GiB fits");
    let least = Limits { pipelined_answers: 1, body_octets_per_s: 1, source_octets: 1, ..Limits::default() };
    assert_eq!(least.check(), Ok(()), "one of each is enough");
}
