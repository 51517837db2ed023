//! Encryption, Diffie-Hellman, signatures and a secure channel, sans-IO.
//!
//! Nothing in this crate knows a socket, a thread or HTTP: bytes go in, bytes come out, and time is an argument.

#![forbid(unsafe_code)]

pub mod aead;
pub mod channel;
pub mod dh;
pub mod digest;
pub mod envelope;
pub mod kdf;
pub mod limits;
mod outgoing;
pub mod pipe;
pub mod replay;
pub mod signature;
pub mod tls;
pub mod transport;
