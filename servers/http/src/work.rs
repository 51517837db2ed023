//! Counts the work done on received octets, in unit tests only: a bound on work says more than a bound on time.

/// `octets` were looked at or moved once.
#[cfg(not(test))]
#[inline(always)]
pub(crate) fn count(_octets: usize) {}

#[cfg(test)]
pub(crate) use counted::count;

#[cfg(test)]
mod counted {
    use crate::connection::{Connection, Want};
    use crate::date::HttpDate;
    use crate::limits::Limits;
    use crate::response::{Body, Response};
    use crate::status::Status;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::time::Instant;

    thread_local! {
        static OCTETS: Cell<usize> = const { Cell::new(0) };
    }

    pub(crate) fn count(octets: usize) {
        OCTETS.with(|total| total.set(total.get() + octets));
    }

    /// The work per received octet when `stream` comes `piece` octets at a time.
    fn work_per_octet(stream: &[u8], piece: usize) -> usize {
        #[allow(
            clippy::disallowed_methods,
            reason = "an Instant can be made in no other way; its value does not matter"
        )]
        let now = Instant::now();
        let mut connection = Connection::new(Arc::new(Limits::default()), now);
        let mut answered = 0;
        OCTETS.with(|total| total.set(0));
        for octets in stream.chunks(piece) {
            connection.receive(octets, now);
            loop {
                match connection.want() {
                    Want::Respond => {
                        let length = connection.next_request().map_or(0, |request| request.body().len());
                        let response =
                            Response::new(Status::OK, "", Body::Empty).with("X-Length", length.to_string());
                        connection.respond(response, &HttpDate::from_unix_seconds(0), now);
                        answered += 1;
                    }
                    Want::Write => connection.advance(connection.pending().len(), now),
                    Want::Read | Want::Linger | Want::Close | Want::Offer | Want::Part => break,
                }
            }
        }
        assert!(answered > 0 || connection.fault().is_some(), "the stream must come to something");
        OCTETS.with(Cell::get).div_ceil(stream.len())
    }

    /// Each stream is the worst of its kind: as long as its limit allows.
    fn streams() -> Vec<(&'static str, Vec<u8>)> {
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\n";
        let field = format!("X-Long: {}\r\n", "v".repeat(16_000));
        let many_fields = "X-N: 1\r\n".repeat(90);
        let body = "b".repeat(1 << 20);
        let small_chunks = "1\r\nc\r\n".repeat(1 << 18);
        let small_requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000);
        [
            ("a long field", format!("{head}{field}\r\n")),
            ("many fields", format!("{head}{many_fields}\r\n")),
            ("a head without an end", format!("{head}{}", "x".repeat(40_000))),
            ("an endless request line", "x".repeat(40_000)),
            ("a long body", format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())),
            (
                "one long chunk",
                format!("{head}Transfer-Encoding: chunked\r\n\r\n100000\r\n{body}\r\n0\r\n\r\n"),
            ),
            (
                "chunks of one octet",
                format!("{head}Transfer-Encoding: chunked\r\n\r\n{small_chunks}0\r\n\r\n"),
            ),
            ("many small requests", small_requests),
        ]
        .map(|(name, text)| (name, text.into_bytes()))
        .into()
    }

    #[test]
    fn work_is_linear_however_the_octets_come() {
        for (name, stream) in streams() {
            for piece in [1, 2, 3, 1_000, 65_536, usize::MAX] {
                let work = work_per_octet(&stream, piece);
                assert!(work <= 5, "{name} in pieces of {piece}: {work} octets of work for each octet");
            }
        }
    }
}
