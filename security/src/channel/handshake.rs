//! The three messages of SIGMA-I. Each step takes its side's state by value, so no step can run twice or out of order.

use super::config::Config;
use super::credential::{Credential, KeyUsage};
use super::exchange::{self, Agreed, Offer};
use super::exporter::Exporter;
use super::field;
use super::formula::{self, Field, Formula};
use super::message::{self, Hello, HelloReply, MessageKind, Suite};
use super::record::{RecordOpener, RecordSealer};
use super::resumption::kept::Kept;
use super::resumption::tickets::Resumable;
use super::schedule::{self, Secret};
use crate::aead::{OpeningKey, SealingKey};
use crate::dh;
use crate::digest::{self, sha256};
use crate::kem;
use crate::limits;
use crate::pipe::error::PipeError;
use crate::signature::{Context, PublicKey, SIGNATURE_OCTETS};
use zeroize::Zeroizing;

const MAC_OCTETS: usize = 32;
/// Each flight has a key of its own that seals nothing else, so the nonce may be the same: number 0 on a base of zeros.
pub(crate) const FLIGHT_BASE: [u8; 12] = [0; 12];

/// Why a handshake ends early.
#[derive(Debug)]
pub(crate) struct HandshakeRefusal {
    pub(crate) error: PipeError,
    /// The credential that the peer has proved, where it came so far and is not trusted: for the operator's log.
    pub(crate) peer: Option<Box<Credential>>,
}

impl From<PipeError> for HandshakeRefusal {
    fn from(error: PipeError) -> Self {
        HandshakeRefusal { error, peer: None }
    }
}

type Values<'a> = [(Field, &'a [u8])];

/// What each side has when the handshake is done.
#[derive(Debug)]
pub(crate) struct Established {
    /// Seals our records.
    pub(crate) sealer: RecordSealer,
    /// Opens the peer's records.
    pub(crate) opener: RecordOpener,
    /// The credential that the peer has proved.
    pub(crate) peer: Credential,
    /// The names under which we know it.
    pub(crate) names: Vec<String>,
    /// The transcript digest th3: the same on both sides, and different in every other session. It is not secret.
    pub(crate) transcript: [u8; 32],
    /// Gives keys to the application.
    pub(crate) exporter: Exporter,
    /// The last second at which another session may resume this one, counted from 1970.
    pub(crate) until_s: u64,
    /// Whether the initiator wants a ticket.
    pub(crate) wants_ticket: bool,
    /// Whether this session has resumed another one.
    pub(crate) is_resumed: bool,
}

/// The last second at which a handshake with signatures at `unix_s` may be resumed, as far as this side's peer goes.
fn until_s(config: &Config, peer: &Credential, unix_s: u64) -> u64 {
    config.trust.until_s(peer).min(unix_s.saturating_add(limits::RESUMPTION_TIME.as_secs()))
}

/// The initiator after message 1.
#[derive(Debug)]
pub(crate) struct Initiator {
    pub(super) offer: Offer,
    pub(super) suites: Vec<u8>,
    /// The fields of message 1 as they were sent last.
    pub(super) fields: Vec<u8>,
    /// The ticket among them, with its secret.
    pub(super) kept: Option<Box<Kept>>,
}

impl Initiator {
    /// Starts: gives the state and message 1 with its header.
    ///
    /// # Errors
    /// [`PipeError::NoRandomness`].
    pub(crate) fn start(config: &Config, kept: Option<Kept>) -> Result<(Self, Vec<u8>), PipeError> {
        let offer = Offer::generate(config.suites.iter().any(|suite| suite.is_hybrid()))?;
        let mut fields = field::write_offer(offer.kem_key(), &config.context);
        if config.resumes {
            fields.extend(field::write_ticket(kept.as_ref().map_or(&[][..], |kept| &kept.ticket[..])));
        }
        let hello = Hello::write_with(&config.suites, offer.gx(), &fields);
        let suites = config.suites.iter().map(|&suite| suite as u8).collect();
        Ok((Initiator { offer, suites, fields, kept: kept.map(Box::new) }, hello))
    }

    /// Message 1 once more with its header, and with the cookie that the responder has asked for.
    pub(crate) fn repeat(&mut self, cookie: &[u8], config: &Config) -> Vec<u8> {
        self.fields.extend(field::write_cookie(cookie));
        Hello::write_with(&config.suites, self.offer.gx(), &self.fields)
    }

    /// Takes the body of message 2: checks the responder, gives message 3 with its header.
    ///
    /// # Errors
    /// [`PipeError::BadMessage`], or why the responder is not trusted.
    pub(crate) fn finish(
        self,
        body: &[u8],
        config: &Config,
        unix_s: u64,
    ) -> Result<(Established, Vec<u8>), HandshakeRefusal> {
        let reply = HelloReply::parse(body).ok_or(PipeError::BadMessage)?;
        if !self.suites.contains(&(reply.suite as u8)) {
            return Err(PipeError::BadMessage.into());
        }
        let gx = *self.offer.gx();
        let shared = self.offer.agree(reply.suite, reply.gy, reply.ct)?;
        let th1 = Preamble { offered: &self.suites, suite: reply.suite, gx: &gx, fields: &self.fields }
            .hash(reply.gy, reply.ct);
        let [hk_r, hk_i, mk] = schedule::derive(&th1, &shared);

        let responder =
            Part { role: &RESPONDER, suite: reply.suite, key: &hk_r, mac_key: &mk, transcript: &th1 };
        let (peer, names) =
            responder.open(reply.flight, |peer| config.trust.check(peer, KeyUsage::Serve, unix_s))?;
        let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, reply.flight)]);
        let initiator =
            Part { role: &INITIATOR, suite: reply.suite, key: &hk_i, mac_key: &mk, transcript: &th2 };
        let flight = initiator.seal(config)?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &th2), (Field::FlightI, &flight)]);

        let [tk_i, tk_r, xm] = schedule::derive(&th3, &shared);
        let mut finish = message::header(MessageKind::Finish, flight.len()).to_vec();
        finish.extend_from_slice(&flight);
        let (sealer, opener) =
            (RecordSealer::new(reply.suite, tk_i, th3), RecordOpener::new(reply.suite, tk_r, th3));
        let exporter = Exporter::new(xm);
        let until_s = until_s(config, &peer, unix_s);
        let wants_ticket = config.resumes;
        let established = Established {
            sealer,
            opener,
            peer,
            names,
            transcript: th3,
            exporter,
            until_s,
            wants_ticket,
            is_resumed: false,
        };
        Ok((established, finish))
    }
}

/// The responder after message 2.
pub(crate) struct Responder {
    pub(super) suite: Suite,
    pub(super) shared: Agreed,
    pub(super) hk_i: Secret,
    pub(super) mk: Secret,
    pub(super) th2: [u8; 32],
    /// Who the initiator was proved to be in the session that it resumes, and its names.
    pub(super) proved: Option<Box<(Resumable, Vec<String>)>>,
    pub(super) wants_ticket: bool,
}

impl std::fmt::Debug for Responder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Responder").field("suite", &self.suite).finish_non_exhaustive()
    }
}

impl Responder {
    /// Answers message 1: gives the state and message 2 with its header.
    ///
    /// # Errors
    /// [`PipeError::BadMessage`] or [`PipeError::NothingInCommon`].
    pub(crate) fn start(hello: &Hello, suite: Suite, config: &Config) -> Result<(Self, Vec<u8>), PipeError> {
        let (answer, shared) = exchange::answer(suite, hello.gx, hello.fields.kem_key)?;
        let (gy, ct) = (&answer.gy, answer.ct.as_deref());
        let th1 = Preamble::of(hello, suite).hash(gy, ct);
        let [hk_r, hk_i, mk] = schedule::derive(&th1, &shared);
        let flight =
            Part { role: &RESPONDER, suite, key: &hk_r, mac_key: &mk, transcript: &th1 }.seal(config)?;
        let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, &flight)]);
        let reply = HelloReply { suite, gy, ct, flight: &flight }.write();
        let wants_ticket = hello.fields.ticket.is_some();
        Ok((Responder { suite, shared, hk_i, mk, th2, proved: None, wants_ticket }, reply))
    }

    /// Takes the body of message 3: checks the initiator.
    ///
    /// # Errors
    /// [`PipeError::BadMessage`], or why the initiator is not trusted.
    pub(crate) fn finish(
        mut self,
        body: &[u8],
        config: &Config,
        unix_s: u64,
    ) -> Result<Established, HandshakeRefusal> {
        if let Some(proved) = self.proved.take() {
            return Ok(self.finish_resumed(body, *proved)?);
        }
        let initiator = Part {
            role: &INITIATOR,
            suite: self.suite,
            key: &self.hk_i,
            mac_key: &self.mk,
            transcript: &self.th2,
        };
        let (peer, names) =
            initiator.open(body, |peer| config.trust.check(peer, KeyUsage::Connect, unix_s))?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &self.th2), (Field::FlightI, body)]);
        let [tk_i, tk_r, xm] = schedule::derive(&th3, &self.shared);
        let (sealer, opener) =
            (RecordSealer::new(self.suite, tk_r, th3), RecordOpener::new(self.suite, tk_i, th3));
        Ok(Established {
            sealer,
            opener,
            until_s: until_s(config, &peer, unix_s),
            peer,
            names,
            transcript: th3,
            exporter: Exporter::new(xm),
            wants_ticket: self.wants_ticket,
            is_resumed: false,
        })
    }
}

/// What stands in the transcript before the flights.
pub(super) struct Preamble<'a> {
    pub(super) offered: &'a [u8],
    pub(super) suite: Suite,
    pub(super) gx: &'a [u8; dh::OCTETS],
    pub(super) fields: &'a [u8],
}

impl<'a> Preamble<'a> {
    /// What the responder has received, and chosen.
    pub(super) fn of(hello: &Hello<'a>, suite: Suite) -> Self {
        Preamble { offered: hello.suites, suite, gx: hello.gx, fields: hello.fields.octets }
    }

    /// The digest th1.
    pub(super) fn hash(&self, gy: &[u8; dh::OCTETS], ct: Option<&[u8; kem::CIPHERTEXT_OCTETS]>) -> [u8; 32] {
        let suite = message::suite_field(self.offered, self.suite);
        let values: &Values = &[
            (Field::Suite, &suite),
            (Field::Gx, self.gx),
            (Field::Fields, self.fields),
            (Field::Gy, gy),
            (Field::Ct, ct.map_or(&[], |ct| ct)),
        ];
        hash(&formula::TH1, values)
    }
}

pub(super) fn hash(formula: &Formula, values: &Values) -> [u8; 32] {
    sha256(&formula.gather(values))
}

/// The formulas and fields of one role's flight.
struct Role {
    label: Context,
    signature: &'static Formula,
    mac: &'static Formula,
    flight: &'static Formula,
    label_field: Field,
    transcript_field: Field,
    id_field: Field,
    signature_field: Field,
    mac_field: Field,
}

const RESPONDER: Role = Role {
    label: formula::LABEL_R,
    signature: &formula::SIG_R,
    mac: &formula::MAC_R,
    flight: &formula::FLIGHT_R,
    label_field: Field::LabelR,
    transcript_field: Field::Th1,
    id_field: Field::IdR,
    signature_field: Field::SigR,
    mac_field: Field::MacR,
};

const INITIATOR: Role = Role {
    label: formula::LABEL_I,
    signature: &formula::SIG_I,
    mac: &formula::MAC_I,
    flight: &formula::FLIGHT_I,
    label_field: Field::LabelI,
    transcript_field: Field::Th2,
    id_field: Field::IdI,
    signature_field: Field::SigI,
    mac_field: Field::MacI,
};

/// One side's proof of who it is: identity, signature and MAC, sealed.
struct Part<'a> {
    role: &'static Role,
    suite: Suite,
    key: &'a Secret,
    mac_key: &'a Secret,
    transcript: &'a [u8; 32],
}

impl Part<'_> {
    /// What a signature or MAC covers: label, 0, then the other fields. Every field but the last has a fixed length.
    fn covered(&self, formula: &Formula, id: &[u8]) -> Vec<u8> {
        let label = [self.role.label.0.as_bytes(), &[0]].concat();
        let values: &Values = &[
            (self.role.label_field, &label),
            (self.role.transcript_field, self.transcript),
            (self.role.id_field, id),
        ];
        formula.gather(values).concat()
    }

    fn mac(&self, id: &[u8]) -> Vec<u8> {
        digest::mac(digest::Algorithm::Sha256, &**self.mac_key, &[&self.covered(self.role.mac, id)])
    }

    fn seal(&self, config: &Config) -> Result<Vec<u8>, PipeError> {
        let id = config.identity.credential.encode();
        let signature = config.identity.key.sign_bare(&self.covered(self.role.signature, &id));
        let mac = self.mac(&id);
        let values: &Values = &[
            (self.role.id_field, &id),
            (self.role.signature_field, &signature),
            (self.role.mac_field, &mac),
        ];
        let plain = Zeroizing::new(self.role.flight.gather(values).concat());
        let mut key = SealingKey::new(self.suite.aead(), &**self.key, &FLIGHT_BASE)
            .map_err(|_| PipeError::BadMessage)?
            .with_limit(1);
        key.seal(self.transcript, &plain).map_err(|_| PipeError::BadMessage)
    }

    /// Opens the peer's flight in this order: decrypt, check the signature, check the MAC, decide on trust.
    fn open(
        &self,
        flight: &[u8],
        trusted: impl FnOnce(&Credential) -> Result<Vec<String>, PipeError>,
    ) -> Result<(Credential, Vec<String>), HandshakeRefusal> {
        let mut key = OpeningKey::new(self.suite.aead(), &**self.key, &FLIGHT_BASE)
            .map_err(|_| PipeError::BadMessage)?;
        let plain = key.open(self.transcript, flight).map_err(|_| PipeError::BadMessage)?;
        let (rest, mac) = plain.split_last_chunk::<MAC_OCTETS>().ok_or(PipeError::BadMessage)?;
        let (id, signature) = rest.split_last_chunk::<SIGNATURE_OCTETS>().ok_or(PipeError::BadMessage)?;
        let peer = Credential::parse(id).ok_or(PipeError::BadMessage)?;
        verify(&peer.key, &self.covered(self.role.signature, id), signature)?;
        if !digest::equal(&self.mac(id), mac) {
            return Err(PipeError::BadMessage.into());
        }
        // Decided last: a stranger who shows somebody else's key would learn from the time of the refusal whether that
        // key is trusted.
        match trusted(&peer) {
            Ok(names) => Ok((peer, names)),
            Err(error) => Err(HandshakeRefusal { error, peer: Some(Box::new(peer)) }),
        }
    }
}

fn verify(key: &PublicKey, covered: &[u8], signature: &[u8]) -> Result<(), PipeError> {
    key.verify_bare(covered, signature).map_err(|_| PipeError::BadMessage)
}
