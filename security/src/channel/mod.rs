//! The secure channel: SIGMA-I (Krawczyk 2003, 5.2) over ephemeral X25519, alone or with ML-KEM-768 beside it, and
//! Ed25519 identities, then numbered AEAD records.
//!
//! ```text
//!   initiator                                                   responder
//!       |-- 1  version, suites, g^x, fields ----------------------->|
//!       |<~ under load only: 1 again, with this cookie ~~~~~~~~~~~~~|
//!       |<- 2  suite, g^y, { identity R, signature R, MAC R } ------|
//!       |-- 3  { identity I, signature I, MAC I } ----------------->|
//!       |== data may follow at once ===============================>|
//!       |<= ready: the responder has accepted ======================|
//!       |<=================== data, rekey, close ==================>|
//! ```
//!
//! The channel gives both ends certainty about whom they talk to. Nobody else can read a message, and nobody can
//! change, drop, repeat or cut one without being noticed. Keys that are stolen later open nothing that was recorded
//! before. The initiator shows its identity to nobody but the responder that it trusts.
//!
//! It does not hide the lengths and times of messages. It has no padding and no early data, and nobody outside of this
//! project has examined it. For strangers on the internet use [`crate::tls`].
//!
//! The specification for a second implementation is `security/CHANNEL.md`; the symbolic model is in `security/model`.

pub mod certificate;
pub mod config;
mod cookie;
pub mod credential;
pub mod endpoint;
mod exchange;
pub mod exporter;
pub mod field;
mod flight;
pub mod formula;
mod handshake;
pub mod message;
pub mod name;
pub mod record;
mod resumed;
mod resumption;
pub mod schedule;
pub mod session;
pub mod table;
pub mod trust;
