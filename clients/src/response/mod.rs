//! The client half of HTTP/1.1: takes octets as they arrive, gives answers. Owns no socket and no clock.
//!
//! RFC 9112 section 6.3 decides where an answer ends. Bodies are handed on piece by piece and never kept, so a
//! connection needs memory only for a head that arrived in parts.

pub mod fault;

use crate::limits::{CHUNK_LINE_MAX_OCTETS, HEAD_MAX_OCTETS, HEADERS_MAX, INTERIM_ANSWERS_MAX};
use crate::response::fault::AnswerFault;

/// What the head of an answer says about the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Whether the connection may carry another request afterwards.
    pub keep_alive: bool,
    framing: Framing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Every octet was taken, and the answer is not complete.
    More,
    /// The answer is complete. Octets after it, if any, were not taken.
    Done {
        /// Its head.
        head: Head,
        /// How many of the octets were taken.
        taken: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Length(Head, u64),
    ChunkSize(Head),
    ChunkData(Head, u64),
    ChunkEnd(Head),
    Trailer(Head),
    UntilClose(Head),
}

/// Remembers the last head, octet for octet, and what it meant: the same octets mean the same again.
///
/// Servers repeat their heads (the date changes once a second), so nearly every head costs one comparison instead of
/// a parse. One a thread is enough.
#[derive(Debug, Default)]
pub struct Memo {
    octets: Vec<u8>,
    meaning: Option<Head>,
}

/// Reads the answers of one connection, one after the other.
#[derive(Debug)]
pub struct Reader {
    state: State,
    /// The begin of a head or of a line that has not come completely.
    carry: Vec<u8>,
    interim: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Reader { state: State::Head, carry: Vec::new(), interim: 0 }
    }
}

impl Reader {
    /// Forgets everything, for a new connection.
    pub fn reset(&mut self) {
        self.state = State::Head;
        self.carry = Vec::new();
        self.interim = 0;
    }

    /// Feeds what arrived; `to_head` says whether the request was a HEAD. Pieces of the body go to `body`, in order.
    ///
    /// After [`Progress::Done`] the reader stands before the next answer.
    ///
    /// # Errors
    /// [`AnswerFault`] when it is not HTTP/1.1. The connection is then of no further use.
    pub fn feed(
        &mut self,
        octets: &[u8],
        to_head: bool,
        memo: &mut Memo,
        mut body: impl FnMut(&[u8]),
    ) -> Result<Progress, AnswerFault> {
        let mut at = 0;
        loop {
            let rest = &octets[at..];
            match self.state {
                State::Head => {
                    let Some((head, taken)) = self.head(rest, to_head, memo)? else {
                        return Ok(Progress::More);
                    };
                    at += taken;
                    self.state = match head.framing {
                        // An interim answer: the final one follows.
                        _ if head.status < 200 => {
                            self.interim += 1;
                            if self.interim > INTERIM_ANSWERS_MAX {
                                return Err(AnswerFault::TooManyInterim);
                            }
                            State::Head
                        }
                        Framing::Length(0) => return Ok(self.done(head, at)),
                        Framing::Length(length) => State::Length(head, length),
                        Framing::Chunked => State::ChunkSize(head),
                        Framing::UntilClose => State::UntilClose(head),
                    };
                }
                State::Length(head, left) => {
                    let piece = &rest[..rest.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
                    body(piece);
                    at += piece.len();
                    if piece.len() as u64 == left {
                        return Ok(self.done(head, at));
                    }
                    self.state = State::Length(head, left - piece.len() as u64);
                    return Ok(Progress::More);
                }
                State::ChunkSize(head) => {
                    let Some((line, taken)) = self.line(rest)? else { return Ok(Progress::More) };
                    at += taken;
                    let size = chunk_size(&line)?;
                    self.state = if size == 0 { State::Trailer(head) } else { State::ChunkData(head, size) };
                }
                State::ChunkData(head, left) => {
                    let piece = &rest[..rest.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
                    body(piece);
                    at += piece.len();
                    if piece.len() as u64 == left {
                        self.state = State::ChunkEnd(head);
                    } else {
                        self.state = State::ChunkData(head, left - piece.len() as u64);
                        return Ok(Progress::More);
                    }
                }
                State::ChunkEnd(head) => {
                    let Some((line, taken)) = self.line(rest)? else { return Ok(Progress::More) };
                    if !line.is_empty() {
                        return Err(AnswerFault::ChunkTooLong);
                    }
                    at += taken;
                    self.state = State::ChunkSize(head);
                }
                State::Trailer(head) => {
                    let Some((line, taken)) = self.line(rest)? else { return Ok(Progress::More) };
                    at += taken;
                    if line.is_empty() {
                        return Ok(self.done(head, at));
                    }
                }
                State::UntilClose(_) => {
                    body(rest);
                    return Ok(Progress::More);
                }
            }
            if at == octets.len() {
                return Ok(Progress::More);
            }
        }
    }

    /// The server has closed the connection. Gives the answer if closing it was its proper end, `None` if the
    /// connection was between two answers.
    ///
    /// # Errors
    /// [`AnswerFault`] when the answer was cut short.
    pub fn end_of_stream(&mut self) -> Result<Option<Head>, AnswerFault> {
        match self.state {
            State::UntilClose(head) => {
                self.done(head, 0);
                Ok(Some(head))
            }
            State::Head if self.carry.is_empty() && self.interim == 0 => Ok(None),
            State::Head => Err(AnswerFault::ClosedInHead),
            _ => Err(AnswerFault::ClosedInBody),
        }
    }

    fn done(&mut self, head: Head, taken: usize) -> Progress {
        self.state = State::Head;
        self.interim = 0;
        Progress::Done { head, taken }
    }

    fn head(
        &mut self,
        octets: &[u8],
        to_head: bool,
        memo: &mut Memo,
    ) -> Result<Option<(Head, usize)>, AnswerFault> {
        if self.carry.is_empty() {
            if let Some(meaning) = memo.meaning
                && octets.starts_with(&memo.octets)
            {
                return Ok(Some((for_method(meaning, to_head), memo.octets.len())));
            }
            return match parse_head(octets)? {
                Some((head, taken)) => {
                    memo.octets.clear();
                    memo.octets.extend_from_slice(&octets[..taken]);
                    memo.meaning = Some(head);
                    Ok(Some((for_method(head, to_head), taken)))
                }
                None => {
                    self.carry.extend_from_slice(octets);
                    self.check_head_length().map(|()| None)
                }
            };
        }
        let before = self.carry.len();
        self.carry.extend_from_slice(&octets[..octets.len().min(HEAD_MAX_OCTETS)]);
        match parse_head(&self.carry)? {
            Some((head, taken)) => {
                self.carry.clear();
                Ok(Some((for_method(head, to_head), taken - before)))
            }
            None => self.check_head_length().map(|()| None),
        }
    }

    fn check_head_length(&self) -> Result<(), AnswerFault> {
        if self.carry.len() > HEAD_MAX_OCTETS { Err(AnswerFault::HeadTooLong) } else { Ok(()) }
    }

    /// A line up to LF, without its end; `None` when it has not come completely and was put aside.
    fn line(&mut self, octets: &[u8]) -> Result<Option<(Vec<u8>, usize)>, AnswerFault> {
        let end = octets.iter().position(|&b| b == b'\n');
        let taken = end.map_or(octets.len(), |i| i + 1);
        if self.carry.len() + taken > CHUNK_LINE_MAX_OCTETS {
            return Err(AnswerFault::ChunkLineTooLong);
        }
        self.carry.extend_from_slice(&octets[..taken]);
        if end.is_none() {
            return Ok(None);
        }
        let mut line = std::mem::take(&mut self.carry);
        line.pop();
        if line.pop() != Some(b'\r') {
            return Err(AnswerFault::ChunkLineEnd);
        }
        Ok(Some((line, taken)))
    }
}

fn for_method(head: Head, to_head: bool) -> Head {
    if to_head { Head { framing: Framing::Length(0), ..head } } else { head }
}

fn chunk_size(line: &[u8]) -> Result<u64, AnswerFault> {
    let digits = line.split(|&b| b == b';').next().unwrap_or_default().trim_ascii_end();
    if digits.is_empty() || digits.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(AnswerFault::ChunkSizeIsNoNumber);
    }
    // Checked above: at most 15 hexadecimal digits.
    Ok(digits.iter().fold(0, |sum, &b| sum * 16 + u64::from((b as char).to_digit(16).unwrap_or(0))))
}

fn parse_head(octets: &[u8]) -> Result<Option<(Head, usize)>, AnswerFault> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let taken = match response.parse(octets) {
        Ok(httparse::Status::Complete(taken)) => taken,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(AnswerFault::TooManyFields),
        // A record of TLS: its kind (20 to 23), then its version, which begins with 3 in all of them.
        Err(_) if matches!(octets, [0x14..=0x17, 3, ..]) => return Err(AnswerFault::SpeaksTls),
        Err(_) => return Err(AnswerFault::NotHttp),
    };
    let status = response.code.unwrap_or(0);
    if !(100..=999).contains(&status) {
        return Err(AnswerFault::StatusOutOfRange);
    }
    if status == 101 {
        return Err(AnswerFault::OtherProtocol);
    }
    let mut keep_alive = response.version == Some(1);
    let mut length: Option<u64> = None;
    let mut chunked = false;
    let mut coded = false;
    for header in response.headers.iter() {
        let name = header.name;
        if name.eq_ignore_ascii_case("content-length") {
            let value = parse_length(header.value)?;
            if length.is_some_and(|other| other != value) {
                return Err(AnswerFault::TwoLengths);
            }
            length = Some(value);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if coded {
                return Err(AnswerFault::TwoEncodings);
            }
            coded = true;
            chunked = header.value.trim_ascii().eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case("connection") {
            for option in header.value.split(|&b| b == b',') {
                let option = option.trim_ascii();
                if option.eq_ignore_ascii_case(b"close") {
                    keep_alive = false;
                } else if option.eq_ignore_ascii_case(b"keep-alive") && response.version == Some(0) {
                    keep_alive = true;
                }
            }
        }
    }
    if coded && length.is_some() {
        return Err(AnswerFault::LengthAndEncoding);
    }
    let framing = match (status, coded, length) {
        (100..=199 | 204 | 304, _, _) => Framing::Length(0),
        (_, true, _) if chunked => Framing::Chunked,
        (_, false, Some(length)) => Framing::Length(length),
        _ => Framing::UntilClose,
    };
    let keep_alive = keep_alive && framing != Framing::UntilClose;
    Ok(Some((Head { status, keep_alive, framing }, taken)))
}

fn parse_length(value: &[u8]) -> Result<u64, AnswerFault> {
    let digits = value.trim_ascii();
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(AnswerFault::LengthIsNoNumber);
    }
    Ok(digits.iter().fold(0, |sum, &b| sum * 10 + u64::from(b - b'0')))
}
