//! What is watched: one design or two, and the load on them. Values that a page sends are checked here.

use dyno_security::transport::Transport;
use dyno_servers::admission::Control;
use dyno_servers::architecture::{Architecture, Concurrency, Knob};
use dyno_servers::architectures;
use dyno_servers::services;
use serde::{Deserialize, Serialize};

use crate::limits::{WATCH_LOAD_CONNECTIONS, WATCH_RATE_PER_S, WATCH_SLOW_CLIENTS, WATCH_WORKERS};
use crate::meant::{NameKind, meant};

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchSettings {
    /// The designs: one, or two under the same arrivals.
    pub(crate) designs: Vec<WatchedDesign>,
    pub(crate) load: WatchedLoad,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchedDesign {
    /// The architecture, by its name.
    pub(crate) name: String,
    /// Workers; absent: as many as the chapter says.
    #[serde(default)]
    pub(crate) workers: Option<u32>,
    /// Whom it refuses; absent: nobody.
    #[serde(default)]
    pub(crate) admission: Option<String>,
    #[serde(default)]
    pub(crate) transport: Transport,
}

/// The load, the same for both designs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchedLoad {
    /// What is asked for.
    pub(crate) path: String,
    /// Requests a second; absent: a closed loop, each connection sends its next request when it has the answer.
    #[serde(default)]
    pub(crate) rate_per_s: Option<u32>,
    pub(crate) connections: u32,
    /// Whether each request has a connection of its own.
    #[serde(default)]
    pub(crate) fresh: bool,
    /// Clients that send a request byte by byte and never end it.
    #[serde(default)]
    pub(crate) slow_clients: u32,
}

/// Why settings make no sense, and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("there is no architecture called {name:?}. {meant}`dyno list` shows them all")]
    Architecture { name: String, meant: String },
    #[error("one design is watched, or two")]
    Designs,
    #[error("{0} has no workers to choose: leave their number out")]
    NoWorkers(&'static str),
    #[error("workers are 1 to {}", WATCH_WORKERS)]
    Workers,
    #[error("there is no admission called {0:?}: bounded, codel-lifo, deadline or gradient")]
    Admission(String),
    #[error("no service answers at {0:?}: such as /, /compute/1000, /wait/5000 or /mix")]
    Path(String),
    #[error("a rate is 1 to {} requests a second", WATCH_RATE_PER_S)]
    Rate,
    #[error("connections are 1 to {}", WATCH_LOAD_CONNECTIONS)]
    Connections,
    #[error("slow clients are at most {}", WATCH_SLOW_CLIENTS)]
    SlowClients,
}

impl WatchedDesign {
    /// A design by its name, with every other value as its chapter says.
    pub(crate) fn named(name: &str) -> Self {
        WatchedDesign { name: name.to_string(), workers: None, admission: None, transport: Transport::Plain }
    }

    /// The row of its architecture.
    ///
    /// # Errors
    /// When there is none; the error names what was probably meant.
    pub(crate) fn architecture(&self) -> Result<&'static Architecture, SettingsError> {
        let mut all = architectures::ALL.into_iter();
        all.find(|architecture| architecture.name == self.name).ok_or_else(|| SettingsError::Architecture {
            name: self.name.clone(),
            meant: meant(&self.name, NameKind::Architecture),
        })
    }

    fn check(&self) -> Result<(), SettingsError> {
        let architecture = self.architecture()?;
        if let Some(workers) = self.workers {
            if !architecture.knobs.contains(&Knob::Workers) {
                return Err(SettingsError::NoWorkers(architecture.name));
            }
            if !(1..=WATCH_WORKERS).contains(&workers) {
                return Err(SettingsError::Workers);
            }
        }
        match &self.admission {
            Some(name) if name.parse::<Control>().is_err() => Err(SettingsError::Admission(name.clone())),
            Some(_) | None => Ok(()),
        }
    }
}

impl WatchSettings {
    /// Checks that each value is possible.
    ///
    /// # Errors
    /// The first that is not, in words for the one who sent it.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if !(1..=2).contains(&self.designs.len()) {
            return Err(SettingsError::Designs);
        }
        self.designs.iter().try_for_each(WatchedDesign::check)?;
        self.load.check()
    }
}

impl WatchedLoad {
    /// The same arrivals over as many connections as a design serves at once: a design that serves one has one, as in
    /// experiments, unless each request has a connection of its own.
    pub(crate) fn connections_to(&self, architecture: &Architecture) -> u32 {
        match architecture.concurrency {
            Concurrency::One if !self.fresh && self.slow_clients == 0 => 1,
            Concurrency::One | Concurrency::PerWorker | Concurrency::Many => self.connections,
        }
    }

    fn check(&self) -> Result<(), SettingsError> {
        let is_plain = |octet: u8| octet.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&octet);
        let first = self.path.strip_prefix('/').map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
        let is_known = first.is_some_and(|first| {
            services::ALL.iter().any(|service| service.segment == first && service.segment != "fault")
        });
        if !is_known || !self.path.bytes().all(is_plain) || self.path.len() > 200 {
            return Err(SettingsError::Path(self.path.clone()));
        }
        if self.rate_per_s.is_some_and(|rate| !(1..=WATCH_RATE_PER_S).contains(&rate)) {
            return Err(SettingsError::Rate);
        }
        if !(1..=WATCH_LOAD_CONNECTIONS).contains(&self.connections) {
            return Err(SettingsError::Connections);
        }
        if self.slow_clients > WATCH_SLOW_CLIENTS {
            return Err(SettingsError::SlowClients);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dyno_servers::architectures::ALL;

    use super::*;

    fn settings() -> WatchSettings {
        let load = WatchedLoad {
            path: "/mix".into(),
            rate_per_s: Some(100),
            connections: 8,
            fresh: false,
            slow_clients: 0,
        };
        WatchSettings { designs: vec![WatchedDesign::named(ALL[4].name)], load }
    }

    #[test]
    fn each_architecture_can_be_watched_alone_and_against_each_other() {
        for one in ALL {
            for other in ALL {
                let designs = vec![WatchedDesign::named(one.name), WatchedDesign::named(other.name)];
                assert_eq!(
                    WatchSettings { designs, ..settings() }.check(),
                    Ok(()),
                    "{} {}",
                    one.name,
                    other.name
                );
            }
            let mut with_workers = WatchedDesign::named(one.name);
            with_workers.workers = Some(4);
            let checked = WatchSettings { designs: vec![with_workers], ..settings() }.check();
            assert_eq!(checked.is_ok(), one.knobs.contains(&Knob::Workers), "{}: {checked:?}", one.name);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        type Change = (&'static str, fn(&mut WatchSettings));
        let changed: [Change; 12] = [
            ("did you mean", |it| it.designs[0].name = "thread-pol".into()),
            ("one design", |it| it.designs.clear()),
            ("one design", |it| it.designs = vec![WatchedDesign::named(ALL[0].name); 3]),
            ("workers are", |it| it.designs[0].workers = Some(0)),
            ("no admission", |it| it.designs[0].admission = Some("guess".into())),
            ("no service", |it| it.load.path = "/nowhere".into()),
            ("no service", |it| it.load.path = "/fault/abort".into()),
            ("no service", |it| it.load.path = "/mix HTTP/1.1\r\nX: y".into()),
            ("a rate", |it| it.load.rate_per_s = Some(0)),
            ("connections", |it| it.load.connections = 0),
            ("connections", |it| it.load.connections = u32::MAX),
            ("slow clients", |it| it.load.slow_clients = u32::MAX),
        ];
        for (told, change) in changed {
            let mut wrong = settings();
            change(&mut wrong);
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
    }
}
