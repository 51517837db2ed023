//! Encryption, Diffie-Hellman, signatures and a secure channel, sans-IO: bytes go in, bytes come out, and time is an argument.
//!
//! **For strangers on the internet the answer is TLS 1.3** ([`tls`]). The [`channel`] is a showcase that is held to a product's
//! standard: specified, modelled, attacked and measured, but examined by nobody outside. Nothing in this crate knows a socket,
//! a thread or HTTP.
//!
//! ```text
//!   socket --receive--> +------------------------------------------+ --plain--> application
//!                       | pipe: a channel::session or tls::session |
//!   socket <--pending-- +------------------------------------------+ <--send--- application
//!                         channel = dh + signature + kdf, then aead
//! ```
//!
//! | module | promises | does not promise |
//! |---|---|---|
//! | [`digest`] | no change by accident; with a shared key ([`digest::mac`]) none by others either | who wrote it |
//! | [`aead`] | nobody without the key reads or alters a message; no nonce twice | when it was sent; its length is seen |
//! | [`replay`] | each message is taken once, and in its time | order, completeness |
//! | [`kdf`] | keys under different labels know nothing of each other | strength that was not in the secret |
//! | [`dh`] | a secret that listeners do not have | with whom it is shared |
//! | [`signature`] | who said it, in which protocol | to whom, when; it cannot be taken back |
//! | [`envelope`] | secrecy and origin for somebody who is not there, where the sound form is used | forward secrecy, freshness |
//! | [`channel`] | both know each other; nothing read, altered, dropped, repeated, cut unseen; forward secrecy | hidden lengths and times, a review |
//! | [`tls`] | the same, for strangers, with certificates | hidden lengths and times |
//!
//! [`pipe`] is the seam that servers and clients compile against; [`transport`] makes both ends of it from the files that a command
//! line names. Every bound stands in [`limits`]. Secrets that this crate holds are wiped when dropped and absent from Debug
//! output; the copies inside ring and rustls are theirs to wipe. Core dumps are the program's to forbid.

#![forbid(unsafe_code)]

pub mod aead;
pub mod channel;
pub mod dh;
pub mod digest;
pub mod envelope;
mod half_open;
pub mod kdf;
pub mod limits;
mod outgoing;
pub mod pipe;
pub mod replay;
pub mod signature;
pub mod tls;
pub mod transport;
