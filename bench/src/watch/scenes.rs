//! The prepared scenes of the teacher's mode: what is watched, what happens when, and what to look at.
//!
//! A design is named by its facts, so that whichever chapter has them plays it.

use std::time::Duration;

use dyno_security::transport::Transport;
use dyno_servers::architecture::{Architecture, HandOvers, ServedBy, Shares, Started, WaitsBy};
use dyno_servers::architectures::ALL;
use serde::Serialize;

use super::settings::{WatchSettings, WatchedDesign, WatchedLoad};

mod table;

pub(crate) use table::SCENES;

/// A design as the texts name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SceneRole {
    /// One thread, one connection after the other.
    Iterative,
    /// A process for each connection.
    ForkEach,
    /// Processes that were there before.
    Preforked,
    /// A dispatcher with a pool of threads.
    Pool,
    /// One loop over ready descriptors.
    Loop,
}

impl SceneRole {
    /// The architecture that plays it.
    ///
    /// # Panics
    /// When none does: a test looks for each.
    fn architecture(self) -> &'static Architecture {
        let plays = |architecture: &&Architecture| {
            let facts = architecture.anatomy;
            match self {
                SceneRole::Iterative => facts.served_by == ServedBy::OnlyThread,
                SceneRole::ForkEach => facts.started == Started::Process,
                SceneRole::Preforked => {
                    facts.served_by == ServedBy::Processes && facts.started == Started::Nothing
                }
                SceneRole::Pool => {
                    facts.served_by == ServedBy::Threads && facts.hand_overs == HandOvers::PerConnection
                }
                SceneRole::Loop => {
                    facts.served_by == ServedBy::Loops
                        && facts.waits_by == WaitsBy::Epoll
                        && facts.shares == Shares::Nothing
                }
            }
        };
        ALL.into_iter().find(plays).expect("each role has its architecture")
    }
}

/// The architecture that is watched when the user names none: one with a queue and workers, so that there is
/// something to see.
pub(crate) fn usual() -> &'static str {
    SceneRole::Pool.architecture().name
}

/// A design of a scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    role: SceneRole,
    workers: Option<u32>,
    admission: Option<&'static str>,
    transport: Transport,
}

impl Cast {
    const fn of(role: SceneRole) -> Self {
        Cast { role, workers: None, admission: None, transport: Transport::Plain }
    }

    const fn workers(self, workers: u32) -> Self {
        Cast { workers: Some(workers), ..self }
    }

    const fn admission(self, name: &'static str) -> Self {
        Cast { admission: Some(name), ..self }
    }

    const fn behind(self, transport: Transport) -> Self {
        Cast { transport, ..self }
    }

    fn design(self) -> WatchedDesign {
        WatchedDesign {
            name: self.role.architecture().name.into(),
            workers: self.workers,
            admission: self.admission.map(String::from),
            transport: self.transport,
        }
    }
}

/// The load of a scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SceneArrivals {
    path: &'static str,
    rate_per_s: Option<u32>,
    connections: u32,
    fresh: bool,
    slow_clients: u32,
}

impl SceneArrivals {
    const fn open(path: &'static str, rate_per_s: u32, connections: u32) -> Self {
        SceneArrivals { path, rate_per_s: Some(rate_per_s), connections, fresh: false, slow_clients: 0 }
    }

    const fn closed(path: &'static str, connections: u32) -> Self {
        SceneArrivals { path, rate_per_s: None, connections, fresh: false, slow_clients: 0 }
    }

    const fn fresh(self) -> Self {
        SceneArrivals { fresh: true, ..self }
    }

    const fn slow(self, clients: u32) -> Self {
        SceneArrivals { slow_clients: clients, ..self }
    }
}

/// What happens in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A request of this fault comes to each design, as `/fault/KIND`.
    Fault(&'static str),
    /// So many requests a second come besides, for so many seconds.
    Surge(u32, u32),
    /// Six requests come on one connection to the first design, and on six to the second.
    Pipeline,
    /// Somebody listens in on one exchange with each design.
    Tap,
    /// What has died is started again.
    Restart,
}

/// A prepared scene.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) title: &'static str,
    /// What is seen and why; `{a}` and `{b}` stand for the designs.
    caption: &'static str,
    /// Where to look.
    look: &'static str,
    first: Cast,
    second: Option<Cast>,
    arrivals: SceneArrivals,
    /// What happens so many seconds after the begin.
    pub(crate) acts: &'static [(u64, Act)],
    /// After so many seconds it begins again; 0: it goes on.
    pub(crate) lasts_s: u64,
}

/// A scene as the page shows it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SceneShown {
    title: &'static str,
    caption: String,
    look: String,
}

impl Scene {
    /// What is watched in it.
    pub(crate) fn settings(&self) -> WatchSettings {
        let SceneArrivals { path, rate_per_s, connections, fresh, slow_clients } = self.arrivals;
        WatchSettings {
            designs: [Some(self.first), self.second].into_iter().flatten().map(Cast::design).collect(),
            load: WatchedLoad { path: path.into(), rate_per_s, connections, fresh, slow_clients },
        }
    }

    /// As the page shows it.
    pub(crate) fn shown(&self) -> SceneShown {
        let first = self.first.role.architecture().name;
        let second = self.second.map_or("", |cast| cast.role.architecture().name);
        let named = |text: &str| text.replace("{a}", first).replace("{b}", second);
        SceneShown { title: self.title, caption: named(self.caption), look: named(self.look) }
    }

    /// What happens between two times since its begin, `from` not included.
    pub(crate) fn acts_between(&self, from: Duration, to: Duration) -> impl Iterator<Item = Act> {
        let all = self.acts.iter().map(|(second, act)| (Duration::from_secs(*second), *act));
        all.filter(move |(at, _)| from < *at && *at <= to).map(|(_, act)| act)
    }
}
