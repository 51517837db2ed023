//! Resumption: who has shaken hands once proves it within the next hour by a secret of that session, without a
//! signature. Keys are exchanged afresh each time, so a stolen ticket or secret opens nothing that was recorded.
//!
//! ```text
//!   rs   = HKDF-Expand(xm, "dyno channel v1 resumption", 32)        both have it; the responder seals it into a ticket
//!   keys = HKDF(salt = th1 or th3, z || rs, "dyno channel v1 resumed keys")
//! ```

pub(crate) mod kept;
pub(crate) mod tickets;
