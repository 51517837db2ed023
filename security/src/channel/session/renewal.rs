//! Renewal: a new exchange with fresh ephemeral keys inside a session, signed by both. Who has stolen every secret of
//! the session reads nothing that comes after it, unless he also holds a long-term key and sits in the middle.
//!
//! ```text
//!   initiator                                       responder
//!       |-- renew   g^x' --------------------------------->|
//!       |<- answer  g^y', signature R ---------------------|
//!       |-- fresh   signature I ---> next keys, I to R --->|
//!       |<- fresh   <--- next keys, R to I ----------------|
//! ```
//! Data of both directions may come in between: each direction goes over to its next keys behind its own `fresh`.

use super::{ChannelSession, Records, Stage};
use crate::channel::credential::Credential;
use crate::channel::exchange::{self, Agreed, Offer};
use crate::channel::formula::{self, Field, Formula};
use crate::channel::handshake::Established;
use crate::channel::message::{MessageKind, Suite};
use crate::channel::record::Allowance;
use crate::dh;
use crate::digest::sha256;
use crate::kem;
use crate::limits::{RENEWALS, RENEWALS_TIME};
use crate::pipe::error::PipeError;
use crate::signature::{Context, SIGNATURE_OCTETS};
use std::time::Instant;

/// How far a renewal has come.
enum Step {
    Idle,
    /// The initiator waits for the answer.
    Offered(Box<Offer>, Vec<u8>),
    /// The responder has answered and waits for the initiator's signature.
    Answered(Agreement),
    /// The initiator has signed and waits for the responder's last word.
    Signed(Agreement),
}

/// What both have agreed upon, and the digest of the session so far.
struct Agreement {
    shared: Agreed,
    transcript: [u8; 32],
}

/// The renewals of one session.
pub(super) struct Renewal {
    step: Step,
    is_initiator: bool,
    /// The digest of the handshake and of all renewals that are done.
    transcript: [u8; 32],
    allowance: Allowance,
}

impl Renewal {
    /// For a session whose handshake has this digest.
    pub(super) fn new(is_initiator: bool, transcript: [u8; 32]) -> Self {
        // Half of what the responder takes: the spans in which both count need not begin together.
        let most = if is_initiator { RENEWALS / 2 } else { RENEWALS };
        let allowance = Allowance::new(most, RENEWALS_TIME);
        Renewal { step: Step::Idle, is_initiator, transcript, allowance }
    }

    /// Octets of the plaintext of `kind` for us; `None`: this kind is not expected now.
    pub(super) fn expects(&self, kind: u8, suite: Suite) -> Option<usize> {
        let (key, ct) = match suite.is_hybrid() {
            true => (kem::PUBLIC_OCTETS, kem::CIPHERTEXT_OCTETS),
            false => (0, 0),
        };
        match &self.step {
            Step::Idle if kind == MessageKind::Renew as u8 && !self.is_initiator => Some(dh::OCTETS + key),
            Step::Offered(..) if kind == MessageKind::Answer as u8 => {
                Some(dh::OCTETS + ct + SIGNATURE_OCTETS)
            }
            Step::Answered(_) if kind == MessageKind::Fresh as u8 => Some(SIGNATURE_OCTETS),
            Step::Signed(_) if kind == MessageKind::Fresh as u8 => Some(0),
            _ => None,
        }
    }
}

/// The digest of the session with one renewal more.
fn chained(transcript: &[u8; 32], renew: &[u8], answer: &[u8]) -> [u8; 32] {
    let values = [(Field::Th3, &transcript[..]), (Field::Renew, renew), (Field::Answer, answer)];
    sha256(&formula::TH4.gather(&values))
}

/// What one side signs.
struct Role {
    label: Context,
    label_field: Field,
    signature: &'static Formula,
}

const RESPONDER: Role =
    Role { label: formula::LABEL_RENEW_R, label_field: Field::LabelRenewR, signature: &formula::SIG_RENEW_R };

const INITIATOR: Role =
    Role { label: formula::LABEL_RENEW_I, label_field: Field::LabelRenewI, signature: &formula::SIG_RENEW_I };

impl Role {
    fn covered(&self, transcript: &[u8; 32]) -> Vec<u8> {
        let label = [self.label.0.as_bytes(), &[0]].concat();
        self.signature.gather(&[(self.label_field, &label), (Field::Th4, transcript)]).concat()
    }

    fn verify(&self, peer: &Credential, transcript: &[u8; 32], signature: &[u8]) -> Result<(), PipeError> {
        peer.key.verify_bare(&self.covered(transcript), signature).map_err(|_| PipeError::BadMessage)
    }
}

impl ChannelSession {
    /// Begins a renewal, if this is the initiator's end of an established session and none is under way; whether it
    /// does. The session does so by itself once in each `rekey_time` in which it was used; more often than seven times
    /// in half an hour it does not.
    pub fn renew(&mut self, now: Instant) -> bool {
        let is_open = self.life.established && !self.life.closing;
        let Stage::Open(records) = &mut self.stage else { return false };
        let Records { agreed: Established { sealer, .. }, renewal } = &mut **records;
        if !is_open || !renewal.is_initiator || !matches!(renewal.step, Step::Idle) {
            return false;
        }
        if renewal.allowance.take(now).is_err() {
            return false;
        }
        let Ok(offer) = Offer::generate(sealer.suite().is_hybrid()) else { return false };
        let renew = [&offer.gx()[..], offer.kem_key().map_or(&[][..], |key| key)].concat();
        sealer.append(MessageKind::Renew, &renew, &mut self.outgoing);
        renewal.step = Step::Offered(Box::new(offer), renew);
        self.leaves_traces = true;
        self.wipe_traces();
        true
    }

    /// Takes the plaintext of a record of a renewal, whose kind and length were expected.
    pub(super) fn take_renewal(&mut self, plain: &[u8], now: Instant) -> Result<(), PipeError> {
        self.leaves_traces = true;
        let Stage::Open(records) = &mut self.stage else { return Err(PipeError::AlreadyFailed) };
        let Records { agreed: Established { sealer, opener, proved, .. }, renewal } = &mut **records;
        let (identity, suite) = (&self.config.identity.key, sealer.suite());
        // Who has said goodbye says nothing more, so a renewal that needs an answer ends there.
        let is_closing = self.life.closing;
        match std::mem::replace(&mut renewal.step, Step::Idle) {
            Step::Idle => {
                renewal.allowance.take(now).map_err(|_| PipeError::BadMessage)?;
                if is_closing {
                    return Ok(());
                }
                let (gx, key) = plain.split_first_chunk().ok_or(PipeError::BadMessage)?;
                let (answer, shared) = exchange::answer(suite, gx, key.try_into().ok())?;
                let mut sent = [&answer.gy[..], answer.ct.as_deref().map_or(&[], |ct| ct)].concat();
                let transcript = chained(&renewal.transcript, plain, &sent);
                sent.extend_from_slice(&identity.sign_bare(&RESPONDER.covered(&transcript)));
                sealer.append(MessageKind::Answer, &sent, &mut self.outgoing);
                renewal.step = Step::Answered(Agreement { shared, transcript });
            }
            Step::Offered(offer, renew) => {
                let (answer, signature) =
                    plain.split_last_chunk::<SIGNATURE_OCTETS>().ok_or(PipeError::BadMessage)?;
                let (gy, ct) = answer.split_first_chunk().ok_or(PipeError::BadMessage)?;
                let ct = suite.is_hybrid().then(|| ct.try_into().ok()).flatten();
                let shared = offer.agree(suite, gy, ct)?;
                let transcript = chained(&renewal.transcript, &renew, answer);
                RESPONDER.verify(&proved.peer, &transcript, signature)?;
                if is_closing {
                    return Ok(());
                }
                let signature = identity.sign_bare(&INITIATOR.covered(&transcript));
                sealer.append(MessageKind::Fresh, &signature, &mut self.outgoing);
                sealer.renew(&shared, &transcript);
                renewal.step = Step::Signed(Agreement { shared, transcript });
            }
            Step::Answered(Agreement { shared, transcript }) => {
                INITIATOR.verify(&proved.peer, &transcript, plain)?;
                opener.renew(&shared, &transcript);
                if !is_closing {
                    sealer.append(MessageKind::Fresh, &[], &mut self.outgoing);
                    sealer.renew(&shared, &transcript);
                }
                renewal.transcript = transcript;
            }
            Step::Signed(Agreement { shared, transcript }) => {
                opener.renew(&shared, &transcript);
                renewal.transcript = transcript;
            }
        }
        Ok(())
    }
}
