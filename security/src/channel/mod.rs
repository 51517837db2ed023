//! The secure channel: SIGMA-I (Krawczyk 2003, 5.2) over ephemeral X25519 and Ed25519 identities, then numbered AEAD records.
//!
//! ```text
//!   initiator                                                   responder
//!       |-- 1  version, suites, g^x ------------------------------->|
//!       |<- 2  suite, g^y, { identity R, signature R, MAC R } ------|
//!       |-- 3  { identity I, signature I, MAC I } ----------------->|
//!       |== data may follow at once ===============================>|
//!       |<= ready: the responder has accepted ======================|
//!       |<=================== data, rekey, close ==================>|
//! ```
//!
//! What it gives: both know whom they talk to; nobody else reads, changes, drops, repeats or cuts anything unseen; keys stolen
//! later open nothing recorded before; the initiator's identity is shown to nobody but the responder it trusts.
//! What it does not: lengths and times of messages stay visible; there is no padding, no post-quantum exchange, no resumption;
//! and no stranger has examined it. For strangers on the internet use [`crate::tls`].
//!
//! The specification for a second implementation is `security/CHANNEL.md`; the symbolic model is in `security/model`.

pub mod config;
pub mod credential;
pub mod endpoint;
pub mod formula;
pub mod handshake;
pub mod message;
pub mod record;
pub mod schedule;
pub mod session;
pub mod table;
pub mod trust;
