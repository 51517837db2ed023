//! The server half of HTTP/1.1 (RFC 9110, RFC 9112) as a sans-IO state machine.
//!
//! A [`Connection`](connection::Connection) takes octets and instants, and gives requests and octets. It owns no
//! socket, thread or clock, so a blocking thread, a readiness loop and a completion ring all drive the same code, and
//! none of them can differ in what a request costs to parse or to answer.
//!
//! ```text
//!                      feed                     take
//!  octets  spare, received / receive  ─┐    ┌─▶ next_request ─▶ Request ─┐
//!  end     receive_eof                ─┼─▶ Connection                   service
//!  time    handle_deadline            ─┘    └── respond ◀── Response ◀──┘
//!                                           │                answer
//!                             drain         ▼
//!                             pending, advance ─▶ octets
//! ```
//!
//! After each call, [`want`](connection::Connection::want) says what comes next and
//! [`deadline`](connection::Connection::deadline) until when:
//!
//! | want | the driver |
//! |---|---|
//! | `Read` | reads into `spare`, tells `received`; tells `receive_eof` at the end |
//! | `Respond` | takes `next_request`, gives `respond` |
//! | `Offer`, `Part` | only where it asked for [bodies in parts](connection::Connection::offer_bodies): says how one is taken; takes `part`, tells `part_taken` |
//! | `Write` | writes `pending`, tells `advance` |
//! | `Linger` | shuts its sending side down once, goes on reading |
//! | `Close` | closes |
//!
//! ```
//! use dyno_http::connection::{Connection, Want};
//! use dyno_http::{date::HttpDate, limits::Limits, response::Response, status::Status};
//! use std::{io, io::{Read, Write}, sync::Arc, time::Instant};
//!
//! /// Serves one connection from its first octet to its last. A real driver also obeys `deadline`.
//! fn drive(
//!     mut socket: impl Read + Write,
//!     limits: Arc<Limits>,
//!     now: impl Fn() -> Instant,
//!     date: HttpDate,
//! ) -> io::Result<()> {
//!     let mut connection = Connection::new(limits, now());
//!     loop {
//!         match connection.want() {
//!             Want::Read | Want::Linger => match socket.read(connection.spare())? {
//!                 0 => connection.receive_eof(now()),
//!                 count => connection.received(count, now()),
//!             },
//!             Want::Respond => {
//!                 // All requests that have come are answered before one write sends the answers.
//!                 while let Some(request) = connection.next_request() {
//!                     let response = match request.target().path {
//!                         "/" => Response::text(Status::OK, "Hello, world!"),
//!                         _ => Response::text(Status::NOT_FOUND, "no such page\n"),
//!                     };
//!                     connection.respond(response, &date, now());
//!                 }
//!             }
//!             Want::Write => {
//!                 let count = socket.write(connection.pending())?;
//!                 connection.advance(count, now());
//!             }
//!             Want::Offer | Want::Part => unreachable!("nobody has asked for bodies in parts"),
//!             Want::Close => return Ok(()),
//!         }
//!     }
//! }
//! # struct Memory { input: io::Cursor<&'static [u8]>, output: Vec<u8> }
//! # impl Read for Memory { fn read(&mut self, into: &mut [u8]) -> io::Result<usize> { self.input.read(into) } }
//! # impl Write for Memory {
//! #     fn write(&mut self, octets: &[u8]) -> io::Result<usize> { self.output.write(octets) }
//! #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
//! # }
//! # let input = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
//! # let mut socket = Memory { input: io::Cursor::new(input), output: Vec::new() };
//! # let start = Instant::now();
//! # drive(&mut socket, Arc::new(Limits::default()), || start, HttpDate::from_unix_seconds(0)).unwrap();
//! # let output = String::from_utf8(socket.output).unwrap();
//! # assert_eq!(output, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
//! #     Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\nHello, world!\
//! #     HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
//! #     Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nConnection: close\r\n\r\nno such page\n");
//! ```
//!
//! # What the core decides by itself
//!
//! - One request is out at a time, so answers are in order by construction. Octets of later requests wait in the
//!   buffer.
//! - A request that two recipients could read differently is answered with one 400 that names the rule, and the
//!   connection ends ([`fault`]). So are requests beyond a [limit](limits::Limits) (408, 413, 414, 431) and what is
//!   not offered at all: CONNECT (501), other major versions (505), expectations other than 100-continue (417).
//! - HEAD gets no body, HTTP/1.0 gets no persistence that it did not ask for, every answer gets Date and a length.
//! - `OPTIONS *` goes to the service, as [`Form::Asterisk`](target::Form::Asterisk); the service knows which
//!   methods there are. Upgrade is ignored, which RFC 9110 7.8 allows.
//!
//! The faults of a peer are values of [`fault::Fault`]; misuse by the driver or the service panics; "more octets are
//! needed" is neither, it is [`Want::Read`](connection::Want::Read).

#![forbid(unsafe_code)]

mod answer;
mod buffer;
pub mod chunked;
pub mod connection;
pub mod date;
pub mod fault;
pub mod fields;
pub mod head;
mod inbox;
pub mod limits;
pub mod lines;
pub mod octets;
mod outbox;
pub mod request;
pub mod response;
pub mod status;
pub mod target;
mod timer;
mod work;
