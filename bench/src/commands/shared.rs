//! Options that all experiments share, and what they mean.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::exit::{Exit, Failure};
use crate::progress::Reporter;
use crate::results;
use dyno_measure::campaign::{Campaign, Stop, expected_time};
use dyno_measure::contestant::{Contestant, behind, foreign, label_apart, own, peers};
use dyno_measure::environment;
use dyno_measure::experiment::setup::{Setup, split_cores};
use dyno_measure::floor;
use dyno_measure::limits::RESTLESS_MS;
use dyno_measure::order::Plan;
use dyno_measure::probe::machine::online_cores;
use dyno_measure::rig::system::System;
use dyno_record::SCHEMA;
use dyno_record::cell::{Cell, Cores, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::header::Header;
use dyno_record::measured::Record;
use dyno_record::store::{self, Records, Store};
use dyno_record::transport::TransportKind;
use dyno_units::{read, show};

/// Options that all experiments share.
#[derive(Debug, Clone, clap::Args)]
pub struct Shared {
    /// Who takes part: names from `dyno list`, `io-uring:plain` for an arm [default: all]
    pub names: Vec<String>,
    /// Let nginx, Apache, lighttpd, HAProxy and h2o take part, as far as they are installed
    #[arg(long)]
    pub peers: bool,
    /// Servers of your own, described in a TOML file
    #[arg(long, value_name = "FILE")]
    pub servers: Option<PathBuf>,
    /// What is asked for, with a leading slash; see `dyno list`
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub service: String,
    /// One or more of plain, channel (Dyno's own) and tls: each architecture runs behind each of them
    #[arg(
        long,
        alias = "transport",
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "plain",
        value_enum
    )]
    pub transports: Vec<TransportArgument>,
    /// Lasting connections, where an architecture serves so many
    #[arg(long, value_name = "N", default_value = "64", value_parser = connections)]
    pub connections: u32,
    /// As fast as is still useful: about 90 seconds for `compare`
    #[arg(long, conflicts_with = "thorough")]
    pub quick: bool,
    /// As long as intervals need
    #[arg(long)]
    pub thorough: bool,
    /// Blocks: each runs every cell once, in an order of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub blocks: Option<u32>,
    /// Time measured in each cell, such as 800ms
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    pub duration: Option<u64>,
    /// Time left out at the start of each cell, such as 200ms [default: until a pilot was steady, within a limit]
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    pub warm_up: Option<u64>,
    /// Cores of the servers, such as 0 or 0-3 [default: the first half]
    #[arg(long, value_name = "LIST", value_parser = core_list)]
    pub server_cores: Option<CoreList>,
    /// Cores of the generator [default: the others]
    #[arg(long, value_name = "LIST", value_parser = core_list)]
    pub generator_cores: Option<CoreList>,
    /// Relative difference that matters
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = dyno_units::read::share)]
    pub threshold: f64,
    /// Seed of the order and of the arrivals [default: taken from the clock]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where results go [default: dyno-results/TIME-EXPERIMENT]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Continue the experiment in DIR (the newest one when no DIR is given) as it was asked for: cells that are done are not
    /// measured again, void ones are
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["names", "peers", "servers", "service", "transports",
        "connections", "quick", "thorough", "blocks", "duration", "warm_up", "server_cores", "generator_cores", "threshold", "seed",
        "output"])]
    pub resume: Option<Option<PathBuf>>,
    /// What the experiment that is continued has measured, read when its options were.
    #[arg(skip)]
    pub before: Option<Records>,
    /// Print the plan and how long it takes, and measure nothing
    #[arg(long)]
    pub dry_run: bool,
    /// No progress on stderr
    #[arg(long, short)]
    pub quiet: bool,
}

/// A transport as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TransportArgument {
    /// Nothing between TCP and HTTP
    Plain,
    /// Dyno's own secure channel
    Channel,
    /// TLS 1.3
    Tls,
}

impl From<TransportArgument> for TransportKind {
    fn from(argument: TransportArgument) -> Self {
        match argument {
            TransportArgument::Plain => TransportKind::Plain,
            TransportArgument::Channel => TransportKind::Channel,
            TransportArgument::Tls => TransportKind::Tls,
        }
    }
}

/// A list of cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreList(pub Vec<usize>);

fn connections(text: &str) -> Result<u32, String> {
    match read::count(text)? {
        count @ 1..=100_000 => Ok(count as u32),
        _ => Err(format!("{text} is not between 1 and 100k")),
    }
}

/// A time in whole milliseconds.
///
/// # Errors
/// When it is no time, or shorter than a millisecond.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    match read::duration_ns(text)? / 1_000_000 {
        0 if text.trim() != "0" => Err(format!("{text} is shorter than 1ms")),
        milliseconds => Ok(milliseconds),
    }
}

fn core_list(text: &str) -> Result<CoreList, String> {
    let online = online_cores();
    let cores = read::cores(text).map_err(|error| error.to_string())?;
    match cores.iter().find(|core| !online.contains(core)) {
        Some(core) => Err(format!("core {core} cannot be used here; there are {online:?}")),
        None => Ok(CoreList(cores)),
    }
}

/// How long the cells of an experiment are, and how many blocks it has.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Blocks.
    pub blocks: u32,
    /// Time left out at the start.
    pub warm_up_ms: u64,
    /// Time measured.
    pub duration_ms: u64,
}

impl Shared {
    /// Who takes part.
    ///
    /// # Errors
    /// When a name is unknown or a file cannot be read.
    pub fn contestants(&self) -> Result<Vec<Contestant>, Failure> {
        let mut found = if self.names.is_empty() && self.servers.is_none() {
            own::all()?
        } else {
            self.names.iter().map(|name| own::named(name)).collect::<Result<_, _>>()?
        };
        if let Some(path) = &self.servers {
            found.extend(foreign::read(path)?);
        }
        if self.peers {
            found.extend(peers::installed());
        }
        label_apart(&mut found);
        let mut transports: Vec<TransportKind> = self.transports.iter().map(|one| (*one).into()).collect();
        transports.sort_unstable();
        transports.dedup();
        let found = behind(&found, &transports);
        if found.is_empty() {
            return Err(Failure::usage(
                "nobody takes part",
                "name architectures; foreign servers run plain only",
            ));
        }
        Ok(found)
    }

    /// The one of three values that is for the pace asked for: quick, usual, thorough.
    pub fn at_pace<T: Copy>(&self, values: [T; 3]) -> T {
        values[match (self.quick, self.thorough) {
            (true, _) => 0,
            (_, false) => 1,
            (_, true) => 2,
        }]
    }

    /// What is to be measured, at one of three paces: quick, usual, thorough.
    ///
    /// # Errors
    /// When a name is unknown or a value impossible.
    pub fn setup(&self, paces: [Pace; 3], seed: u64) -> Result<Setup, Failure> {
        let pace = self.at_pace(paces);
        if !self.service.starts_with('/') {
            return Err(Failure::usage(
                format!("the service {} has no leading slash", self.service),
                format!("say --service /{}", self.service),
            ));
        }
        Ok(Setup {
            contestants: self.contestants()?,
            service: self.service.clone(),
            cores: self.cores(),
            connections: self.connections,
            blocks: self.blocks.unwrap_or(pace.blocks),
            warm_up_ms: self.warm_up.unwrap_or(pace.warm_up_ms),
            warm_up_fixed: self.warm_up.is_some(),
            warm_ups_ms: BTreeMap::new(),
            duration_ms: self.duration.unwrap_or(pace.duration_ms).max(100),
            seed,
        })
    }

    fn cores(&self) -> Cores {
        let online = online_cores();
        let split = split_cores(&online);
        let rest = |taken: &[usize]| -> Vec<usize> {
            let rest: Vec<usize> = online.iter().copied().filter(|core| !taken.contains(core)).collect();
            if rest.is_empty() { taken.to_vec() } else { rest }
        };
        match (&self.server_cores, &self.generator_cores) {
            (None, None) => split,
            (Some(server), None) => Cores { server: server.0.clone(), generator: rest(&server.0) },
            (None, Some(generator)) => Cores { server: rest(&generator.0), generator: generator.0.clone() },
            (Some(server), Some(generator)) => {
                Cores { server: server.0.clone(), generator: generator.0.clone() }
            }
        }
    }
}

/// An experiment that is about to begin, or to continue.
#[derive(Debug)]
pub struct Launch {
    /// Its name.
    pub experiment: Experiment,
    /// Where its results go.
    pub directory: PathBuf,
    /// What an earlier start has measured.
    pub known: Vec<Record>,
    /// Seed of the order.
    pub seed: u64,
    /// Now.
    pub unix_ms: u64,
}

/// Finds out where results go and what is known already.
///
/// # Errors
/// When an experiment is to be continued that does not exist, or was measured elsewhere.
pub fn launch(shared: &Shared, experiment: Experiment) -> Result<Launch, Failure> {
    let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    // Which one is meant has been found out, and its records read, with its options: see `Dyno::resumed`.
    let (Some(Some(directory)), Some(before)) = (shared.resume.clone(), shared.before.clone()) else {
        let directory = shared.output.clone().unwrap_or_else(|| results::directory(experiment, unix_ms));
        if directory.join(store::FILE).exists() {
            return Err(Failure::usage(
                format!("{} holds an experiment already", directory.display()),
                format!("name another --output, or continue it: --resume {}", directory.display()),
            ));
        }
        return Ok(Launch {
            experiment,
            directory,
            known: Vec::new(),
            seed: shared.seed.unwrap_or(unix_ms),
            unix_ms,
        });
    };
    let machine = environment::read().machine_id;
    if before.header.environment.machine_id != machine {
        return Err(Failure::usage(
            format!("{} was measured on another machine or kernel", directory.display()),
            "begin a new experiment: figures of two machines do not mix",
        ));
    }
    let seed = shared.seed.unwrap_or(before.header.seed);
    Ok(Launch { experiment, directory, known: before.cells, seed, unix_ms })
}

/// Prints what would be measured.
pub fn print_plan(setup: &Setup, plan: &Plan) {
    // Until the pilot has shown how soon each is steady, it is taken to be as soon as most are.
    let usual = |cell: &Cell| {
        let mut cell = cell.clone();
        if !setup.warm_up_fixed {
            cell.load.warm_up_ms = cell.load.warm_up_ms.min(RESTLESS_MS);
        }
        expected_time(&cell)
    };
    let time: Duration = plan.cells().map(usual).sum();
    for planned in plan.trials() {
        let Trial { cell, block } = &planned.trial;
        anstream::println!(
            "{:>3}  {:<16} {:<24} {}",
            block + 1,
            cell.step,
            cell.contestant,
            planned.load_words()
        );
    }
    anstream::println!(
        "{} of {}; server on {}, generator on {}",
        show::count(plan.cells().count(), "cell"),
        show::count(setup.contestants.len(), "contestant"),
        cores(&setup.cores.server),
        cores(&setup.cores.generator),
    );
    let more = if setup.warm_up_fixed { "" } else { "; more where servers take long to become steady" };
    anstream::println!("takes about {}{more}", show::span(time));
}

fn cores(cores: &[usize]) -> String {
    let list: Vec<String> = cores.iter().map(ToString::to_string).collect();
    format!("core{} {}", if cores.len() == 1 { "" } else { "s" }, list.join(","))
}

/// Runs an experiment from its floor to its report.
///
/// # Errors
/// When results cannot be written.
pub fn conduct(
    shared: &Shared,
    launch: Launch,
    setup: &Setup,
    run: impl FnOnce(&mut Campaign<System>) -> Result<(), Stop>,
) -> Result<Exit, Failure> {
    let mut progress = Reporter::new(shared.quiet);
    let environment = environment::read();
    if !environment.optimized {
        progress.say("warning: this program was built without optimization; its figures say nothing (cargo run --release)");
    }
    let header = Header {
        schema: SCHEMA,
        experiment: launch.experiment,
        command: std::env::args().collect(),
        seed: launch.seed,
        blocks: setup.blocks,
        began_unix_ms: launch.unix_ms,
        threshold: shared.threshold,
        contestants: setup.contestants.iter().map(Contestant::line).collect(),
        floor: Some(floor::measure(&online_cores())),
        environment,
    };
    let store = Store::open(&launch.directory, &header)?;
    results::point_latest(&launch.directory);
    let rig = System::new(&setup.contestants, &setup.cores, &launch.directory, launch.seed)?;
    let mut campaign =
        Campaign::new(rig, Some(store), launch.known, &header.environment.machine_id, &mut progress);
    let ended = run(&mut campaign);
    drop(campaign);
    let void = progress.finish();
    let interrupted = match ended {
        Ok(()) => false,
        Err(Stop::Interrupted) => true,
        Err(Stop::Broken(error)) => return Err(error.into()),
    };
    let written = results::write_report(&launch.directory)?;
    anstream::print!("{}", written.report.terminal);
    if !shared.quiet {
        eprintln!("report: {}", written.page.display());
        if void > 0 {
            eprintln!(
                "{}; to measure again: dyno {} --resume {}",
                show::count(void, "void cell"),
                launch.experiment,
                launch.directory.display()
            );
        }
    }
    if interrupted {
        eprintln!(
            "interrupted; continue with: dyno {} --resume {}",
            launch.experiment,
            launch.directory.display()
        );
        return Ok(Exit::Interrupted);
    }
    Ok(if written.report.usable { Exit::Success } else { Exit::Invalid })
}
