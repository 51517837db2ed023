//! Colour for terminals.

use anstyle::{AnsiColor, Style};

/// Whether to paint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

/// What a painted word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Right, better: green.
    Good,
    /// Worth knowing: cyan.
    Note,
    /// Doubtful, not decided: yellow.
    Doubt,
    /// Wrong, worse: red.
    Bad,
}

impl Tone {
    /// Its style on the terminal.
    pub fn style(self) -> Style {
        let colour = match self {
            Tone::Good => AnsiColor::Green,
            Tone::Note => AnsiColor::Cyan,
            Tone::Doubt => AnsiColor::Yellow,
            Tone::Bad => AnsiColor::Red,
        };
        colour.on_default()
    }
}

impl Paint {
    /// The text in this style, or as it is.
    pub fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// Strong.
    pub fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Weak.
    pub fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// In the colour of its meaning.
    pub fn tone(self, tone: Tone, text: &str) -> String {
        self.with(tone.style(), text)
    }

    /// A verdict: strong, in the colour of its meaning.
    pub fn verdict(self, tone: Tone, text: &str) -> String {
        self.with(tone.style().bold(), text)
    }
}
