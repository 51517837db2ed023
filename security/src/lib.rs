#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod access;
pub mod aead;
pub mod channel;
pub mod credentials;
pub mod dh;
pub mod digest;
pub mod envelope;
pub mod files;
mod half_open;
mod incoming;
pub mod kdf;
pub mod kem;
mod lifecycle;
pub mod limits;
mod outgoing;
pub mod pipe;
pub mod replay;
pub mod secret;
pub mod signature;
pub mod tls;
pub mod transport;
