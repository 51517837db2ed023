//! The client half of HTTP/1.1: takes octets as they arrive, gives answers. Owns no socket and no clock.
//!
//! RFC 9112 section 6.3 decides where an answer ends. Bodies are handed on piece by piece and never kept, so a
//! connection needs memory only for a head that arrived in parts.

pub mod fault;
mod head;

use crate::limits::{CHUNK_LINE_MAX_OCTETS, HEAD_MAX_OCTETS, INTERIM_ANSWERS_MAX};
use crate::response::fault::AnswerFault;
pub use crate::response::head::Head;
use crate::response::head::{BodyEnd, parse_head, without_zeros};

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
    Length(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailer,
    UntilClose,
}

/// What one step of the reader has made of the octets before it.
enum Step {
    /// So many octets are taken, and the next state is for those after them.
    Taken(usize),
    /// A head or a line has not come completely; all octets are put aside.
    Starved,
    /// The answer ends after so many octets.
    Done(usize),
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
    /// The head of the answer that is being read, once it has come.
    head: Head,
    /// The begin of a head or of a line that has not come completely.
    carry: Vec<u8>,
    interim: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Reader { state: State::Head, head: Head::NONE, carry: Vec::new(), interim: 0 }
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
            match self.step(&octets[at..], to_head, memo, &mut body)? {
                Step::Taken(taken) => at += taken,
                Step::Starved => return Ok(Progress::More),
                Step::Done(taken) => return Ok(Progress::Done { head: self.done(), taken: at + taken }),
            }
            if at == octets.len() {
                return Ok(Progress::More);
            }
        }
    }

    /// Takes the next part of the answer, of which `octets` are what has come.
    #[inline]
    fn step(
        &mut self,
        octets: &[u8],
        to_head: bool,
        memo: &mut Memo,
        body: &mut impl FnMut(&[u8]),
    ) -> Result<Step, AnswerFault> {
        match self.state {
            State::Head => self.read_head(octets, to_head, memo),
            State::Length(left) => Ok(self.read_length(left, octets, body)),
            State::ChunkSize => self.read_chunk_size(octets),
            State::ChunkData(left) => Ok(self.read_chunk_data(left, octets, body)),
            State::ChunkEnd => self.read_chunk_end(octets),
            State::Trailer => self.read_trailer(octets),
            State::UntilClose => {
                body(octets);
                Ok(Step::Taken(octets.len()))
            }
        }
    }

    /// A head, which may be that of an interim answer: the final one follows.
    #[inline]
    fn read_head(&mut self, octets: &[u8], to_head: bool, memo: &mut Memo) -> Result<Step, AnswerFault> {
        let Some((head, taken)) = self.whole_head(octets, to_head, memo)? else { return Ok(Step::Starved) };
        if head.status < 200 {
            self.interim += 1;
            if self.interim > INTERIM_ANSWERS_MAX {
                return Err(AnswerFault::TooManyInterim);
            }
            return Ok(Step::Taken(taken));
        }
        self.head = head;
        self.state = match head.body_end {
            BodyEnd::Length(0) => return Ok(Step::Done(taken)),
            BodyEnd::Length(length) => State::Length(length),
            BodyEnd::Chunked => State::ChunkSize,
            BodyEnd::UntilClose => State::UntilClose,
        };
        Ok(Step::Taken(taken))
    }

    /// A piece of a body that is `left` octets longer.
    #[inline]
    fn read_length(&mut self, left: u64, octets: &[u8], body: &mut impl FnMut(&[u8])) -> Step {
        let piece = at_most(octets, left);
        body(piece);
        let left = left - piece.len() as u64;
        if left == 0 {
            return Step::Done(piece.len());
        }
        self.state = State::Length(left);
        Step::Taken(piece.len())
    }

    /// The line before a chunk; a size of zero ends the body.
    fn read_chunk_size(&mut self, octets: &[u8]) -> Result<Step, AnswerFault> {
        let Some((line, taken)) = whole_line(&mut self.carry, octets)? else { return Ok(Step::Starved) };
        let size = chunk_size(line)?;
        self.carry.clear();
        self.state = if size == 0 { State::Trailer } else { State::ChunkData(size) };
        Ok(Step::Taken(taken))
    }

    /// A piece of a chunk that is `left` octets longer.
    fn read_chunk_data(&mut self, left: u64, octets: &[u8], body: &mut impl FnMut(&[u8])) -> Step {
        let piece = at_most(octets, left);
        body(piece);
        let left = left - piece.len() as u64;
        self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData(left) };
        Step::Taken(piece.len())
    }

    /// The end of the line after a chunk.
    fn read_chunk_end(&mut self, octets: &[u8]) -> Result<Step, AnswerFault> {
        let Some((line, taken)) = whole_line(&mut self.carry, octets)? else { return Ok(Step::Starved) };
        if !line.is_empty() {
            return Err(AnswerFault::ChunkTooLong);
        }
        self.carry.clear();
        self.state = State::ChunkSize;
        Ok(Step::Taken(taken))
    }

    /// A field after the last chunk, or the empty line that ends the answer.
    fn read_trailer(&mut self, octets: &[u8]) -> Result<Step, AnswerFault> {
        let Some((line, taken)) = whole_line(&mut self.carry, octets)? else { return Ok(Step::Starved) };
        let is_last = line.is_empty();
        self.carry.clear();
        Ok(if is_last { Step::Done(taken) } else { Step::Taken(taken) })
    }

    /// The server has closed the connection. Gives the answer if closing it was its proper end, `None` if the
    /// connection was between two answers.
    ///
    /// # Errors
    /// [`AnswerFault`] when the answer was cut short.
    pub fn end_of_stream(&mut self) -> Result<Option<Head>, AnswerFault> {
        match self.state {
            State::UntilClose => Ok(Some(self.done())),
            State::Head if self.carry.is_empty() && self.interim == 0 => Ok(None),
            State::Head => Err(AnswerFault::ClosedInHead),
            _ => Err(AnswerFault::ClosedInBody),
        }
    }

    /// The answer is complete; the reader stands before the next one.
    #[inline]
    fn done(&mut self) -> Head {
        self.state = State::Head;
        self.interim = 0;
        self.head
    }

    fn whole_head(
        &mut self,
        octets: &[u8],
        to_head: bool,
        memo: &mut Memo,
    ) -> Result<Option<(Head, usize)>, AnswerFault> {
        if self.carry.is_empty() {
            if let Some(meaning) = memo.meaning
                && octets.starts_with(&memo.octets)
            {
                return Ok(Some((meaning.for_method(to_head), memo.octets.len())));
            }
            return match parse_head(octets)? {
                Some((head, taken)) => {
                    memo.octets.clear();
                    memo.octets.extend_from_slice(&octets[..taken]);
                    memo.meaning = Some(head);
                    Ok(Some((head.for_method(to_head), taken)))
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
                Ok(Some((head.for_method(to_head), taken - before)))
            }
            None => self.check_head_length().map(|()| None),
        }
    }

    fn check_head_length(&self) -> Result<(), AnswerFault> {
        if self.carry.len() > HEAD_MAX_OCTETS { Err(AnswerFault::HeadTooLong) } else { Ok(()) }
    }
}

/// A line up to LF, without its end, and how many of `octets` belong to it; `None` when it has not come completely and
/// was put aside.
///
/// A chunk has two lines, so nothing is copied but a line that came in parts: that one stands in `carry`, which the
/// caller clears when it has read the line.
#[inline]
fn whole_line<'a>(
    carry: &'a mut Vec<u8>,
    octets: &'a [u8],
) -> Result<Option<(&'a [u8], usize)>, AnswerFault> {
    let end = octets.iter().position(|&b| b == b'\n');
    let taken = end.map_or(octets.len(), |i| i + 1);
    if carry.len() + taken > CHUNK_LINE_MAX_OCTETS {
        return Err(AnswerFault::ChunkLineTooLong);
    }
    let piece = &octets[..taken];
    let line = if carry.is_empty() && end.is_some() {
        piece
    } else {
        carry.extend_from_slice(piece);
        carry
    };
    if end.is_none() {
        return Ok(None);
    }
    line.strip_suffix(b"\r\n").map(|line| Some((line, taken))).ok_or(AnswerFault::ChunkLineEnd)
}

/// The begin of `octets`, at most `length` of them.
#[inline]
fn at_most(octets: &[u8], length: u64) -> &[u8] {
    &octets[..octets.len().min(usize::try_from(length).unwrap_or(usize::MAX))]
}

fn chunk_size(line: &[u8]) -> Result<u64, AnswerFault> {
    let digits = line.split(|&b| b == b';').next().unwrap_or_default().trim_ascii_end();
    let worth = without_zeros(digits);
    if digits.is_empty() || worth.len() > 15 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(AnswerFault::ChunkSizeIsNoNumber);
    }
    // Checked above: at most 15 hexadecimal digits.
    Ok(worth.iter().fold(0, |sum, &b| sum * 16 + u64::from((b as char).to_digit(16).unwrap_or(0))))
}
