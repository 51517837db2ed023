//! Reads the answer of a backend from its first octet to its last.

use std::mem;

use dyno_http::chunked::Decoder;
use dyno_http::fault::Fault;
use dyno_http::limits::Limits;
use dyno_http::lines::FieldLines;

use crate::fault::GatewayFault;
use crate::head::{self, AnswerEnd, AnswerHead};
use crate::limits::{ANSWER_BODY_OCTETS, INTERIM_ANSWERS};
use crate::rewrite::{Pseudonym, answer_lines};

/// An answer that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub struct OriginAnswer {
    /// The status, 200 to 599.
    pub status: u16,
    /// The fields that are passed on.
    pub lines: FieldLines,
    /// The body, without its framing.
    pub body: Vec<u8>,
    /// What Content-Length says: after a HEAD, how long the body would be.
    pub length: Option<u64>,
    /// Whether the connection can be used for another request.
    pub persists: bool,
}

/// Where the reader is.
#[derive(Debug)]
enum Place {
    Head,
    /// Octets of the body that are still to come.
    Length(u64),
    Chunked(Decoder),
    Connection,
    /// The answer is complete.
    End,
}

/// Reads one answer. After a fault, or after the answer, it takes nothing more.
#[derive(Debug)]
pub struct AnswerReader {
    is_head: bool,
    limits: Limits,
    place: Place,
    /// The octets of the head, then those of the body.
    octets: Vec<u8>,
    /// Octets of the head that hold no end of it.
    seen: usize,
    interim: u8,
    answer: OriginAnswer,
}

impl AnswerReader {
    /// Reads the answer to HEAD, or to another method.
    pub fn new(is_head: bool) -> AnswerReader {
        let (lines, body) = (FieldLines::default(), Vec::new());
        let answer = OriginAnswer { status: 0, lines, body, length: None, persists: false };
        let (place, octets) = (Place::Head, Vec::new());
        AnswerReader { is_head, limits: Limits::default(), place, octets, seen: 0, interim: 0, answer }
    }

    /// Whether not one octet has come.
    pub fn is_untouched(&self) -> bool {
        matches!(self.place, Place::Head) && self.octets.is_empty() && self.interim == 0
    }

    /// Takes in what has come. `own`: the name of this server in Via.
    ///
    /// # Returns
    /// The answer, once it is whole.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn receive(&mut self, octets: &[u8], own: &Pseudonym) -> Result<Option<OriginAnswer>, GatewayFault> {
        let mut rest = octets;
        if matches!(self.place, Place::Head) {
            self.octets.extend_from_slice(octets);
            loop {
                let Some(length) = head::find_end(&self.octets, self.seen)? else {
                    self.seen = self.octets.len();
                    return Ok(None);
                };
                // What follows the head came with the last piece.
                let behind = self.octets.len() - length;
                rest = &octets[octets.len() - behind..];
                let held = mem::take(&mut self.octets);
                self.take_head(&head::parse(&held[..length], self.is_head)?, own)?;
                self.seen = 0;
                if !matches!(self.place, Place::Head) {
                    break;
                }
                self.octets = held[length..].to_vec();
            }
        }
        self.take_body(rest)?;
        Ok(matches!(self.place, Place::End).then(|| self.finish()))
    }

    /// The backend has ended its side.
    ///
    /// # Returns
    /// The answer that ends with its connection.
    ///
    /// # Errors
    /// Any other answer is cut off.
    pub fn receive_eof(&mut self) -> Result<OriginAnswer, GatewayFault> {
        match self.place {
            Place::Connection => Ok(self.finish()),
            Place::Head if self.is_untouched() => Err(GatewayFault::EndedBefore),
            Place::Head => Err(GatewayFault::EndedInHead),
            Place::Length(_) | Place::Chunked(_) | Place::End => Err(GatewayFault::EndedInBody),
        }
    }

    fn take_head(&mut self, head: &AnswerHead<'_>, own: &Pseudonym) -> Result<(), GatewayFault> {
        if head.status < 200 {
            if head.status == 101 {
                return Err(GatewayFault::Switched);
            }
            self.interim += 1;
            return if self.interim > INTERIM_ANSWERS { Err(GatewayFault::TooManyInterim) } else { Ok(()) };
        }
        self.place = match head.end {
            AnswerEnd::None | AnswerEnd::Length(0) => Place::End,
            AnswerEnd::Length(length) if length > ANSWER_BODY_OCTETS => {
                return Err(GatewayFault::BodyTooLarge);
            }
            AnswerEnd::Length(length) => Place::Length(length),
            AnswerEnd::Chunked => Place::Chunked(Decoder::new()),
            AnswerEnd::Connection => Place::Connection,
        };
        self.answer.status = head.status;
        self.answer.lines = answer_lines(&head.fields, own);
        self.answer.length = head.length;
        self.answer.persists = head.persists;
        Ok(())
    }

    fn take_body(&mut self, octets: &[u8]) -> Result<(), GatewayFault> {
        let surplus = match &mut self.place {
            Place::Head => return Ok(()),
            Place::Length(left) => {
                let count = octets.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                self.octets.extend_from_slice(&octets[..count]);
                *left -= count as u64;
                if *left == 0 {
                    self.place = Place::End;
                }
                octets.len() - count
            }
            Place::Chunked(decoder) => {
                self.octets.extend_from_slice(octets);
                let all = self.octets.len();
                let end = decoder.decode(&mut self.octets, ANSWER_BODY_OCTETS, &self.limits);
                self.octets.truncate(decoder.decoded());
                match end {
                    Ok(None) => 0,
                    Ok(Some(end)) => {
                        self.place = Place::End;
                        all - end
                    }
                    Err(Fault::BodyTooLarge) => return Err(GatewayFault::BodyTooLarge),
                    Err(fault) => return Err(GatewayFault::Chunked(fault)),
                }
            }
            Place::Connection => {
                if (self.octets.len() + octets.len()) as u64 > ANSWER_BODY_OCTETS {
                    return Err(GatewayFault::BodyTooLarge);
                }
                self.octets.extend_from_slice(octets);
                0
            }
            Place::End => octets.len(),
        };
        // What stands behind an answer belongs to no request: nothing more is read from such a connection.
        self.answer.persists &= surplus == 0;
        Ok(())
    }

    fn finish(&mut self) -> OriginAnswer {
        self.place = Place::End;
        let empty = OriginAnswer {
            status: 0,
            lines: FieldLines::default(),
            body: Vec::new(),
            length: None,
            persists: false,
        };
        OriginAnswer { body: mem::take(&mut self.octets), ..mem::replace(&mut self.answer, empty) }
    }
}
