//! From what was typed to a plan.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use dyno_clients::limits;
use dyno_clients::plan::as_run::Stretch;
use dyno_clients::plan::mixfile;
use dyno_clients::plan::pacer::{Arrivals, parse_trace};
use dyno_clients::plan::place::{self, Place};
use dyno_clients::plan::profile;
use dyno_clients::plan::request::{Expect, Parts, Request};
use dyno_clients::plan::{Length, Pace, Plan, Transport};
use dyno_units::read::{self, ReadError};

use crate::exit::Failure;
use crate::limits::LOAD_DURATION_NS;
use crate::transport::Options;
use dyno_measure::probe::machine::online_cores;

/// What is sent where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct Target {
    /// Where to, such as http://127.0.0.1:8080/json.
    pub(crate) url: String,
    /// Request method [default: GET, or POST with a body].
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "", hide_default_value = true)]
    pub(crate) method: String,
    /// A further header field, `Name: value`. Can be repeated.
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = parse_header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Body of the request.
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    pub(crate) body: Option<String>,
    /// File with the body of the request.
    #[arg(long, value_name = "FILE")]
    pub(crate) body_file: Option<PathBuf>,
    /// What each answer's body must be: status (any body), same (as the first), service (as Dyno's service documents it),
    /// text:... or file:PATH.
    #[arg(long, value_name = "WHAT", default_value = "status")]
    pub(crate) expect: String,
    /// The status that each answer must have [default: any from 200 to 299].
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(200..=599))]
    pub(crate) expect_status: Option<u16>,
    /// A weighted mix of requests from a TOML or JSON-lines file, instead of the URL's one.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["method", "headers", "body", "body_file", "expect", "expect_status"])]
    pub(crate) mix: Option<PathBuf>,
    /// A request that is not answered within this time has failed. The run waits no longer than this for answers after its
    /// last request was due.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_some_time)]
    pub(crate) timeout: u64,
    /// What lies between the socket and HTTP.
    #[command(flatten)]
    pub(crate) transport: Options,
}

/// How it is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct How {
    /// Connections, all open before the first request.
    #[arg(short, long, value_name = "N", default_value = "64", value_parser = parse_small_count)]
    pub(crate) connections: u32,
    /// Open loop: requests a second, such as 10k; a ramp 1k..50k/10s; steps 1k,5k,10k/10s.
    #[arg(short, long, value_name = "RATE", conflicts_with = "think")]
    pub(crate) rate: Option<String>,
    /// Open loop: constant, poisson, or trace:FILE (one time a line, from the start).
    #[arg(long, value_name = "PROCESS", default_value = "poisson")]
    pub(crate) arrivals: String,
    /// Closed loop: pause between an answer and the next request.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = read::duration_ns)]
    pub(crate) think: u64,
    /// Length of the measurement, warm-up not included [default: 10s, or the length of the ramp, steps or trace].
    #[arg(short, long, value_name = "TIME", value_parser = parse_some_time, conflicts_with = "requests")]
    pub(crate) duration: Option<u64>,
    /// End after so many requests instead.
    #[arg(short = 'n', long, value_name = "N", value_parser = read::count)]
    pub(crate) requests: Option<u64>,
    /// Time at the start that is left out of the numbers.
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = read::duration_ns)]
    pub(crate) warmup: u64,
    /// Close a connection after so many requests; 1: a connection for each request, whose connect counts.
    #[arg(long, value_name = "N", value_parser = read::count)]
    pub(crate) requests_per_connection: Option<u64>,
    /// Threads of the generator; one drives some 200,000 requests a second.
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = parse_small_count)]
    pub(crate) threads: u32,
    /// CPUs to pin the threads to, in turn, such as 1 or 2,3.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) cpu: Vec<usize>,
    /// Seed of the arrivals and of the mix.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Most requests that may wait for a connection before the run is ended.
    #[arg(long, value_name = "N", default_value = "1M", value_parser = read::count)]
    pub(crate) backlog: u64,
    /// Longest spin before a request is due, needed where wake-ups are slow; 0 when generator and server share a core.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = read::duration_ns)]
    pub(crate) spin: u64,
}

/// Why options of a load make no sense.
#[derive(Debug, thiserror::Error)]
enum OptionError {
    /// A number or a time cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// More connections or threads than the generator drives.
    #[error("'{0}' is too many")]
    TooMany(String),
    /// A time of zero where something must take time.
    #[error("'{0}' is no time at all")]
    NoTime(String),
    /// A header field without a colon.
    #[error("'{0}' is no header field; write Name: value")]
    NoField(String),
    /// A rate beside the times of a trace.
    #[error("a trace brings its own times: leave --rate out")]
    TraceWithRate,
    /// A trace that cannot be read, or is none.
    #[error("{path}: {why}")]
    Trace {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// An unknown arrival process.
    #[error("'{0}' is no arrival process: constant, poisson or trace:FILE")]
    NoProcess(String),
    /// A length beside a rate that has one.
    #[error("a ramp or steps bring their own length: leave --duration and --requests out")]
    ShapeWithLength,
    /// A rate, ramp or steps that cannot be read.
    #[error("{0}")]
    Rate(String),
}

/// Reads a count of connections, threads and the like.
fn parse_small_count(text: &str) -> Result<u32, OptionError> {
    let count = read::count(text)?;
    u32::try_from(count)
        .ok()
        .filter(|&n| u64::from(n) <= limits::CONNECTIONS_MAX)
        .ok_or_else(|| OptionError::TooMany(text.into()))
}

/// Reads a duration that is not zero.
fn parse_some_time(text: &str) -> Result<u64, OptionError> {
    match read::duration_ns(text)? {
        0 => Err(OptionError::NoTime(text.into())),
        ns => Ok(ns),
    }
}

fn parse_header(text: &str) -> Result<(String, String), OptionError> {
    let (name, value) = text.split_once(':').ok_or_else(|| OptionError::NoField(text.into()))?;
    Ok((name.trim().into(), value.trim().into()))
}

/// Builds the plan; `errors_max` is the share of failed requests that makes the run void.
///
/// # Errors
/// A usage failure that names what does not go together.
pub(crate) fn build(target: &Target, how: &How, errors_max: f64) -> Result<Plan, Failure> {
    let place = place::resolve(&target.url)
        .map_err(|e| Failure::usage(e, "a URL is such as http://127.0.0.1:8080/"))?;
    let (pace, length) =
        pace(how).map_err(|error| Failure::usage(error.to_string(), "see `dyno load --help`"))?;
    let plan = Plan {
        url: place.url.to_string(),
        address: place.address,
        transport: transport(target, &place)?,
        pace,
        connections: how.connections,
        threads: how.threads,
        length,
        warmup_ns: how.warmup,
        requests_per_connection: how.requests_per_connection,
        timeout_ns: target.timeout,
        seed: how.seed,
        backlog: how.backlog,
        spin_ns: how.spin,
        cpus: how.cpu.clone(),
        errors_max,
        mix: mix(target, &place, how.requests_per_connection == Some(1))
            .map_err(|e| Failure::usage(e, "see `dyno load --help`"))?,
    };
    check_cpus(&how.cpu)?;
    Ok(plan)
}

fn check_cpus(cpus: &[usize]) -> Result<(), Failure> {
    let allowed = online_cores();
    match cpus.iter().find(|cpu| !allowed.contains(cpu)) {
        None => Ok(()),
        Some(cpu) => {
            Err(Failure::usage(format!("this process may not run on CPU {cpu}"), "see `taskset -p $$`"))
        }
    }
}

/// The transport of the target.
///
/// # Errors
/// What the credentials lack.
pub(crate) fn transport(target: &Target, place: &Place) -> Result<Transport, Failure> {
    let host = place.url.host_str().unwrap_or_default();
    // A certificate names an IPv6 address without the brackets of a URL.
    let connector = target.transport.connector(host.trim_start_matches('[').trim_end_matches(']'))?;
    Ok(match connector {
        None => Transport::Plain,
        Some(connector) => Transport::Pipe(target.transport.transport.name(), Arc::from(connector)),
    })
}

/// The request of the URL, or those of the mix.
///
/// # Errors
/// What cannot be sent or expected.
pub(crate) fn mix(target: &Target, place: &Place, close: bool) -> Result<Vec<Request>, String> {
    if let Some(path) = &target.mix {
        let text = mixfile::read_bounded(path)?;
        let text = String::from_utf8(text).map_err(|_| format!("{} is not UTF-8", path.display()))?;
        return mixfile::parse(&text, &place.authority, close)
            .map_err(|e| format!("{}: {e}", path.display()));
    }
    let body = match (&target.body, &target.body_file) {
        (Some(text), _) => text.clone().into_bytes(),
        (None, Some(path)) => mixfile::read_bounded(path)?,
        (None, None) => Vec::new(),
    };
    let expect = Expect {
        status: target.expect_status,
        body: mixfile::expected_body(&target.expect, &place.target, &body)?,
    };
    let parts = Parts {
        method: target.method.clone(),
        target: place.target.clone(),
        authority: place.authority.clone(),
        headers: target.headers.clone(),
        body,
        weight: 1.0,
        expect,
        close,
    };
    Ok(vec![parts.prepare()?])
}

fn pace(how: &How) -> Result<(Pace, Length), OptionError> {
    let trace = how.arrivals.strip_prefix("trace:");
    if let Some(path) = trace {
        if how.rate.is_some() {
            return Err(OptionError::TraceWithRate);
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| OptionError::Trace { path: path.into(), why: error.to_string() })?;
        let times = parse_trace(&text)
            .map_err(|error| OptionError::Trace { path: path.into(), why: error.to_string() })?;
        let end_ns = times.last().copied().unwrap_or(0) + 1;
        let length = length(how, Some(end_ns.saturating_sub(how.warmup)));
        let pace = Pace::Open { arrivals: Arrivals::Trace(times.into()), stretches: Vec::new() };
        return Ok((pace, length));
    }
    let arrivals = match how.arrivals.as_str() {
        "constant" => Arrivals::Constant,
        "poisson" => Arrivals::Poisson,
        other => return Err(OptionError::NoProcess(other.into())),
    };
    let Some(rate) = &how.rate else { return Ok((Pace::Closed { think_ns: how.think }, length(how, None))) };
    let shaped = rate.contains([',', '/']) && !rate.ends_with("/s") || rate.contains("..");
    if shaped && (how.duration.is_some() || how.requests.is_some()) {
        return Err(OptionError::ShapeWithLength);
    }
    let own_length = how.duration.unwrap_or(LOAD_DURATION_NS);
    let mut stretches =
        profile::parse(rate, own_length).map_err(|error| OptionError::Rate(error.to_string()))?;
    let (from_per_s, shape_ns) = (stretches[0].from_per_s, profile::length_ns(&stretches));
    let length = length(how, shaped.then_some(shape_ns));
    if let (Length::Requests(n), [only]) = (length, stretches.as_mut_slice()) {
        // Poisson arrivals need their time: the number ends the run, and the schedule must not end before it.
        only.length_ns = ((n as f64 / only.from_per_s * 2.0 + 60.0) * 1e9) as u64;
    }
    if how.warmup > 0 {
        stretches.insert(0, Stretch { from_per_s, to_per_s: from_per_s, length_ns: how.warmup });
    }
    // One rate from the warm-up on is one stretch; two steps without a warm-up are two.
    if how.warmup > 0
        && let [warmup, only] = stretches.as_slice()
        && only.from_per_s == only.to_per_s
    {
        let length_ns = warmup.length_ns + only.length_ns;
        stretches = vec![Stretch { from_per_s, to_per_s: from_per_s, length_ns }];
    }
    Ok((Pace::Open { arrivals, stretches }, length))
}

fn length(how: &How, own_ns: Option<u64>) -> Length {
    match (how.requests, how.duration) {
        (Some(n), _) => Length::Requests(n),
        (None, Some(ns)) => Length::Duration(ns),
        (None, None) => Length::Duration(own_ns.unwrap_or(LOAD_DURATION_NS)),
    }
}
