//! One watched design: its server, the load on it, and those who look at it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::own;
use dyno_measure::rig::process::Running;
use dyno_measure::rig::slow::SlowClients;
use dyno_security::credentials;
use dyno_security::transport::Transport;
use dyno_servers::architecture::Architecture;
use serde::Serialize;

use super::generator::{BesideLoad, Errand, LoadProcess, Tools, transport};
use super::hub::Hub;
use super::machine::{Station, stations};
use super::register::RegisterSource;
use super::sampler::{Board, LookedAt, Sampler, SharedBoard, with};
use super::settings::{WatchedDesign, WatchedLoad};
use super::source::StepSource;
use super::traced::TraceSource;
use crate::limits::WATCH_ERRANDS;
use crate::load::news::NewsLine;

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is", content = "words")]
pub(crate) enum Health {
    /// It serves.
    Serves,
    /// It has ended while it was watched.
    Died(String),
    /// It could not be started.
    Failed(String),
}

/// A design as the page shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SideShown {
    name: &'static str,
    idea: &'static str,
    family: String,
    wall: &'static str,
    stations: Vec<Station>,
    health: Health,
    /// The process of the server, by which a page knows that it is another.
    process: Option<i32>,
    /// How its requests are seen.
    seen_by: &'static str,
    /// Why there is no load, if there is none.
    load_words: Option<String>,
}

/// One watched design. Fields are dropped in their order: who looks, who loads, who serves.
pub(crate) struct WatchedSide {
    index: usize,
    pub(crate) design: WatchedDesign,
    architecture: &'static Architecture,
    pub(crate) board: SharedBoard,
    sampler: Option<Sampler>,
    generator: Option<LoadProcess>,
    slow: Option<SlowClients>,
    /// How many clients are slow.
    slow_count: u32,
    errands: Vec<Errand>,
    server: Option<Running>,
    health: Health,
    seen_by: &'static str,
    load_words: Option<String>,
}

impl WatchedSide {
    /// Starts the server of a design. One that cannot be started is shown with the reason.
    pub(crate) fn start(
        index: usize,
        design: WatchedDesign,
        architecture: &'static Architecture,
        tools: &Tools,
        scratch: &Path,
        hub: &Arc<Hub>,
    ) -> Self {
        let mut side = WatchedSide {
            index,
            design,
            architecture,
            board: SharedBoard::default(),
            sampler: None,
            generator: None,
            slow: None,
            slow_count: 0,
            errands: Vec::new(),
            server: None,
            health: Health::Serves,
            seen_by: "",
            load_words: None,
        };
        if let Err(words) = side.serve(tools, scratch, hub) {
            side.health = Health::Failed(words);
        }
        side
    }

    fn serve(&mut self, tools: &Tools, scratch: &Path, hub: &Arc<Hub>) -> Result<(), String> {
        if self.design.transport != Transport::Plain && !tools.credentials.exists() {
            credentials::create(&tools.credentials).map_err(|error| error.to_string())?;
        }
        let contestant = own::named(self.architecture.name).map_err(|error| error.to_string())?;
        let (server, source) = self.seen(&contestant, tools, scratch)?;
        self.seen_by = source.words();
        let watched = LookedAt { side: self.index, process: server.pid(), address: server.address, source };
        self.sampler = Some(Sampler::start(watched, self.board.clone(), hub.clone()));
        self.server = Some(server);
        Ok(())
    }

    /// Starts the server so that its requests are seen: by its trace, and where the system does not let one process
    /// look into the memory of another, by its register of requests under way, which costs more and shows less.
    fn seen(
        &self,
        contestant: &Contestant,
        tools: &Tools,
        scratch: &Path,
    ) -> Result<(Running, Box<dyn StepSource>), String> {
        let anatomy = self.architecture.anatomy;
        let start = |by: [String; 2]| {
            let arguments = self.arguments(contestant, by, tools);
            Running::start(contestant, &arguments, &[], false, scratch).map_err(|fault| fault.words)
        };
        let server = start(["--trace".into(), "100%".into()])?;
        if let Some(Ok(source)) = server.trace().map(|path| TraceSource::open(Path::new(&path), anatomy)) {
            return Ok((server, Box::new(source)));
        }
        drop(server);
        let port = scratch.join(format!("control-{}", self.index));
        let server = start(["--control".into(), format!("unix:{}", port.display())])?;
        Ok((server, Box::new(RegisterSource::new(port, anatomy))))
    }

    /// The command line beyond the name; `by` is how its requests are seen.
    fn arguments(&self, contestant: &Contestant, by: [String; 2], tools: &Tools) -> Vec<String> {
        let mut all = vec!["--faults".to_string()];
        all.extend(by);
        let mut option = |name: &str, value: String| all.extend([name.to_string(), value]);
        if let Some(workers) = self.design.workers.filter(|_| contestant.has_workers) {
            option("--workers", workers.to_string());
        }
        if let Some(admission) = &self.design.admission {
            option("--admission", admission.clone());
        }
        if let Some(rounds) = tools.rounds_per_us {
            option("--compute-rounds-per-us", rounds.to_string());
        }
        all.extend(transport(self.design.transport, &tools.credentials));
        all
    }

    /// Ends the load, and begins this one. Slow clients come first, as they would stand in the accept queue.
    pub(crate) fn load(&mut self, load: &WatchedLoad, tools: &Tools) {
        self.unload();
        let Some(server) = &self.server else { return };
        let slow = SlowClients::start(server.address, load.slow_clients);
        let connections = load.connections_to(self.architecture);
        let started = slow.map_err(|fault| fault.words).and_then(|slow| {
            let address = server.address;
            LoadProcess::start(tools, &self.design, load, connections, address, &self.board)
                .map(|generator| (slow, generator))
                .map_err(|error| error.to_string())
        });
        match started {
            Ok((slow, generator)) => {
                (self.slow, self.generator) = (Some(slow), Some(generator));
                self.slow_count = load.slow_clients;
            }
            Err(words) => self.load_words = Some(words),
        }
    }

    fn unload(&mut self) {
        (self.generator, self.slow, self.load_words) = (None, None, None);
        self.errands.clear();
        with(&self.board, |board| board.news = NewsLine::default());
    }

    /// Sends requests beside the load, such as one that crashes its handler.
    pub(crate) fn errand(&mut self, path: &str, beside: BesideLoad, tools: &Tools) {
        self.errands.retain_mut(|errand| !errand.is_over());
        let Some(server) = self.server.as_ref().filter(|_| self.errands.len() < WATCH_ERRANDS) else {
            return;
        };
        self.errands.extend(Errand::send(tools, &self.design, path, beside, server.address).ok());
    }

    /// Slow clients of whom some were cut off come back, all of them.
    pub(crate) fn renew_slow_clients(&mut self) {
        let cut_off = self.slow.as_ref().is_some_and(|slow| slow.open() < self.slow_count as usize);
        if let Some(server) = self.server.as_ref().filter(|_| cut_off) {
            // The old ones go first: who comes back has not been here.
            self.slow = None;
            self.slow = SlowClients::start(server.address, self.slow_count).ok();
        }
    }

    /// Where its server listens, if it serves.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| server.address)
    }

    /// Looks whether server or load has ended.
    ///
    /// # Returns
    /// Whether something has changed.
    pub(crate) fn has_changed(&mut self) -> bool {
        if let Some(server) = self.server.take_if(|server| server.has_ended()) {
            self.unload();
            self.sampler = None;
            self.health = Health::Died(server.end_now().unwrap_or_default());
            with(&self.board, |board| *board = Board::default());
            return true;
        }
        if let Some(words) = self.generator.as_mut().and_then(LoadProcess::ended) {
            self.generator = None;
            self.load_words = Some(words);
            return true;
        }
        false
    }

    /// Whether it serves.
    pub(crate) fn serves(&self) -> bool {
        self.server.is_some()
    }

    /// As the page shows it.
    pub(crate) fn shown(&self) -> SideShown {
        let architecture = self.architecture;
        SideShown {
            name: architecture.name,
            idea: architecture.idea,
            family: architecture.family.to_string(),
            wall: architecture.wall,
            stations: stations(architecture),
            health: self.health.clone(),
            process: self.server.as_ref().map(Running::pid),
            seen_by: self.seen_by,
            load_words: self.load_words.clone(),
        }
    }
}
