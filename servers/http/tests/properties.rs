//! Properties that hold for every stream of octets and every way to cut it.

mod support;

use dyno_http::connection::Want;
use dyno_http::fault::Fault;
use proptest::collection::vec;
use proptest::prelude::*;
use support::{Harness, Record, call, limits};

/// One request, mostly valid, sometimes with a fault that a real peer or an attacker makes.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        8 => Just("GET / HTTP/1.1\r\n"),
        4 => Just("POST /echo HTTP/1.1\r\n"),
        2 => Just("HEAD /?a=b HTTP/1.1\r\n"),
        1 => Just("GET http://b:1/x HTTP/1.1\r\n"),
        1 => Just("OPTIONS * HTTP/1.1\r\n"),
        1 => Just("GET / HTTP/1.0\r\nConnection: keep-alive\r\n"),
        1 => Just("\r\n\r\nGET /a HTTP/1.1\r\n"),
        1 => Just("\nGET / HTTP/1.1\r\n"),
        1 => Just("GET /a b HTTP/1.1\r\n"),
        1 => Just("GET / HTTP/1.2\r\n"),
        1 => Just("CONNECT a:1 HTTP/1.1\r\n"),
        1 => Just("garbage\r\n"),
    ];
    let field = prop_oneof![
        10 => "[A-Za-z-]{1,12}: [ -~]{0,30}\r\n",
        1 => Just("Connection: close\r\n".to_string()),
        1 => Just("X: y\n".to_string()),
        1 => Just("X: y\rz\r\n".to_string()),
        1 => Just(" folded\r\n".to_string()),
        1 => Just("X : y\r\n".to_string()),
        1 => Just("Host: other\r\n".to_string()),
        1 => Just("X: \0\r\n".to_string()),
    ];
    let host = prop_oneof![9 => Just("Host: a\r\n"), 1 => Just(""), 1 => Just("Host: a b\r\n")];
    (line, host, vec(field, 0..3), framed()).prop_map(|(line, host, fields, (framing, body))| {
        [line.as_bytes(), host.as_bytes(), fields.concat().as_bytes(), framing.as_bytes(), b"\r\n", &body]
            .concat()
    })
}

/// Framing fields and a body that goes with them, or does not.
fn framed() -> impl Strategy<Value = (String, Vec<u8>)> {
    let coding = "Transfer-Encoding: chunked\r\n".to_string();
    prop_oneof![
        6 => Just((String::new(), Vec::new())),
        4 => vec(any::<u8>(), 0..200).prop_map(|body| (format!("Content-Length: {}\r\n", body.len()), body)),
        4 => chunked().prop_map({ let coding = coding.clone(); move |(_, wire)| (coding.clone(), wire) }),
        1 => Just((coding.clone(), b"5\r\nhelloX\r\n0\r\n\r\n".to_vec())),
        1 => Just((coding.clone(), b"+1\r\nh\r\n0\r\n\r\n".to_vec())),
        1 => Just((coding.clone(), b"FFFFFF\r\n".to_vec())),
        1 => Just((format!("{coding}Content-Length: 3\r\n"), b"abc".to_vec())),
        1 => Just(("Content-Length: 3\r\nContent-Length: 3\r\n".into(), b"abc".to_vec())),
        1 => Just(("Content-Length: 99999999\r\n".into(), Vec::new())),
    ]
}

/// A body and one of its chunked codings, with extensions and trailers.
fn chunked() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let extension = prop_oneof![
        5 => Just(String::new()),
        1 => ";[a-z]{1,5}",
        1 => " ; [a-z]{1,5} = [a-z0-9]{1,5} ;b".prop_map(|text| text),
        1 => ";q=\"[a-z ;]{0,5}\\\\\"\"",
    ];
    let chunk = (vec(any::<u8>(), 1..60), extension, any::<bool>());
    let trailer =
        prop_oneof![3 => Just(""), 1 => Just("X-T: v\r\n"), 1 => Just("Content-Length: 7\r\nY:\r\n")];
    (vec(chunk, 0..8), trailer).prop_map(|(chunks, trailer)| {
        let (mut body, mut wire) = (Vec::new(), Vec::new());
        for (data, extension, upper) in chunks {
            let size = if upper { format!("{:X}", data.len()) } else { format!("00{:x}", data.len()) };
            wire.extend_from_slice(format!("{size}{extension}\r\n").as_bytes());
            wire.extend_from_slice(&data);
            wire.extend_from_slice(b"\r\n");
            body.extend_from_slice(&data);
        }
        wire.extend_from_slice(format!("0\r\n{trailer}\r\n").as_bytes());
        (body, wire)
    })
}

/// A stream of requests, sometimes damaged in one place.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop_oneof![3 => Just(None), 1 => any::<(prop::sample::Index, u8)>().prop_map(Some)];
    (vec(request(), 1..6), damage).prop_map(|(requests, damage)| {
        let mut octets = requests.concat();
        if let Some((place, octet)) = damage {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        octets
    })
}

/// Everything that can be seen from outside.
#[derive(Debug, PartialEq)]
struct Seen {
    records: Vec<Record>,
    output: Vec<u8>,
    /// Lingering or closed: which of them depends on what else had come by then, so it is no part of the answer.
    over: bool,
    fault: Option<Fault>,
}

fn seen(mut harness: Harness, eof: bool) -> Seen {
    if eof && !harness.ended {
        harness.end();
    }
    let over = matches!(harness.connection.want(), Want::Linger | Want::Close);
    Seen { records: harness.records, output: harness.output, over, fault: harness.connection.fault() }
}

fn in_pieces(octets: &[u8], cuts: Vec<usize>, eof: bool) -> Seen {
    fed(Harness::new(limits()), octets, cuts, eof)
}

/// As [`in_pieces`], with bodies that are taken in parts, as they come.
fn in_parts(octets: &[u8], cuts: Vec<usize>, eof: bool) -> Seen {
    fed(Harness::in_parts(limits()), octets, cuts, eof)
}

fn fed(mut harness: Harness, octets: &[u8], mut cuts: Vec<usize>, eof: bool) -> Seen {
    cuts.sort_unstable();
    let mut start = 0;
    for end in cuts.into_iter().chain([octets.len()]) {
        harness.feed(&octets[start..end]);
        start = end;
    }
    seen(harness, eof)
}

/// As a readiness loop feeds: into the spare space, a bounded number of octets a read, all buffers lent and taken back.
fn through_spare(octets: &[u8], most: usize, eof: bool) -> Seen {
    let mut harness = Harness::new(limits());
    let (mut pool, mut send_pool) = (vec![0; 100], Vec::new());
    let mut rest = octets;
    while !rest.is_empty() && harness.connection.want() == Want::Read {
        if harness.connection.wants_memory() {
            harness.connection.lend(std::mem::take(&mut pool));
        }
        if harness.connection.wants_send_memory() {
            harness.connection.lend_send(std::mem::take(&mut send_pool));
        }
        let spare = harness.connection.spare();
        assert!(!spare.is_empty());
        let count = spare.len().min(rest.len()).min(most);
        spare[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        harness.connection.received(count, harness.now);
        harness.drive();
        pool = harness.connection.reclaim().unwrap_or(pool);
        send_pool = harness.connection.reclaim_send().unwrap_or(send_pool);
    }
    seen(harness, eof)
}

/// As a completion driver may: everything that comes is fed at once, answers are written an octet at a time.
fn written_by_octets(octets: &[u8], eof: bool) -> Seen {
    let mut harness = Harness::new(limits());
    harness.connection.receive(octets, harness.now);
    loop {
        harness.answer(call);
        match harness.connection.want() {
            Want::Write => {
                harness.output.push(harness.connection.pending()[0]);
                harness.connection.advance(1, harness.now);
            }
            Want::Respond => {}
            Want::Linger | Want::Close => {
                harness.ended = true;
                break;
            }
            Want::Offer | Want::Part => unreachable!("bodies are taken whole"),
            Want::Read => break,
        }
    }
    seen(harness, eof)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cutting_changes_nothing(octets in stream(), cuts in vec(any::<prop::sample::Index>(), 0..6), most in 1..300_usize, eof: bool) {
        let whole = in_pieces(&octets, Vec::new(), eof);
        let cuts: Vec<_> = cuts.iter().map(|cut| cut.index(octets.len() + 1)).collect();
        prop_assert_eq!(&in_pieces(&octets, cuts.clone(), eof), &whole);
        prop_assert_eq!(&in_parts(&octets, cuts, eof), &whole);
        prop_assert_eq!(&in_parts(&octets, Vec::new(), eof), &whole);
        prop_assert_eq!(&in_parts(&octets, (0..octets.len()).collect(), eof), &whole);
        prop_assert_eq!(&in_pieces(&octets, (0..octets.len()).collect(), eof), &whole);
        prop_assert_eq!(&through_spare(&octets, most, eof), &whole);
        prop_assert_eq!(&written_by_octets(&octets, eof), &whole);
    }

    #[test]
    fn no_octets_make_it_panic(octets in vec(any::<u8>(), 0..600), eof: bool) {
        in_pieces(&octets, Vec::new(), eof);
    }

    #[test]
    fn every_chunking_gives_its_body((body, wire) in chunked()) {
        let head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
        let probe = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
        for take in [in_pieces, in_parts] {
            let seen = take(&[head, &wire, probe].concat(), Vec::new(), false);
            prop_assert_eq!(seen.fault, None);
            prop_assert_eq!(seen.records.len(), 2);
            prop_assert_eq!(&seen.records[0].body, &body);
            prop_assert_eq!(&seen.records[1].path, "/");
        }
    }

    /// Whatever comes, no more than one request is made of one head, and an ambiguous one is never made into any.
    #[test]
    fn ambiguous_framing_is_never_served(first in 0..6_usize, second in 0..6_usize, body in vec(any::<u8>(), 0..40)) {
        let framings = ["Content-Length: 5", "Content-Length: 6", "Transfer-Encoding: chunked", "Transfer-Encoding: identity",
            "content-length: 5", "TRANSFER-ENCODING: chunked"];
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{}\r\n{}\r\n\r\n", framings[first], framings[second]);
        let seen = in_pieces(&[head.as_bytes(), &body].concat(), Vec::new(), false);
        prop_assert_eq!(seen.records, Vec::new());
        prop_assert!(seen.output.starts_with(b"HTTP/1.1 400 "));
        prop_assert!(seen.over);
    }
}
