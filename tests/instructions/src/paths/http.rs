//! A request taken and answered by the HTTP core on a warm connection.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use dyno_http::connection::Connection;
use dyno_http::date::HttpDate;
use dyno_http::limits::Limits;
use dyno_http::response::Response;
use dyno_http::status::Status;

/// The least that is allowed.
pub(super) const SMALL: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

/// What a browser sends for a page: eleven header fields.
pub(super) const BROWSER: &[u8] =
    b"GET /index.html?session=1a2b3c HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux \
x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nConnection: keep-alive\r\nCookie: a=0123456789; \
b=abcdefghijklmnopqrstuvwxyz\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n\
Sec-Fetch-Site: none\r\n\r\n";

/// Feeds `request`, answers it with 13 octets, and takes the answer away.
pub(super) fn serve(request: &'static [u8]) -> Box<dyn FnMut()> {
    let (now, date) = (Instant::now(), HttpDate::from_unix_seconds(784_111_777));
    let mut connection = Connection::new(Arc::new(Limits::default()), now);
    Box::new(move || {
        let request = black_box(request);
        connection.spare()[..request.len()].copy_from_slice(request);
        connection.received(request.len(), now);
        let taken = connection.next_request().expect("a whole request");
        assert!(!black_box(taken.target().path).is_empty());
        connection.respond(Response::text(Status::OK, "Hello, world!"), &date, now);
        let count = black_box(connection.pending()).len();
        connection.advance(count, now);
    })
}
