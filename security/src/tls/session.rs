//! One end of a TLS connection as a [`Pipe`].

use crate::half_open::Place;
use crate::limits;
use crate::outgoing::Outgoing;
use crate::pipe::{Failure, Pipe};
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

const BROKEN: Failure = Failure { reason: "TLS: a message was malformed, altered or out of place" };
/// The other side speaks something else.
pub const NOT_TLS: Failure =
    Failure { reason: "the peer does not speak TLS: one side may run with another --transport" };
const SPEAKS_HTTP: Failure =
    Failure { reason: "the peer speaks plain HTTP: one side runs with --transport plain" };
/// The other side speaks something else.
pub const SPEAKS_CHANNEL: Failure =
    Failure { reason: "the peer speaks Dyno's channel: one side runs with --transport channel" };
/// The peer sent an alert.
pub const REFUSED_BY_PEER: Failure =
    Failure { reason: "TLS: the peer refused the connection; it may not trust our certificate" };
const NO_CERTIFICATE: Failure = Failure { reason: "TLS: the peer showed no certificate" };
/// The certificate is not valid now.
pub const EXPIRED: Failure =
    Failure { reason: "TLS: the peer's certificate has expired or is not valid yet" };
/// The certificate is of nobody we trust.
pub const UNKNOWN: Failure =
    Failure { reason: "TLS: the peer's certificate is of an authority that we do not trust" };
/// The certificate is for somebody else.
pub const WRONG_NAME: Failure = Failure { reason: "TLS: the peer's certificate is for another name" };
const BAD_CERTIFICATE: Failure = Failure { reason: "TLS: the peer's certificate is not acceptable" };
const NO_COMMON_GROUND: Failure = Failure {
    reason: "TLS: the peer has no version, cipher or protocol in common with us (TLS 1.3, http/1.1)",
};
const TOO_SLOW: Failure = Failure { reason: "TLS: the handshake took too long" };
const TOO_MANY: Failure = Failure { reason: "TLS: too many handshakes under way" };
/// The connection ended before the handshake did.
pub const CUT_IN_HANDSHAKE: Failure =
    Failure { reason: "TLS: the peer ended the connection during the handshake: it may not speak TLS" };
const TRUNCATED: Failure = Failure { reason: "TLS: the connection was cut: it ended without close_notify" };
const DEAD: Failure = Failure { reason: "TLS: the session has failed already" };
const CLOSED: Failure = Failure { reason: "TLS: the session is closed for sending" };
const TOO_EARLY: Failure = Failure { reason: "TLS: too much to send before the handshake is done" };

/// One end of a TLS connection.
#[derive(Debug)]
pub struct Session {
    connection: Option<Connection>,
    place: Option<Place>,
    is_server: bool,
    outgoing: Outgoing,
    early_octets: usize,
    deadline: Option<Instant>,
    received: bool,
    established: bool,
    closing: bool,
    closed_by_peer: bool,
}

impl Session {
    fn new(
        connection: Result<Connection, rustls::Error>,
        is_server: bool,
        place: Option<Place>,
        now: Instant,
    ) -> Self {
        let mut session = Session {
            connection: connection.ok(),
            place,
            is_server,
            outgoing: Outgoing::default(),
            early_octets: 0,
            deadline: Some(now + limits::HANDSHAKE_TIME),
            received: false,
            established: false,
            closing: false,
            closed_by_peer: false,
        };
        if let Some(connection) = &mut session.connection {
            // The driver bounds what it hands over; rustls would silently take a part only.
            connection.set_buffer_limit(None);
        }
        session.flush();
        session
    }

    pub(super) fn server(config: Arc<ServerConfig>, place: Option<Place>, now: Instant) -> Self {
        Session::new(ServerConnection::new(config).map(Connection::Server), true, place, now)
    }

    pub(super) fn client(config: Arc<ClientConfig>, name: ServerName<'static>, now: Instant) -> Self {
        Session::new(ClientConnection::new(config, name).map(Connection::Client), false, None, now)
    }

    /// The suite in use, once it is known: for reports.
    pub fn suite(&self) -> Option<&'static str> {
        self.connection.as_ref()?.negotiated_cipher_suite()?.suite().as_str()
    }

    fn flush(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let out = self.outgoing.tail();
        while connection.wants_write() {
            // Writing to a vector does not fail.
            let _ = connection.write_tls(out);
        }
    }

    fn fail(&mut self) {
        // The alert that rustls has queued still goes out.
        self.flush();
        self.connection = None;
        self.place = None;
        self.deadline = None;
    }

    fn take(&mut self, mut wire: &[u8], plain: &mut Vec<u8>) -> Result<(), Failure> {
        let connection = self.connection.as_mut().ok_or(DEAD)?;
        while !wire.is_empty() {
            connection.read_tls(&mut wire).map_err(|_| BROKEN)?;
            let state = connection.process_new_packets().map_err(|error| explain(&error))?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            connection.reader().read_exact(&mut plain[start..]).map_err(|_| BROKEN)?;
            if state.peer_has_closed() {
                self.closed_by_peer = true;
                break;
            }
        }
        if !self.established && !connection.is_handshaking() {
            self.established = true;
            self.place = None;
            self.deadline = None;
        }
        Ok(())
    }
}

/// Our own word for what rustls reports.
fn explain(error: &rustls::Error) -> Failure {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => EXPIRED,
            CertificateError::UnknownIssuer => UNKNOWN,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => WRONG_NAME,
            CertificateError::BadSignature => UNKNOWN,
            _ => BAD_CERTIFICATE,
        },
        Error::NoCertificatesPresented => NO_CERTIFICATE,
        Error::AlertReceived(_) => REFUSED_BY_PEER,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => NO_COMMON_GROUND,
        _ => BROKEN,
    }
}

/// Who begins with these octets where a TLS handshake should begin?
fn stranger(first: u8) -> Option<Failure> {
    match first {
        0x14..=0x17 => None,
        b'A'..=b'Z' => Some(SPEAKS_HTTP),
        1 | 2 => Some(SPEAKS_CHANNEL),
        _ => Some(NOT_TLS),
    }
}

impl Pipe for Session {
    fn receive(&mut self, wire: &[u8], plain: &mut Vec<u8>, _now: Instant) -> Result<(), Failure> {
        if self.is_server && !self.established && self.place.is_none() {
            self.fail();
            return Err(TOO_MANY);
        }
        if let (false, Some(&first)) = (self.received, wire.first()) {
            self.received = true;
            if let Some(failure) = stranger(first) {
                self.connection = None;
                self.fail();
                return Err(failure);
            }
        }
        let result = self.take(wire, plain);
        match result {
            Ok(()) => self.flush(),
            Err(_) => self.fail(),
        }
        result
    }

    fn receive_eof(&mut self) -> Result<(), Failure> {
        let failure = match self.connection {
            None => DEAD,
            _ if self.closed_by_peer => return Ok(()),
            _ if self.established => TRUNCATED,
            _ => CUT_IN_HANDSHAKE,
        };
        self.fail();
        Err(failure)
    }

    fn send(&mut self, plain: &[u8]) -> Result<(), Failure> {
        let connection = self.connection.as_mut().ok_or(DEAD)?;
        if self.closing {
            return Err(CLOSED);
        }
        if !self.established {
            self.early_octets += plain.len();
            if self.early_octets > limits::EARLY_OCTETS {
                return Err(TOO_EARLY);
            }
        }
        connection.writer().write_all(plain).map_err(|_| BROKEN)?;
        self.flush();
        Ok(())
    }

    fn close(&mut self) {
        if let (false, Some(connection)) = (self.closing, &mut self.connection) {
            connection.send_close_notify();
            self.closing = true;
            self.flush();
        }
    }

    fn pending(&self) -> &[u8] {
        self.outgoing.pending()
    }

    fn advance(&mut self, count: usize) {
        self.outgoing.advance(count);
    }

    fn is_established(&self) -> bool {
        self.established && self.connection.is_some()
    }

    fn is_closed_by_peer(&self) -> bool {
        self.closed_by_peer
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), Failure> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Ok(());
        }
        self.fail();
        Err(TOO_SLOW)
    }
}
