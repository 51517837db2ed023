//! Answers of backends: which are passed on, and which rule the others break; whatever the pieces in which they come.

use dyno_http::limits::Limits;
use dyno_proxy::answer::{AnswerReader, OriginAnswer};
use dyno_proxy::fault::GatewayFault;
use dyno_proxy::limits::{ANSWER_BODY_OCTETS, ANSWER_FIELDS, ANSWER_HEAD_OCTETS, INTERIM_ANSWERS};
use dyno_proxy::rewrite::Pseudonym;
use proptest::prelude::*;

fn own() -> Pseudonym {
    Pseudonym::new(7)
}

/// What becomes of `octets`, which come in pieces of so many, and of the end behind them.
fn read(octets: &[u8], piece: usize, is_head: bool) -> Result<OriginAnswer, GatewayFault> {
    let mut reader = AnswerReader::new(is_head);
    for piece in octets.chunks(piece) {
        if let Some(answer) = reader.receive(piece, &own())? {
            return Ok(answer);
        }
    }
    reader.receive_eof()
}

fn fields(answer: &OriginAnswer) -> Vec<String> {
    answer.lines.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value))).collect()
}

#[test]
fn answers_that_are_passed_on() {
    let via = "Via: 1.1 dyno-0000000000000007";
    // Octets, whether HEAD was asked, status, fields, body, whether the connection can be used again.
    type Passed = (&'static str, bool, u16, &'static [&'static str], &'static str, bool);
    let cases: &[Passed] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, &[], "hi", true),
        ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", false, 200, &[], "", true),
        ("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", false, 200, &[], "hi", true),
        ("HTTP/1.7 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, &[], "hi", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, &[], "hi", false),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", false, 200, &[], "until the end", false),
        ("HTTP/1.1 200 OK\r\n\r\n", false, 200, &[], "", false),
        (
            "HTTP/1.1 404 No\r\nX-A:b\r\nx-a: \tc \r\nContent-Length:3\r\n\r\nno\n",
            false,
            404,
            &["X-A: b", "x-a: c"],
            "no\n",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n3;a=\"b\"\r\n ho\r\n0\r\nX-T: 1\r\n\r\n",
            false,
            200,
            &[],
            "hi ho",
            true,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            false,
            200,
            &[],
            "hi",
            true,
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, 204, &[], "", true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false, 204, &[], "", true),
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"a\"\r\n\r\n",
            false,
            304,
            &["ETag: \"a\""],
            "",
            true,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", true, 200, &[], "", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 200, &[], "", true),
        (
            "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi",
            false,
            200,
            &[],
            "hi",
            false,
        ),
        // What stands behind an answer ends the connection, and is nobody's.
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n",
            false,
            200,
            &[],
            "hi",
            false,
        ),
        // Fields for one connection alone.
        (
            "HTTP/1.1 200 OK\r\nConnection: X-Own\r\nX-Own: 1\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nProxy-Authenticate: x\r\nTrailer: X-T\r\nDate: now\r\nServer: s\r\nContent-Length: 2\r\n\r\nhi",
            false,
            200,
            &["Date: now", "Server: s"],
            "hi",
            true,
        ),
        (
            "HTTP/1.1 200 OK\r\nVia: 1.1 other\r\nContent-Length: 2\r\n\r\nhi",
            false,
            200,
            &["Via: 1.1 other"],
            "hi",
            true,
        ),
    ];
    for (octets, is_head, status, lines, body, persists) in cases {
        let answer = read(octets.as_bytes(), octets.len(), *is_head)
            .unwrap_or_else(|fault| panic!("{octets:?}: {fault}"));
        assert_eq!(answer.status, *status, "{octets:?}");
        let expected: Vec<_> = lines.iter().copied().chain([via]).map(str::to_owned).collect();
        assert_eq!(fields(&answer), expected, "{octets:?}");
        assert_eq!(answer.body, body.as_bytes(), "{octets:?}");
        assert_eq!(answer.persists, *persists, "{octets:?}");
        assert_eq!(answer.lines.has_date(), octets.contains("Date"), "{octets:?}");
        for piece in 1..octets.len() {
            let same = read(octets.as_bytes(), piece, *is_head).expect("the same in pieces");
            let same = OriginAnswer { persists: answer.persists, ..same };
            assert_eq!(same, answer, "{octets:?} in pieces of {piece}");
        }
    }
}

#[test]
fn answers_that_two_recipients_could_read_differently() {
    use GatewayFault::*;
    let long = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(ANSWER_HEAD_OCTETS));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: 1\r\n".repeat(ANSWER_FIELDS + 1));
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(usize::from(INTERIM_ANSWERS) + 1);
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", ANSWER_BODY_OCTETS + 1);
    let chunk =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", ANSWER_BODY_OCTETS + 1);
    let cases: &[(&str, GatewayFault)] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!", LengthTwice),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", LengthTwice),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi", LengthTwice),
        ("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", LengthMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nhi", LengthMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2 2\r\n\r\nhi", LengthMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhi", LengthMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", BodyTooLarge),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            LengthAndCoding,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            CodingTwice,
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", CodingUnknown),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhi", CodingUnknown),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nhi", CodingUnknown),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CodingIn10),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", ObsFold),
        ("HTTP/1.1 200 OK\r\n X: a\r\n\r\n", ObsFold),
        ("HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", SpaceBeforeColon),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", FieldName),
        ("HTTP/1.1 200 OK\r\n: x\r\n\r\n", FieldName),
        ("HTTP/1.1 200 OK\r\nX@: x\r\n\r\n", FieldName),
        ("HTTP/1.1 200 OK\r\nX: a\u{0}b\r\n\r\n", FieldValue),
        ("HTTP/1.1 200 OK\r\nX: a\u{7f}\r\n\r\n", FieldValue),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", BareLf),
        ("HTTP/1.1 200 OK\r\nX: 1\n\r\n", BareLf),
        ("HTTP/1.1 200 OK\r\n\nhi", BareLf),
        ("HTTP/1.1 200 OK\r\nX: a\rContent-Length: 2\r\n\r\nhi", BareCr),
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1  200 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 20 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 2000 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 600 OK\r\n\r\n", StatusLine),
        ("HTTP/1.1 099 OK\r\n\r\n", StatusLine),
        ("http/1.1 200 OK\r\n\r\n", StatusLine),
        ("HTTP/11 200 OK\r\n\r\n", StatusLine),
        ("SSH-2.0-x\r\n\r\n", StatusLine),
        ("HTTP/2 200 OK\r\n\r\n", Version),
        ("HTTP/2.0 200 OK\r\n\r\n", Version),
        ("HTTP/0.9 200 OK\r\n\r\n", Version),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Switched),
        ("HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi", BodyOf204),
        ("HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BodyOf204),
        (&long, HeadTooLarge),
        (&many, TooManyFields),
        (&interim, TooManyInterim),
        (&large, BodyTooLarge),
        (&chunk, BodyTooLarge),
        ("", EndedBefore),
        ("HTTP/1.1 2", EndedInHead),
        ("HTTP/1.1 100 Continue\r\n\r\n", EndedInHead),
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", EndedInBody),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", EndedInBody),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n", EndedInBody),
    ];
    for (octets, fault) in cases {
        for piece in [octets.len().max(1), 1, 2, 7, 4096] {
            assert_eq!(read(octets.as_bytes(), piece, false), Err(*fault), "{octets:?} in pieces of {piece}");
        }
    }
    // The rules of chunks are those of the core; one of them shows that they count here.
    let broken = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n";
    assert!(matches!(read(broken.as_bytes(), 9, false), Err(Chunked(_))));
    assert!(Limits::default().check().is_ok());
}

proptest! {
    /// Nothing that a backend sends panics, and the pieces in which it comes change nothing.
    #[test]
    fn pieces_change_nothing(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        start in proptest::sample::select(vec![
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 100 C\r\n\r\nHTTP/1.0 ",
        ]),
        piece in 1_usize..50,
        is_head: bool,
    ) {
        let octets = [start.as_bytes(), &noise].concat();
        let (whole, pieces) = (read(&octets, usize::MAX, is_head), read(&octets, piece, is_head));
        let without = |result: Result<OriginAnswer, _>| result.map(|answer| OriginAnswer { persists: false, ..answer });
        prop_assert_eq!(without(whole), without(pieces));
    }

    /// Whatever is chunked comes out as it was.
    #[test]
    fn chunks_come_out_whole(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..60), 0..8), piece in 1_usize..40) {
        let mut octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for part in &parts {
            octets.extend_from_slice(format!("{:X}\r\n", part.len()).as_bytes());
            octets.extend_from_slice(part);
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(b"0\r\n\r\n");
        let answer = read(&octets, piece, false).unwrap();
        prop_assert_eq!(answer.body, parts.concat());
        prop_assert!(answer.persists);
    }
}
