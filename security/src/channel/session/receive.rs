//! From octets of the wire to whole messages, and what each message does to the session.

use super::{ChannelSession, Stage};
use crate::aead::TAG_OCTETS;
use crate::channel::handshake::Responder;
use crate::channel::message::{HEADER_OCTETS, MessageKind, RECORD_BODY_OCTETS};
use crate::lifecycle;
use crate::limits;
use crate::pipe::error::PipeError;
use crate::transport::Transport;
use std::time::Instant;

impl ChannelSession {
    /// The length of the whole message that starts with `octets`; `None` while its header is incomplete. A message that
    /// is not expected at this stage is refused by its header, before any of its body is kept.
    fn message_octets(&self, octets: &[u8]) -> Result<Option<usize>, PipeError> {
        let Some(&kind) = octets.first() else { return Ok(None) };
        let (expected, bounds) = match &self.stage {
            Stage::AwaitHello => (kind == MessageKind::Hello as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::AwaitReply(_) => (kind == MessageKind::Reply as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::AwaitFinish(_) => (kind == MessageKind::Finish as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::Open(_) if self.life.closed_by_peer => (false, 0..=0),
            Stage::Open(_) if !self.life.established => {
                (kind == MessageKind::Ready as u8, TAG_OCTETS..=TAG_OCTETS)
            }
            Stage::Open(_) if kind == MessageKind::Data as u8 => (true, TAG_OCTETS + 1..=RECORD_BODY_OCTETS),
            Stage::Open(_) => (
                kind == MessageKind::Rekey as u8 || kind == MessageKind::Close as u8,
                TAG_OCTETS..=TAG_OCTETS,
            ),
            Stage::Failed => return Err(PipeError::AlreadyFailed),
        };
        if !expected {
            return Err(self.unexpected(kind));
        }
        let Some(header) = octets.first_chunk::<HEADER_OCTETS>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([header[1], header[2]]));
        if bounds.contains(&length) { Ok(Some(HEADER_OCTETS + length)) } else { Err(PipeError::BadMessage) }
    }

    /// The error for a first octet that is not expected at this stage. In place of a handshake it may show that the
    /// peer speaks another transport.
    fn unexpected(&self, octet: u8) -> PipeError {
        let opening = matches!(self.stage, Stage::AwaitHello | Stage::AwaitReply(_));
        match lifecycle::transport_of(octet).filter(|_| opening) {
            Some(other @ (Transport::Plain | Transport::Tls)) => PipeError::OtherTransport(other),
            Some(Transport::Channel) | None => PipeError::BadMessage,
        }
    }

    /// Feeds octets from the wire and appends the plaintext of complete records to `plain`.
    pub(super) fn take(&mut self, wire: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), PipeError> {
        let mut rest = wire;
        while !self.incoming.is_empty() && !rest.is_empty() {
            // At most the header first, then exactly the rest of this one message.
            let want = self.message_octets(&self.incoming)?.unwrap_or(HEADER_OCTETS);
            let (more, tail) = rest.split_at(rest.len().min(want - self.incoming.len()));
            self.incoming.extend_from_slice(more);
            rest = tail;
            if self.message_octets(&self.incoming)?.is_some_and(|whole| whole == self.incoming.len()) {
                let mut message = std::mem::take(&mut self.incoming);
                self.handle(&message, plain, now)?;
                message.clear();
                message.shrink_to(limits::RETAINED_OCTETS);
                self.incoming = message;
            }
        }
        while let Some(whole) = self.message_octets(rest)?.filter(|&whole| whole <= rest.len()) {
            let (message, tail) = rest.split_at(whole);
            self.handle(message, plain, now)?;
            rest = tail;
        }
        self.incoming.extend_from_slice(rest);
        Ok(())
    }

    /// Handles one whole message, whose header has been checked against the stage. It is never a part of its caller, so
    /// that what it leaves on the stack lies below that and can be wiped there.
    #[inline(never)]
    fn handle(&mut self, message: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), PipeError> {
        let (kind, body) = (message[0], &message[HEADER_OCTETS..]);
        if let Stage::Open(records) = &mut self.stage {
            return match kind {
                k if k == MessageKind::Data as u8 => {
                    records.opener.open(MessageKind::Data, body, plain).map_err(|_| PipeError::BadMessage)
                }
                k if k == MessageKind::Rekey as u8 => {
                    records
                        .opener
                        .open(MessageKind::Rekey, body, plain)
                        .map_err(|_| PipeError::BadMessage)?;
                    self.leaves_traces = true;
                    records.opener.rekey(now).map_err(|_| PipeError::BadMessage)
                }
                k if k == MessageKind::Close as u8 => {
                    records
                        .opener
                        .open(MessageKind::Close, body, plain)
                        .map_err(|_| PipeError::BadMessage)?;
                    self.life.closed_by_peer = true;
                    Ok(())
                }
                _ => {
                    records
                        .opener
                        .open(MessageKind::Ready, body, plain)
                        .map_err(|_| PipeError::BadMessage)?;
                    self.established(now);
                    Ok(())
                }
            };
        }
        self.leaves_traces = true;
        let unix_s = self.config.calendar.unix_s(now);
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::AwaitHello => {
                self.life.begin();
                let (responder, reply) = Responder::start(body, &self.config)?;
                self.outgoing.tail().extend_from_slice(&reply);
                self.stage = Stage::AwaitFinish(Box::new(responder));
            }
            Stage::AwaitReply(initiator) => {
                let finished = initiator.finish(body, &self.config, unix_s);
                let (established, finish) = finished.map_err(|refusal| self.refuse(refusal))?;
                self.outgoing.tail().extend_from_slice(&finish);
                self.open(established);
                // The deadline of the handshake stays until the responder says that it has accepted too.
                self.flush_early();
            }
            Stage::AwaitFinish(responder) => {
                let finished = responder.finish(body, &self.config, unix_s);
                let mut established = finished.map_err(|refusal| self.refuse(refusal))?;
                established.sealer.seal(MessageKind::Ready, &[], self.outgoing.tail());
                self.open(established);
                self.established(now);
                self.flush_early();
            }
            Stage::Open(_) | Stage::Failed => return Err(PipeError::AlreadyFailed),
        }
        Ok(())
    }
}
