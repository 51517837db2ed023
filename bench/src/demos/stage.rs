//! The output of a demonstration: text with pauses for people, or a line of JSON for each event.

use crate::limits::{DEMO_EXCERPT_OCTETS, DEMO_PAUSE, TERMINAL_COLUMNS};
use crate::print::to_stdout_if_read;
use std::fmt::Display;
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::json;

/// Parties that attack. What they see and do is shown in another colour.
const ATTACKERS: [&str; 3] = ["Eve", "Mallory", "the wire"];

/// How a line looks on a terminal that has colours; elsewhere anstream takes these away.
const PLAIN: Style = Style::new();
const SCENE: Style = Style::new().bold();
const ATTACK: Style = AnsiColor::Red.on_default();
const HOLDS: Style = AnsiColor::Green.on_default().bold();
const NOT_SO: Style = AnsiColor::Red.on_default().bold().invert();

/// The stage of one demonstration.
#[derive(Debug)]
pub(crate) struct Stage {
    demo: &'static str,
    json: bool,
    pause: Duration,
    as_announced: bool,
}

impl Stage {
    pub(crate) fn new(demo: &'static str, json: bool, fast: bool) -> Self {
        let pause = if json || fast { Duration::ZERO } else { DEMO_PAUSE };
        Stage { demo, json, pause, as_announced: true }
    }

    /// Whether every verdict so far was the announced one.
    pub(crate) fn went_as_announced(&self) -> bool {
        self.as_announced
    }

    fn put(&self, look: Style, text: &str, event: &serde_json::Value) {
        // The reader may have gone; the demonstration goes on to its verdict.
        if self.json {
            to_stdout_if_read(format_args!("{event}\n"));
        } else {
            to_stdout_if_read(format_args!("{look}{text}{look:#}\n"));
        }
        thread::sleep(self.pause);
    }

    /// Begins a new scene.
    pub(crate) fn scene(&self, title: &str) {
        self.put(
            SCENE,
            &format!("\n{}", wrap(&format!("== {title}"), 3)),
            &json!({"demo": self.demo, "event": "scene", "title": title}),
        );
    }

    /// Shows what a party does or sees.
    pub(crate) fn says(&self, party: &str, text: impl Display) {
        let text = text.to_string();
        self.put(
            if ATTACKERS.contains(&party) { ATTACK } else { PLAIN },
            &wrap(&format!("   {party:<9} {text}"), 13),
            &json!({"demo": self.demo, "event": "says", "party": party, "text": text}),
        );
    }

    /// Shows a command to be typed in another terminal, in one line however long, so that it can be copied.
    pub(crate) fn offers(&self, party: &str, command: &str) {
        self.put(
            PLAIN,
            &format!("   {party:<9} {command}"),
            &json!({"demo": self.demo, "event": "says", "party": party, "text": command}),
        );
    }

    /// Shows the verdict of the scene. `holds` is what was observed, and must be true.
    pub(crate) fn verdict(&mut self, claim: &str, holds: bool) {
        self.as_announced &= holds;
        let (look, mark) = if holds { (HOLDS, "=>") } else { (NOT_SO, "=> NOT SO:") };
        let event = json!({"demo": self.demo, "event": "verdict", "claim": claim, "holds": holds});
        self.put(look, &wrap(&format!("   {mark} {claim}"), 6), &event);
    }
}

/// Breaks a line that is too long between words; what follows is indented. Short lines stay as they are.
fn wrap(line: &str, indent: usize) -> String {
    let (mut out, mut rest) = (String::new(), line.to_owned());
    while rest.chars().count() > TERMINAL_COLUMNS {
        let end = rest.char_indices().nth(TERMINAL_COLUMNS + 1).map_or(rest.len(), |(at, _)| at);
        let Some(at) = rest[..end].rfind(' ').filter(|&at| at > indent) else { break };
        out.push_str(rest[..at].trim_end());
        out.push('\n');
        rest = format!("{:indent$}{}", "", rest[at..].trim_start());
    }
    out + &rest
}

/// Bytes as hexadecimal digits, cut where it gets long.
pub(crate) fn hex(octets: &[u8]) -> String {
    let digits: String =
        octets.iter().take(DEMO_EXCERPT_OCTETS).map(|octet| format!("{octet:02x}")).collect();
    if octets.len() > DEMO_EXCERPT_OCTETS { format!("{digits}... ({} octets)", octets.len()) } else { digits }
}

/// Bytes as text where they are text (UTF-8), as dots elsewhere; nothing in it can steer a terminal.
pub(crate) fn readable(octets: &[u8]) -> String {
    let text = String::from_utf8_lossy(octets);
    let dot = |c: char| if c.is_control() || c == char::REPLACEMENT_CHARACTER { '.' } else { c };
    text.chars().map(dot).collect()
}

#[cfg(test)]
mod tests {
    use super::{readable, wrap};
    use crate::limits::TERMINAL_COLUMNS;

    #[test]
    fn text_stays_text_and_cannot_steer_a_terminal() {
        assert_eq!(readable("grüß dich".as_bytes()), "grüß dich");
        assert_eq!(readable(b"\x1b[2J\xff\0ok"), ".[2J..ok");
    }

    #[test]
    fn long_lines_are_broken_between_words_and_short_ones_are_left_alone() {
        assert_eq!(wrap("   Eve        two  spaces", 13), "   Eve        two  spaces");
        let text = format!("   Narrator  {}", "the keys of the session ".repeat(9));
        let wrapped = wrap(text.trim_end(), 13);
        assert!(wrapped.lines().all(|line| line.chars().count() <= TERMINAL_COLUMNS), "{wrapped}");
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("             ")));
        assert_eq!(
            wrapped.split_whitespace().collect::<Vec<_>>(),
            text.split_whitespace().collect::<Vec<_>>()
        );
        // A word that is longer than a line stays whole.
        let word = "x".repeat(100);
        assert_eq!(wrap(&word, 3), word);
    }
}
