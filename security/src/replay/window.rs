//! The sequence window remembers which of the last 1,024 numbers have been seen.

use crate::limits;

const WORDS: usize = limits::REPLAY_WINDOW_NUMBERS as usize / 64;
/// One word more than the width: the newest word is only partly filled (RFC 6479, 3).
const RING: usize = WORDS + 1;
/// Octets of a saved window.
pub const SAVED_OCTETS: usize = 8 + 8 * RING;

/// The number was seen before, or is too far behind to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number was seen before or lies behind the window")]
pub struct AlreadySeen;

/// A window over sequence numbers: a ring of words, in which moving ahead clears words and shifts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// One more than the highest number seen; 0: none.
    end: u64,
    words: [u64; RING],
}

impl Default for Window {
    fn default() -> Self {
        Window { end: 0, words: [0; RING] }
    }
}

fn place(number: u64) -> (usize, u64) {
    ((number / 64) as usize % RING, 1 << (number % 64))
}

impl Window {
    /// Whether `number` could be accepted. It changes nothing, so it can be asked before the tag is checked, to save
    /// that work.
    ///
    /// # Errors
    /// [`AlreadySeen`].
    pub fn check(&self, number: u64) -> Result<(), AlreadySeen> {
        if number >= self.end {
            // The last number is refused: `end` could not pass it.
            return if number == u64::MAX { Err(AlreadySeen) } else { Ok(()) };
        }
        let (word, bit) = place(number);
        if self.end - number > limits::REPLAY_WINDOW_NUMBERS || self.words[word] & bit != 0 {
            Err(AlreadySeen)
        } else {
            Ok(())
        }
    }

    /// Marks `number` as seen. Only after the message's tag has been checked.
    ///
    /// # Errors
    /// [`AlreadySeen`]; the window is unchanged then.
    pub fn accept(&mut self, number: u64) -> Result<(), AlreadySeen> {
        self.check(number)?;
        if number >= self.end {
            let newest = self.end.saturating_sub(1) / 64;
            for fresh in 1..=(number / 64 - newest).min(RING as u64) {
                self.words[((newest + fresh) % RING as u64) as usize] = 0;
            }
            self.end = number + 1;
        }
        let (word, bit) = place(number);
        self.words[word] |= bit;
        Ok(())
    }

    /// The window as octets, to survive a restart.
    pub fn save(&self) -> [u8; SAVED_OCTETS] {
        let mut out = [0; SAVED_OCTETS];
        for (octets, word) in out.chunks_exact_mut(8).zip(std::iter::once(&self.end).chain(&self.words)) {
            octets.copy_from_slice(&word.to_be_bytes());
        }
        out
    }

    /// A window as it was saved.
    pub fn restore(saved: &[u8; SAVED_OCTETS]) -> Self {
        let (words, _) = saved.as_chunks::<8>();
        let mut window = Window { end: u64::from_be_bytes(words[0]), ..Window::default() };
        for (word, octets) in window.words.iter_mut().zip(&words[1..]) {
            *word = u64::from_be_bytes(*octets);
        }
        window
    }
}
