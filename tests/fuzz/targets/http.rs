//! Both halves of HTTP/1.1: the core of the servers, the reader of the clients, and the two against each other.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use dyno_clients::response::fault::AnswerFault;
use dyno_clients::response::{Memo, Progress, Reader};
use dyno_http::connection::{Connection, Want};
use dyno_http::date::HttpDate;
use dyno_http::fault::Fault;
use dyno_http::limits::Limits;
use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::Target;

/// A target for each half and for both.
pub(crate) static ALL: [Target; 3] = [
    Target { name: "requests", seeds: request_seeds, run: requests },
    Target { name: "answers", seeds: answer_seeds, run: answers },
    Target { name: "conversation", seeds: request_seeds, run: conversation },
];

/// The interim answer that asks for a body.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What was made of a stream of requests.
#[derive(Debug, PartialEq)]
struct Served {
    /// Method, path, number of fields and body of each request.
    requests: Vec<(String, String, usize, Vec<u8>)>,
    output: Vec<u8>,
    fault: Option<Fault>,
    is_over: bool,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Serves what comes in pieces of so many octets, then the end of the stream.
fn serve(input: &[u8], piece: usize) -> Served {
    let now = *START;
    let date = HttpDate::from_unix_seconds(0);
    let mut connection = Connection::new(Arc::new(Limits::default()), now);
    let mut served = Served { requests: Vec::new(), output: Vec::new(), fault: None, is_over: false };
    let mut pieces = input.chunks(piece);
    let mut ended = false;
    loop {
        match connection.want() {
            Want::Respond => {
                while let Some(request) = connection.next_request() {
                    let body = request.body().to_vec();
                    let (method, path) = (request.method().to_owned(), request.target().path.to_owned());
                    served.requests.push((method, path, request.headers().count(), body.clone()));
                    let octets = "application/octet-stream";
                    connection.respond(Response::new(Status::OK, octets, Body::Owned(body)), &date, now);
                }
            }
            Want::Write => {
                let pending = connection.pending();
                assert!(!pending.is_empty(), "nothing to write");
                let count = pending.len().min(piece);
                served.output.extend_from_slice(&pending[..count]);
                connection.advance(count, now);
            }
            Want::Read if ended => panic!("it reads after the end of the stream"),
            Want::Read => match pieces.next() {
                Some(piece) => connection.receive(piece, now),
                None => {
                    ended = true;
                    connection.receive_eof(now);
                }
            },
            Want::Offer | Want::Part => unreachable!("bodies are taken whole"),
            Want::Linger | Want::Close => {
                served.is_over = true;
                break;
            }
        }
    }
    served.fault = connection.fault();
    served
}

/// How the octets are cut makes no difference, and every stream comes to an end. Only the interim answer depends on
/// whether the body has come already (RFC 9110, 10.1.1).
fn requests(input: &[u8]) {
    let serve = |piece| {
        let served = serve(input, piece);
        Served { output: without(&served.output, CONTINUE), ..served }
    };
    let whole = serve(input.len().max(1));
    assert!(whole.is_over);
    for piece in [1, 7] {
        assert_eq!(serve(piece), whole, "pieces of {piece} make a difference");
    }
}

/// The octets with every occurrence of a part cut out.
fn without(octets: &[u8], part: &[u8]) -> Vec<u8> {
    let mut left = Vec::new();
    let mut rest = octets;
    while let Some(first) = rest.first() {
        if let Some(after) = rest.strip_prefix(part) {
            rest = after;
        } else {
            left.push(*first);
            rest = &rest[1..];
        }
    }
    left
}

/// The answers that were read: status, whether the connection may be used again, and the body; then how it ended.
type Read = (Vec<(u16, bool, Vec<u8>)>, Option<AnswerFault>);

/// Reads answers that come in pieces of so many octets, then the end of the stream. Of the answers, those whose bit is
/// set are answers to HEAD.
fn read(input: &[u8], piece: usize, to_head: &[bool]) -> Read {
    let (mut reader, mut memo) = (Reader::default(), Memo::default());
    let (mut answers, mut body) = (Vec::new(), Vec::new());
    for mut rest in input.chunks(piece) {
        while !rest.is_empty() {
            let to_head = to_head.get(answers.len()).copied().unwrap_or_default();
            match reader.feed(rest, to_head, &mut memo, |part| body.extend_from_slice(part)) {
                Ok(Progress::More) => break,
                Ok(Progress::Done { head, taken }) => {
                    assert!(taken <= rest.len(), "more was taken than had come");
                    rest = &rest[taken..];
                    answers.push((head.status, head.keep_alive, std::mem::take(&mut body)));
                }
                Err(fault) => return (answers, Some(fault)),
            }
        }
    }
    match reader.end_of_stream() {
        Ok(head) => {
            answers.extend(head.map(|head| (head.status, head.keep_alive, body)));
            (answers, None)
        }
        Err(fault) => (answers, Some(fault)),
    }
}

/// How the octets are cut makes no difference. The first octet says which answers are answers to HEAD.
fn answers(input: &[u8]) {
    let Some((heads, stream)) = input.split_first() else { return };
    let to_head: Vec<bool> = (0..8).map(|bit| heads >> bit & 1 == 1).collect();
    let whole = read(stream, stream.len().max(1), &to_head);
    for piece in [1, 7] {
        assert_eq!(read(stream, piece, &to_head), whole, "pieces of {piece} make a difference");
    }
}

/// Whatever a server is sent, what it writes is answers from the first to the last octet: one for each request, with
/// its body, and one more at most that refuses the rest.
fn conversation(input: &[u8]) {
    let served = serve(input, input.len().max(1));
    let mut to_head: Vec<bool> = served.requests.iter().map(|(method, ..)| method == "HEAD").collect();
    let piece = served.output.len().max(1);
    let (mut answers, mut fault) = read(&served.output, piece, &to_head);
    if fault == Some(AnswerFault::ClosedInBody) && answers.len() == to_head.len() {
        // What was refused may have been a HEAD.
        to_head.push(true);
        (answers, fault) = read(&served.output, piece, &to_head);
    }
    // A body that was asked for and never came leaves the interim answer as the last word.
    if fault == Some(AnswerFault::ClosedInHead) && served.output.ends_with(CONTINUE) {
        fault = None;
    }
    assert_eq!(fault, None, "the reader refuses an answer of the core");
    let refusals = usize::from(served.fault.is_some_and(|_| answers.len() > served.requests.len()));
    assert_eq!(answers.len(), served.requests.len() + refusals, "answers and requests");
    for ((method, _, _, sent), (status, _, body)) in served.requests.iter().zip(&answers) {
        let expected = if method == "HEAD" { &[][..] } else { sent };
        assert_eq!((*status, body.as_slice()), (200, expected), "{method}");
    }
}

fn request_seeds() -> Vec<Vec<u8>> {
    const SEEDS: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
        b"HEAD /a%20b?c=d HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n",
        b"GET http://b:1/x HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nX:  y \t\r\n\r\n",
        b"\r\nGET / HTTP/1.2\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ];
    SEEDS.map(<[u8]>::to_vec).to_vec()
}

fn answer_seeds() -> Vec<Vec<u8>> {
    const SEEDS: [&[u8]; 9] = [
        b"\0HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No Content\r\n\r\n",
        b"\0HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0002;x\r\nde\r\n0\r\nT: u\r\n\r\n",
        b"\0HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"\x01HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
        b"\0HTTP/1.0 200 OK\r\n\r\nuntil the close",
        b"\0HTTP/1.1 200 OK\nX: a\n folded\nContent-Length: 2\n\nok",
        b"\0HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
        b"\x02HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        b"\0\x15\x03\x01\0\x02\x02\x46",
    ];
    SEEDS.map(<[u8]>::to_vec).to_vec()
}
