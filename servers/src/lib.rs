//! Sixteen server architectures over one HTTP/1.1 core and the same services.
//!
//! The table of contents of the book:
//!
//! * [`architecture`]: what an architecture is;
//! * [`architectures`]: the chapters, one file each, in the order in which they are read;
//! * [`services`]: what the servers do for a client, and the answers they must give;
//! * [`kit`]: the verbs that the chapters share; nothing in there decides who runs what;
//! * [`limits`]: every bound, with its reason.

pub mod architecture;
pub mod architectures;
pub mod drivers;
pub mod kit;
pub mod limits;
pub mod services;
