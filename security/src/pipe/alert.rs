//! The alerts of TLS (RFC 8446, 6): what the peer says of its reason to end a session.

/// Why the peer ended the session, by the number in its alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alert {
    /// The handshake cannot go on: no suite, no group or no signature in common.
    HandshakeFailure,
    /// It offers less than the peer demands.
    InsufficientSecurity,
    /// No version in common.
    ProtocolVersion,
    /// No application protocol in common (RFC 7301).
    NoApplicationProtocol,
    /// The peer serves no such name (RFC 6066).
    UnrecognizedName,
    /// Our certificate is damaged, or its signature is wrong.
    BadCertificate,
    /// Our certificate is of a kind that the peer does not take.
    UnsupportedCertificate,
    /// The peer's authority has taken our certificate back.
    CertificateRevoked,
    /// Our certificate has expired or is not valid yet.
    CertificateExpired,
    /// The peer does not accept our certificate for another reason.
    CertificateUnknown,
    /// The peer does not know the authority of our certificate.
    UnknownCa,
    /// The peer demands a certificate, and we showed none.
    CertificateRequired,
    /// Our certificate is sound, and the peer does not let its owner in.
    AccessDenied,
    /// A signature or another proof of the handshake did not hold.
    DecryptError,
    /// The peer failed on its own account.
    InternalError,
    /// The peer takes one of our messages for malformed or out of place.
    OurMessage,
    /// Any other number.
    Other,
}

impl Alert {
    /// The alert with this number (RFC 8446, B.2).
    pub const fn of(number: u8) -> Self {
        match number {
            40 => Alert::HandshakeFailure,
            71 => Alert::InsufficientSecurity,
            70 => Alert::ProtocolVersion,
            120 => Alert::NoApplicationProtocol,
            112 => Alert::UnrecognizedName,
            42 => Alert::BadCertificate,
            43 => Alert::UnsupportedCertificate,
            44 => Alert::CertificateRevoked,
            45 => Alert::CertificateExpired,
            // TLS 1.2 says no_certificate (41) where 1.3 says certificate_required.
            41 | 116 => Alert::CertificateRequired,
            46 => Alert::CertificateUnknown,
            48 => Alert::UnknownCa,
            49 => Alert::AccessDenied,
            51 => Alert::DecryptError,
            80 => Alert::InternalError,
            10 | 20..=22 | 30 | 47 | 50 | 109 | 110 => Alert::OurMessage,
            _ => Alert::Other,
        }
    }

    /// What it says: its name in RFC 8446 where one number stands behind it, and what that means, in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Alert::HandshakeFailure => {
                "alert handshake_failure: the peer has no cipher suite, key exchange or signature in common with us"
            }
            Alert::InsufficientSecurity => {
                "alert insufficient_security: the peer demands stronger cryptography"
            }
            Alert::ProtocolVersion => "alert protocol_version: the peer does not speak TLS 1.3",
            Alert::NoApplicationProtocol => "alert no_application_protocol: the peer does not offer HTTP/1.1",
            Alert::UnrecognizedName => "alert unrecognized_name: the peer serves no such name",
            Alert::BadCertificate => {
                "alert bad_certificate: the peer takes our certificate for damaged or wrongly signed"
            }
            Alert::UnsupportedCertificate => {
                "alert unsupported_certificate: the peer does not take this kind of certificate"
            }
            Alert::CertificateRevoked => {
                "alert certificate_revoked: the peer says that our certificate is revoked"
            }
            Alert::CertificateExpired => {
                "alert certificate_expired: the peer says that our certificate has expired or is not valid yet"
            }
            Alert::CertificateUnknown => {
                "alert certificate_unknown: the peer does not accept our certificate"
            }
            Alert::UnknownCa => "alert unknown_ca: the peer does not know the authority of our certificate",
            Alert::CertificateRequired => {
                "alert certificate_required: the peer demands a certificate, and we showed none"
            }
            Alert::AccessDenied => "alert access_denied: the peer does not let us in with our certificate",
            Alert::DecryptError => "alert decrypt_error: a proof of the handshake did not hold for the peer",
            Alert::InternalError => "alert internal_error: the peer failed on its own account",
            Alert::OurMessage => {
                "the peer takes a message of ours for malformed or out of place (a TLS alert)"
            }
            Alert::Other => "the peer ended the session with a TLS alert",
        }
    }
}
