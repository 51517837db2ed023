//! Why a pipe stopped: the same kinds for the channel and for TLS.

use crate::pipe::alert::Alert;
use crate::transport::Transport;

/// Why one end of a pipe gave up. The reason is for the operator of this end and never goes over the wire.
///
/// Most kinds are faults of the peer. The last four are of our own making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.reason())]
pub enum PipeError {
    /// The peer's first octet belongs to another transport ([`Transport::Plain`] stands for HTTP without any).
    OtherTransport(Transport),
    /// The peer's first octet belongs to nothing that this crate knows, where TLS was expected.
    NotTls,
    /// A message was malformed, altered or out of place. Every cryptographic failure has this one kind, so that nobody
    /// can learn from our reaction which check a forged message passed.
    BadMessage,
    /// The peer has no version, cipher suite or application protocol in common with us.
    NothingInCommon,
    /// The peer speaks for another application than we do.
    OtherContext,
    /// The peer proved that it holds a key, but the key is neither pinned nor certified by an authority that we trust.
    UnknownKey,
    /// The peer's TLS certificate was issued by an authority that we do not trust.
    UnknownAuthority,
    /// We asked the peer for a TLS certificate, and it showed none.
    NoCertificate,
    /// The peer's certificate has expired or is not valid yet.
    Expired,
    /// The peer's certificate is for another name or role.
    WrongName,
    /// The peer's TLS certificate cannot be used for another reason.
    BadCertificate,
    /// The peer showed the certificate of an authority as its own, which nobody named as the one to trust.
    AuthorityAsServer,
    /// The peer's certificate was taken back by its authority.
    Revoked,
    /// The peer speaks another version of TLS than 1.3.
    OtherVersion,
    /// The peer sent this TLS alert.
    RefusedByPeer(Alert),
    /// The connection ended before the handshake was done.
    CutInHandshake,
    /// The connection ended without the peer's authenticated close (for TLS, its `close_notify`).
    Truncated,
    /// The handshake was not done at its deadline.
    TooSlow,
    /// Too many handshakes are under way at our acceptor.
    TooManyHandshakes,
    /// The operating system gives no random octets.
    NoRandomness,
    /// The caller sent more than [`crate::limits::EARLY_OCTETS`] before the handshake was done.
    TooEarly,
    /// The caller sent after it had closed the pipe.
    ClosedForSending,
    /// The caller went on using a pipe that had failed.
    AlreadyFailed,
}

impl PipeError {
    /// The reason in words, the same as its `Display`.
    pub const fn reason(self) -> &'static str {
        match self {
            PipeError::OtherTransport(Transport::Plain) => {
                "the peer speaks plain HTTP: both sides must run the same transport"
            }
            PipeError::OtherTransport(Transport::Channel) => {
                "the peer speaks Dyno's channel: both sides must run the same transport"
            }
            PipeError::OtherTransport(Transport::Tls) => {
                "the peer speaks TLS: both sides must run the same transport"
            }
            PipeError::NotTls => "the peer does not speak TLS: both sides must run the same transport",
            PipeError::BadMessage => {
                "a message was malformed, altered, out of place or not by whom it claims"
            }
            PipeError::NothingInCommon => {
                "the peer has no version, cipher suite or protocol in common with us"
            }
            PipeError::OtherContext => "the peer's session is for another application than ours",
            PipeError::UnknownKey => {
                "the peer's key is neither pinned nor certified by an authority that we trust"
            }
            PipeError::UnknownAuthority => "the peer's certificate is of an authority that we do not trust",
            PipeError::NoCertificate => "the peer showed no certificate",
            PipeError::Expired => "the peer's certificate has expired or is not valid yet",
            PipeError::WrongName => "the peer's certificate is for another name or role",
            PipeError::BadCertificate => "the peer's certificate is not acceptable",
            PipeError::AuthorityAsServer => {
                "the peer shows an authority's certificate (CA:TRUE) as its own, and not the one that we trust"
            }
            PipeError::Revoked => "the peer's certificate is revoked",
            PipeError::OtherVersion => "the peer does not speak TLS 1.3",
            PipeError::RefusedByPeer(alert) => alert.reason(),
            PipeError::CutInHandshake => {
                "the peer ended the connection during the handshake: it may not trust our key, or not speak this protocol"
            }
            PipeError::Truncated => "the connection was cut: it ended without the peer's authenticated close",
            PipeError::TooSlow => "the handshake took too long",
            PipeError::TooManyHandshakes => "too many handshakes are under way",
            PipeError::NoRandomness => "the operating system gives no random octets",
            PipeError::TooEarly => "too much to send before the handshake is done",
            PipeError::ClosedForSending => "the session is closed for sending",
            PipeError::AlreadyFailed => "the session has failed already",
        }
    }
}
