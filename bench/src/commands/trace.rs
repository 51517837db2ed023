//! `dyno trace NAME...`: where the time of every request goes.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use dyno_clients::plan::Plan;
use dyno_measure::contestant::{Contestant, label_apart, named};
use dyno_measure::place::Placement;
use dyno_measure::probe::machine;
use dyno_measure::rig::system::{interrupted, take_signals};
use dyno_measure::traced::run::TracedError;
use dyno_record::transport::TransportKind;
use dyno_units::show;

use super::CommandResult;
use super::experiment::spec::transports;
use super::experiment::values::{CellTime, ConnectionCount, PerSecond, WarmUpTime};
use super::turns;
use crate::exit::{Exit, Failure};
use crate::limits::VIEWER_REQUESTS_MAX;
use crate::load::write::try_place;
use crate::meant;
use crate::numbers;
use crate::print::{PAINT, errln, out, outln};
use crate::progress::Reporter;
use crate::scratch::Scratch;
use crate::trace::conduct::{TraceLoad, traced};
use crate::trace::{TracedDesign, json, show as account, viewer};

/// Show where the time of every request goes: from the moment at which it was due, by way of the generator, the
/// queues, the service and the writing, to the last octet of its answer.
///
/// Each design is started and loaded in turn; server and generator write down each request on one clock, and both
/// sides are joined. The parts of each request add up to its latency to the nanosecond; what could not be joined is
/// counted and told. A traced run is no measurement of capacity: tracing costs some hundred nanoseconds a request.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno trace epoll\n  dyno trace thread-pool epoll --rate 20k --workers 4\n  \
                        dyno trace half-sync-half-async --service /compute/50 --output trace.json\n  \
                        dyno trace fork epoll --requests-per-connection 1\n\n\
                        Open trace.json in ui.perfetto.dev or chrome://tracing.\n\n\
                        Exit codes: 0 there is a trace, 1 the run failed, 2 wrong usage, 5 no request could be\n\
                        joined, 130 interrupted: what was traced is shown."
)]
pub(crate) struct Arguments {
    /// The architectures, as `dyno list` names them; `io-uring:plain` for an arm
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Requests a second, due by the clock (Poisson arrivals)
    #[arg(long, short, value_name = "RATE", default_value = "2k")]
    rate: PerSecond,
    /// What is asked for, with a leading slash; see `dyno list`
    #[arg(long, value_name = "PATH", default_value = "/")]
    service: String,
    /// plain, channel (Dyno's own) or tls
    #[arg(long, value_name = "NAME", default_value = TransportKind::Plain.word(), value_parser = transports())]
    transport: TransportKind,
    /// Connections, where an architecture serves so many
    #[arg(long, short, value_name = "N", default_value = "64")]
    connections: ConnectionCount,
    /// Close a connection after so many requests; 1: a connection for each request
    #[arg(long, value_name = "N", value_parser = numbers::requests)]
    requests_per_connection: Option<u64>,
    /// Workers of each architecture that has some [default: what the chapter says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    workers: Option<u32>,
    /// Time that is traced, for each architecture
    #[arg(long, short, value_name = "TIME", default_value = "2s")]
    duration: CellTime,
    /// Time before it that is left out
    #[arg(long, value_name = "TIME", default_value = "300ms")]
    warm_up: WarmUpTime,
    /// Slowest requests that are listed, with what stood in front of each
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(0..=100))]
    slowest: u32,
    /// Also write a file for ui.perfetto.dev and chrome://tracing
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How the account is printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TraceFormat,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

/// How the account of a trace is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TraceFormat {
    /// Bars, tables and sentences of 80 columns.
    Text,
    /// Everything, with a schema version.
    Json,
}

/// The plan of a load that server and command line decide upon.
pub(super) fn plan_of(words: &[String]) -> Result<Plan, Failure> {
    turns::plan_of(words, "see `dyno trace --help`")
}

/// Traces each design in turn, and shows what came of it.
///
/// # Errors
/// Usage (2) for names and values that make no sense; failed (1) when a server or the load breaks.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let contestants = contestants(arguments)?;
    check_service(&arguments.service)?;
    if let Some(path) = &arguments.output {
        try_place(path)?;
    }
    let scratch = Scratch::make("trace")?;
    let cores = Placement::here().halves();
    take_signals()?;
    if !cores.shared() {
        // Whoever starts servers and reads their traces takes no time from them.
        let _ = machine::pin(&cores.generator);
    }
    let wanted = wanted(arguments);
    let progress = Reporter::new(arguments.quiet || contestants.len() == 1);
    let mut designs: Vec<TracedDesign> = Vec::new();
    for (number, contestant) in contestants.iter().enumerate() {
        progress.say(&format!("{}/{} {}", number + 1, contestants.len(), contestant.label));
        let run = traced(contestant, &wanted, &cores, scratch.path(), &plan_of)?;
        designs.push(TracedDesign::new(contestant.label.clone(), run));
        if interrupted() {
            break;
        }
    }
    progress.finish();
    let most_slow = arguments.slowest as usize;
    match arguments.format {
        TraceFormat::Text => out!("{}", account::text(&designs, &conditions(arguments), most_slow, PAINT)),
        TraceFormat::Json => outln!("{:#}", json::account(&designs, most_slow)),
    }
    if let Some(path) = &arguments.output {
        write_viewer(path, &designs, arguments.quiet)?;
    }
    let is_there = designs.iter().any(|design| !design.run.joined.requests.is_empty());
    Ok(match (interrupted(), is_there) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Success,
        (false, false) => Exit::Invalid,
    })
}

fn contestants(arguments: &Arguments) -> Result<Vec<Contestant>, Failure> {
    let find = |name: &String| {
        let found = named::named(name)?;
        let has_workers = arguments.workers.is_none() || found.has_workers;
        match found {
            found if !found.own => Err(TracedError::NoTrace(found.label).into()),
            found if has_workers || arguments.names.len() > 1 => Ok(found),
            found => Err(Failure::usage(format!("{} does not read --workers", found.label), "leave it out")),
        }
    };
    let mut found = arguments.names.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    label_apart(&mut found);
    Ok(found)
}

fn wanted(arguments: &Arguments) -> TraceLoad {
    TraceLoad {
        rate_per_s: arguments.rate.0,
        service: arguments.service.clone(),
        transport: arguments.transport,
        connections: arguments.connections.get(),
        requests_per_connection: arguments.requests_per_connection,
        workers: arguments.workers,
        duration_ms: arguments.duration.get(),
        warm_up_ms: arguments.warm_up.get(),
    }
}

fn check_service(path: &str) -> Result<(), Failure> {
    if !path.starts_with('/') {
        return Err(Failure::usage(
            format!("--service: {path:?} begins without a slash"),
            "say /json, for example",
        ));
    }
    match meant::service(path) {
        None => Ok(()),
        Some(guess) => Err(Failure::usage(format!("there is no service {path}"), guess)),
    }
}

/// What was traced, for the head of the account.
fn conditions(arguments: &Arguments) -> String {
    let each = match arguments.requests_per_connection {
        Some(1) => ", a connection for each request".to_string(),
        Some(requests) => format!(", {requests} requests on each"),
        None => String::new(),
    };
    let transport = match arguments.transport {
        TransportKind::Plain => String::new(),
        transport => format!(" behind {transport}"),
    };
    format!(
        "{} requests/s for {}{transport}, {}{each}",
        show::rate(arguments.rate.0),
        arguments.service,
        show::count(arguments.connections.get() as usize, "connection"),
    )
}

fn write_viewer(path: &Path, designs: &[TracedDesign], quiet: bool) -> Result<(), Failure> {
    let written = File::create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        let left_out = viewer::write(&mut file, designs, VIEWER_REQUESTS_MAX)?;
        file.flush().map(|()| left_out)
    });
    let left_out = written.map_err(|error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()), "choose another place")
    })?;
    if left_out > 0 {
        errln!(
            "{} are not in {}, the oldest first: a viewer takes some {} of each design",
            show::many(left_out, "request"),
            path.display(),
            show::whole(VIEWER_REQUESTS_MAX as u64)
        );
    }
    if !quiet {
        errln!("trace: {} (open it in ui.perfetto.dev)", path.display());
    }
    Ok(())
}
