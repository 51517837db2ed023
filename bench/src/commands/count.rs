//! `dyno count`: instructions per request and per connection, in an emulated machine.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::CommandResult;
use super::experiment::spec::{Spec, transports};
use super::experiment::values::{BlockCount, Within};
use crate::exit::{Exit, Failure};
use crate::print::{errln, out, outln};
use crate::progress::Reporter;
use crate::results::{self, Written};
use clap::{Args as _, FromArgMatches as _};
use dyno_measure::contestant::{Contestant, behind, label_apart, own};
use dyno_measure::count::contract::GuestPlan;
use dyno_measure::count::machine::{GuestParts, MachineError};
use dyno_measure::count::{self, CountEvent, CountSetup};
use dyno_measure::rig::system::{interrupted, take_signals};
use dyno_record::SCHEMA;
use dyno_record::cell::Trial;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Environment, Header};
use dyno_record::measured::Record;
use dyno_record::store::{self, Store, StoreError};
use dyno_record::transport::TransportKind;
use dyno_units::show;

/// Count the instructions of a request and of a connection, the kernel's included, on any machine: the figures do not
/// depend on its speed, nor on what else it does.
///
/// An emulated machine (QEMU without KVM) runs servers and generator, and its clock advances by a nanosecond for each
/// instruction. It needs no root, no counters of the processor, and no quiet; all architectures take some minutes of
/// one core. Caches, contention and the time of wake-ups are not in these figures: they decide what time cannot, and
/// do not replace it. Two counts with the same kernel compare on any two machines: dyno diff OLD NEW --threshold 1%.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno count\n  dyno count epoll thread-pool fork\n  dyno count epoll --kernel /boot/vmlinuz-6.1.0\n  \
                        dyno diff OLD NEW --threshold 1% --fail-on-regression\n\n\
                        Exit codes: 0 there is a result, 1 the run failed or something is not installed, 2 wrong usage,\n\
                        5 no cell counts, 130 interrupted: what was counted has been written."
)]
pub(crate) struct Arguments {
    /// Who takes part: names from `dyno list`, `io-uring:plain` for an arm [default: all]
    names: Vec<String>,
    /// What is asked for, with a leading slash; see `dyno list`
    #[arg(long, value_name = "PATH", default_value = "/")]
    service: String,
    /// One or more of plain, channel (Dyno's own) and tls: each architecture runs behind each of them
    #[arg(
        long,
        alias = "transport",
        value_name = "LIST",
        value_delimiter = ',',
        default_value = TransportKind::Plain.word(),
        value_parser = transports()
    )]
    transports: Vec<TransportKind>,
    /// Lasting connections, where an architecture serves so many; of those with one request each there are at most 16
    #[arg(long, value_name = "N", default_value = "16")]
    connections: Within<1, 256>,
    /// Requests of a load over lasting connections; a second load has twice as many, and their difference is what
    /// counts. With a connection each there are a quarter as many
    #[arg(long, value_name = "N", default_value = "400")]
    requests: Within<16, 1_000_000>,
    /// How often each is counted, on one server
    #[arg(long, value_name = "N", default_value = "5")]
    blocks: BlockCount,
    /// Kernel of the emulated machine [default: the newest /boot/vmlinuz-*]
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,
    /// Seed of the generator and of the emulated machine's random numbers
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Where results go [default: dyno-results/TIME-count]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print what would be counted, and count nothing
    #[arg(long)]
    dry_run: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

/// Share of the requests over lasting connections that are sent with a connection each: opening and closing one takes
/// some ten times the instructions.
const CONNECTS_OF_REQUESTS: u64 = 4;

/// Counts, and writes the report.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when something is not installed, the emulated machine fails, or
/// results cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let setup = setup(arguments)?;
    let plan = plan(&setup);
    if arguments.dry_run {
        for cell in &plan.cells {
            outln!("{:<21} {:<22} {}", cell.step, cell.contestant, cell.load.words());
        }
        outln!(
            "{} in {} each",
            show::count(plan.cells.len(), "cell"),
            show::count(plan.blocks as usize, "block")
        );
        return Ok(Exit::Success);
    }
    let (was_interrupted, written) = counted(arguments, setup, &plan)?;
    out!("{}", written.report.terminal);
    if !arguments.quiet {
        errln!("report: {}", written.page.display());
    }
    Ok(match (was_interrupted, written.report.usable) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::Success,
        (false, false) => Exit::Invalid,
    })
}

/// Counts, and tells whether that was interrupted, and what was written.
fn counted(arguments: &Arguments, setup: CountSetup, plan: &GuestPlan) -> Result<(bool, Written), Failure> {
    let parts = GuestParts::find(arguments.kernel.as_deref())?;
    let mut session = Session::begin(arguments, setup)?;
    take_signals()?;
    let ended = count::run(&parts, plan, &interrupted, &mut |event| session.take(event));
    session.end(ended)
}

/// Counts those of a comparison who are Dyno's own, for its report; what was counted before stays.
///
/// # Errors
/// As [`run`].
pub(crate) fn beside(spec: &Spec, directory: &Path) -> Result<(), Failure> {
    if directory.join(store::FILE).exists() {
        return Ok(());
    }
    let is_own = |name: &&String| own::named(name).is_ok();
    let names: Vec<String> = spec.names.iter().filter(is_own).cloned().collect();
    if names.is_empty() && !spec.names.is_empty() {
        return Err(Failure::usage("none of those who took part is Dyno's own", "name one of `dyno list`"));
    }
    let service = if spec.experiment == Experiment::Compare { spec.service.as_str() } else { "/" };
    let words = names.iter().map(String::as_str).chain(["--quiet", "--service", service, "--output"]);
    let words = words.map(OsStr::new).chain([directory.as_os_str()]);
    let command = Arguments::augment_args(clap::Command::new("count").no_binary_name(true));
    let arguments = command.try_get_matches_from(words).and_then(|found| Arguments::from_arg_matches(&found));
    let arguments = arguments.map_err(|error| Failure::usage(error.to_string(), ""))?;
    let setup = setup(&arguments)?;
    let plan = plan(&setup);
    counted(&arguments, setup, &plan).map(drop)
}

fn plan(setup: &CountSetup) -> GuestPlan {
    GuestPlan { cells: setup.cells(), blocks: setup.blocks, seed: setup.seed }
}

fn setup(arguments: &Arguments) -> Result<CountSetup, Failure> {
    if !arguments.service.starts_with('/') {
        return Err(Failure::usage(
            format!("the service {} has no leading slash", arguments.service),
            format!("say --service /{}", arguments.service),
        ));
    }
    let mut found = match arguments.names.as_slice() {
        [] => own::all()?,
        names => names.iter().map(|name| own::named(name)).collect::<Result<Vec<_>, _>>()?,
    };
    label_apart(&mut found);
    let mut transports = arguments.transports.clone();
    transports.sort_unstable();
    transports.dedup();
    let requests = u64::from(arguments.requests.get());
    Ok(CountSetup {
        contestants: behind(&found, &transports),
        service: arguments.service.clone(),
        connections: arguments.connections.get(),
        requests,
        connects: requests / CONNECTS_OF_REQUESTS,
        blocks: arguments.blocks.get(),
        seed: arguments.seed,
    })
}

/// A count from its directory to its report.
struct Session {
    setup: CountSetup,
    directory: PathBuf,
    began_unix_ms: u64,
    progress: Reporter,
    /// The records, from the moment at which the machine is known.
    store: Option<Store>,
}

impl Session {
    fn begin(arguments: &Arguments, setup: CountSetup) -> Result<Self, Failure> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let began_unix_ms = since.map_or(0, |since| since.as_millis() as u64);
        let directory = match &arguments.output {
            Some(place) if place.join(store::FILE).exists() => {
                return Err(StoreError::Taken(place.clone()).into());
            }
            Some(place) => place.clone(),
            None => free(results::directory(Experiment::Count, began_unix_ms)),
        };
        results::refuse_blocked_report(&directory)?;
        let progress = Reporter::new(arguments.quiet);
        if cfg!(debug_assertions) {
            progress.warn_of_slow_program();
        }
        Ok(Session { setup, directory, began_unix_ms, progress, store: None })
    }

    /// Takes what the machine tells: what it is, and each record as soon as it is there.
    fn take(&mut self, event: CountEvent) -> Result<(), Failure> {
        match event {
            CountEvent::Machine(environment) => {
                let header = self.header(*environment);
                self.store = Some(Store::begin(&self.directory, &header)?);
                results::point_latest(&self.directory);
            }
            CountEvent::Record(record) => {
                let record = Record { began_unix_ms: self.began_unix_ms, ..*record };
                if let Some(store) = &mut self.store {
                    store.append(&record)?;
                }
                self.tell(&record);
            }
        }
        Ok(())
    }

    fn header(&self, environment: Environment) -> Header {
        let setup = &self.setup;
        Header {
            schema: SCHEMA,
            experiment: Experiment::Count,
            command: std::env::args().collect(),
            spec: None,
            seed: setup.seed,
            blocks: setup.blocks,
            began_unix_ms: self.began_unix_ms,
            threshold: THRESHOLD,
            limit: None,
            compute_rounds_per_us: None,
            contestants: setup.contestants.iter().map(Contestant::line).collect(),
            floor: None,
            environment,
        }
    }

    /// A line for each cell, and the reason of one that is void.
    fn tell(&self, record: &Record) {
        let Trial { cell, block } = &record.trial;
        if *block > 0 {
            return;
        }
        match record.instructions() {
            Some(figures) => self.progress.say(&format!(
                "{:<21} {:<22} {}",
                cell.step,
                cell.contestant,
                show::rate(figures.per_request)
            )),
            None => errln!("void: {} {}: {}", cell.step, cell.contestant, record.audit.reason()),
        }
    }

    fn end(self, ended: Result<(), Failure>) -> Result<(bool, Written), Failure> {
        let interrupted = match ended {
            Err(failure) if failure.exit == Exit::Interrupted && self.store.is_some() => true,
            other => other.map(|()| false)?,
        };
        drop(self.store);
        self.progress.finish();
        Ok((interrupted, results::write_report(&self.directory)?))
    }
}

/// The relative difference of counts that matters, unless another is asked for: twice what two counts differ by.
const THRESHOLD: f64 = 0.01;

/// A directory in which nothing was counted yet.
fn free(mut directory: PathBuf) -> PathBuf {
    while Path::new(&directory).join(store::FILE).exists() {
        directory = results::next_to(&directory);
    }
    directory
}

impl From<MachineError> for Failure {
    fn from(error: MachineError) -> Self {
        let message = error.to_string();
        match error {
            MachineError::OtherProcessor => {
                Failure::usage(message, "count on a machine with such a processor")
            }
            MachineError::NoEmulator => Failure::failed(
                message,
                "install QEMU: apt-get install qemu-system-x86, dnf install qemu-system-x86-core",
            ),
            MachineError::NoKernel => Failure::failed(
                message,
                "install one (apt-get install linux-image-cloud-amd64), or name a file: --kernel FILE",
            ),
            MachineError::Kernel { .. } => {
                Failure::usage(message, "name a kernel that you may read: --kernel FILE")
            }
            MachineError::Image(_) | MachineError::Start(_) => Failure::failed(message, ""),
            MachineError::Ended(_) | MachineError::Silent { .. } | MachineError::Broken(_) => {
                Failure::failed(
                    message,
                    "try another kernel, such as a distribution's for virtual machines: --kernel FILE",
                )
            }
            MachineError::Interrupted => Failure { exit: Exit::Interrupted, ..Failure::failed(message, "") },
        }
    }
}
