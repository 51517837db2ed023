//! `dyno serve NAME`: runs one architecture until it is stopped.

mod access;
mod admission;
mod control;
mod forward;
mod relief;
mod said;
mod sockets;
mod uploads;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dyno_http::limits::{Epoch, Limits};
use dyno_servers::architecture::{Architecture, Knob};
use dyno_servers::architectures;
use dyno_servers::kit::access::{Access, ListReader};
use dyno_servers::kit::available::available_bytes;
use dyno_servers::kit::listen::{ListenAddress, NoAddress};
use dyno_servers::kit::memory::MemoryBudget;
use dyno_servers::kit::site::{Arm, Readiness, Settings, Site};
use dyno_servers::kit::stop::Stop;
use dyno_servers::kit::tally::Tallies;
use dyno_servers::kit::threads::NoWorker;
use dyno_servers::limits::{DRAIN, MAX_PROCESSES, MEMORY_BYTES_PER_BUDGET_BYTE, MEMORY_LEAST_BYTES};
use dyno_servers::services;
use dyno_servers::services::service::{Forward, Services};
use dyno_servers::trace::tracer::Tracer;
use dyno_units::read::{self, ReadError};
use dyno_units::show;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::CommandResult;
use super::deadlines::DeadlineOptions;
use crate::exit::{Exit, Failure};
use crate::knobs;
use crate::limits::LONGEST_DRAIN_S;
use crate::meant::{NameKind, meant};
use crate::print::errln;
use dyno_measure::probe::machine::{online_cores, pin};

/// Run one architecture until SIGTERM, SIGHUP or Ctrl-C.
///
/// When it is ready it prints one line of JSON with its address, process, name and settings on standard output, and
/// when it has ended another with its counts for each worker; on a terminal it says both in words. The first signal
/// (SIGTERM, SIGINT, SIGHUP) drains: no new connections, requests that have arrived are answered, idle connections end
/// after 200 ms; a SIGTERM or SIGINT after it ends at once (exit code 130). SIGQUIT, SIGUSR1 and SIGUSR2 end it
/// without draining.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno serve epoll --listen 127.0.0.1:8080\n  \
                        curl http://127.0.0.1:8080/json\n\nSee `dyno list` for the names and the services.")]
pub(crate) struct Arguments {
    /// The architecture, as `dyno list` names it.
    name: String,
    #[command(flatten)]
    sockets: sockets::SocketOptions,
    /// Processes, threads or loops [default: what the chapter says].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    workers: Option<u32>,
    /// Places in the queue between dispatcher and workers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    queue: Option<u32>,
    /// Connections served at once; past it clients get a quick 503.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: Option<u32>,
    /// What connections may hold together: their design's own memory, buffers, bodies, queued answers; past it clients
    /// get a quick 503, and bodies are not read [default: half of the memory of the machine or of its cgroup].
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    memory: Option<u64>,
    /// The variant of a chapter that has two.
    #[arg(long, value_enum)]
    arm: Option<ArmName>,
    /// Cores to run on, for example 0 or 0,2-3 [default: all that the process may use].
    #[arg(long, value_name = "LIST", value_parser = parse_cores)]
    cores: Option<Cores>,
    /// How long a stopping server waits for requests in flight, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = DRAIN.as_secs(), value_parser = clap::value_parser!(u64).range(..=LONGEST_DRAIN_S))]
    drain: u64,
    /// The directory behind /files/.
    #[arg(long, value_name = "DIR")]
    files: Option<PathBuf>,
    #[command(flatten)]
    uploads: uploads::UploadOptions,
    /// Lines of JSON, as where standard output is no terminal.
    #[arg(long)]
    json: bool,
    /// Offer /fault/KIND to clients on this machine: handlers that panic, abort, exit, overflow, spin, block or leak.
    /// Never on a server that matters: whoever can connect can end it.
    #[arg(long)]
    faults: bool,
    /// Rounds of the work loop that make a microsecond of /compute [default: measured at the first use].
    #[arg(long, value_name = "ROUNDS", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    compute_rounds_per_us: Option<u64>,
    /// Write down when the requests of such a share of the connections pass the points of their way, 100% or less, in
    /// memory whose path the ready line tells: `dyno trace` and `dyno watch` read it.
    #[arg(long, value_name = "SHARE", value_parser = read::share)]
    trace: Option<f64>,
    #[command(flatten)]
    admission: admission::AdmissionOptions,
    #[command(flatten)]
    forward: forward::ForwardOptions,
    #[command(flatten)]
    control: control::ControlOptions,
    #[command(flatten)]
    access: access::AccessOptions,
    #[command(flatten)]
    transport: crate::transport::Options,
    #[command(flatten)]
    deadlines: DeadlineOptions,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ArmName {
    /// As a textbook would write it.
    Plain,
    /// With all that the kernel offers.
    Tuned,
}

/// A list of cores.
#[derive(Debug, Clone)]
struct Cores(Vec<usize>);

/// Runs the server.
///
/// # Errors
/// A [`Failure`]: usage (2) for names and values that make no sense, failed (1) when a system call is refused.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let architecture = find(&arguments.name)?;
    check_knobs(architecture, arguments)?;
    arguments.sockets.check()?;
    let address = arguments.sockets.address();
    check_address(architecture, arguments, address.as_ref())?;
    arguments.admission.check()?;
    if let Some(cores) = &arguments.cores {
        keep_to(cores)?;
    }
    let settings = settings(architecture, arguments);
    let (transport, identity) = match arguments.transport.acceptor()? {
        Some(side) => (Some(side.acceptor), Some((side.identity, side.serves_anybody))),
        None => (None, None),
    };
    let serves_anybody = identity.as_ref().is_none_or(|(_, serves_anybody)| *serves_anybody);
    let (dispatch, rules) = arguments.forward.read(arguments.access.policy())?;
    let access = arguments.access.access(architecture, serves_anybody, rules)?;
    // Programs read lines of JSON; whoever sits at a terminal gets sentences.
    let to_people = !arguments.json && io::stdout().is_terminal();
    let descriptors = raise_descriptor_limit();
    let usual = Limits::default();
    let drain_grace = arguments.sockets.drain_grace(usual.drain_grace);
    let limits = arguments.deadlines.apply(Limits { epoch: Some(epoch()), drain_grace, ..usual });
    let sockets::Opened { listener, address, is_unix, sharing, mut keeping } =
        arguments.sockets.open(architecture, &limits)?;
    // Others may have opened it, so only now it is known where it listens.
    check_address(architecture, arguments, address.as_ref())?;
    let stop = Stop::install(settings.drain, descriptors)
        .map_err(|error| Failure::failed(format!("cannot set up signals: {error}"), ""))?;
    let share = |error| Failure::failed(format!("cannot share memory: {error}"), "");
    let writers = architecture.anatomy.started.writers(settings.workers);
    let open = |share_traced| Tracer::open(writers, share_traced);
    let trace = arguments.trace.map(open).transpose().map_err(share)?;
    let control = arguments.control.open(architecture, stop, keeping.control.take())?;
    let mut services = Services::new(&services::ALL, arguments.compute_rounds_per_us).map_err(share)?;
    services.files = arguments.files.as_deref().map(check_directory).transpose()?;
    services.faults = arguments.faults;
    services.uploads = arguments.uploads.uploads(access.as_ref())?;
    services.queues = services.queues.filter(|_| architecture.anatomy.served_by.shares_memory());
    services.has_rules = access.is_some();
    let forwarding =
        arguments.forward.forwarding(dispatch, transport.is_some(), services.uploads.is_some())?;
    services.forward = forwarding.map(|forwarding| Box::new(forwarding) as Box<dyn Forward>);
    if let (Some(Access { lists: ListReader::Kernel, .. }), Some(directory)) = (&access, &services.files) {
        services.files_held = Some(access::hold(directory)?);
    }
    let site = Site {
        listener,
        is_unix,
        sharing,
        services,
        limits: Arc::new(limits),
        transport,
        access,
        admission: arguments.admission.admission().map_err(share)?,
        tower: arguments.admission.tower(),
        register: control.as_ref().map(|control| control.register),
        trace,
        tallies: Tallies::new(settings.workers).map_err(share)?,
        open_connections: AtomicUsize::new(0),
        memory: MemoryBudget::new(settings.memory_bytes, settings.workers.max(MAX_PROCESSES))
            .map_err(share)?,
        connection_bytes: architecture.anatomy.started.connection_bytes(),
        settings,
        stop,
        readiness: Readiness::new({
            let (name, transport) = (architecture.name, arguments.transport.of_server().name());
            let rounds = arguments.compute_rounds_per_us;
            let control = control.as_ref().and_then(|control| control.address.clone());
            let relief = keeping.relief.clone();
            move |site, workers| {
                if !relief.tell(site) {
                    return;
                }
                said::ready(site, workers, name, transport, rounds, control.as_deref(), to_people);
            }
        }),
    };
    // The site lives as long as the process, because threads, tasks and signal handlers may use it until the end.
    let site: &'static Site = Box::leak(Box::new(site));
    relief::own(site);
    let (control_socket, control_file) =
        control.map_or((None, None), |control| (control.socket, control.file));
    arguments.sockets.watch(site, &mut keeping, control_socket)?;
    if let Some((identity, serves_anybody)) = identity {
        errln!("{}", crate::transport::describe(&identity, serves_anybody));
    }
    if let Some(access) = &site.access {
        let rules = show::many(access.policy.rules() as u64, "rule");
        errln!("a policy of {rules}; what they do not allow is denied");
    }
    let result = (architecture.run)(site);
    site.services.sweep();
    let not_taken_over = keeping.relief.failure();
    keeping.end(stop, control_file);
    if let Some(failure) = not_taken_over {
        return Err(failure);
    }
    let has_started = site.readiness.workers().is_some();
    if has_started {
        let account = site.account(architecture.name);
        say(&if to_people { said::farewell(&account) } else { account });
    }
    let failure = match result {
        Ok(()) => return Ok(Exit::Success),
        Err(error) if has_started => (format!("{} stopped: {error}", architecture.name), remedy(&error)),
        Err(error) => (format!("{} cannot start: {error}", architecture.name), remedy(&error)),
    };
    Err(Failure::failed(failure.0, failure.1))
}

/// The architecture of that name.
///
/// # Errors
/// Usage (2), with what was probably meant.
pub(super) fn find(name: &str) -> Result<&'static Architecture, Failure> {
    let mut known = architectures::ALL.into_iter();
    known.find(|architecture| architecture.name == name).ok_or_else(|| {
        let guess = meant(name, NameKind::Architecture);
        Failure::usage(
            format!("there is no architecture called {name:?}"),
            format!("{guess}`dyno list` shows them all"),
        )
    })
}

/// Refuses an option that the chapter does not read: with it, the command line would misstate what was measured.
fn check_knobs(architecture: &Architecture, arguments: &Arguments) -> Result<(), Failure> {
    let given = [
        (Knob::Workers, arguments.workers.is_some()),
        (Knob::Queue, arguments.queue.is_some()),
        (Knob::MaxConnections, arguments.max_connections.is_some()),
        (Knob::Arm, arguments.arm.is_some()),
        (Knob::Tower, arguments.admission.tower().is_some()),
    ];
    let Some((knob, _)) =
        given.into_iter().find(|(knob, given)| *given && !architecture.knobs.contains(knob))
    else {
        return Ok(());
    };
    let known: Vec<_> = architecture.knobs.iter().map(|knob| knobs::option(*knob)).collect();
    let known = if known.is_empty() { "none of these options".to_owned() } else { known.join(", ") };
    Err(Failure::usage(
        format!("{} does not read {}", architecture.name, knobs::option(knob)),
        format!("leave it out; {} reads {known}", architecture.name),
    ))
}

/// Refuses what may not be done at this address; `None`: it is not known yet.
fn check_address(
    architecture: &Architecture,
    arguments: &Arguments,
    address: Option<&ListenAddress>,
) -> Result<(), Failure> {
    arguments.control.check(architecture, address, arguments.transport.of_server())?;
    match address {
        // Whoever asks for a planted fault can end the server.
        Some(ListenAddress::Tcp(address))
            if arguments.faults && !address.ip().to_canonical().is_loopback() =>
        {
            Err(Failure::usage(
                format!(
                    "--faults lets whoever connects end the server, and {address} is no loopback address"
                ),
                "leave --faults out, or listen on 127.0.0.1, [::1] or unix:PATH",
            ))
        }
        Some(ListenAddress::Tcp(_) | ListenAddress::Unix(_)) | None => Ok(()),
    }
}

fn settings(architecture: &Architecture, arguments: &Arguments) -> Settings {
    let defaults = (architecture.defaults)(online_cores().len().max(1));
    let or = |given: Option<u32>, default: usize| given.map_or(default, |given| given as usize);
    let memory = arguments.memory.unwrap_or_else(|| available_bytes() / MEMORY_BYTES_PER_BUDGET_BYTE);
    Settings {
        workers: or(arguments.workers, defaults.workers),
        queue_places: or(arguments.queue, defaults.queue_places),
        max_connections: or(arguments.max_connections, defaults.max_connections),
        arm: if matches!(arguments.arm, Some(ArmName::Plain)) { Arm::Plain } else { Arm::Tuned },
        drain: Duration::from_secs(arguments.drain),
        memory_bytes: usize::try_from(memory).unwrap_or(usize::MAX),
    }
}

/// The text is no budget of memory.
#[derive(Debug, thiserror::Error)]
enum NoBudget {
    #[error(transparent)]
    Unread(#[from] ReadError),
    #[error("a server needs 1MiB at least")]
    TooSmall,
}

fn memory(text: &str) -> Result<u64, NoBudget> {
    let bytes = read::size_bytes(text)?;
    if bytes < MEMORY_LEAST_BYTES { Err(NoBudget::TooSmall) } else { Ok(bytes) }
}

/// Prints a result on standard output, one line each. If the reader has gone, the server goes on serving.
pub(super) fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn address(text: &str) -> Result<ListenAddress, NoAddress> {
    text.parse()
}

fn listen_failure(address: &ListenAddress, error: &io::Error) -> Failure {
    let is_path = matches!(address, ListenAddress::Unix(_));
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse if is_path => {
            "another program listens there, or it is no socket: choose another path"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound if is_path => {
            "choose a path in a directory that is there and yours"
        }
        io::ErrorKind::InvalidInput if is_path => "a path of a socket has at most 107 octets",
        io::ErrorKind::AddrInUse => {
            "another program listens there: choose another port, or port 0 for a free one"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need privilege: choose a higher one",
        io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address: try 127.0.0.1, or 0.0.0.0 for all"
        }
        _ => "",
    };
    Failure::failed(format!("cannot listen on {address}: {error}"), remedy)
}

fn remedy(error: &io::Error) -> &'static str {
    if matches!(error.get_ref(), Some(cause) if cause.is::<NoWorker>()) {
        return said::FEW_PROCESSES;
    }
    if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
        return "the system allows no more open files, see `ulimit -n`";
    }
    match error.kind() {
        io::ErrorKind::Unsupported => {
            "this kernel or its settings refuse what the chapter needs; take another one"
        }
        io::ErrorKind::PermissionDenied => {
            "the system refuses a call that the chapter needs; see its documentation"
        }
        _ => "",
    }
}

fn check_directory(directory: &std::path::Path) -> Result<PathBuf, Failure> {
    if directory.is_dir() {
        return Ok(directory.to_owned());
    }
    Err(Failure::usage(
        format!("{} is no directory", directory.display()),
        "--files wants the directory to be served",
    ))
}

fn epoch() -> Epoch {
    let unix_seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Epoch { instant: Instant::now(), unix_seconds }
}

/// Raises the soft limit of descriptors to the hard limit, so that a benchmark of ten thousand connections does not
/// fail at the usual soft limit of 1,024.
///
/// # Returns
/// The limit in force.
fn raise_descriptor_limit() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    // The table of connections is indexed by descriptor, and a limit of "infinity" is no size for it.
    usize::try_from(if raised { hard } else { soft }).unwrap_or(usize::MAX).min(1 << 20)
}

fn keep_to(cores: &Cores) -> Result<(), Failure> {
    // When some of the cores are not available, the system silently uses the others.
    if pin(&cores.0).is_ok() && online_cores() == cores.0 {
        return Ok(());
    }
    Err(Failure::usage(
        "these cores cannot be used",
        format!("this process may use cores {:?}", online_cores()),
    ))
}

fn parse_cores(list: &str) -> Result<Cores, ReadError> {
    read::cores(list).map(Cores)
}
