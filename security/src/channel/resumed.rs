//! The handshake of a resumed session: as the full one, with MACs in the place of identities and signatures, under keys
//! that also rest on the secret of the session before.

use super::resumption::kept::Kept;
use super::resumption::tickets::Resumable;
use crate::aead::{OpeningKey, SealingKey};
use crate::channel::exchange;
use crate::channel::exporter::Exporter;
use crate::channel::formula::{self, Field, Formula};
use crate::channel::handshake::{
    Established, FLIGHT_BASE, HandshakeRefusal, Initiator, Preamble, Responder, hash,
};
use crate::channel::message::{self, Hello, HelloReply, MessageKind, Suite};
use crate::channel::record::{RecordOpener, RecordSealer};
use crate::channel::schedule::{self, Secret};
use crate::digest;
use crate::pipe::error::PipeError;

/// The formulas and fields of one role's flight.
struct Role {
    label: &'static str,
    mac: &'static Formula,
    label_field: Field,
    transcript_field: Field,
}

const RESPONDER: Role = Role {
    label: formula::LABEL_RESUMED_R.0,
    mac: &formula::MAC_RESUMED_R,
    label_field: Field::LabelResumedR,
    transcript_field: Field::Th1,
};

const INITIATOR: Role = Role {
    label: formula::LABEL_RESUMED_I.0,
    mac: &formula::MAC_RESUMED_I,
    label_field: Field::LabelResumedI,
    transcript_field: Field::Th2,
};

/// One side's proof that it was a party of the session before.
struct Part<'a> {
    role: &'static Role,
    suite: Suite,
    key: &'a Secret,
    mac_key: &'a Secret,
    transcript: &'a [u8; 32],
}

impl Part<'_> {
    fn mac(&self) -> Vec<u8> {
        let label = [self.role.label.as_bytes(), &[0]].concat();
        let values: &[(Field, &[u8])] =
            &[(self.role.label_field, &label), (self.role.transcript_field, self.transcript)];
        digest::mac(digest::Algorithm::Sha256, &**self.mac_key, &self.role.mac.gather(values))
    }

    /// The flight: [`formula::FLIGHT_RESUMED_R`] or [`formula::FLIGHT_RESUMED_I`].
    fn seal(&self) -> Result<Vec<u8>, PipeError> {
        let key = SealingKey::new(self.suite.aead(), &**self.key, &FLIGHT_BASE);
        let mut key = key.map_err(|_| PipeError::BadMessage)?.with_limit(1);
        key.seal(self.transcript, &self.mac()).map_err(|_| PipeError::BadMessage)
    }

    fn open(&self, flight: &[u8]) -> Result<(), PipeError> {
        let key = OpeningKey::new(self.suite.aead(), &**self.key, &FLIGHT_BASE);
        let mut key = key.map_err(|_| PipeError::BadMessage)?;
        let mac = key.open(self.transcript, flight).map_err(|_| PipeError::BadMessage)?;
        if digest::equal(&self.mac(), &mac) { Ok(()) } else { Err(PipeError::BadMessage) }
    }
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
    let flight = Part { role: &RESPONDER, suite, key: &hk_r, mac_key: &mk, transcript: &th1 }.seal()?;
    let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, &flight)]);
    let reply = HelloReply { suite, gy, ct, flight: &flight }.write_as(MessageKind::Resumed);
    let proved = Some(Box::new((resumable, names)));
    Ok((Responder { suite, shared, hk_i, mk, th2, proved, wants_ticket: true }, reply))
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
        Part { role: &RESPONDER, suite, key: &hk_r, mac_key: &mk, transcript: &th1 }.open(reply.flight)?;
        let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, reply.flight)]);
        let flight = Part { role: &INITIATOR, suite, key: &hk_i, mac_key: &mk, transcript: &th2 }.seal()?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &th2), (Field::FlightI, &flight)]);
        let [tk_i, tk_r, xm] = schedule::derive_resumed(&th3, &shared, &secret);
        let mut finish = message::header(MessageKind::Finish, flight.len()).to_vec();
        finish.extend_from_slice(&flight);
        let established = Established {
            sealer: RecordSealer::new(suite, tk_i, th3),
            opener: RecordOpener::new(suite, tk_r, th3),
            peer,
            names,
            transcript: th3,
            exporter: Exporter::new(xm),
            until_s,
            wants_ticket: true,
            is_resumed: true,
        };
        Ok((established, finish))
    }
}

impl Responder {
    /// Takes the body of message 3 of a resumed session, whose initiator was `proved` to be somebody before.
    pub(crate) fn finish_resumed(
        &self,
        body: &[u8],
        (resumable, names): (Resumable, Vec<String>),
    ) -> Result<Established, PipeError> {
        let suite = self.suite;
        Part { role: &INITIATOR, suite, key: &self.hk_i, mac_key: &self.mk, transcript: &self.th2 }
            .open(body)?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &self.th2), (Field::FlightI, body)]);
        let [tk_i, tk_r, xm] = schedule::derive_resumed(&th3, &self.shared, &resumable.secret);
        Ok(Established {
            sealer: RecordSealer::new(suite, tk_r, th3),
            opener: RecordOpener::new(suite, tk_i, th3),
            peer: resumable.credential,
            names,
            transcript: th3,
            exporter: Exporter::new(xm),
            until_s: resumable.until_s,
            wants_ticket: self.wants_ticket,
            is_resumed: true,
        })
    }
}
