//! Colour for terminals, as SGR sequences (ECMA-48).

use crate::verdict::Verdict;

/// Whether to paint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    /// Strong.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// Weak.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// By verdict: green, yellow, red.
    pub fn verdict(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Sound => "1;32",
            Verdict::Doubtful => "1;33",
            Verdict::Void => "1;31",
        };
        self.with(code, text)
    }

    /// The bars of a picture.
    pub fn bar(self, text: &str) -> String {
        self.with("36", text)
    }
}
