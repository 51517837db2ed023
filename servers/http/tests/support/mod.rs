//! A connection driven in memory, with the service that the cases assume: GET and HEAD of `/`, POST of `/echo`, else
//! 404.

#![allow(dead_code, reason = "each test program uses its own part")]

use dyno_http::connection::{Connection, Want};
use dyno_http::date::HttpDate;
use dyno_http::limits::{Epoch, Limits};
use dyno_http::request::Request;
use dyno_http::response::{Body, Response};
use dyno_http::status::Status;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The instant that all made-up instants are counted from.
pub(crate) fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    #[allow(
        clippy::disallowed_methods,
        reason = "an Instant can be made in no other way; its value does not matter"
    )]
    *BASE.get_or_init(Instant::now)
}

/// The default limits with a calendar.
pub(crate) fn limits() -> Limits {
    Limits { epoch: Some(Epoch { instant: base(), unix_seconds: 784_111_777 }), ..Limits::default() }
}

pub(crate) fn date() -> HttpDate {
    HttpDate::from_unix_seconds(784_111_777)
}

/// What the service saw of a request: everything, so that two runs can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub method: String,
    pub path: String,
    pub query: Option<String>,
    pub host: String,
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Record {
    pub(crate) fn of(request: &Request<'_>) -> Record {
        let target = request.target();
        Record {
            method: request.method().into(),
            path: target.path.into(),
            query: target.query.map(Into::into),
            host: request.host().into(),
            fields: request.headers().map(|(name, value)| (name.into(), value.into())).collect(),
            body: request.body().into(),
        }
    }
}

/// The service.
pub(crate) fn call(request: &Request<'_>) -> Response {
    let octets = "application/octet-stream";
    match (request.method(), request.target().path) {
        ("GET" | "HEAD", "/") => Response::text(Status::OK, "Hello, world!"),
        ("POST", "/echo") => Response::new(Status::OK, octets, Body::Owned(request.body().to_vec())),
        (_, "/" | "/echo") => {
            Response::text(Status::METHOD_NOT_ALLOWED, "no").with("Allow", "GET, HEAD, POST")
        }
        _ => Response::text(Status::NOT_FOUND, "no"),
    }
}

/// A connection, its driver and what came out of it.
pub(crate) struct Harness {
    pub connection: Connection,
    pub now: Instant,
    pub output: Vec<u8>,
    pub records: Vec<Record>,
    /// Whether the peer has seen the end of what we send.
    pub ended: bool,
    /// The body under way, where bodies are taken in parts.
    pub stored: Option<Vec<u8>>,
}

impl Harness {
    pub(crate) fn new(limits: Limits) -> Harness {
        let connection = Connection::new(Arc::new(limits), base());
        let (output, records) = (Vec::new(), Vec::new());
        Harness { connection, now: base(), output, records, ended: false, stored: None }
    }

    /// One that takes bodies in parts.
    pub(crate) fn in_parts(limits: Limits) -> Harness {
        let mut harness = Harness::new(limits);
        harness.connection.offer_bodies();
        Harness { stored: Some(Vec::new()), ..harness }
    }

    /// Feeds and drives.
    pub(crate) fn feed(&mut self, octets: &[u8]) {
        self.connection.receive(octets, self.now);
        self.drive();
    }

    /// Ends the peer's side and drives.
    pub(crate) fn end(&mut self) {
        self.connection.receive_eof(self.now);
        self.drive();
    }

    /// Lets time pass, as far as deadlines go.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.connection.handle_deadline(self.now);
        self.drive();
    }

    /// Answers and writes until the connection wants to read, or is over.
    pub(crate) fn drive(&mut self) {
        loop {
            match self.connection.want() {
                Want::Respond => self.answer(call),
                Want::Write => {
                    assert!(!self.ended, "output after the end");
                    let pending = self.connection.pending();
                    assert!(!pending.is_empty(), "Write, but nothing is pending");
                    self.output.extend_from_slice(pending);
                    let count = pending.len();
                    self.connection.advance(count, self.now);
                }
                Want::Offer => self.connection.take_in_parts(limits().body_octets as u64, self.now),
                Want::Part => {
                    let part = self.connection.part().expect("a part");
                    assert!(!part.is_empty(), "Part, but nothing has come");
                    self.stored.as_mut().expect("bodies are taken in parts").extend_from_slice(part);
                    self.connection.part_taken(self.now);
                }
                Want::Read => return assert!(!self.ended, "reading after the end"),
                Want::Linger | Want::Close => {
                    self.ended = true;
                    return;
                }
            }
        }
    }

    /// Answers all requests that have come, as far as the connection lets.
    pub(crate) fn answer(&mut self, service: impl Fn(&Request<'_>) -> Response) {
        while let Some(request) = self.connection.next_request() {
            let mut record = Record::of(&request);
            let mut response = service(&request);
            if let Some(stored) = &mut self.stored
                && let Body::Owned(echo) = &mut response.body
            {
                assert!(echo.is_empty(), "what was taken in parts is not there once more");
                echo.clone_from(stored);
            }
            record.body.extend(self.stored.as_mut().map(std::mem::take).unwrap_or_default());
            self.records.push(record);
            self.connection.respond(response, &date(), self.now);
        }
    }

    /// The output as text, for messages and simple comparisons.
    pub(crate) fn text(&self) -> String {
        self.output.iter().map(|octet| *octet as char).collect()
    }

    /// The status of the only answer.
    pub(crate) fn status(&self) -> u16 {
        let text = self.text();
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
        text[9..12].parse().expect("a status")
    }
}
