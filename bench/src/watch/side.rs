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
use super::sampler::{LookedAt, Sampler, SharedBoard};
use super::settings::{WatchedDesign, WatchedLoad};
use super::source::StepSource;
use crate::limits::WATCH_ERRANDS;

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
        let port = scratch.join(format!("control-{}", self.index));
        let arguments = self.arguments(&contestant, &port, tools);
        let server =
            Running::start(&contestant, &arguments, &[], false, scratch).map_err(|fault| fault.words)?;
        let source: Box<dyn StepSource> = Box::new(RegisterSource::new(port, self.architecture.anatomy));
        self.seen_by = source.words();
        let watched = LookedAt { side: self.index, process: server.pid(), address: server.address, source };
        self.sampler = Some(Sampler::start(watched, self.board.clone(), hub.clone()));
        self.server = Some(server);
        Ok(())
    }

    fn arguments(&self, contestant: &Contestant, port: &Path, tools: &Tools) -> Vec<String> {
        let mut all = vec!["--faults".to_string(), "--control".into(), format!("unix:{}", port.display())];
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
            Ok((slow, generator)) => (self.slow, self.generator) = (Some(slow), Some(generator)),
            Err(words) => self.load_words = Some(words),
        }
    }

    fn unload(&mut self) {
        (self.generator, self.slow, self.load_words) = (None, None, None);
        self.errands.clear();
        super::sampler::with(&self.board, |board| board.news = Default::default());
    }

    /// Sends requests beside the load, such as one that crashes its handler.
    pub(crate) fn errand(&mut self, path: &str, beside: BesideLoad, tools: &Tools) {
        self.errands.retain_mut(|errand| !errand.is_over());
        let Some(server) = self.server.as_ref().filter(|_| self.errands.len() < WATCH_ERRANDS) else {
            return;
        };
        self.errands.extend(Errand::send(tools, &self.design, path, beside, server.address).ok());
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
            let said = server.last_words().pop().map_or(String::new(), |line| format!("; it said: {line}"));
            let status = server.end_now().unwrap_or_default();
            self.health = Health::Died(format!("{status}{said}"));
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
            seen_by: self.seen_by,
            load_words: self.load_words.clone(),
        }
    }
}
