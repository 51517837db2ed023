//! The handshake of a resumed session: as the full one, with MACs in the place of identities and signatures, under keys
//! that also rest on the secret of the session before.

use super::exchange;
use super::flight::{Flight, Role};
use super::formula::{self, Field};
use super::handshake::{Established, HandshakeRefusal, Initiator, Preamble, Proved, Responder, hash};
use super::message::{self, Hello, HelloReply, MessageKind};
use super::resumption::kept::Kept;
use super::resumption::tickets::Resumable;
use super::schedule;
use crate::digest;
use crate::pipe::error::PipeError;

const RESPONDER: Role = Role {
    label: formula::LABEL_RESUMED_R,
    label_field: Field::LabelResumedR,
    transcript_field: Field::Th1,
    mac: &formula::MAC_RESUMED_R,
};

const INITIATOR: Role = Role {
    label: formula::LABEL_RESUMED_I,
    label_field: Field::LabelResumedI,
    transcript_field: Field::Th2,
    mac: &formula::MAC_RESUMED_I,
};

/// Seals the proof that this side was a party of the session before: [`formula::FLIGHT_RESUMED_R`] or
/// [`formula::FLIGHT_RESUMED_I`].
fn prove(flight: &Flight<'_>) -> Result<Vec<u8>, PipeError> {
    flight.seal(&flight.mac(&[]))
}

/// Checks the same proof of the peer's.
fn check(flight: &Flight<'_>, sealed: &[u8]) -> Result<(), PipeError> {
    let mac = flight.open(sealed)?;
    if digest::equal(&flight.mac(&[]), &mac) { Ok(()) } else { Err(PipeError::BadMessage) }
}

/// The responder's answer to a ticket that it has opened.
pub(crate) fn answer(
    hello: &Hello<'_>,
    resumable: Resumable,
    names: Vec<String>,
) -> Result<(Responder, Vec<u8>), PipeError> {
    let suite = resumable.suite;
    let (answer, shared) = exchange::answer(suite, hello.gx, hello.fields.kem_key)?;
    let (gy, ct) = (&answer.gy, answer.ct.as_deref());
    let th1 = Preamble::of(hello, suite).hash(gy, ct);
    let [hk_r, hk_i, mk] = schedule::derive_resumed(&th1, &shared, &resumable.secret);
    let flight = Flight { role: &RESPONDER, suite, key: &hk_r, mac_key: &mk, transcript: &th1 };
    let flight = prove(&flight)?;
    let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, &flight)]);
    let reply = HelloReply { suite, gy, ct, flight: &flight }.write_as(MessageKind::Resumed);
    let resumes = Some(Box::new((resumable, names)));
    Ok((Responder { suite, shared, hk_i, mk, th2, resumes, wants_ticket: true }, reply))
}

impl Initiator {
    /// Takes the body of the answer to its ticket, and gives message 3 with its header.
    ///
    /// # Errors
    /// [`PipeError::BadMessage`].
    pub(crate) fn resume(self, body: &[u8]) -> Result<(Established, Vec<u8>), HandshakeRefusal> {
        let Initiator { offer, suites, fields, kept } = self;
        let reply = HelloReply::parse(body).ok_or(PipeError::BadMessage)?;
        let Kept { secret, suite, peer, names, until_s, .. } = *kept.ok_or(PipeError::BadMessage)?;
        if reply.suite != suite {
            return Err(PipeError::BadMessage.into());
        }
        let gx = *offer.gx();
        let shared = offer.agree(suite, reply.gy, reply.ct)?;
        let th1 = Preamble { offered: &suites, suite, gx: &gx, fields: &fields }.hash(reply.gy, reply.ct);
        let [hk_r, hk_i, mk] = schedule::derive_resumed(&th1, &shared, &secret);
        let flight_r = Flight { role: &RESPONDER, suite, key: &hk_r, mac_key: &mk, transcript: &th1 };
        check(&flight_r, reply.flight)?;
        let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, reply.flight)]);
        let flight_i = Flight { role: &INITIATOR, suite, key: &hk_i, mac_key: &mk, transcript: &th2 };
        let flight = prove(&flight_i)?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &th2), (Field::FlightI, &flight)]);
        let [tk_i, tk_r, xm] = schedule::derive_resumed(&th3, &shared, &secret);
        let proved = Proved { peer, names, until_s, is_resumed: true };
        let established = Established::new(suite, th3, [tk_i, tk_r, xm], proved, true);
        Ok((established, message::finish(&flight)))
    }
}

impl Responder {
    /// Takes the body of message 3 of a resumed session, whose initiator has proved in the one before who it is.
    pub(crate) fn finish_resumed(
        &self,
        body: &[u8],
        (resumable, names): (Resumable, Vec<String>),
    ) -> Result<Established, PipeError> {
        let suite = self.suite;
        let (key, mac_key, transcript) = (&self.hk_i, &self.mk, &self.th2);
        check(&Flight { role: &INITIATOR, suite, key, mac_key, transcript }, body)?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &self.th2), (Field::FlightI, body)]);
        let [tk_i, tk_r, xm] = schedule::derive_resumed(&th3, &self.shared, &resumable.secret);
        let Resumable { until_s, credential: peer, .. } = resumable;
        let proved = Proved { peer, names, until_s, is_resumed: true };
        Ok(Established::new(suite, th3, [tk_r, tk_i, xm], proved, self.wants_ticket))
    }
}
