//! One end of a channel: a [`Pipe`] over the handshake and the records.
//!
//! The peer is told nothing about a failure: the session drops what it wanted to send and can no longer be used.

mod receive;
mod renewal;
mod resumption;

use super::config::Config;
use super::cookie::Cookies;
use super::credential::Credential;
use super::exporter::CannotExport;
use super::handshake::{Established, HandshakeRefusal, Initiator, Responder};
use super::message::MessageKind;
use super::resumption::kept::Purse;
use super::resumption::tickets::Tickets;
use crate::half_open::Door;
use crate::incoming::Incoming;
use crate::lifecycle::Lifecycle;
use crate::limits;
use crate::outgoing::Outgoing;
use crate::pipe::error::PipeError;
use crate::pipe::{Pipe, copy_of};
use crate::secret::wipe_stack;
use renewal::Renewal;
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

enum Stage {
    /// The responder waits for message 1, which it may ask for again with a cookie.
    AwaitHello(Arc<Cookies>),
    /// The initiator waits for message 2.
    AwaitReply(Box<Initiator>),
    /// The responder waits for message 3.
    AwaitFinish(Box<Responder>),
    /// The handshake is done on this side.
    Open(Box<Records>),
    Failed,
}

struct Records {
    agreed: Established,
    renewal: Renewal,
}

/// What this side has beside the session, for those that come later.
enum Memory {
    /// The initiator's tickets.
    Purse(Arc<Purse>),
    /// The responder's keys for tickets.
    Tickets(Arc<Tickets>),
}

/// One end of a channel; made by a [`super::endpoint`].
pub struct ChannelSession {
    config: Arc<Config>,
    stage: Stage,
    life: Lifecycle,
    incoming: Incoming,
    outgoing: Outgoing,
    /// Plaintext that the caller sent before the handshake was done.
    early: Zeroizing<Vec<u8>>,
    /// Whether secrets were derived since the stack was last wiped.
    leaves_traces: bool,
    /// The peer that has proved its key and was not accepted.
    refused: Option<Box<Credential>>,
    /// A cookie was asked for. It is asked for once.
    has_asked: bool,
    memory: Memory,
}

impl std::fmt::Debug for ChannelSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelSession")
            .field("stage", &self.stage_name())
            .field("established", &self.life.established)
            .finish_non_exhaustive()
    }
}

impl ChannelSession {
    fn new(config: Arc<Config>, stage: Stage, memory: Memory, door: Option<Door>, now: Instant) -> Self {
        let life = Lifecycle::new(door, now, config.bounds.handshake);
        ChannelSession {
            config,
            stage,
            life,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            early: Zeroizing::default(),
            leaves_traces: false,
            refused: None,
            has_asked: false,
            memory,
        }
    }

    /// Overwrites what the derivation of secrets has left on the stack.
    fn wipe_traces(&mut self) {
        if std::mem::take(&mut self.leaves_traces) {
            wipe_stack();
        }
    }

    /// The responder's end; its handshake takes its place at `door`.
    pub(super) fn respond(
        config: Arc<Config>,
        door: Door,
        cookies: Arc<Cookies>,
        tickets: Arc<Tickets>,
        now: Instant,
    ) -> Self {
        ChannelSession::new(config, Stage::AwaitHello(cookies), Memory::Tickets(tickets), Some(door), now)
    }

    /// The initiator's end; message 1 is pending at once.
    pub(super) fn initiate(config: Arc<Config>, purse: Arc<Purse>, now: Instant) -> Self {
        let kept = if config.resumes { purse.take(config.calendar.unix_s(now)) } else { None };
        let started = Initiator::start(&config, kept);
        let memory = Memory::Purse(purse);
        wipe_stack();
        match started {
            Ok((initiator, hello)) => {
                let mut session =
                    ChannelSession::new(config, Stage::AwaitReply(Box::new(initiator)), memory, None, now);
                session.outgoing.append(&hello);
                session
            }
            Err(_) => ChannelSession::new(config, Stage::Failed, memory, None, now),
        }
    }

    /// Who the peer is; `None` until it has proved it.
    pub fn peer(&self) -> Option<&Credential> {
        match &self.stage {
            Stage::Open(records) => Some(&records.agreed.proved.peer),
            _ => None,
        }
    }

    /// The digest of the whole handshake: the same on both sides, and different in any other session. It is not secret,
    /// so two people can compare it aloud to make sure that nobody sits between them.
    pub fn transcript(&self) -> Option<&[u8; 32]> {
        match &self.stage {
            Stage::Open(records) => Some(&records.agreed.transcript),
            _ => None,
        }
    }

    /// Fills `out` with octets that only the two ends of this session can have, for the application to use under
    /// `label`: the same on both sides for the same label, context and length.
    ///
    /// # Errors
    /// [`CannotExport`]; `out` is as before then.
    pub fn export(&self, label: &str, context: &[u8], out: &mut [u8]) -> Result<(), CannotExport> {
        match &self.stage {
            Stage::Open(records) if self.life.established => {
                let exported = records.agreed.exporter.export(label, context, out);
                wipe_stack();
                exported
            }
            _ => Err(CannotExport::NotEstablished),
        }
    }

    fn stage_name(&self) -> &'static str {
        match self.stage {
            Stage::AwaitHello(_) => "await hello",
            Stage::AwaitReply(_) => "await reply",
            Stage::AwaitFinish(_) => "await finish",
            Stage::Open(_) => "open",
            Stage::Failed => "failed",
        }
    }

    fn fail(&mut self) {
        self.stage = Stage::Failed;
        self.life.fail();
        self.outgoing.clear();
        self.incoming.forget_sealed();
        self.early = Zeroizing::default();
    }

    fn open(&mut self, is_initiator: bool, agreed: Established) {
        let renewal = Renewal::new(is_initiator, agreed.transcript);
        self.stage = Stage::Open(Box::new(Records { agreed, renewal }));
    }

    fn refuse(&mut self, refusal: HandshakeRefusal) -> PipeError {
        self.refused = refusal.peer;
        refusal.error
    }

    fn established(&mut self, now: Instant) {
        self.life.establish(Some(now + self.config.bounds.rekey_time));
    }

    fn flush_early(&mut self) {
        let early = std::mem::take(&mut self.early);
        self.seal(early.len(), &mut copy_of([&early, &[]]));
        if self.life.closing {
            self.seal_close();
        }
    }

    /// Seals `octets` octets of data in records, each of which gets its plaintext from `fill`, and changes the key
    /// whenever the present one has reached its bounds.
    fn seal(&mut self, octets: usize, fill: &mut dyn FnMut(&mut [u8])) {
        let Stage::Open(records) = &mut self.stage else { return };
        let bounds = &self.config.bounds;
        let most_records = bounds.rekey_records.min(limits::REKEY_RECORDS);
        let (sealer, mut left) = (&mut records.agreed.sealer, octets);
        while left > 0 {
            let piece = left.min(limits::RECORD_PLAINTEXT_OCTETS);
            if sealer.records() >= most_records || sealer.octets() >= bounds.rekey_octets {
                sealer.append_rekey(&mut self.outgoing);
                self.leaves_traces = true;
            }
            sealer.append_with(MessageKind::Data, piece, &mut self.outgoing, &mut *fill);
            left -= piece;
        }
    }

    fn seal_close(&mut self) {
        if let Stage::Open(records) = &mut self.stage {
            records.agreed.sealer.append(MessageKind::Close, &[], &mut self.outgoing);
        }
    }
}

/// The boxes of the stage are wiped by their own drops; this is for what the last records left on the stack.
impl Drop for ChannelSession {
    fn drop(&mut self) {
        self.stage = Stage::Failed;
        wipe_stack();
    }
}

impl Pipe for ChannelSession {
    fn room(&mut self, octets: usize) -> &mut [u8] {
        self.incoming.room(octets)
    }

    fn received(&mut self, count: usize, now: Instant) -> Result<(), PipeError> {
        self.incoming.fill(count);
        let result = self.life.heard().and_then(|()| self.take(now));
        if result.is_err() {
            self.fail();
        }
        self.wipe_traces();
        result
    }

    fn plain(&self) -> &[u8] {
        self.incoming.plain()
    }

    fn take_plain(&mut self, count: usize) {
        self.incoming.take_plain(count);
    }

    fn relax(&mut self) {
        self.incoming.relax();
        self.outgoing.relax();
    }

    fn receive_eof(&mut self) -> Result<(), PipeError> {
        if let Stage::Failed = self.stage {
            return Err(PipeError::AlreadyFailed);
        }
        self.life.end_of_stream().inspect_err(|_| self.fail())
    }

    fn compose(&mut self, octets: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), PipeError> {
        match self.stage {
            Stage::Failed => Err(PipeError::AlreadyFailed),
            _ if self.life.closing => Err(PipeError::ClosedForSending),
            Stage::Open(_) => {
                self.seal(octets, fill);
                self.wipe_traces();
                Ok(())
            }
            _ if self.early.len() + octets > limits::EARLY_OCTETS => Err(PipeError::TooEarly),
            _ => {
                let start = self.early.len();
                self.early.resize(start + octets, 0);
                fill(&mut self.early[start..]);
                Ok(())
            }
        }
    }

    fn close(&mut self) {
        if !std::mem::replace(&mut self.life.closing, true) {
            self.seal_close();
        }
    }

    fn pending(&self) -> &[u8] {
        self.outgoing.pending()
    }

    fn advance(&mut self, count: usize) {
        self.outgoing.advance(count);
    }

    fn is_established(&self) -> bool {
        self.life.established && !matches!(self.stage, Stage::Failed)
    }

    fn is_resumed(&self) -> bool {
        matches!(&self.stage, Stage::Open(records) if records.agreed.proved.is_resumed)
    }

    fn is_closed_by_peer(&self) -> bool {
        self.life.closed_by_peer
    }

    fn peer_names(&self) -> &[String] {
        match &self.stage {
            Stage::Open(records) => &records.agreed.proved.names,
            _ => &[],
        }
    }

    fn peer_shown(&self) -> Option<String> {
        self.refused.as_deref().or_else(|| self.peer()).map(ToString::to_string)
    }

    fn deadline(&self) -> Option<Instant> {
        self.life.deadline
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), PipeError> {
        if !self.life.is_due(now) {
            return Ok(());
        }
        if !self.life.established {
            self.fail();
            return Err(PipeError::TooSlow);
        }
        if let Stage::Open(records) = &mut self.stage
            && !self.life.closing
        {
            let Established { sealer, opener, .. } = &mut records.agreed;
            let (sent, received) = (sealer.octets() > 0, opener.octets() > 0);
            if sent {
                sealer.append_rekey(&mut self.outgoing);
                self.leaves_traces = true;
            }
            if sent || received {
                self.renew(now);
            }
        }
        self.wipe_traces();
        self.life.deadline = Some(now + self.config.bounds.rekey_time);
        Ok(())
    }
}
