//! The client half of HTTP/1.1: each case is fed whole, octet by octet, and cut at every place.

use dyno_clients::response::{Memo, Progress, Reader};

/// Feeds `pieces` and gives every answer as (status, keep-alive, body), then what the end of the stream says.
fn read(pieces: &[&[u8]], to_head: bool, then_close: bool) -> Result<Vec<(u16, bool, Vec<u8>)>, String> {
    let mut reader = Reader::default();
    let mut memo = Memo::default();
    let mut answers = Vec::new();
    let mut body = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            match reader
                .feed(rest, to_head, &mut memo, |b| body.extend_from_slice(b))
                .map_err(|f| f.to_string())?
            {
                Progress::More => break,
                Progress::Done { head, taken } => {
                    answers.push((head.status, head.keep_alive, std::mem::take(&mut body)));
                    rest = &rest[taken..];
                }
            }
        }
    }
    if then_close && let Some(head) = reader.end_of_stream().map_err(|f| f.to_string())? {
        answers.push((head.status, head.keep_alive, body));
    }
    Ok(answers)
}

fn in_every_way(wire: &[u8], to_head: bool, then_close: bool) -> Result<Vec<(u16, bool, Vec<u8>)>, String> {
    let whole = read(&[wire], to_head, then_close);
    let single: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(read(&single, to_head, then_close), whole, "octet by octet");
    for cut in 1..wire.len() {
        assert_eq!(read(&[&wire[..cut], &wire[cut..]], to_head, then_close), whole, "cut at {cut}");
    }
    whole
}

#[test]
fn answers_are_read() {
    // (wire, to a HEAD, closed afterwards, answers)
    type Case = (&'static str, bool, bool, &'static [(u16, bool, &'static str)]);
    let cases: &[Case] = &[
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, false, &[(200, true, "hello")]),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, false, &[(200, true, "")]),
        ("HTTP/1.1 200 \r\ncontent-length: 2, \r\n\r\nhi", false, false, &[]),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, false, &[(200, true, "")]),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, false, &[(204, true, "")]),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, false, &[(304, true, "")]),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            false,
            false,
            &[(200, true, "x")],
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n7 \r\n, world\r\n0\r\nTrailer: x\r\n\r\n",
            false,
            false,
            &[(200, true, "hello, world")],
        ),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", false, true, &[(200, false, "until the end")]),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nuntil", false, true, &[(200, false, "until")]),
        ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, true, &[(200, false, "x")]),
        (
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
            false,
            false,
            &[(200, true, "x")],
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\nx",
            false,
            false,
            &[(200, false, "x")],
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nyHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
            false,
            false,
            &[(200, true, "x"), (200, true, "y"), (404, true, "no")],
        ),
    ];
    for (wire, to_head, then_close, answers) in cases {
        let read = in_every_way(wire.as_bytes(), *to_head, *then_close);
        if answers.is_empty() {
            assert!(read.is_err(), "{wire}");
            continue;
        }
        let expected: Vec<_> = answers.iter().map(|(s, k, b)| (*s, *k, b.as_bytes().to_vec())).collect();
        assert_eq!(read.unwrap(), expected, "{wire}");
    }
}

#[test]
fn faults_are_named() {
    let cases = [
        ("SSH-2.0-OpenSSH_9.9\r\n", "not HTTP"),
        ("HTTP/1.1 99999 OK\r\n\r\n", "not HTTP"),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "no number"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two different"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "two different"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, Chunked\r\n\r\n", "twice"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1234567890abcdef\r\n", "hexadecimal"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "hexadecimal"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", "longer than its size"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\n", "CRLF"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "nobody asked"),
    ];
    for (wire, text) in cases {
        let fault = in_every_way(wire.as_bytes(), false, false).unwrap_err();
        assert!(fault.contains(text), "{wire}: {fault}");
    }
}

#[test]
fn a_cut_answer_is_short() {
    for wire in
        ["HTTP/1.1 20", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 100 Continue\r\n\r\n"]
    {
        assert!(in_every_way(wire.as_bytes(), false, true).unwrap_err().contains("closed inside"), "{wire}");
    }
    assert_eq!(read(&[], false, true), Ok(vec![]));
}

#[test]
fn endless_heads_and_lines_are_bounded() {
    let mut long = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    long.resize(80 * 1024, b'a');
    assert!(read(&[&long], false, false).is_err());
    let pieces: Vec<&[u8]> = long.chunks(1000).collect();
    assert!(read(&pieces, false, false).is_err());
    let mut line = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;".to_vec();
    line.resize(20 * 1024, b'a');
    assert!(read(&[&line], false, false).is_err());
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20);
    assert!(read(&[&interim], false, false).is_err());
}

/// What answers have of a length is read in each spelling that RFC 9112 allows, over a connection that is then kept.
#[test]
fn each_spelling_of_a_length_is_read() {
    let chunks = "3\r\nhel\r\n0002\r\nlo\r\n0\r\n\r\n";
    let padded = "0000000000000000000000005;a=b\r\nhello\r\n00000000000000000000\r\n\r\n";
    for (fields, body) in [
        ("Transfer-Encoding: gzip, chunked\r\n", chunks),
        ("Transfer-Encoding: identity,CHUNKED\r\n", chunks),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", chunks),
        ("Transfer-Encoding: chunked,\r\n", chunks),
        ("Transfer-Encoding: gzip,\r\n chunked\r\n", chunks),
        ("Transfer-Encoding: chunked\r\n", padded),
        ("X-Long: a\r\n  b\r\nContent-Length: 5\r\n", "hello"),
        ("X-Long: a\r\n\tb\r\n c\r\nContent-Length:\r\n 5\r\n", "hello"),
        ("Content-Length: 5\r\nX-Long: a\r\n  b\r\n", "hello"),
        ("X-A : 1\r\nContent-Length: 5\r\n", "hello"),
        ("Content-Length: 5, 5\r\n", "hello"),
        ("Content-Length: 0000000000000000000005\r\n", "hello"),
    ] {
        let wire = format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}");
        let answers = in_every_way(wire.as_bytes(), false, false);
        assert_eq!(answers, Ok(vec![(200, true, b"hello".to_vec())]), "{wire}");
    }
    let bare = "HTTP/1.1 200 OK\nX: y\nContent-Length: 5\n\nhello";
    assert_eq!(in_every_way(bare.as_bytes(), false, false), Ok(vec![(200, true, b"hello".to_vec())]));
    let last = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n5\r\n";
    assert_eq!(in_every_way(last.as_bytes(), false, true), Ok(vec![(200, false, b"5\r\n".to_vec())]));
}

/// RFC 9112, 6.3, rule 1: these answers end with their heads, whatever the fields say, and leave the connection open.
#[test]
fn answers_without_a_body_keep_the_connection() {
    let lengths =
        ["", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n"];
    for (status, to_head) in [(200, true), (404, true), (204, false), (304, false), (204, true), (304, true)]
    {
        for fields in lengths {
            let wire = format!("HTTP/1.1 {status} X\r\n{fields}\r\n").repeat(2);
            let answers = in_every_way(wire.as_bytes(), to_head, false);
            let answer = (status, true, Vec::new());
            assert_eq!(answers, Ok(vec![answer.clone(), answer]), "HEAD: {to_head}, {wire}");
        }
    }
    let closing = "HTTP/1.1 200 X\r\nConnection: close\r\n\r\n";
    assert_eq!(in_every_way(closing.as_bytes(), true, false), Ok(vec![(200, false, Vec::new())]));
}
