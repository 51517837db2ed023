//! The format of `data/http1/cases.json`: what is sent, and which outcomes a rule permits.

use serde::Deserialize;

/// What the file holds.
#[derive(Debug, Deserialize)]
pub struct File {
    /// One for each rule that is put to the test.
    pub cases: Vec<Case>,
}

/// One rule of the protocol, put to the test on one connection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Its name, unique in the file.
    pub name: String,
    /// What it is about, in a word.
    pub category: String,
    /// The strength of the rule.
    pub level: Level,
    /// Where the rule stands.
    pub rfc: String,
    /// The rule, in a line.
    pub why: String,
    /// What the client does, in order.
    pub send: Vec<Step>,
    /// The method of each request.
    pub methods: Vec<String>,
    /// The outcomes that the rule permits.
    pub accept: Vec<Outcome>,
    /// The outcomes that are asked of our own core, where the rule leaves a choice.
    pub strict: Option<Vec<Outcome>>,
    /// How octets are delivered, if not whole.
    pub delivery: Option<Delivery>,
    /// The body of a 2xx.
    pub echo: Option<String>,
    /// Whether the client speaks HTTP/1.0.
    #[serde(default)]
    pub http10: bool,
    /// Whether no interim response may come.
    #[serde(default)]
    pub no_interim: bool,
    /// Fields that each final response must have.
    #[serde(default)]
    pub require_headers: Vec<String>,
    /// What no body may contain.
    pub body_excludes: Option<String>,
    /// A remark for the reader.
    pub note: Option<String>,
}

/// The strength of a rule (RFC 2119).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Whoever does otherwise breaks the protocol.
    Must,
    /// Doing otherwise needs a good reason.
    Should,
    /// An implementation is free to do either.
    May,
}

/// One step of the client.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// Sends text, one character an octet.
    Text(String),
    /// Sends text many times.
    Repeat {
        /// What is sent, one character an octet.
        repeat: String,
        /// How many times in a row.
        times: usize,
    },
    /// Does nothing for a while.
    Pause {
        /// For how many milliseconds.
        pause_ms: u64,
    },
    /// Ends its sending side.
    Shutdown {
        /// Which side ends: always "write".
        shutdown: String,
    },
    /// Waits for a response; after a final one the rest is not sent.
    WaitResponse {
        /// At most so many milliseconds.
        wait_response_ms: u64,
    },
}

/// How octets are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// One octet a segment.
    Byte,
}

/// What a rule permits: answers, and what becomes of the connection.
#[derive(Debug, Clone, Deserialize)]
pub struct Outcome {
    /// The permitted statuses of each final response.
    pub responses: Vec<Vec<String>>,
    /// What becomes of the connection.
    pub then: Then,
}

/// What becomes of a connection after its responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// A GET with `Connection: close` gets one 2xx and then the end.
    Open,
    /// The end or a reset, and no further octet.
    Closed,
    /// Closed, or open with a working probe.
    Any,
    /// Anything; there is no probe.
    Either,
    /// No octet and no end for [`crate::limits::WAITING`].
    Waiting,
}

/// The cases of the file, in its order.
///
/// # Panics
/// When the file does not have the documented form.
pub fn all() -> Vec<Case> {
    let file: File =
        serde_json::from_str(include_str!("../data/http1/cases.json")).expect("the documented form");
    file.cases
}

/// The octets of a text of the file.
///
/// # Panics
/// At a character beyond U+00FF.
pub fn octets(text: &str) -> Vec<u8> {
    let text = text.replace("{T}", "/").replace("{P}", "/echo");
    text.chars().map(|character| u8::try_from(character).expect("one character is one octet")).collect()
}

/// Whether a permitted status, as the file writes it, covers `status`.
pub fn covers(permitted: &str, status: u16) -> bool {
    match permitted {
        "ok" => (200..300).contains(&status),
        _ => match permitted.strip_suffix("xx") {
            Some(class) => class.parse() == Ok(status / 100),
            None => permitted.parse() == Ok(status),
        },
    }
}
