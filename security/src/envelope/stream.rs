//! The sound form for files that are larger than memory: chunks of 64 KiB, numbered, the last one marked.
//!
//! ```text
//!   file   = encapsulated key (32), sealed signature (64 + 16), chunk...
//!   chunk  = ciphertext (65,536, the last one less), tag (16)      associated data: 0, the last one 1
//!   signature = Alice's, over: context, 0, A (32), B (32), encapsulated key (32)
//! ```
//!
//! Each chunk may be used as soon as it has been opened: it is from Alice and in its place. Only [`open`]'s return says
//! that the file is complete. Unlike [`super::bound`], Bob cannot show a judge what Alice wrote: he could have made the
//! chunks.

use super::sealed::{Cipher, Opener, PUBLIC_OCTETS, Recipient, RecipientKey, Refused, Sealer};
use crate::aead::TAG_OCTETS;
use crate::signature::{Context, PublicKey, SIGNATURE_OCTETS, SigningKey};
use std::io::{self, Read, Write};

const CONTEXT: Context = Context("dyno envelope v1 stream");
/// Octets of plaintext in a chunk; the last one has fewer, perhaps none.
pub const CHUNK_OCTETS: usize = 64 * 1024;
const SIGNATURE: &[u8] = &[2];
const LAST: &[u8] = &[1];
const MORE: &[u8] = &[0];

fn purpose(sender: &PublicKey, recipient: &Recipient) -> Vec<u8> {
    [CONTEXT.0.as_bytes(), sender.octets(), &recipient.octets()].concat()
}

fn refused(_: impl Sized) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refused)
}

/// Fills `buffer` as far as the source goes.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Seals everything that `source` gives into `sink`.
///
/// # Errors
/// What source and sink report.
pub fn seal(
    sender: &SigningKey,
    recipient: &Recipient,
    source: &mut dyn Read,
    sink: &mut dyn Write,
) -> io::Result<()> {
    let (key, mut sealer) = Sealer::new(recipient, &purpose(sender.public(), recipient)).map_err(refused)?;
    let signature = sender.sign(CONTEXT, &[sender.public().octets(), &recipient.octets(), &key]);
    sink.write_all(&key)?;
    sink.write_all(&sealer.seal(SIGNATURE, &signature).map_err(refused)?)?;
    let mut chunk = vec![0; CHUNK_OCTETS];
    loop {
        let count = fill(source, &mut chunk)?;
        let mark = if count < CHUNK_OCTETS { LAST } else { MORE };
        sink.write_all(&sealer.seal(mark, &chunk[..count]).map_err(refused)?)?;
        if count < CHUNK_OCTETS {
            return Ok(());
        }
    }
}

/// Opens a file that is expected from `sender` into `sink`.
///
/// # Errors
/// What source and sink report; `InvalidData` with [`Refused`] when the file is not from that sender to this recipient,
/// was altered or cut. What went to `sink` before is genuine, but not the whole.
pub fn open(
    key: &RecipientKey,
    sender: &PublicKey,
    source: &mut dyn Read,
    sink: &mut dyn Write,
) -> io::Result<()> {
    let mut head = [0; PUBLIC_OCTETS + SIGNATURE_OCTETS + TAG_OCTETS];
    source.read_exact(&mut head).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => refused(()),
        _ => error,
    })?;
    let (encapsulated, sealed) = head.split_at(PUBLIC_OCTETS);
    let mut opener = Opener::new(Cipher::ChaCha20Poly1305, key, encapsulated, &purpose(sender, key.public()))
        .map_err(refused)?;
    let signature = opener.open(SIGNATURE, sealed).map_err(refused)?;
    let parts: [&[u8]; 3] = [sender.octets(), &key.public().octets(), encapsulated];
    sender.verify(CONTEXT, &parts, &signature).map_err(refused)?;
    let mut chunk = vec![0; CHUNK_OCTETS + TAG_OCTETS];
    loop {
        let count = fill(source, &mut chunk)?;
        let last = count < chunk.len();
        let plain = opener.open(if last { LAST } else { MORE }, &chunk[..count]).map_err(refused)?;
        sink.write_all(&plain)?;
        if last {
            return Ok(());
        }
    }
}
