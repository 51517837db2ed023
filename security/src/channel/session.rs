//! One end of a channel: a [`Pipe`] over the handshake and the records.
//!
//! Whatever goes wrong, the peer is told nothing: the session drops what it wanted to send and is dead.

use super::config::Config;
use super::credential::Credential;
use super::handshake::{Established, Initiator, REFUSED, Responder};
use super::message::{HEADER_OCTETS, Kind, RECORD_BODY_OCTETS};
use super::record::{Opener, Sealer};
use crate::aead::TAG_OCTETS;
use crate::half_open::Place;
use crate::limits;
use crate::outgoing::Outgoing;
use crate::pipe::{Failure, Pipe};
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

/// The peer took too long over its handshake.
pub const TOO_SLOW: Failure = Failure { reason: "the handshake took too long" };
/// Too many handshakes are under way.
pub const TOO_MANY: Failure = Failure { reason: "too many handshakes under way" };
/// The connection ended before the handshake did.
pub const CUT_IN_HANDSHAKE: Failure = Failure {
    reason: "the peer ended the connection during the handshake: it may not trust our key, or not speak this protocol",
};
/// The connection ended without the peer's goodbye.
pub const TRUNCATED: Failure =
    Failure { reason: "the connection was cut: it ended without the peer's authenticated close" };
/// The other side speaks something else.
pub const SPEAKS_HTTP: Failure =
    Failure { reason: "the peer speaks plain HTTP: one side runs with --transport plain" };
/// The other side speaks something else.
pub const SPEAKS_TLS: Failure = Failure { reason: "the peer speaks TLS: one side runs with --transport tls" };
/// The session has failed before.
pub const DEAD: Failure = Failure { reason: "the session has failed already" };
/// Our misuse: sending after our own goodbye.
pub const CLOSED: Failure = Failure { reason: "the session is closed for sending" };
/// More was handed over before the handshake than is kept.
pub const TOO_EARLY: Failure = Failure { reason: "too much to send before the handshake is done" };

enum Stage {
    /// Responder, before message 1.
    AwaitHello,
    /// Initiator, before message 2.
    AwaitReply(Initiator),
    /// Responder, before message 3.
    AwaitFinish(Box<Responder>),
    /// Both, afterwards.
    Open(Box<Records>),
    Failed,
}

struct Records {
    sealer: Sealer,
    opener: Opener,
    peer: Credential,
    transcript: [u8; 32],
}

/// One end of a channel.
pub struct Session {
    config: Arc<Config>,
    stage: Stage,
    place: Option<Place>,
    /// The beginning of a message whose rest has not arrived.
    incoming: Vec<u8>,
    outgoing: Outgoing,
    /// Plaintext handed over before the handshake was done.
    early: Zeroizing<Vec<u8>>,
    deadline: Option<Instant>,
    /// Both sides have accepted, as far as this one can know.
    established: bool,
    closing: bool,
    closed_by_peer: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("stage", &self.stage_name())
            .field("established", &self.established)
            .finish_non_exhaustive()
    }
}

impl Session {
    fn new(config: Arc<Config>, stage: Stage, place: Option<Place>, now: Instant) -> Self {
        let deadline = Some(now + config.bounds.handshake);
        Session {
            config,
            stage,
            place,
            incoming: Vec::new(),
            outgoing: Outgoing::default(),
            early: Zeroizing::default(),
            deadline,
            established: false,
            closing: false,
            closed_by_peer: false,
        }
    }

    /// The responder's end. Without a place among the handshakes under way it fails at its first octet.
    pub(super) fn respond(config: Arc<Config>, place: Option<Place>, now: Instant) -> Self {
        Session::new(config, Stage::AwaitHello, place, now)
    }

    /// The initiator's end; message 1 is pending at once.
    pub(super) fn initiate(config: Arc<Config>, now: Instant) -> Self {
        match Initiator::start(&config.suites) {
            Ok((initiator, hello)) => {
                let mut session = Session::new(config, Stage::AwaitReply(initiator), None, now);
                session.outgoing.tail().extend_from_slice(&hello);
                session
            }
            Err(_) => Session::new(config, Stage::Failed, None, now),
        }
    }

    /// Who the peer is, once it has proved it.
    pub fn peer(&self) -> Option<&Credential> {
        match &self.stage {
            Stage::Open(records) => Some(&records.peer),
            _ => None,
        }
    }

    /// A public name of this session, the same on both sides and unlike any other's: two people can compare it aloud.
    pub fn transcript(&self) -> Option<&[u8; 32]> {
        match &self.stage {
            Stage::Open(records) => Some(&records.transcript),
            _ => None,
        }
    }

    fn stage_name(&self) -> &'static str {
        match self.stage {
            Stage::AwaitHello => "await hello",
            Stage::AwaitReply(_) => "await reply",
            Stage::AwaitFinish(_) => "await finish",
            Stage::Open(_) => "open",
            Stage::Failed => "failed",
        }
    }

    fn fail(&mut self) {
        self.stage = Stage::Failed;
        self.place = None;
        self.outgoing.clear();
        self.incoming = Vec::new();
        self.early = Zeroizing::default();
        self.deadline = None;
    }

    /// The length of the whole message that starts with `octets`, `None` while the header is incomplete. Whatever is not
    /// expected at this point is refused by its header, before any of its body is kept.
    fn message_octets(&self, octets: &[u8]) -> Result<Option<usize>, Failure> {
        let Some(&kind) = octets.first() else { return Ok(None) };
        let (expected, bounds) = match &self.stage {
            Stage::AwaitHello => (kind == Kind::Hello as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::AwaitReply(_) => (kind == Kind::Reply as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::AwaitFinish(_) => (kind == Kind::Finish as u8, 1..=limits::HANDSHAKE_OCTETS),
            Stage::Open(_) if self.closed_by_peer => (false, 0..=0),
            Stage::Open(_) if !self.established => (kind == Kind::Ready as u8, TAG_OCTETS..=TAG_OCTETS),
            Stage::Open(_) if kind == Kind::Data as u8 => (true, TAG_OCTETS + 1..=RECORD_BODY_OCTETS),
            Stage::Open(_) => {
                (kind == Kind::Rekey as u8 || kind == Kind::Close as u8, TAG_OCTETS..=TAG_OCTETS)
            }
            Stage::Failed => return Err(DEAD),
        };
        if !expected {
            return Err(self.stranger(kind));
        }
        let Some(header) = octets.first_chunk::<HEADER_OCTETS>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([header[1], header[2]]));
        if bounds.contains(&length) { Ok(Some(HEADER_OCTETS + length)) } else { Err(REFUSED) }
    }

    /// Who begins with this octet where a handshake should begin?
    fn stranger(&self, first: u8) -> Failure {
        match (&self.stage, first) {
            (Stage::AwaitHello | Stage::AwaitReply(_), b'A'..=b'Z') => SPEAKS_HTTP,
            (Stage::AwaitHello | Stage::AwaitReply(_), 0x14..=0x17) => SPEAKS_TLS,
            _ => REFUSED,
        }
    }

    fn take(&mut self, wire: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), Failure> {
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

    /// Handles one whole message, whose header has been checked against the stage.
    fn handle(&mut self, message: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), Failure> {
        let (kind, body) = (message[0], &message[HEADER_OCTETS..]);
        if let Stage::Open(records) = &mut self.stage {
            return match kind {
                k if k == Kind::Data as u8 => {
                    records.opener.open(Kind::Data, body, plain).map_err(|_| REFUSED)
                }
                k if k == Kind::Rekey as u8 => {
                    records.opener.open(Kind::Rekey, body, plain).map_err(|_| REFUSED)?;
                    records.opener.rekey();
                    Ok(())
                }
                k if k == Kind::Close as u8 => {
                    records.opener.open(Kind::Close, body, plain).map_err(|_| REFUSED)?;
                    self.closed_by_peer = true;
                    Ok(())
                }
                _ => {
                    records.opener.open(Kind::Ready, body, plain).map_err(|_| REFUSED)?;
                    self.established(now);
                    Ok(())
                }
            };
        }
        let unix_s = self.config.calendar.unix_s(now);
        match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::AwaitHello => {
                let (responder, reply) = Responder::start(body, &self.config)?;
                self.outgoing.tail().extend_from_slice(&reply);
                self.stage = Stage::AwaitFinish(Box::new(responder));
            }
            Stage::AwaitReply(initiator) => {
                let (established, finish) = initiator.finish(body, &self.config, unix_s)?;
                self.outgoing.tail().extend_from_slice(&finish);
                self.open(established);
                // The deadline of the handshake stays until the responder says that it has accepted too.
                self.flush_early();
            }
            Stage::AwaitFinish(responder) => {
                let mut established = responder.finish(body, &self.config, unix_s)?;
                established.sealer.seal(Kind::Ready, &[], self.outgoing.tail());
                self.open(established);
                self.established(now);
                self.flush_early();
            }
            Stage::Open(_) | Stage::Failed => return Err(DEAD),
        }
        Ok(())
    }

    fn open(&mut self, established: Established) {
        let Established { sealer, opener, peer, transcript } = established;
        self.stage = Stage::Open(Box::new(Records { sealer, opener, peer, transcript }));
    }

    fn established(&mut self, now: Instant) {
        self.established = true;
        self.place = None;
        self.deadline = Some(now + self.config.bounds.rekey_time);
    }

    fn flush_early(&mut self) {
        let early = std::mem::take(&mut self.early);
        self.seal(&early);
        if self.closing {
            self.say_goodbye();
        }
    }

    /// Seals data in records, taking the next key whenever this one has done its share.
    fn seal(&mut self, plain: &[u8]) {
        let Stage::Open(records) = &mut self.stage else { return };
        let bounds = &self.config.bounds;
        let most_records = bounds.rekey_records.min(limits::REKEY_RECORDS);
        let out = self.outgoing.tail();
        for piece in plain.chunks(limits::RECORD_PLAINTEXT_OCTETS) {
            let sealer = &mut records.sealer;
            if sealer.records() >= most_records || sealer.octets() >= bounds.rekey_octets {
                sealer.rekey(out);
            }
            sealer.seal(Kind::Data, piece, out);
        }
    }

    fn say_goodbye(&mut self) {
        if let Stage::Open(records) = &mut self.stage {
            records.sealer.seal(Kind::Close, &[], self.outgoing.tail());
        }
    }
}

impl Pipe for Session {
    fn receive(&mut self, wire: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), Failure> {
        if matches!(self.stage, Stage::AwaitHello) && self.place.is_none() {
            self.fail();
            return Err(TOO_MANY);
        }
        let result = self.take(wire, plain, now);
        if result.is_err() {
            self.fail();
        }
        result
    }

    fn receive_eof(&mut self) -> Result<(), Failure> {
        let failure = match self.stage {
            Stage::Failed => DEAD,
            _ if self.closed_by_peer => return Ok(()),
            _ if self.established => TRUNCATED,
            _ => CUT_IN_HANDSHAKE,
        };
        self.fail();
        Err(failure)
    }

    fn send(&mut self, plain: &[u8]) -> Result<(), Failure> {
        match self.stage {
            Stage::Failed => Err(DEAD),
            _ if self.closing => Err(CLOSED),
            Stage::Open(_) => {
                self.seal(plain);
                Ok(())
            }
            _ if self.early.len() + plain.len() > limits::EARLY_OCTETS => Err(TOO_EARLY),
            _ => {
                self.early.extend_from_slice(plain);
                Ok(())
            }
        }
    }

    fn close(&mut self) {
        if !std::mem::replace(&mut self.closing, true) {
            self.say_goodbye();
        }
    }

    fn pending(&self) -> &[u8] {
        self.outgoing.pending()
    }

    fn advance(&mut self, count: usize) {
        self.outgoing.advance(count);
    }

    fn is_established(&self) -> bool {
        self.established && !matches!(self.stage, Stage::Failed)
    }

    fn is_closed_by_peer(&self) -> bool {
        self.closed_by_peer
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), Failure> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        if !self.established {
            self.fail();
            return Err(TOO_SLOW);
        }
        if let Stage::Open(records) = &mut self.stage
            && !self.closing
            && records.sealer.octets() > 0
        {
            records.sealer.rekey(self.outgoing.tail());
        }
        self.deadline = Some(now + self.config.bounds.rekey_time);
        Ok(())
    }
}
