//! The wire format of messages: every message is `type (1), length (2, big endian), body`.
//!
//! Parsing is strict: every message has one encoding, and every octet is checked, so the transcript covers each bit.

use crate::aead;
use crate::dh;
use crate::limits;

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
}

/// A cipher suite: both use X25519, Ed25519 and SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Suite {
    /// AES-256-GCM.
    Aes256Gcm = 1,
    /// ChaCha20-Poly1305.
    ChaCha20Poly1305 = 2,
}

impl Suite {
    /// In our order of preference.
    pub const ALL: [Suite; 2] = [Suite::Aes256Gcm, Suite::ChaCha20Poly1305];

    /// The cipher of records and flights.
    pub fn aead(self) -> aead::Algorithm {
        match self {
            Suite::Aes256Gcm => aead::Algorithm::Aes256Gcm,
            Suite::ChaCha20Poly1305 => aead::Algorithm::ChaCha20Poly1305,
        }
    }

    fn from_octet(octet: u8) -> Option<Suite> {
        Suite::ALL.into_iter().find(|&suite| suite as u8 == octet)
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
}

impl<'a> Hello<'a> {
    /// Parses the body of message 1; `None` when it is anything else.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let rest = body.strip_prefix(PROTOCOL.as_slice())?;
        let (&[version, count], rest) = rest.split_first_chunk()?;
        let count = usize::from(count);
        if version != VERSION
            || count == 0
            || count > limits::OFFERED_SUITES
            || rest.len() != count + dh::OCTETS
        {
            return None;
        }
        let (suites, gx) = rest.split_at(count);
        Some(Hello { suites, gx: gx.try_into().ok()? })
    }

    /// The first suite of the offer that is among `ours`.
    pub fn choose(&self, ours: &[Suite]) -> Option<Suite> {
        self.suites.iter().filter_map(|&octet| Suite::from_octet(octet)).find(|suite| ours.contains(suite))
    }

    /// Writes message 1 with its header.
    pub fn write(suites: &[Suite], gx: &[u8; dh::OCTETS]) -> Vec<u8> {
        let mut out = header(MessageKind::Hello, PROTOCOL.len() + 2 + suites.len() + dh::OCTETS).to_vec();
        out.extend_from_slice(PROTOCOL);
        out.extend_from_slice(&[VERSION, suites.len() as u8]);
        out.extend(suites.iter().map(|&suite| suite as u8));
        out.extend_from_slice(gx);
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
    /// The responder's proof of who it is, sealed.
    pub flight: &'a [u8],
}

impl<'a> HelloReply<'a> {
    /// Parses the body of message 2; `None` when it is anything else.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (&[version, suite], rest) = body.split_first_chunk()?;
        let (gy, flight) = rest.split_first_chunk()?;
        (version == VERSION).then_some(HelloReply { suite: Suite::from_octet(suite)?, gy, flight })
    }

    /// Writes message 2 with its header.
    pub fn write(suite: Suite, gy: &[u8; dh::OCTETS], flight: &[u8]) -> Vec<u8> {
        let mut out = header(MessageKind::Reply, 2 + dh::OCTETS + flight.len()).to_vec();
        out.extend_from_slice(&[VERSION, suite as u8]);
        out.extend_from_slice(gy);
        out.extend_from_slice(flight);
        out
    }
}

/// The transcript's first field: everything of messages 1 and 2 that is neither an ephemeral key nor sealed.
pub fn suite_field(offered: &[u8], chosen: Suite) -> Vec<u8> {
    let mut out = PROTOCOL.to_vec();
    out.extend_from_slice(&[VERSION, offered.len() as u8]);
    out.extend_from_slice(offered);
    out.extend_from_slice(&[VERSION, chosen as u8]);
    out
}
