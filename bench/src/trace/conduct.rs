//! Starts a design, loads it, and joins what both sides have written down.

use std::path::Path;
use std::sync::Arc;

use dyno_clients::plan::Plan;
use dyno_clients::plan::request::known_answer;
use dyno_measure::contestant::{Contestant, own};
use dyno_measure::rig::system::interrupted;
use dyno_measure::rig::transport;
use dyno_measure::traced::run::{TracedError, TracedRun, TracedServer, load};
use dyno_record::cell::Cores;
use dyno_record::transport::TransportKind;

use crate::exit::Failure;

/// The load of a trace: an open loop.
#[derive(Debug, Clone)]
pub(crate) struct TraceLoad {
    /// Requests a second.
    pub(crate) rate_per_s: f64,
    /// What is asked for.
    pub(crate) service: String,
    /// What lies under HTTP.
    pub(crate) transport: TransportKind,
    /// Connections, where a design serves so many.
    pub(crate) connections: u32,
    /// Requests of each; `None`: it is kept.
    pub(crate) requests_per_connection: Option<u64>,
    /// Workers of a design that has some; `None`: what its chapter says.
    pub(crate) workers: Option<u32>,
    /// Time that is traced, ms.
    pub(crate) duration_ms: u64,
    /// Time before it, ms.
    pub(crate) warm_up_ms: u64,
}

/// Makes a plan of a load in the words of `dyno load`.
pub(crate) type Planner<'a> = &'a dyn Fn(&[String]) -> Result<Plan, Failure>;

/// Traces one of Dyno's own designs. What it needs is written below `directory`.
///
/// # Errors
/// When the server or the load breaks, or there is no trace.
pub(crate) fn traced(
    contestant: &Contestant,
    wanted: &TraceLoad,
    cores: &Cores,
    directory: &Path,
    plan_of: Planner<'_>,
) -> Result<TracedRun, Failure> {
    let [mut of_server, of_client] = transport::options(wanted.transport, &directory.join("credentials"))
        .map_err(|error| Failure::failed(format!("no keys: {error}"), ""))?;
    if let Some(workers) = wanted.workers.filter(|_| contestant.has_workers) {
        of_server.extend(["--workers".to_string(), workers.to_string()]);
    }
    if asks_for_work(&wanted.service)
        && let Some(rounds) = own::compute_rounds_per_us()
    {
        of_server.extend(["--compute-rounds-per-us".to_string(), rounds.to_string()]);
    }
    let mut server = TracedServer::start(contestant, &of_server, &cores.server, directory)?;
    let words = words(contestant, wanted, cores, &server.running.address.to_string(), of_client);
    let plan = Arc::new(plan_of(&words)?);
    let run = load(&plan, &mut server.reader, &interrupted);
    // A server that has died says why, and that is more than the generator knows.
    server.stop()?;
    Ok(run?)
}

/// Whether a path asks for work that takes as long everywhere only if all servers know the machine's pace.
fn asks_for_work(path: &str) -> bool {
    ["/compute", "/mix"].iter().any(|service| path.starts_with(service))
}

/// The load, in the words of `dyno load`.
fn words(
    contestant: &Contestant,
    wanted: &TraceLoad,
    cores: &Cores,
    address: &str,
    of_client: Vec<String>,
) -> Vec<String> {
    let mut words = vec![format!("http://{address}{}", wanted.service)];
    let mut option = |name: &str, value: String| words.extend([name.to_string(), value]);
    let connections = match wanted.requests_per_connection {
        Some(1) => wanted.connections,
        Some(_) | None => contestant.connections(wanted.connections),
    };
    option("--connections", connections.to_string());
    option("--rate", wanted.rate_per_s.to_string());
    option("--duration", format!("{}ms", wanted.duration_ms));
    option("--warmup", format!("{}ms", wanted.warm_up_ms));
    if let Some(requests) = wanted.requests_per_connection {
        option("--requests-per-connection", requests.to_string());
    }
    if known_answer(&wanted.service, b"").is_some() {
        option("--expect", "service".to_string());
    }
    match cores.generator.first() {
        Some(core) if !cores.shared() => option("--cpu", core.to_string()),
        _ => option("--spin", "0".to_string()),
    }
    words.extend(of_client);
    words
}

impl From<TracedError> for Failure {
    fn from(error: TracedError) -> Self {
        let message = error.to_string();
        match error {
            TracedError::NoTrace(_) => Failure::usage(message, "`dyno list` shows the names"),
            TracedError::Clocks { .. } => Failure::failed(
                message,
                "run both in one time namespace, on one machine (see time_namespaces(7))",
            ),
            TracedError::Load(error) => error.into(),
            TracedError::Server(_) | TracedError::Memory(_) => Failure::failed(message, ""),
        }
    }
}
