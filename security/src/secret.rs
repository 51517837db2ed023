//! Memory for secrets: a place on the heap that never moves, is filled where it lies, and is wiped when dropped; and
//! the wiping of what computations leave on the stack.
//!
//! A value that is moved leaves a copy behind that no drop sees, and ring wipes none of its own. So every secret of
//! this crate lies in a box, whose owner may move. Key objects of ring lie in boxes as well, and another key of the
//! same kind is written over each before its memory is given back. What ring computes on the stack is overwritten after
//! each step that used a secret.
//!
//! What is not wiped: the long-term keys, as long as the server or client lives; plaintext and its buffers; registers,
//! and what the kernel saves of them; everything inside rustls and rcgen (TLS, throw-away authorities).

use std::fmt;
use std::hint::black_box;
use std::ops::{Deref, DerefMut};
use zeroize::Zeroizing;

/// Octets of stack that a computation is taken to have used: the deepest one is a message of the handshake, with
/// signature, verification and exchange. Without optimization values are moved through three times as much. To write
/// them takes a third of a microsecond.
const STACK_OCTETS: usize = if cfg!(debug_assertions) { 48 * 1024 } else { 16 * 1024 };

/// `N` secret octets, wiped when dropped.
pub struct Secret<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> Secret<N> {
    /// A place for a secret, all zero: to be filled where it lies.
    pub fn zeros() -> Self {
        Secret(Box::new(Zeroizing::new([0; N])))
    }

    /// A copy of the first `N` octets of `octets`.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn copy_of(octets: &[u8]) -> Self {
        let mut secret = Secret::zeros();
        secret.copy_from_slice(&octets[..N]);
        secret
    }
}

impl<const N: usize> Deref for Secret<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for Secret<N> {
    fn deref_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

/// For octets that lie elsewhere as well, such as test figures.
impl<const N: usize> From<[u8; N]> for Secret<N> {
    fn from(octets: [u8; N]) -> Self {
        Secret::copy_of(&octets)
    }
}

/// In a time that does not depend on the octets.
impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        crate::digest::equal(&**self, &**other)
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Overwrites what the computations that have just returned left on the stack below the caller.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut octets = [0u8; STACK_OCTETS];
    // Whoever may read the octets is unknown to the compiler, so it has to write them.
    black_box(&mut octets);
}

/// Writes `fresh` over a key object in its place.
pub(crate) fn overwrite<K>(key: &mut K, fresh: K) {
    *key = fresh;
    // As above: the memory is given back next, and a write before that would be left out.
    black_box(key);
}
