//! Requests as they are passed on.

use std::net::IpAddr;

use dyno_http::head::Version;
use dyno_proxy::rewrite::{NotPassed, Passed, Pseudonym, write_request};
use proptest::prelude::*;

const REQUEST: Passed<'static> = Passed {
    method: "GET",
    path: "/a",
    query: None,
    host: "example.org",
    version: Version::Http11,
    body: b"",
    client: None,
    is_secure: false,
};

fn write(request: &Passed<'_>, fields: &[(&str, &[u8])]) -> Result<String, NotPassed> {
    let mut out = Vec::new();
    let each = |take: &mut dyn FnMut(&str, &[u8])| fields.iter().for_each(|(name, value)| take(name, value));
    write_request(&mut out, request, &each, &Pseudonym::new(7), "127.0.0.1:81")?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

const VIA: &str = "Via: 1.1 dyno-0000000000000007\r\n";
const FORWARDED: &str = "Forwarded: for=unknown;host=\"example.org\";proto=http\r\n";

#[test]
fn a_request_is_written_from_its_parts() {
    let plain = write(&REQUEST, &[("Host", b"example.org"), ("Accept", b"*/*")]).unwrap();
    assert_eq!(plain, format!("GET /a HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n{VIA}{FORWARDED}\r\n"));

    let post = Passed { method: "POST", query: Some("b=c"), body: b"hi", ..REQUEST };
    let post = write(
        &post,
        &[("Content-Length", b"7"), ("Transfer-Encoding", b"chunked"), ("Expect", b"100-continue")],
    )
    .unwrap();
    assert_eq!(
        post,
        format!("POST /a?b=c HTTP/1.1\r\nHost: example.org\r\n{VIA}{FORWARDED}Content-Length: 2\r\n\r\nhi")
    );

    // One that names no host is addressed to the backend; an empty body of a POST has its length.
    let old = Passed { method: "POST", host: "", version: Version::Http10, ..REQUEST };
    assert_eq!(
        write(&old, &[]).unwrap(),
        "POST /a HTTP/1.1\r\nHost: 127.0.0.1:81\r\nVia: 1.0 dyno-0000000000000007\r\n\
         Forwarded: for=unknown;proto=http\r\nContent-Length: 0\r\n\r\n"
    );
}

#[test]
fn what_is_for_one_connection_stays_behind() {
    let fields: &[(&str, &[u8])] = &[
        ("Host", b"evil"),
        ("hOST", b"evil too"),
        ("Connection", b"close, X-Secret ,\tx-other"),
        ("connection", b"X-Third"),
        ("X-Secret", b"1"),
        ("x-SECRET", b"2"),
        ("X-Other", b"3"),
        ("X-Third", b"4"),
        ("Keep-Alive", b"5"),
        ("Proxy-Connection", b"x"),
        ("Proxy-Authorization", b"x"),
        ("TE", b"trailers"),
        ("Trailer", b"x"),
        ("Upgrade", b"h2c"),
        ("HTTP2-Settings", b"x"),
        ("Cookie", b"a=b"),
        ("Cookie", b"c=d"),
    ];
    assert_eq!(
        write(&REQUEST, fields).unwrap(),
        format!("GET /a HTTP/1.1\r\nHost: example.org\r\nCookie: a=b\r\nCookie: c=d\r\n{VIA}{FORWARDED}\r\n")
    );
}

#[test]
fn who_it_is_for_is_said() {
    for (client, is_secure, said) in [
        ("127.0.0.1", false, "Forwarded: for=127.0.0.1;host=\"example.org\";proto=http\r\n"),
        ("::ffff:10.0.0.1", true, "Forwarded: for=10.0.0.1;host=\"example.org\";proto=https\r\n"),
        ("2001:db8::1", true, "Forwarded: for=\"[2001:db8::1]\";host=\"example.org\";proto=https\r\n"),
    ] {
        let client: Option<IpAddr> = client.parse().ok();
        let written =
            write(&Passed { client, is_secure, ..REQUEST }, &[("Forwarded", b"for=192.0.2.1")]).unwrap();
        assert!(written.contains(&format!("Forwarded: for=192.0.2.1\r\n{VIA}{said}")), "{written}");
    }
}

#[test]
fn circles_and_hops_end() {
    let own: &[u8] = b"1.1 dyno-0000000000000007";
    let twice: &[u8] = b"1.0 a, 1.1 DYNO-0000000000000007 (x), 1.1 b,1.1 dyno-0000000000000007";
    assert!(write(&REQUEST, &[("Via", own)]).unwrap().contains(&format!("{VIA}{VIA}")));
    assert_eq!(write(&REQUEST, &[("Via", own), ("via", own)]), Err(NotPassed::Loop));
    assert_eq!(write(&REQUEST, &[("Via", twice)]), Err(NotPassed::Loop));
    assert!(write(&REQUEST, &[("Via", b"1.1 dyno-0000000000000008, 1.1 dyno-0000000000000009")]).is_ok());
    let options = Passed { method: "OPTIONS", ..REQUEST };
    assert_eq!(write(&options, &[("Max-Forwards", b"0")]), Err(NotPassed::NoForwardsLeft));
    let one_less = write(&options, &[("Max-Forwards", b"5")]).unwrap();
    assert!(one_less.contains("\r\nMax-Forwards: 4\r\n"), "{one_less}");
    assert!(write(&REQUEST, &[("Max-Forwards", b"0")]).unwrap().contains("\r\nMax-Forwards: 0\r\n"));
}

proptest! {
    /// Whatever fields a request has, the one that is written has one Host, at most one length, and no coding.
    #[test]
    fn one_reading(
        names in proptest::collection::vec(
            proptest::sample::select(vec!["Host", "Content-Length", "Transfer-Encoding", "Connection", "X-A", "TE"]), 0..12),
        values in proptest::collection::vec("[ -~]{0,20}", 12),
        body in proptest::collection::vec(any::<u8>(), 0..30),
    ) {
        let fields: Vec<_> = names.iter().zip(&values).map(|(name, value)| (*name, value.as_bytes())).collect();
        let written = write(&Passed { method: "POST", body: &body, ..REQUEST }, &fields).unwrap();
        let head = written.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        let count = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
        prop_assert_eq!(count("host:"), 1);
        prop_assert_eq!(count("content-length:"), 1);
        prop_assert_eq!(count("transfer-encoding:") + count("connection:"), 0);
        let length = format!("\r\ncontent-length: {}", body.len());
        prop_assert!(head.ends_with(&length));
    }
}
