//! What a session does for those that come later: the responder gives a ticket, the initiator keeps it.

use super::{ChannelSession, Memory, Records, Stage};
use crate::channel::credential::KeyUsage;
use crate::channel::handshake::Established;
use crate::channel::message::{Hello, MessageKind};
use crate::channel::resumption::kept::Kept;
use crate::channel::resumption::tickets::Resumable;
use crate::limits::RESUMPTION_TIME;
use crate::pipe::error::PipeError;
use std::time::Instant;

/// Octets in which a ticket says for how many seconds it is good.
pub(super) const LIFETIME_OCTETS: usize = 4;

impl ChannelSession {
    /// What stands in the ticket of `hello`, and the names of the initiator, if the session can be resumed. If not, the
    /// handshake is a full one: a ticket that is old or somebody else's is no offence. A responder that gives no
    /// tickets takes none either.
    pub(super) fn resumable(&self, hello: &Hello<'_>, now: Instant) -> Option<(Resumable, Vec<String>)> {
        let Memory::Tickets(tickets) = &self.memory else { return None };
        if !self.config.gives_tickets {
            return None;
        }
        let resumable = tickets.open(now, hello.fields.ticket.filter(|ticket| !ticket.is_empty())?)?;
        let (config, unix_s) = (&self.config, self.config.calendar.unix_s(now));
        let suite = resumable.suite;
        let both_have_it = hello.suites.contains(&(suite as u8)) && config.suites.contains(&suite);
        if unix_s > resumable.until_s || !both_have_it {
            return None;
        }
        let names = config.trust.check(&resumable.credential, KeyUsage::Connect, unix_s).ok()?;
        Some((resumable, names))
    }

    /// Gives the initiator the ticket that it wants.
    pub(super) fn give_ticket(&mut self, now: Instant) {
        let (Stage::Open(records), Memory::Tickets(tickets)) = (&mut self.stage, &self.memory) else {
            return;
        };
        let Established { sealer, exporter, proved, wants_ticket, .. } = &mut records.agreed;
        let left_s = proved.until_s.saturating_sub(self.config.calendar.unix_s(now));
        if !std::mem::take(wants_ticket) || !self.config.gives_tickets || left_s == 0 {
            return;
        }
        let resumable = Resumable {
            secret: exporter.resumption(),
            until_s: proved.until_s,
            suite: sealer.suite(),
            credential: proved.peer.clone(),
        };
        // Who has too long a name goes without.
        let Some(ticket) = tickets.make(now, &resumable) else { return };
        let left_s = u32::try_from(left_s).unwrap_or(u32::MAX);
        let plain = [&left_s.to_be_bytes()[..], &ticket].concat();
        sealer.append(MessageKind::Ticket, &plain, &mut self.outgoing);
    }

    /// Whether the peer may send a ticket now.
    pub(super) fn awaits_ticket(&self, records: &Records) -> bool {
        records.agreed.wants_ticket && matches!(self.memory, Memory::Purse(_))
    }

    /// Keeps a ticket for a later session.
    pub(super) fn take_ticket(&mut self, plain: &[u8], now: Instant) -> Result<(), PipeError> {
        self.leaves_traces = true;
        let (Stage::Open(records), Memory::Purse(purse)) = (&mut self.stage, &self.memory) else {
            return Err(PipeError::BadMessage);
        };
        let (left_s, ticket) = plain.split_first_chunk::<LIFETIME_OCTETS>().ok_or(PipeError::BadMessage)?;
        let Established { sealer, exporter, proved, wants_ticket, .. } = &mut records.agreed;
        *wants_ticket = false;
        let left_s = u64::from(u32::from_be_bytes(*left_s)).min(RESUMPTION_TIME.as_secs());
        let until_s = proved.until_s.min(self.config.calendar.unix_s(now).saturating_add(left_s));
        purse.put(Kept {
            ticket: ticket.to_vec(),
            secret: exporter.resumption(),
            suite: sealer.suite(),
            peer: proved.peer.clone(),
            names: proved.names.clone(),
            until_s,
        });
        Ok(())
    }
}
