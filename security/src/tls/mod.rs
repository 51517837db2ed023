//! TLS 1.3 (RFC 8446) by rustls with its ring provider, behind the same [`crate::pipe::Pipe`].
//!
//! TLS 1.3 only; ALPN `http/1.1`; no early data (it can be replayed); no resumption, so that every handshake is a full
//! one and nothing about a session is shared between processes after a fork.

pub mod certificate;
pub mod endpoint;
mod names;
pub mod session;
pub mod trust;
