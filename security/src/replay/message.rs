//! A sealed message that stands alone: `number (8), time in ms since 1970 (8), ciphertext, tag (16)`, big endian.

use super::window::{SAVED_OCTETS, Window};
use crate::aead::{Exhausted, OpeningKey, SealingKey, TAG_OCTETS};
use crate::limits;

const HEADER_OCTETS: usize = 16;

/// Why a message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    /// The message is shorter than its header and tag.
    #[error("the message is too short")]
    Malformed,
    /// The number was seen before or lies behind the window.
    #[error("the message is a replay, or too far behind to know")]
    Replayed,
    /// The message's time is too far from ours, or it may have been taken before our restart.
    #[error("the message is not from now")]
    WrongTime,
    /// The message was altered, or was not sealed with this key.
    #[error("the message does not open")]
    Refused,
}

fn associated(header: &[u8], associated: &[u8]) -> Vec<u8> {
    [header, associated].concat()
}

/// Seals a message with its number and time.
///
/// # Errors
/// [`Exhausted`].
pub fn seal(
    key: &mut SealingKey,
    time_ms: u64,
    associated_data: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, Exhausted> {
    let mut out = Vec::with_capacity(HEADER_OCTETS + plain.len() + TAG_OCTETS);
    out.extend_from_slice(&key.next_number().to_be_bytes());
    out.extend_from_slice(&time_ms.to_be_bytes());
    let sealed = key.seal(&associated(&out, associated_data), plain)?;
    out.extend_from_slice(&sealed);
    Ok(out)
}

/// The receiving side: its key, and which messages it has seen.
#[derive(Debug)]
pub struct Receiver {
    key: OpeningKey,
    window: Window,
    not_before_ms: u64,
}

impl Receiver {
    /// A receiver with a key that has not received anything yet.
    pub fn new(key: OpeningKey) -> Self {
        Receiver { key, window: Window::default(), not_before_ms: 0 }
    }

    /// A receiver that lost its memory, and reads `now_ms` on its clock. It refuses whatever it can have taken before:
    /// a message from a sender whose clock is ahead carries a time of up to [`limits::REPLAY_TOLERANCE_MS`] after now.
    /// The price is that honest messages of the first two minutes (four, from a sender whose clock is behind by as
    /// much) are refused as well; [`Receiver::restore`], or a new key, spares them. The clock must not have been set
    /// back since the memory was lost.
    pub fn after_restart(key: OpeningKey, now_ms: u64) -> Self {
        let not_before_ms = now_ms.saturating_add(limits::REPLAY_TOLERANCE_MS).saturating_add(1);
        Receiver { key, window: Window::default(), not_before_ms }
    }

    /// A receiver that goes on where [`Receiver::save`] stopped. What was opened after the saving is forgotten, and
    /// would be opened again: where that can be, [`Receiver::after_restart`] is the right one.
    pub fn restore(key: OpeningKey, saved: &[u8; SAVED_OCTETS]) -> Self {
        Receiver { key, window: Window::restore(saved), not_before_ms: 0 }
    }

    /// What must be kept across a restart, after each message that was opened.
    pub fn save(&self) -> [u8; SAVED_OCTETS] {
        self.window.save()
    }

    /// Opens a message once, in any order within the window.
    ///
    /// # Errors
    /// [`Stale`]; the memory is unchanged then.
    pub fn open(&mut self, now_ms: u64, associated_data: &[u8], message: &[u8]) -> Result<Vec<u8>, Stale> {
        let (header, sealed) = message.split_first_chunk::<HEADER_OCTETS>().ok_or(Stale::Malformed)?;
        let (numbers, _) = header.as_chunks::<8>();
        let (number, time_ms) = (u64::from_be_bytes(numbers[0]), u64::from_be_bytes(numbers[1]));
        self.window.check(number).map_err(|_| Stale::Replayed)?;
        if time_ms < self.not_before_ms || time_ms.abs_diff(now_ms) > limits::REPLAY_TOLERANCE_MS {
            return Err(Stale::WrongTime);
        }
        let mut data = sealed.to_vec();
        let associated = associated(header, associated_data);
        let count = self.key.open_in_place_at(number, &associated, &mut data).map_err(|_| Stale::Refused)?;
        self.window.accept(number).map_err(|_| Stale::Replayed)?;
        data.truncate(count);
        Ok(data)
    }
}
