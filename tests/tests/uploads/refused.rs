//! What is not taken, and what the client is told.

use std::fs;
use std::time::Instant;

use dyno_tests::limits::ANSWER;
use dyno_tests::response::Response;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{Outcome, ensure};

use crate::stand::{Stand, connect, put};

/// The first answer to `octets`, which must be final, and the last one where that is asked for.
fn first_answer(server: &Server, octets: &str, method: &str) -> Result<Response, String> {
    let mut client = connect(server)?;
    client.send(octets);
    client.response_by(method, Instant::now() + ANSWER)?.ok_or_else(|| "no answer".into())
}

/// The client asks before it sends, and is told at once.
pub(crate) fn too_large(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &["--max-upload", "1000"])?;
    let expects = "Expect: 100-continue\r\n";
    for (octets, status) in [("1001", 413), ("99999999999999999999", 400), ("1000", 100)] {
        let answer =
            first_answer(&server, &put("a", &format!("Content-Length: {octets}\r\n{expects}")), "PUT")?;
        // hyper reads no length that has more than 64 bits; our own core calls it too large.
        let fits = answer.status == status || (octets.len() > 19 && matches!(answer.status, 400 | 413));
        ensure(fits, || format!("{octets}: {answer:?}"))?;
        ensure(answer.status < 200 || answer.says_close(), || format!("{octets}: {answer:?}"))?;
    }
    stand.has_only(&[])
}

pub(crate) fn too_many_chunks(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &["--max-upload", "1000"])?;
    let chunk = format!("64\r\n{}\r\n", "x".repeat(100));
    for (chunks, status) in [(10, 201), (11, 413)] {
        let head = put("a", "Transfer-Encoding: chunked\r\n");
        let answer = first_answer(&server, &(head + &chunk.repeat(chunks) + "0\r\n\r\n"), "PUT")?;
        ensure(answer.status == status, || format!("{chunks}: {answer:?}"))?;
    }
    stand.has_only(&["a"])?;
    stand.has("a", "x".repeat(1_000).as_bytes())
}

pub(crate) fn broken_chunks(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let server = stand.serve(row, &[])?;
    for broken in ["x\r\n", "5\r\nhelloX", "5 5\r\nhello\r\n", "-5\r\nhello\r\n"] {
        let octets = put("a", "Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n" + broken;
        let answer = first_answer(&server, &octets, "PUT")?;
        ensure(answer.status == 400 && answer.says_close(), || format!("{broken:?}: {answer:?}"))?;
    }
    stand.has_only(&[])
}

pub(crate) fn names_and_methods(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    fs::create_dir(stand.path("folder"))?;
    let server = stand.serve(row, &[])?;
    let long = "n".repeat(201);
    let rows = [
        ("PUT", "", 400),
        ("PUT", ".", 400),
        ("PUT", "..", 400),
        ("PUT", ".hidden", 400),
        ("PUT", "a/b", 400),
        ("PUT", "../a", 400),
        ("PUT", "..%2fa", 400),
        ("PUT", "%61", 400),
        ("PUT", "a.part", 400),
        ("PUT", &long, 400),
        ("PUT", "folder", 409),
        ("GET", "a", 405),
        ("POST", "a", 405),
        ("DELETE", "a", 405),
        ("OPTIONS", "a", 204),
    ];
    for (method, name, status) in rows {
        for body in
            ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
        {
            let octets = format!("{method} /uploads/{name} HTTP/1.1\r\nHost: a\r\n{body}");
            let answer = first_answer(&server, &octets, method)?;
            ensure(answer.status == status, || format!("{method} {name}: {answer:?}"))?;
            let allowed = answer.field("allow");
            let names_it = !matches!(status, 204 | 405) || allowed == Some("PUT, OPTIONS");
            ensure(names_it, || format!("{method} {name}: {allowed:?}"))?;
        }
    }
    let part = put("a", "Content-Range: bytes 0-4/10\r\nContent-Length: 5\r\n") + "hello";
    let answer = first_answer(&server, &part, "PUT")?;
    ensure(answer.status == 400, || format!("a part of a file: {answer:?}"))?;
    let star = first_answer(&server, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS")?;
    ensure(star.field("allow") == Some("GET, HEAD, POST, PUT, OPTIONS"), || format!("{star:?}"))?;
    stand.has_only(&["folder"])
}

/// A file that is there is not replaced by whom it is new to, and is by whom it is known to.
pub(crate) fn conditions(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    fs::write(stand.path("there"), "old")?;
    let server = stand.serve(row, &[])?;
    let length = "Content-Length: 3\r\nExpect: 100-continue\r\n";
    for (name, condition, status) in [
        ("there", "If-None-Match: *", 412),
        ("there", "If-Match: \"another\"", 412),
        ("there", "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 412),
        ("there", "If-Match: *", 100),
        ("new", "If-Match: *", 412),
        ("new", "If-None-Match: *", 100),
    ] {
        let answer = first_answer(&server, &put(name, &format!("{condition}\r\n{length}")), "PUT")?;
        ensure(answer.status == status, || format!("{name}: {condition}: {answer:?}"))?;
    }
    stand.has_only(&["there"])?;
    // Somebody else makes the file while its upload is under way.
    let mut client = connect(&server)?;
    client.send(put("new", "If-None-Match: *\r\nContent-Length: 3\r\n") + "ne");
    stand.has_begun()?;
    fs::write(stand.path("new"), "other")?;
    client.send("w");
    let late = client.response("PUT")?;
    ensure(late.status == 412 && !late.says_close(), || format!("{late:?}"))?;
    stand.has("new", b"other")?;
    stand.has_only(&["new", "there"])
}

/// The policy is asked before the client is told to send.
pub(crate) fn denied(row: &Row) -> Outcome {
    let stand = Stand::new()?;
    let rules = tempfile::NamedTempFile::new()?;
    fs::write(rules.path(), "allow * PUT /uploads/public\nallow * GET /\n")?;
    let server = stand.serve(row, &["--policy", rules.path().to_str().ok_or("a plain path")?])?;
    let fields = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    for (name, status) in [("secret", 403), ("public", 100), ("../public", 400)] {
        let answer = first_answer(&server, &put(name, fields), "PUT")?;
        ensure(answer.status == status, || format!("{name}: {answer:?}"))?;
    }
    let octets = put("public", "Content-Length: 5\r\n") + "hello";
    let answer = first_answer(&server, &octets, "PUT")?;
    ensure(answer.status == 201, || format!("{answer:?}"))?;
    stand.has_only(&["public"])
}

/// Without the option there are no uploads.
pub(crate) fn unasked(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let octets = put("a", "Content-Length: 5\r\n") + "hello";
    let answer = first_answer(&server, &octets, "PUT")?;
    ensure(answer.status == 404 && !answer.says_close(), || format!("{answer:?}"))?;
    let star = first_answer(&server, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS")?;
    ensure(star.field("allow") == Some("GET, HEAD, POST, OPTIONS"), || format!("{star:?}"))?;
    server.stop_well()?;
    Ok(())
}
