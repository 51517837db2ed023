//! The wire format of messages: every message is `type (1), length (2, big endian), body`.
//!
//! Parsing is strict: every message has one encoding, and every octet is checked, so the transcript covers each bit.

use super::field::HelloFields;
use crate::aead;
use crate::dh;
use crate::kem;
use crate::limits;
use std::str::FromStr;

/// Octets of the header.
pub const HEADER_OCTETS: usize = 3;
/// The first octets of the first message, by which a peer that speaks another protocol is recognized.
pub(crate) const PROTOCOL: &[u8; 12] = b"dyno-channel";
/// The only version so far.
pub const VERSION: u8 = 1;
/// The greatest length field of a record.
pub const RECORD_BODY_OCTETS: usize = limits::RECORD_PLAINTEXT_OCTETS + aead::TAG_OCTETS;

/// The kind of a message, which is its first octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// Message 1, from the initiator.
    Hello = 1,
    /// Message 2, from the responder.
    Reply = 2,
    /// Message 3, from the initiator.
    Finish = 3,
    /// A record without content: the responder has accepted.
    Ready = 4,
    /// A record with 1 to 16,384 octets of application data.
    Data = 5,
    /// A record without content: the sender seals its next record under its next key.
    Rekey = 6,
    /// A record without content: the sender will send nothing more.
    Close = 7,
    /// In place of message 2, from a responder under load: message 1 is to be sent again with this cookie.
    Cookie = 8,
    /// A record with the initiator's fresh public keys: both are to take new secrets.
    Renew = 9,
    /// A record with the responder's fresh public keys and its signature.
    Answer = 10,
    /// A record after which its sender seals under the new secrets; the initiator's carries its signature.
    Fresh = 11,
    /// In place of message 2, to an initiator whose ticket was taken.
    Resumed = 12,
    /// A record with a ticket for the initiator, and for how many seconds it is good.
    Ticket = 13,
}

/// A cipher suite: all use X25519, Ed25519 and SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Suite {
    /// AES-256-GCM.
    Aes256Gcm = 1,
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305 = 2,
    /// AES-256-GCM, and ML-KEM-768 beside X25519.
    HybridAes256Gcm = 3,
    /// ChaCha20-Poly1305, and ML-KEM-768 beside X25519.
    HybridChaCha20Poly1305 = 4,
}

impl Suite {
    /// Every suite.
    pub const ALL: [Suite; 4] =
        [Suite::Aes256Gcm, Suite::ChaCha20Poly1305, Suite::HybridAes256Gcm, Suite::HybridChaCha20Poly1305];

    /// Those with X25519 alone, in our order of preference.
    pub const CLASSICAL: [Suite; 2] = [Suite::Aes256Gcm, Suite::ChaCha20Poly1305];

    /// Those whose sessions stay closed to a quantum computer that comes later, in our order of preference.
    pub const HYBRID: [Suite; 2] = [Suite::HybridAes256Gcm, Suite::HybridChaCha20Poly1305];

    /// The word for it on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Suite::Aes256Gcm => "x25519-aes256gcm",
            Suite::ChaCha20Poly1305 => "x25519-chacha20poly1305",
            Suite::HybridAes256Gcm => "x25519-mlkem768-aes256gcm",
            Suite::HybridChaCha20Poly1305 => "x25519-mlkem768-chacha20poly1305",
        }
    }

    /// The cipher of records and flights.
    pub fn aead(self) -> aead::Algorithm {
        match self {
            Suite::Aes256Gcm | Suite::HybridAes256Gcm => aead::Algorithm::Aes256Gcm,
            Suite::ChaCha20Poly1305 | Suite::HybridChaCha20Poly1305 => aead::Algorithm::ChaCha20Poly1305,
        }
    }

    /// Whether ML-KEM-768 stands beside X25519.
    pub fn is_hybrid(self) -> bool {
        Suite::HYBRID.contains(&self)
    }

    pub(crate) fn from_octet(octet: u8) -> Option<Suite> {
        Suite::ALL.into_iter().find(|&suite| suite as u8 == octet)
    }
}

/// A word that names no suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no suite `{0}`: {names}", names = Suite::ALL.map(Suite::name).join(", "))]
pub struct UnknownSuite(pub String);

impl FromStr for Suite {
    type Err = UnknownSuite;

    fn from_str(text: &str) -> Result<Self, UnknownSuite> {
        let found = Suite::ALL.into_iter().find(|suite| suite.name() == text);
        found.ok_or_else(|| UnknownSuite(text.into()))
    }
}

/// A header for a body of `length` octets.
///
/// # Panics
/// When `length` is above 65,535; the callers' limits lie far below.
pub fn header(kind: MessageKind, length: usize) -> [u8; HEADER_OCTETS] {
    let length = u16::try_from(length).expect("bodies are limited to 16,400 octets").to_be_bytes();
    [kind as u8, length[0], length[1]]
}

/// Message 1, as parsed.
#[derive(Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Suites offered, most wanted first, as octets: unknown ones are allowed, for later versions.
    pub suites: &'a [u8],
    /// The initiator's ephemeral public key.
    pub gx: &'a [u8; dh::OCTETS],
    /// What more stands in the message.
    pub fields: HelloFields<'a>,
}

impl<'a> Hello<'a> {
    /// Parses the body of message 1; `None` when it is anything else, or offers a hybrid suite without its key.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let rest = body.strip_prefix(PROTOCOL.as_slice())?;
        let (&[version, count], rest) = rest.split_first_chunk()?;
        let count = usize::from(count);
        if version != VERSION || count == 0 || count > limits::OFFERED_SUITES {
            return None;
        }
        let (suites, rest) = rest.split_at_checked(count)?;
        let (gx, rest) = rest.split_first_chunk()?;
        let fields = HelloFields::parse(rest)?;
        let offers_hybrid = Suite::HYBRID.iter().any(|&suite| suites.contains(&(suite as u8)));
        (fields.kem_key.is_some() || !offers_hybrid).then_some(Hello { suites, gx, fields })
    }

    /// The first suite of the offer that is among `ours`.
    pub fn choose(&self, ours: &[Suite]) -> Option<Suite> {
        self.suites.iter().filter_map(|&octet| Suite::from_octet(octet)).find(|suite| ours.contains(suite))
    }

    /// Writes message 1 with its header, without further fields.
    pub fn write(suites: &[Suite], gx: &[u8; dh::OCTETS]) -> Vec<u8> {
        Hello::write_with(suites, gx, &[])
    }

    /// Writes message 1 with its header and the octets of its further fields.
    pub fn write_with(suites: &[Suite], gx: &[u8; dh::OCTETS], fields: &[u8]) -> Vec<u8> {
        let length = PROTOCOL.len() + 2 + suites.len() + dh::OCTETS + fields.len();
        let mut out = header(MessageKind::Hello, length).to_vec();
        out.extend_from_slice(PROTOCOL);
        out.extend_from_slice(&[VERSION, suites.len() as u8]);
        out.extend(suites.iter().map(|&suite| suite as u8));
        out.extend_from_slice(gx);
        out.extend_from_slice(fields);
        out
    }
}

/// Message 2, as parsed.
#[derive(Debug, PartialEq, Eq)]
pub struct HelloReply<'a> {
    /// The suite that the responder has chosen.
    pub suite: Suite,
    /// The responder's ephemeral public key.
    pub gy: &'a [u8; dh::OCTETS],
    /// With a hybrid suite, the secret that the responder has encapsulated to the initiator's key.
    pub ct: Option<&'a [u8; kem::CIPHERTEXT_OCTETS]>,
    /// The responder's proof of who it is, sealed.
    pub flight: &'a [u8],
}

impl<'a> HelloReply<'a> {
    /// Parses the body of message 2; `None` when it is anything else.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (&[version, suite], rest) = body.split_first_chunk()?;
        let suite = Suite::from_octet(suite).filter(|_| version == VERSION)?;
        let (gy, rest) = rest.split_first_chunk()?;
        let (ct, flight) = match suite.is_hybrid() {
            true => rest.split_first_chunk().map(|(ct, flight)| (Some(ct), flight))?,
            false => (None, rest),
        };
        Some(HelloReply { suite, gy, ct, flight })
    }

    /// Writes message 2 with its header.
    pub fn write(&self) -> Vec<u8> {
        self.write_as(MessageKind::Reply)
    }

    /// The same as a message of `kind`.
    pub(crate) fn write_as(&self, kind: MessageKind) -> Vec<u8> {
        let ct = self.ct.map_or(&[][..], |ct| ct);
        let mut out = header(kind, 2 + dh::OCTETS + ct.len() + self.flight.len()).to_vec();
        out.extend_from_slice(&[VERSION, self.suite as u8]);
        out.extend_from_slice(self.gy);
        out.extend_from_slice(ct);
        out.extend_from_slice(self.flight);
        out
    }
}

/// Message 3 with its header, from its sealed part.
pub(crate) fn finish(flight: &[u8]) -> Vec<u8> {
    let mut out = header(MessageKind::Finish, flight.len()).to_vec();
    out.extend_from_slice(flight);
    out
}

/// The transcript's first field: everything of messages 1 and 2 that is neither an ephemeral key nor sealed.
pub fn suite_field(offered: &[u8], chosen: Suite) -> Vec<u8> {
    let mut out = PROTOCOL.to_vec();
    out.extend_from_slice(&[VERSION, offered.len() as u8]);
    out.extend_from_slice(offered);
    out.extend_from_slice(&[VERSION, chosen as u8]);
    out
}
