//! The three messages of SIGMA-I. Each step takes its side's state by value, so no step can run twice or out of order.

use super::config::Config;
use super::credential::{Credential, KeyUsage};
use super::exchange::{self, Agreed, Offer};
use super::exporter::Exporter;
use super::field;
use super::flight::{Flight, Role, Values};
use super::formula::{self, Field, Formula};
use super::message::{self, Hello, HelloReply, Suite};
use super::record::{RecordOpener, RecordSealer};
use super::resumption::kept::Kept;
use super::resumption::tickets::Resumable;
use super::schedule::{self, Secret};
use crate::dh;
use crate::digest::{self, sha256};
use crate::kem;
use crate::limits;
use crate::pipe::error::PipeError;
use crate::signature::SIGNATURE_OCTETS;
use zeroize::Zeroizing;

const MAC_OCTETS: usize = 32;

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

/// What each side has when the handshake is done.
#[derive(Debug)]
pub(crate) struct Established {
    /// Seals our records.
    pub(crate) sealer: RecordSealer,
    /// Opens the peer's records.
    pub(crate) opener: RecordOpener,
    /// What the peer has proved.
    pub(crate) proved: Proved,
    /// The transcript digest th3: the same on both sides, and different in every other session. It is not secret.
    pub(crate) transcript: [u8; 32],
    /// Gives keys to the application.
    pub(crate) exporter: Exporter,
    /// Whether the initiator wants a ticket and has none yet.
    pub(crate) wants_ticket: bool,
}

impl Established {
    /// From the secrets for what this side seals and opens, and from that for the application, all three made with
    /// `transcript`.
    pub(super) fn new(
        suite: Suite,
        transcript: [u8; 32],
        [seals, opens, exports]: [Secret; 3],
        proved: Proved,
        wants_ticket: bool,
    ) -> Self {
        Established {
            sealer: RecordSealer::new(suite, seals, transcript),
            opener: RecordOpener::new(suite, opens, transcript),
            proved,
            transcript,
            exporter: Exporter::new(exports),
            wants_ticket,
        }
    }
}

/// What a handshake proves of the peer, by its signature or by the secret of the session that is resumed.
#[derive(Debug)]
pub(crate) struct Proved {
    /// Its credential.
    pub(crate) peer: Credential,
    /// The names under which we know it.
    pub(crate) names: Vec<String>,
    /// The last second at which another session may resume this one, counted from 1970.
    pub(crate) until_s: u64,
    /// Whether this session has resumed another one.
    pub(crate) is_resumed: bool,
}

impl Proved {
    /// By a signature at `unix_s`.
    fn by_signature((peer, names): (Credential, Vec<String>), config: &Config, unix_s: u64) -> Self {
        let an_hour_on = unix_s.saturating_add(limits::RESUMPTION_TIME.as_secs());
        let until_s = config.trust.until_s(&peer).min(an_hour_on);
        Proved { peer, names, until_s, is_resumed: false }
    }
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

        let suite = reply.suite;
        let flight_r = Flight { role: &RESPONDER.role, suite, key: &hk_r, mac_key: &mk, transcript: &th1 };
        let trusted = |peer: &_| config.trust.check(peer, KeyUsage::Serve, unix_s);
        let peer = RESPONDER.check(&flight_r, reply.flight, trusted)?;
        let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, reply.flight)]);
        let flight_i = Flight { role: &INITIATOR.role, suite, key: &hk_i, mac_key: &mk, transcript: &th2 };
        let flight = INITIATOR.prove(&flight_i, config)?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &th2), (Field::FlightI, &flight)]);

        let [tk_i, tk_r, xm] = schedule::derive(&th3, &shared);
        let proved = Proved::by_signature(peer, config, unix_s);
        let established = Established::new(suite, th3, [tk_i, tk_r, xm], proved, config.resumes);
        Ok((established, message::finish(&flight)))
    }
}

/// The responder after message 2.
pub(crate) struct Responder {
    pub(super) suite: Suite,
    pub(super) shared: Agreed,
    pub(super) hk_i: Secret,
    pub(super) mk: Secret,
    pub(super) th2: [u8; 32],
    /// What the ticket holds of the session that is resumed, and the initiator's names.
    pub(super) resumes: Option<Box<(Resumable, Vec<String>)>>,
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
        let flight = Flight { role: &RESPONDER.role, suite, key: &hk_r, mac_key: &mk, transcript: &th1 };
        let flight = RESPONDER.prove(&flight, config)?;
        let th2 = hash(&formula::TH2, &[(Field::Th1, &th1), (Field::FlightR, &flight)]);
        let reply = HelloReply { suite, gy, ct, flight: &flight }.write();
        let wants_ticket = hello.fields.ticket.is_some();
        Ok((Responder { suite, shared, hk_i, mk, th2, resumes: None, wants_ticket }, reply))
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
        if let Some(resumes) = self.resumes.take() {
            return Ok(self.finish_resumed(body, *resumes)?);
        }
        let flight = Flight {
            role: &INITIATOR.role,
            suite: self.suite,
            key: &self.hk_i,
            mac_key: &self.mk,
            transcript: &self.th2,
        };
        let trusted = |peer: &_| config.trust.check(peer, KeyUsage::Connect, unix_s);
        let peer = INITIATOR.check(&flight, body, trusted)?;
        let th3 = hash(&formula::TH3, &[(Field::Th2, &self.th2), (Field::FlightI, body)]);
        let [tk_i, tk_r, xm] = schedule::derive(&th3, &self.shared);
        let proved = Proved::by_signature(peer, config, unix_s);
        Ok(Established::new(self.suite, th3, [tk_r, tk_i, xm], proved, self.wants_ticket))
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

/// How one role proves who it is by a signature, beside what every flight has.
struct Signer {
    role: Role,
    signature: &'static Formula,
    flight: &'static Formula,
    id_field: Field,
    signature_field: Field,
    mac_field: Field,
}

const RESPONDER: Signer = Signer {
    role: Role {
        label: formula::LABEL_R,
        label_field: Field::LabelR,
        transcript_field: Field::Th1,
        mac: &formula::MAC_R,
    },
    signature: &formula::SIG_R,
    flight: &formula::FLIGHT_R,
    id_field: Field::IdR,
    signature_field: Field::SigR,
    mac_field: Field::MacR,
};

const INITIATOR: Signer = Signer {
    role: Role {
        label: formula::LABEL_I,
        label_field: Field::LabelI,
        transcript_field: Field::Th2,
        mac: &formula::MAC_I,
    },
    signature: &formula::SIG_I,
    flight: &formula::FLIGHT_I,
    id_field: Field::IdI,
    signature_field: Field::SigI,
    mac_field: Field::MacI,
};

impl Signer {
    /// Seals identity, signature and MAC of our own.
    fn prove(&self, flight: &Flight<'_>, config: &Config) -> Result<Vec<u8>, PipeError> {
        let id = config.identity.credential.encode();
        let shown: &Values = &[(self.id_field, &id)];
        let signature = config.identity.key.sign_bare(&flight.covered(self.signature, shown));
        let mac = flight.mac(shown);
        let proof: &Values =
            &[(self.id_field, &id), (self.signature_field, &signature), (self.mac_field, &mac)];
        flight.seal(&Zeroizing::new(self.flight.gather(proof).concat()))
    }

    /// Opens the peer's flight in this order: decrypt, check the signature, check the MAC, decide on trust.
    fn check(
        &self,
        flight: &Flight<'_>,
        sealed: &[u8],
        trusted: impl FnOnce(&Credential) -> Result<Vec<String>, PipeError>,
    ) -> Result<(Credential, Vec<String>), HandshakeRefusal> {
        let plain = flight.open(sealed)?;
        let (rest, mac) = plain.split_last_chunk::<MAC_OCTETS>().ok_or(PipeError::BadMessage)?;
        let (id, signature) = rest.split_last_chunk::<SIGNATURE_OCTETS>().ok_or(PipeError::BadMessage)?;
        let peer = Credential::parse(id).ok_or(PipeError::BadMessage)?;
        let shown: &Values = &[(self.id_field, id)];
        let covered = flight.covered(self.signature, shown);
        peer.key.verify_bare(&covered, signature).map_err(|_| PipeError::BadMessage)?;
        if !digest::equal(&flight.mac(shown), mac) {
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
