//! From octets of the wire to whole messages, and what each message does to the session.

use super::resumption::LIFETIME_OCTETS;
use super::{ChannelSession, Stage};
use crate::aead::TAG_OCTETS;
use crate::channel::cookie::Cookies;
use crate::channel::field;
use crate::channel::handshake::Responder;
use crate::channel::message::{self, HEADER_OCTETS, Hello, MessageKind, RECORD_BODY_OCTETS};
use crate::channel::resumed;
use crate::lifecycle;
use crate::limits;
use crate::pipe::error::PipeError;
use crate::transport::Transport;
use std::sync::Arc;
use std::time::Instant;

impl ChannelSession {
    /// The length of the whole message that starts with `octets`; `None` while its header is incomplete. A message that
    /// is not expected at this stage is refused by its header, before any of its body is kept.
    fn message_octets(&self, octets: &[u8]) -> Result<Option<usize>, PipeError> {
        let Some(&kind) = octets.first() else { return Ok(None) };
        let (expected, bounds) = match &self.stage {
            Stage::AwaitHello(_) => (kind == MessageKind::Hello as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::AwaitReply(_) if kind == MessageKind::Cookie as u8 => {
                (!self.has_asked, 1..=limits::COOKIE_OCTETS)
            }
            Stage::AwaitReply(initiator) if kind == MessageKind::Resumed as u8 => {
                (initiator.kept.is_some(), 1..=limits::HANDSHAKE_OCTETS)
            }
            Stage::AwaitReply(_) => (kind == MessageKind::Reply as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::AwaitFinish(_) => (kind == MessageKind::Finish as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::Open(_) if self.life.closed_by_peer => (false, 0..=0),
            Stage::Open(_) if !self.life.established => {
                (kind == MessageKind::Ready as u8, TAG_OCTETS..=TAG_OCTETS)
            }
            Stage::Open(_) if kind == MessageKind::Data as u8 => (true, TAG_OCTETS + 1..=RECORD_BODY_OCTETS),
            Stage::Open(_) if kind == MessageKind::Rekey as u8 || kind == MessageKind::Close as u8 => {
                (true, TAG_OCTETS..=TAG_OCTETS)
            }
            Stage::Open(records) if kind == MessageKind::Ticket as u8 => {
                let least = TAG_OCTETS + LIFETIME_OCTETS + 1;
                (self.awaits_ticket(records), least..=least - 1 + limits::TICKET_OCTETS)
            }
            Stage::Open(records) => {
                let plain = records.renewal.expects(kind, records.agreed.sealer.suite());
                let length = TAG_OCTETS + plain.unwrap_or(0);
                (plain.is_some(), length..=length)
            }
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
        let opening = matches!(self.stage, Stage::AwaitHello(_) | Stage::AwaitReply(_));
        match lifecycle::transport_of(octet).filter(|_| opening) {
            Some(other @ (Transport::Plain | Transport::Tls)) => PipeError::OtherTransport(other),
            Some(Transport::Channel) | None => PipeError::BadMessage,
        }
    }

    /// Handles the whole messages that have arrived.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), PipeError> {
        loop {
            let sealed = self.incoming.sealed();
            match self.message_octets(sealed)? {
                Some(whole) if whole <= sealed.len() => self.handle(whole, now)?,
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Handles the next message, which has `whole` octets and whose header has been checked against the stage. It is
    /// never a part of its caller, so that what it leaves on the stack lies below that and can be wiped there.
    #[inline(never)]
    fn handle(&mut self, whole: usize, now: Instant) -> Result<(), PipeError> {
        let kind = self.incoming.sealed()[0];
        if let Stage::Open(records) = &mut self.stage {
            let record = [MessageKind::Data, MessageKind::Rekey, MessageKind::Close, MessageKind::Ready]
                .into_iter()
                .find(|&record| record as u8 == kind);
            let Some(record) = record else { return self.handle_inner(whole, now) };
            let opener = &mut records.agreed.opener;
            let open = |memory: &mut [u8], body| opener.open_within(record, memory, body);
            self.incoming.open(whole, HEADER_OCTETS, open).map_err(|_| PipeError::BadMessage)?;
            match record {
                MessageKind::Rekey => {
                    self.leaves_traces = true;
                    records.agreed.opener.rekey(now).map_err(|_| PipeError::BadMessage)?;
                }
                MessageKind::Close => self.life.closed_by_peer = true,
                MessageKind::Ready => self.established(now),
                _ => {}
            }
            return Ok(());
        }
        let message = self.incoming.cut(whole);
        self.shake_hands(kind, &message[HEADER_OCTETS..], now)
    }

    /// Opens a record of a renewal or with a ticket, which is not for the application.
    fn handle_inner(&mut self, whole: usize, now: Instant) -> Result<(), PipeError> {
        let mut message = self.incoming.cut(whole);
        let (&mut [kind, ..], body) =
            message.split_first_chunk_mut::<HEADER_OCTETS>().ok_or(PipeError::BadMessage)?;
        let Stage::Open(records) = &mut self.stage else { return Err(PipeError::AlreadyFailed) };
        let kinds = [MessageKind::Renew, MessageKind::Answer, MessageKind::Fresh, MessageKind::Ticket];
        let known = kinds.into_iter().find(|&known| known as u8 == kind).ok_or(PipeError::BadMessage)?;
        let count = records.agreed.opener.open_within(known, body, 0).map_err(|_| PipeError::BadMessage)?;
        match known {
            MessageKind::Ticket => self.take_ticket(&body[..count], now),
            _ => self.take_renewal(&body[..count], now),
        }
    }

    /// Handles a message of the handshake.
    fn shake_hands(&mut self, kind: u8, body: &[u8], now: Instant) -> Result<(), PipeError> {
        self.leaves_traces = true;
        let unix_s = self.config.calendar.unix_s(now);
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::AwaitHello(cookies) => self.answer_hello(body, cookies, now)?,
            Stage::AwaitReply(mut initiator) if kind == MessageKind::Cookie as u8 => {
                let again = initiator.repeat(body, &self.config);
                self.outgoing.append(&again);
                (self.stage, self.has_asked) = (Stage::AwaitReply(initiator), true);
            }
            Stage::AwaitReply(initiator) => {
                let finished = if kind == MessageKind::Resumed as u8 {
                    initiator.resume(body)
                } else {
                    initiator.finish(body, &self.config, unix_s)
                };
                let (established, finish) = finished.map_err(|refusal| self.refuse(refusal))?;
                self.outgoing.append(&finish);
                self.open(true, established);
                // The deadline of the handshake stays until the responder says that it has accepted too.
                self.flush_early();
            }
            Stage::AwaitFinish(responder) => {
                let finished = responder.finish(body, &self.config, unix_s);
                let mut established = finished.map_err(|refusal| self.refuse(refusal))?;
                established.sealer.append(MessageKind::Ready, &[], &mut self.outgoing);
                self.open(false, established);
                self.established(now);
                self.give_ticket(now);
                self.flush_early();
            }
            Stage::Open(_) | Stage::Failed => return Err(PipeError::AlreadyFailed),
        }
        Ok(())
    }

    /// Answers message 1: with message 2, or, while places are scarce and it has no cookie, with the demand for one.
    fn answer_hello(&mut self, body: &[u8], cookies: Arc<Cookies>, now: Instant) -> Result<(), PipeError> {
        let hello = Hello::parse(body).ok_or(PipeError::BadMessage)?;
        let suite = hello.choose(&self.config.suites).ok_or(PipeError::NothingInCommon)?;
        if hello.fields.context != self.config.context {
            return Err(PipeError::OtherContext);
        }
        let address = self.life.address();
        match hello.fields.cookie {
            Some(cookie) => {
                let first = field::without_cookie(body, cookie.len());
                if !cookies.is_valid(now, address, first, cookie) {
                    return Err(PipeError::BadMessage);
                }
            }
            None if self.has_asked => return Err(PipeError::BadMessage),
            None if self.life.is_scarce() => {
                let cookie = cookies.make(now, address, body);
                self.outgoing.append(&message::header(MessageKind::Cookie, cookie.len()));
                self.outgoing.append(&cookie);
                (self.stage, self.has_asked) = (Stage::AwaitHello(cookies), true);
                return Ok(());
            }
            None => {}
        }
        self.life.begin();
        let (responder, reply) = match self.resumable(&hello, now) {
            Some((resumable, names)) => resumed::answer(&hello, resumable, names)?,
            None => Responder::start(&hello, suite, &self.config)?,
        };
        self.outgoing.append(&reply);
        self.stage = Stage::AwaitFinish(Box::new(responder));
        Ok(())
    }
}
