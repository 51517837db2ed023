//! Responses as a careful client reads them: every rule that a response can break is looked at.

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The minor version of HTTP/1.
    pub version: u8,
    /// The status code.
    pub status: u16,
    /// The field lines.
    pub fields: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

/// What a look at the octets came to.
#[derive(Debug)]
pub enum Scan {
    /// A response, and how many octets it took.
    Complete(Response, usize),
    /// Not all of it is there yet.
    Partial,
}

/// How the body ends (RFC 9112, 6.3).
enum Framing {
    None,
    Length(usize),
    Chunked,
    UntilEnd,
}

impl Response {
    /// Reads the first response in `octets`, an answer to `method`. `ended`: nothing more will come.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn scan(octets: &[u8], method: &str, ended: bool) -> Result<Scan, String> {
        let mut slots = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut slots);
        let status = parsed.parse(octets).map_err(|error| {
            format!(
                "unreadable response: {error}: {:?}",
                String::from_utf8_lossy(&octets[..octets.len().min(120)])
            )
        })?;
        let httparse::Status::Complete(head) = status else { return Ok(Scan::Partial) };
        let (Some(version), Some(status)) = (parsed.version, parsed.code) else {
            return Err("a status line without version or status".into());
        };
        let line_end = octets.iter().position(|&octet| octet == b'\n').unwrap_or(0);
        if octets[..head].windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r') || line_end < 13 {
            return Err(
                "a line of the head does not end with CRLF, or the status line lacks its space".into()
            );
        }
        let fields = parsed.headers.iter();
        let fields =
            fields.map(|field| (field.name.to_owned(), String::from_utf8_lossy(field.value).into_owned()));
        let mut response = Response { version, status, fields: fields.collect(), body: Vec::new() };
        let rest = &octets[head..];
        let body = match response.framing(method)? {
            Framing::None => Some((Vec::new(), 0)),
            Framing::Length(length) => rest.get(..length).map(|body| (body.to_vec(), length)),
            Framing::Chunked => unchunk(rest)?,
            Framing::UntilEnd => ended.then(|| (rest.to_vec(), rest.len())),
        };
        let Some((body, length)) = body else { return Ok(Scan::Partial) };
        response.body = body;
        Ok(Scan::Complete(response, head + length))
    }

    /// The value of the first field called `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Whether another response follows for the same request.
    pub fn is_interim(&self) -> bool {
        self.status < 200
    }

    /// Whether it says that the connection ends.
    pub fn says_close(&self) -> bool {
        self.values("connection")
            .any(|value| value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close")))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = move |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().filter(same).map(|(_, value)| value.as_str())
    }

    fn framing(&self, method: &str) -> Result<Framing, String> {
        let lengths: Vec<_> = self.values("content-length").collect();
        let codings: Vec<_> = self.values("transfer-encoding").collect();
        if !lengths.is_empty() && !codings.is_empty() {
            return Err("Content-Length with Transfer-Encoding (RFC 9112, 6.2)".into());
        }
        if (self.is_interim() || self.status == 204) && !(lengths.is_empty() && codings.is_empty()) {
            return Err(format!("body framing in a {} (RFC 9110, 8.6; RFC 9112, 6.1)", self.status));
        }
        if lengths.len() > 1 {
            return Err("more than one Content-Length".into());
        }
        let length = lengths.first().map(|text| {
            let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
            let length = digits.then(|| text.parse::<usize>().ok()).flatten();
            length.ok_or_else(|| format!("Content-Length {text:?}"))
        });
        let length = length.transpose()?;
        if method == "HEAD" || self.is_interim() || matches!(self.status, 204 | 304) {
            return Ok(Framing::None);
        }
        Ok(match (length, codings.as_slice()) {
            (Some(length), _) => Framing::Length(length),
            (None, []) => Framing::UntilEnd,
            (None, [coding]) if coding.eq_ignore_ascii_case("chunked") => Framing::Chunked,
            (None, _) => return Err(format!("Transfer-Encoding {codings:?}")),
        })
    }
}

/// Decodes a chunked body; `None` when it is not complete.
fn unchunk(octets: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (head, size) = match httparse::parse_chunk_size(&octets[at..]) {
            Ok(httparse::Status::Complete((head, size))) => (head, usize::try_from(size).expect("64 bits")),
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("a chunk size that is none".into()),
        };
        at += head;
        if size == 0 {
            // Nothing here sends trailers.
            return match octets.get(at..at + 2) {
                Some(b"\r\n") => Ok(Some((body, at + 2))),
                Some(_) => Err("the last chunk is not followed by an empty line".into()),
                None => Ok(None),
            };
        }
        let Some(data) = octets.get(at..at + size + 2) else { return Ok(None) };
        if !data.ends_with(b"\r\n") {
            return Err("a chunk that does not end with CRLF".into());
        }
        body.extend_from_slice(&data[..size]);
        at += size + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::{Response, Scan};

    fn scan(text: &str) -> Result<Option<(u16, String, usize)>, String> {
        Ok(match Response::scan(text.as_bytes(), "GET", false)? {
            Scan::Complete(response, octets) => Some((response.status, response.text(), octets)),
            Scan::Partial => None,
        })
    }

    #[test]
    fn bodies_end_where_their_framing_says() {
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP";
        assert_eq!(scan(sized), Ok(Some((200, "ok".into(), sized.len() - 4))));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n";
        assert_eq!(scan(chunked), Ok(Some((200, "ok!".into(), chunked.len()))));
        for cut in 0..chunked.len() {
            assert_eq!(scan(&chunked[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn broken_rules_are_seen() {
        let broken = [
            "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
            "nonsense\r\n\r\n",
        ];
        for text in broken {
            assert!(scan(text).is_err(), "{text:?}");
        }
    }
}
