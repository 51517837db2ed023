//! The wire format of messages: every message is `type (1), length (2, big endian), body`.
//!
//! Parsing is strict: one way to write a thing, no octet that nobody looks at, so that each bit is covered by the transcript.

use crate::aead;
use crate::dh;
use crate::limits;

/// Octets of the header.
pub const HEADER_OCTETS: usize = 3;
/// The first octets of a first message: whoever else knocks is told apart here.
pub const PROTOCOL: &[u8; 12] = b"dyno-channel";
/// The only version so far.
pub const VERSION: u8 = 1;
/// The greatest length field of a record.
pub const RECORD_BODY_OCTETS: usize = limits::RECORD_PLAINTEXT_OCTETS + aead::TAG_OCTETS;

/// What the first octet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Message 1.
    Hello = 1,
    /// Message 2.
    Reply = 2,
    /// Message 3.
    Finish = 3,
    /// Record: the responder has accepted. Empty.
    Ready = 4,
    /// Record: application data, 1 to 16,384 octets.
    Data = 5,
    /// Record: the sender's next record is sealed under its next key. Empty.
    Rekey = 6,
    /// Record: the sender will send nothing more. Empty.
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
pub fn header(kind: Kind, length: usize) -> [u8; HEADER_OCTETS] {
    let length = u16::try_from(length).expect("bodies are limited to 16,400 octets").to_be_bytes();
    [kind as u8, length[0], length[1]]
}

/// Message 1, as parsed.
#[derive(Debug, PartialEq, Eq)]
pub struct Hello<'a> {
    /// Suites offered, most wanted first, as octets: unknown ones are allowed, for later versions.
    pub suites: &'a [u8],
    /// The ephemeral public key.
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
        let mut out = header(Kind::Hello, PROTOCOL.len() + 2 + suites.len() + dh::OCTETS).to_vec();
        out.extend_from_slice(PROTOCOL);
        out.extend_from_slice(&[VERSION, suites.len() as u8]);
        out.extend(suites.iter().map(|&suite| suite as u8));
        out.extend_from_slice(gx);
        out
    }
}

/// Message 2, as parsed.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The suite chosen.
    pub suite: Suite,
    /// The ephemeral public key.
    pub gy: &'a [u8; dh::OCTETS],
    /// The sealed rest.
    pub flight: &'a [u8],
}

impl<'a> Reply<'a> {
    /// Parses the body of message 2; `None` when it is anything else.
    pub fn parse(body: &'a [u8]) -> Option<Self> {
        let (&[version, suite], rest) = body.split_first_chunk()?;
        let (gy, flight) = rest.split_first_chunk()?;
        (version == VERSION).then_some(Reply { suite: Suite::from_octet(suite)?, gy, flight })
    }

    /// Writes message 2 with its header.
    pub fn write(suite: Suite, gy: &[u8; dh::OCTETS], flight: &[u8]) -> Vec<u8> {
        let mut out = header(Kind::Reply, 2 + dh::OCTETS + flight.len()).to_vec();
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
