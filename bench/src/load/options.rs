//! Options of the commands that send requests, and the checks that they make sense.

use std::path::PathBuf;

use clap::Args;
use clap::builder::Resettable;
use dyno_clients::plan::error::PlanError;

use crate::load::patience::PatienceOptions;
use crate::numbers;
use crate::transport::ClientOptions;

/// Where to, and by which way.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct PlaceOptions {
    /// Where to, such as http://127.0.0.1:8080/json, https://localhost:8443/ or unix:/run/server.sock:/json.
    #[arg(help_heading = Resettable::Reset)]
    pub(crate) url: String,
    /// Connect to this Unix socket, whatever host the URL names.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix_socket: Option<PathBuf>,
    /// Send path and query as they are written: `/a/../b` stays what it is.
    #[arg(long)]
    pub(crate) path_as_is: bool,
    /// A further header field, `Name: value`. Can be repeated.
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = parse_header, help_heading = "Request")]
    pub(crate) headers: Vec<(String, String)>,
    /// A request that is not answered within this time has failed. A run of `dyno load` waits no longer than this for
    /// answers after its last request was due.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = numbers::limit_ns)]
    pub(crate) timeout: u64,
    /// What lies between the socket and HTTP.
    #[command(flatten)]
    pub(crate) transport: ClientOptions,
}

/// What is sent where.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetOptions {
    /// Where to.
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    /// Request method [default: GET, or POST with a body].
    #[arg(
        short = 'X',
        long,
        value_name = "METHOD",
        default_value = "",
        hide_default_value = true,
        help_heading = "Request"
    )]
    pub(crate) method: String,
    /// Body of the request.
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file", help_heading = "Request")]
    pub(crate) body: Option<String>,
    /// File with the body of the request.
    #[arg(long, value_name = "FILE", help_heading = "Request")]
    pub(crate) body_file: Option<PathBuf>,
    /// What each answer's body must be: status (any body), same (as the first), service (as Dyno's service documents
    /// it), text:... or file:PATH.
    #[arg(long, value_name = "WHAT", default_value = "status", help_heading = "Request")]
    pub(crate) expect: String,
    /// The status that each answer must have [default: any from 200 to 299].
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..=599), help_heading = "Request")]
    pub(crate) expect_status: Option<u16>,
    /// A weighted mix of requests from a TOML or JSON-lines file, instead of the URL's one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "headers", "body", "body_file", "expect", "expect_status"], help_heading = "Request")]
    pub(crate) mix: Option<PathBuf>,
}

/// How it is sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct How {
    /// Connections, all open before the first request.
    #[arg(short, long, value_name = "N", default_value = "64", value_parser = numbers::connections)]
    pub(crate) connections: u32,
    /// Open loop: requests a second, such as 10k; a ramp 1k..50k/10s; steps 1k,5k,10k/10s.
    #[arg(short, long, value_name = "RATE", conflicts_with = "think", value_parser = numbers::profile)]
    pub(crate) rate: Option<String>,
    /// Open loop: constant, poisson, or trace:FILE (one time a line, from the start) [default: poisson].
    #[arg(long, value_name = "PROCESS")]
    pub(crate) arrivals: Option<String>,
    /// Closed loop: pause between an answer and the next request.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = numbers::pause_ns)]
    pub(crate) think: u64,
    /// Length of the measurement, warm-up not included [default: 10s, or the length of the ramp, steps or trace].
    #[arg(short, long, value_name = "TIME", value_parser = numbers::run_ns, conflicts_with = "requests")]
    pub(crate) duration: Option<u64>,
    /// End after so many requests instead.
    #[arg(short = 'n', long, value_name = "N", value_parser = numbers::requests)]
    pub(crate) requests: Option<u64>,
    /// Time at the start that is left out of the numbers.
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = numbers::pause_ns)]
    pub(crate) warmup: u64,
    /// Close a connection after so many requests; 1: a connection for each request, whose connect counts.
    #[arg(long, value_name = "N", value_parser = numbers::requests)]
    pub(crate) requests_per_connection: Option<u64>,
    /// Threads of the generator; one drives some 200,000 requests a second.
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = numbers::threads)]
    pub(crate) threads: u32,
    /// Cores to pin the threads to, in turn, such as 1 or 2,3 [default: cores that a server on this machine may not
    /// use, if there are such].
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) cpu: Vec<usize>,
    /// Pin no thread: the system places them.
    #[arg(long, conflicts_with = "cpu")]
    pub(crate) no_pin: bool,
    /// Seed of the arrivals and of the mix.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Open loop: most requests that may wait for a connection before the run is ended [default: 1M].
    #[arg(long, value_name = "N", value_parser = numbers::requests)]
    pub(crate) backlog: Option<u64>,
    /// Longest spin before a request is due, needed where wake-ups are slow; 0 when generator and server share a core.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = numbers::pause_ns)]
    pub(crate) spin: u64,
    /// What clients do that do not wait for ever. It comes last: what follows a group belongs to it.
    #[command(flatten)]
    pub(crate) patience: PatienceOptions,
}

/// Why options of a load make no sense.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OptionError {
    /// A header field without a colon.
    #[error("'{0}' is no header field; write Name: value")]
    NoField(String),
    /// A rate beside the times of a trace.
    #[error("a trace brings its own times: leave --rate out")]
    TraceWithRate,
    /// A file that cannot be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: String,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// A file that holds no trace, or no mix.
    #[error("{path}: {error}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong with it.
        error: PlanError,
    },
    /// A file that is no text.
    #[error("{0} is not UTF-8")]
    NotText(String),
    /// The value of an option.
    #[error("{option}: {error}")]
    Of {
        /// The option.
        option: &'static str,
        /// What is wrong with its value.
        error: PlanError,
    },
    /// An option that only an open loop reads, in a closed one.
    #[error("{0} means nothing in a closed loop: give a --rate as well, or leave it out")]
    ClosedLoop(&'static str),
    /// A pause before retries, of which there are none.
    #[error("--backoff means nothing without retries: give a --retry as well, or leave it out")]
    BackoffAlone,
    /// A pause beside the times of a trace.
    #[error("a trace brings its own times: leave --think out")]
    TraceWithThink,
    /// An unknown arrival process.
    #[error("--arrivals: '{0}' is no arrival process: constant, poisson or trace:FILE")]
    NoProcess(String),
    /// A length beside a rate that has one.
    #[error("a ramp or steps bring their own length: leave --duration and --requests out")]
    ShapeWithLength,
    /// A request that cannot be sent, an answer that cannot be expected, a rate that cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

fn parse_header(text: &str) -> Result<(String, String), OptionError> {
    let (name, value) = text.split_once(':').ok_or_else(|| OptionError::NoField(text.into()))?;
    Ok((name.trim().into(), value.trim().into()))
}
