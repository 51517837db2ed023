//! Why a plan cannot be made of what was asked for.

use std::io;
use std::path::PathBuf;

use dyno_units::read::ReadError;

use crate::limits;

/// Why a plan cannot be made of what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A number cannot be read.
    #[error(transparent)]
    Number(#[from] ReadError),

    /// No connection, or more than the generator drives.
    #[error("connections: 1 to {} are possible", limits::CONNECTIONS_MAX)]
    Connections,
    /// No thread, or more than the generator starts.
    #[error("threads: 1 to {} are possible", limits::THREADS_MAX)]
    Threads,
    /// A thread would have no connection.
    #[error(
        "{threads} threads cannot share {connections} connections; use at most as many threads as connections"
    )]
    ThreadsShareConnections {
        /// Threads asked for.
        threads: u32,
        /// Connections asked for.
        connections: u32,
    },
    /// A thread of a part would have no connection.
    #[error(
        "{parts} parts of {threads} thread{} each cannot share {connections} connections; a thread needs one",
        if *threads == 1 { "" } else { "s" }
    )]
    PartsShareConnections {
        /// Parts of the load.
        parts: u32,
        /// Threads of each.
        threads: u32,
        /// Connections of all parts together.
        connections: u32,
    },
    /// A thread would have no request.
    #[error("fewer requests than threads; use fewer threads")]
    FewerRequestsThanThreads,
    /// Nothing would be sent.
    #[error("the run has no length; give a duration or a number of requests above zero")]
    NoLength,
    /// Every request would fail.
    #[error("the timeout is zero, so every request would fail")]
    NoTimeout,
    /// Every client would give up at once.
    #[error("the patience is zero, so every client would give up at once")]
    NoPatience,
    /// A retry needs a time of its own, and a closed loop has no schedule.
    #[error("requests are tried again in an open loop only; give a rate")]
    RetriesInClosedLoop,
    /// A connection would carry nothing.
    #[error("a connection carries at least one request")]
    NoRequestPerConnection,
    /// There is nothing to send.
    #[error("the mix holds no request")]
    EmptyMix,
    /// A weight is zero, negative or no number.
    #[error("the weights of a mix are above zero")]
    Weight,
    /// Answers are to be compared with the first one, which was not fetched yet; see [`crate::run::learn`].
    #[error("the first answer has not been learned")]
    NotLearned,
    /// Nothing of the trace would be measured.
    #[error("the warm-up is longer than the trace")]
    WarmUpBeyondTrace,

    /// Several stretches, and no word on how long each is.
    #[error("'{0}': steps need a length, such as {0}/10s")]
    StepsNeedLength(String),
    /// A ramp, and no word on how long it is.
    #[error("'{0}': a ramp needs a length, such as {0}/10s")]
    RampNeedsLength(String),
    /// A stretch of no length.
    #[error("'{0}': a stretch needs a length above zero")]
    EmptyStretch(String),

    /// A line of a trace is no time from its start.
    #[error("line {line}: '{text}' is no time from the start of the run")]
    TraceTime {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A line of a trace is no duration.
    #[error("line {line}: {error}")]
    TraceDuration {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: ReadError,
    },
    /// A trace goes back in time.
    #[error("line {line}: '{text}' lies before the line above it; sort the trace")]
    TraceOrder {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// A trace is longer than the generator holds.
    #[error("a trace holds at most {} arrivals", limits::TRACE_ARRIVALS_MAX)]
    TraceTooLong,
    /// A trace has no line with a time.
    #[error("the trace holds no arrival")]
    EmptyTrace,

    /// A mix is no JSON of requests; the text names line and column.
    #[error("{0}")]
    MixJson(serde_json::Error),
    /// A target of a mix names a server, and all requests go to one.
    #[error("'{0}' is a whole URL; a mix holds targets such as /json, all for the server of one URL")]
    WholeUrl(String),
    /// A request of a mix has a body and a file with another.
    #[error("'{0}' has two bodies: body and body_file")]
    TwoBodies(String),
    /// A mix is no TOML of requests; the text names line and column.
    #[error("{0}")]
    MixToml(toml::de::Error),
    /// The answer of this target is known to nobody before it comes.
    #[error("the answer of '{0}' is not fixed by Dyno's services; expect `same` or `status`")]
    AnswerNotFixed(String),
    /// It is no kind of answer.
    #[error("'{0}' cannot be expected: use status, same, service, text:... or file:PATH")]
    CannotExpect(String),
    /// A file of a body cannot be read.
    #[error("{}: {error}", path.display())]
    BodyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file of a body is too large to be held.
    #[error("{} is larger than {} octets", .0.display(), limits::BODY_FILE_MAX_OCTETS)]
    BodyFileTooLarge(PathBuf),

    /// The method holds what no method may.
    #[error("'{0}' is no method")]
    Method(String),
    /// The target holds what no target may.
    #[error("'{0}' is no request target; encode spaces and the like as %20")]
    RequestTarget(String),
    /// The name of a field holds what no name may.
    #[error("'{0}' is no header field name")]
    FieldName(String),
    /// The value of a field would end the field.
    #[error("the value of header field '{0}' holds a control character")]
    FieldValue(String),

    /// A length that is not the body's would make the server see another request.
    #[error("the field Content-Length says '{given}', and the body has {octets} octets")]
    OwnLength {
        /// What the field says.
        given: String,
        /// The length of the body.
        octets: usize,
    },
    /// A body is sent as it is.
    #[error("a body is sent with its length, and not with the field Transfer-Encoding")]
    OwnEncoding,

    /// It is no URL.
    #[error("'{text}' is no URL: {error}")]
    Url {
        /// What was given.
        text: String,
        /// What is wrong with it.
        error: url::ParseError,
    },
    /// The scheme is another one.
    #[error("'{0}' is not spoken here; use http:// or https://")]
    Scheme(String),
    /// A backslash stands in the path, which no request target holds.
    #[error("'{0}' holds a backslash, which no path may; %5C stands for one")]
    Backslash(String),
    /// A Unix socket is named in the URL and beside it.
    #[error("'{0}' names a Unix socket, and so does something beside it; name one")]
    TwoSockets(String),
    /// `unix:` and nothing behind it.
    #[error("unix: needs the path of a socket, such as unix:/run/server.sock:/json")]
    NoSocketPath,
    /// The system cannot connect to a socket of this path.
    #[error("{}: {error}", path.display())]
    SocketPath {
        /// The path.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The URL has no host.
    #[error("'{0}' names no host")]
    NoHost(String),
    /// The name of the host leads nowhere.
    #[error("the name '{host}' does not resolve: {error}")]
    Resolve {
        /// The host.
        host: String,
        /// What the system says.
        error: io::Error,
    },
    /// None of the host's addresses takes a connection; each is named.
    #[error("no connection to any address: {0}")]
    Unreachable(String),
    /// The name of the host resolves to nothing.
    #[error("the name '{0}' has no address")]
    NoAddress(String),
}
