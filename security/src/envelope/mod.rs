//! Messages to a recipient who is not online. Compositions of encryption and signature differ in what they guarantee.
//!
//! The textbooks write `PK_B(M)` for encryption to Bob and `SK_A(M)` for Alice's signature.
//!
//! | textbook | here | secret | from Alice | meant for Bob | to show a judge |
//! |---|---|---|---|---|---|
//! | `PK_B(M)` | [`sealed`] | yes | no | yes | no |
//! | `SK_A(H(M))` | [`signed`] | no | yes | no | yes |
//! | `PK_B(SK_A(M))` | [`weak::signed_then_sealed`] | yes | yes, but perhaps to somebody else | **no** | yes |
//! | `SK_A(PK_B(M))` | [`weak::sealed_then_signed`] | yes | **anybody can take it over** | yes | no |
//! | `PK_B(SK_A(A, B, M))` | [`bound`] | yes | yes | yes | yes |
//!
//! The weak forms are kept so that the demonstrations can break them (Davis 2001); use [`bound`], or [`stream`] for
//! files that are larger than memory. None of them keeps replays out ([`crate::replay`]) or is forward secret
//! ([`crate::channel`]): a thief who gets Bob's key later can read what was recorded.

pub mod bound;
pub mod sealed;
pub mod signed;
pub mod stream;
pub mod weak;
