//! One end of a TLS connection as a [`Pipe`].

use super::names::names_of;
use super::trust::is_authority_as_server;
use crate::half_open::Door;
use crate::lifecycle::{self, Lifecycle};
use crate::limits;
use crate::outgoing::Outgoing;
use crate::pipe::Pipe;
use crate::pipe::alert::Alert;
use crate::pipe::error::PipeError;
use crate::transport::Transport;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Connection, PeerIncompatible};
use rustls::{ServerConfig, ServerConnection};
use std::io::{IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// One end of a TLS connection; made by a [`super::endpoint`].
#[derive(Debug)]
pub struct TlsSession {
    /// `None` once the session has failed.
    connection: Option<Connection>,
    life: Lifecycle,
    /// What is read from the wire; rustls copies what it needs of it.
    wire: Vec<u8>,
    /// What rustls has opened, and how much of it was taken.
    plain: Vec<u8>,
    taken: usize,
    outgoing: Outgoing,
    /// Octets that were sent before the handshake was done.
    early_octets: usize,
    /// Whether the peer's first octet has arrived.
    received: bool,
    /// The names in the peer's certificate, once it is accepted.
    names: Vec<String>,
}

impl TlsSession {
    fn new(connection: Result<Connection, rustls::Error>, door: Option<Door>, now: Instant) -> Self {
        let mut session = TlsSession {
            connection: connection.ok(),
            life: Lifecycle::new(door, now, limits::HANDSHAKE_TIME),
            wire: Vec::new(),
            plain: Vec::new(),
            taken: 0,
            outgoing: Outgoing::default(),
            early_octets: 0,
            received: false,
            names: Vec::new(),
        };
        if let Some(connection) = &mut session.connection {
            // The driver limits what it hands over; with a limit of its own, rustls would silently take only a part.
            connection.set_buffer_limit(None);
        }
        session.flush();
        session
    }

    pub(super) fn server(config: Arc<ServerConfig>, door: Door, now: Instant) -> Self {
        TlsSession::new(ServerConnection::new(config).map(Connection::Server), Some(door), now)
    }

    pub(super) fn client(config: Arc<ClientConfig>, name: ServerName<'static>, now: Instant) -> Self {
        TlsSession::new(ClientConnection::new(config, name).map(Connection::Client), None, now)
    }

    /// The cipher suite in use, for reports; `None` until it is agreed upon.
    pub fn suite(&self) -> Option<&'static str> {
        self.connection.as_ref()?.negotiated_cipher_suite()?.suite().as_str()
    }

    fn flush(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        while connection.wants_write() {
            // Writing to memory does not fail.
            let _ = connection.write_tls(&mut self.outgoing);
        }
    }

    fn fail(&mut self) {
        // The alert that rustls has queued still goes out.
        self.flush();
        self.connection = None;
        self.names = Vec::new();
        self.life.fail();
    }

    fn take(&mut self, count: usize) -> Result<(), PipeError> {
        let (mut wire, plain) = (&self.wire[..count], &mut self.plain);
        let connection = self.connection.as_mut().ok_or(PipeError::AlreadyFailed)?;
        while !wire.is_empty() {
            connection.read_tls(&mut wire).map_err(|_| PipeError::BadMessage)?;
            let state = connection.process_new_packets().map_err(|error| kind_of(&error))?;
            let start = plain.len();
            plain.resize(start + state.plaintext_bytes_to_read(), 0);
            connection.reader().read_exact(&mut plain[start..]).map_err(|_| PipeError::BadMessage)?;
            if state.peer_has_closed() {
                self.life.closed_by_peer = true;
                break;
            }
        }
        if !self.life.established && !connection.is_handshaking() {
            self.life.establish(None);
            let certificate = connection.peer_certificates().and_then(<[_]>::first);
            self.names = certificate.map_or_else(Vec::new, names_of);
        } else if connection.wants_write() {
            // There is an answer, so the peer's first message is whole.
            self.life.begin();
        }
        Ok(())
    }
}

/// The kind of error that rustls reports.
fn kind_of(error: &rustls::Error) -> PipeError {
    use rustls::Error;
    match error {
        Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => PipeError::Expired,
            CertificateError::UnknownIssuer | CertificateError::BadSignature => PipeError::UnknownAuthority,
            CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. }
            | CertificateError::InvalidPurpose
            | CertificateError::InvalidPurposeContext { .. } => PipeError::WrongName,
            CertificateError::Revoked => PipeError::Revoked,
            other if is_authority_as_server(other) => PipeError::AuthorityAsServer,
            _ => PipeError::BadCertificate,
        },
        Error::NoCertificatesPresented => PipeError::NoCertificate,
        Error::AlertReceived(description) => PipeError::RefusedByPeer(Alert::of(u8::from(*description))),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::SupportedVersionsExtensionRequired,
        ) => PipeError::OtherVersion,
        Error::PeerIncompatible(_) | Error::NoApplicationProtocol => PipeError::NothingInCommon,
        _ => PipeError::BadMessage,
    }
}

/// What is wrong with the first octet of a TLS connection, if anything is.
fn check_first(octet: u8) -> Result<(), PipeError> {
    match lifecycle::transport_of(octet) {
        Some(Transport::Tls) => Ok(()),
        Some(other @ (Transport::Plain | Transport::Channel)) => Err(PipeError::OtherTransport(other)),
        None => Err(PipeError::NotTls),
    }
}

impl Pipe for TlsSession {
    fn room(&mut self, octets: usize) -> &mut [u8] {
        self.wire.resize(octets, 0);
        &mut self.wire
    }

    fn received(&mut self, count: usize, _now: Instant) -> Result<(), PipeError> {
        if let (false, Some(&first)) = (self.received, self.wire[..count].first()) {
            self.received = true;
            if let Err(error) = check_first(first) {
                // A peer that does not speak TLS gets no alert.
                self.connection = None;
                self.fail();
                return Err(error);
            }
        }
        let result = self.life.heard().and_then(|()| self.take(count));
        match result {
            Ok(()) => self.flush(),
            Err(_) => self.fail(),
        }
        result
    }

    fn plain(&self) -> &[u8] {
        &self.plain[self.taken..]
    }

    fn take_plain(&mut self, count: usize) {
        assert!(count <= self.plain().len(), "more plaintext was taken than there was");
        self.taken += count;
        if self.taken == self.plain.len() {
            self.plain.clear();
            self.taken = 0;
        }
    }

    fn relax(&mut self) {
        self.wire = Vec::new();
        if self.plain.is_empty() {
            self.plain = Vec::new();
        }
        self.outgoing.relax();
    }

    fn receive_eof(&mut self) -> Result<(), PipeError> {
        if self.connection.is_none() {
            return Err(PipeError::AlreadyFailed);
        }
        self.life.end_of_stream().inspect_err(|_| self.fail())
    }

    fn compose(&mut self, octets: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), PipeError> {
        let mut plain = vec![0; octets];
        for piece in plain.chunks_mut(limits::RECORD_PLAINTEXT_OCTETS) {
            fill(piece);
        }
        self.send(&plain)
    }

    fn send_parts(&mut self, parts: [&[u8]; 2]) -> Result<(), PipeError> {
        let connection = self.connection.as_mut().ok_or(PipeError::AlreadyFailed)?;
        if self.life.closing {
            return Err(PipeError::ClosedForSending);
        }
        if !self.life.established {
            self.early_octets += parts[0].len() + parts[1].len();
            if self.early_octets > limits::EARLY_OCTETS {
                return Err(PipeError::TooEarly);
            }
        }
        // Without a limit of its own, rustls takes all at once.
        let taken = connection.writer().write_vectored(&parts.map(IoSlice::new));
        if taken.ok() != Some(parts[0].len() + parts[1].len()) {
            return Err(PipeError::BadMessage);
        }
        self.flush();
        Ok(())
    }

    fn close(&mut self) {
        if let (false, Some(connection)) = (self.life.closing, &mut self.connection) {
            connection.send_close_notify();
            self.life.closing = true;
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
        self.life.established && self.connection.is_some()
    }

    fn is_closed_by_peer(&self) -> bool {
        self.life.closed_by_peer
    }

    fn peer_names(&self) -> &[String] {
        &self.names
    }

    // rustls keeps no certificate that it has not accepted.
    fn peer_shown(&self) -> Option<String> {
        (!self.names.is_empty()).then(|| format!("a certificate for {:?}", self.names))
    }

    fn deadline(&self) -> Option<Instant> {
        self.life.deadline
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), PipeError> {
        if !self.life.is_due(now) {
            return Ok(());
        }
        self.fail();
        Err(PipeError::TooSlow)
    }
}
