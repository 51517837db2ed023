//! Why a request failed: how it is counted, how it is told, and which cause a program could advise about.

use std::io;

use dyno_security::pipe::error::PipeError;

use crate::outcome::ErrorKind;
use crate::response::fault::AnswerFault;

/// What a failure says about the server or the way to it, as far as that suggests a remedy. The remedy itself is for a
/// program to name: a library has no options that its user could set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The transport under HTTP gave up.
    Pipe(PipeError),
    /// The server closed the connection without one octet of an answer.
    Silent,
    /// The server answered in TLS where HTTP was expected.
    SpeaksTls,
    /// The connection was reset, as by a server that closes with octets unread.
    Reset,
    /// Another one, which suggests nothing.
    Other,
}

impl From<&io::Error> for Cause {
    fn from(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Cause::Reset,
            _ => Cause::Other,
        }
    }
}

impl From<AnswerFault> for Cause {
    fn from(fault: AnswerFault) -> Self {
        if fault == AnswerFault::SpeaksTls { Cause::SpeaksTls } else { Cause::Other }
    }
}

/// How [`RequestFailure::Silent`] is told, here and in an exchange.
pub(crate) const SILENT: &str = "closed without one octet of an answer";

/// Why a request of a run has no verified answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestFailure {
    /// No connection could be made.
    #[error("{0}")]
    Connect(io::Error),
    /// The transport's handshake or its records failed.
    #[error("{0}")]
    Transport(PipeError),
    /// The server closed the connection while the transport shook hands.
    #[error("closed during the handshake")]
    ClosedInHandshake,
    /// Reading or writing failed.
    #[error("{0}")]
    Reset(io::Error),
    /// The answer did not come in time.
    #[error("no complete answer in time")]
    Timeout,
    /// Its client gave it up.
    #[error("given up: no complete answer within the patience")]
    Abandoned,
    /// Its client gave it up before a connection was free.
    #[error("given up: no connection was free within the patience")]
    AbandonedUnsent,
    /// The server refused it with a 503.
    #[error("refused with status 503")]
    Refused,
    /// The server closed the connection before the answer began.
    #[error("{SILENT}")]
    Silent,
    /// The server closed the connection before the answer was complete.
    #[error("{0}")]
    Short(AnswerFault),
    /// What came is no answer.
    #[error("{0}")]
    Protocol(AnswerFault),
    /// More came than one answer.
    #[error("octets after the answer")]
    TooMuch,
    /// The answer has another status than the expected one.
    #[error("status {0}")]
    Status(u16),
    /// The answer has another body than the expected one, of so many octets.
    #[error("a body of {0} octets that is not the expected one")]
    Body(u64),
    /// The request was sent, and the run ended before its answer came.
    #[error("not answered when the run ended")]
    Unanswered,
    /// The run ended before the request could be sent.
    #[error("not sent when the run ended")]
    Unsent,
}

impl RequestFailure {
    /// As what it is counted.
    pub fn kind(&self) -> ErrorKind {
        match self {
            RequestFailure::Connect(_) => ErrorKind::Connect,
            RequestFailure::Transport(_) | RequestFailure::ClosedInHandshake => ErrorKind::Transport,
            RequestFailure::Reset(_) => ErrorKind::Reset,
            RequestFailure::Timeout => ErrorKind::Timeout,
            RequestFailure::Abandoned | RequestFailure::AbandonedUnsent => ErrorKind::Abandoned,
            RequestFailure::Refused => ErrorKind::Refused,
            RequestFailure::Silent | RequestFailure::Short(_) => ErrorKind::Short,
            RequestFailure::Protocol(_) | RequestFailure::TooMuch => ErrorKind::Protocol,
            RequestFailure::Status(_) => ErrorKind::Status,
            RequestFailure::Body(_) => ErrorKind::Body,
            RequestFailure::Unanswered | RequestFailure::Unsent => ErrorKind::Unfinished,
        }
    }

    /// What it suggests.
    pub fn cause(&self) -> Cause {
        match self {
            RequestFailure::Connect(error) | RequestFailure::Reset(error) => error.into(),
            RequestFailure::Transport(error) => Cause::Pipe(*error),
            RequestFailure::Silent => Cause::Silent,
            RequestFailure::Short(fault) | RequestFailure::Protocol(fault) => (*fault).into(),
            RequestFailure::ClosedInHandshake
            | RequestFailure::Timeout
            | RequestFailure::Abandoned
            | RequestFailure::AbandonedUnsent
            | RequestFailure::Refused
            | RequestFailure::TooMuch
            | RequestFailure::Status(_)
            | RequestFailure::Body(_)
            | RequestFailure::Unanswered
            | RequestFailure::Unsent => Cause::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_was_cut_is_told_apart_from_others_by_what_the_system_says() {
        for (number, cause) in [
            (nix::libc::ECONNRESET, Cause::Reset),
            (nix::libc::EPIPE, Cause::Reset),
            (nix::libc::ECONNREFUSED, Cause::Other),
            (nix::libc::ETIMEDOUT, Cause::Other),
        ] {
            let error = || io::Error::from_raw_os_error(number);
            assert_eq!(RequestFailure::Reset(error()).cause(), cause, "{}", error());
            assert_eq!(RequestFailure::Connect(error()).cause(), cause, "{}", error());
        }
    }

    #[test]
    fn only_a_record_of_tls_speaks_tls() {
        assert_eq!(RequestFailure::Protocol(AnswerFault::SpeaksTls).cause(), Cause::SpeaksTls);
        assert_eq!(RequestFailure::Protocol(AnswerFault::NotHttp).cause(), Cause::Other);
        assert_eq!(RequestFailure::Short(AnswerFault::ClosedInHead).cause(), Cause::Other);
        assert_eq!(RequestFailure::Silent.cause(), Cause::Silent);
        assert_eq!(RequestFailure::Timeout.cause(), Cause::Other);
    }
}
