//! The backends of one prefix, and what is known of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use dyno_proxy::farm::{Backends, Farm};
use dyno_proxy::health::{self, HealthSign};
use dyno_proxy::limits::TRIAL_TIME;
use dyno_proxy::names::PolicyName;
use dyno_proxy::policy::{Choice, Dispatch};
use dyno_proxy::rewrite::Pseudonym;

use super::address::{Backend, BackendAddress, ForwardRoute};
use super::pool::Pool;
use crate::shared::Shared;

/// The backends of one prefix.
pub(super) struct BackendGroup {
    prefix: String,
    backends: Vec<Backend>,
    weights: Vec<u32>,
    cells: Shared<AtomicU64>,
    policy: Box<dyn Dispatch>,
    seed: u64,
    /// Times are counted from here, by all processes.
    start: Instant,
    /// Whether probes alone try a backend again that was down.
    pub(super) is_probed: AtomicBool,
    /// Idle connections.
    pub(super) pool: Pool,
    /// The name of this server in Via.
    pub(super) own: Pseudonym,
}

/// A request at a backend, counted there until this is dropped.
pub(super) struct Turn {
    group: Arc<BackendGroup>,
    /// Which one.
    pub(super) backend: usize,
    /// Whether it tries a backend again that was down.
    pub(super) is_trial: bool,
    since: Instant,
}

impl BackendGroup {
    pub(super) fn new(
        route: ForwardRoute,
        policy: PolicyName,
        own: Pseudonym,
        seed: u64,
    ) -> io::Result<BackendGroup> {
        let ForwardRoute { prefix, backends } = route;
        let weights: Vec<_> = backends.iter().map(|backend| backend.weight).collect();
        let cells = Shared::new(Farm::cells(backends.len()))?;
        let (policy, pool) = (policy.policy(&weights), Pool::new(backends.len()));
        let (start, is_probed) = (Instant::now(), AtomicBool::new(false));
        Ok(BackendGroup { prefix, backends, weights, cells, policy, seed, start, is_probed, pool, own })
    }

    /// Whether it answers whatever is asked for.
    pub(super) fn is_everything(&self) -> bool {
        self.prefix.is_empty()
    }

    /// Whether a path is one of its own.
    pub(super) fn serves(&self, path: &str) -> bool {
        path.strip_prefix(&self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What a request is addressed to that names no host.
    pub(super) fn authority(&self) -> String {
        match &self.backends[0].address {
            BackendAddress::Tcp(address) => address.to_string(),
            BackendAddress::Unix(_) => "localhost".into(),
        }
    }

    pub(super) fn address(&self, backend: usize) -> &BackendAddress {
        &self.backends[backend].address
    }

    pub(super) fn farm(&self) -> Farm<'_> {
        Farm::new(&self.weights, &self.cells)
    }

    /// An instant as the farm counts it; never 0.
    pub(super) fn ns(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// Chooses a backend that was not `asked` before; `None`: there is none that is up.
    pub(super) fn choose(self: &Arc<Self>, asked: Backends, key: u64, now: Instant) -> Option<Turn> {
        let (farm, now_ns) = (self.farm(), self.ns(now));
        let others = farm.all().without(asked);
        let by_requests = !self.is_probed.load(Relaxed);
        let trial = by_requests.then(|| health::take_trial(&farm, others, now_ns)).flatten();
        let dice = farm.roll(self.seed);
        let choice = Choice { among: health::up(&farm).without(asked), key, dice, now_ns };
        let backend = trial.or_else(|| self.policy.pick(&farm, &choice))?;
        farm.begin(backend);
        Some(Turn { group: Arc::clone(self), backend, is_trial: trial.is_some(), since: now })
    }
}

impl Turn {
    /// Until when the backend must have answered, where that is not left to the request.
    pub(super) fn until(&self) -> Option<Instant> {
        self.is_trial.then(|| self.since + TRIAL_TIME)
    }

    /// Notes what was seen of the backend.
    pub(super) fn note(&self, seen: HealthSign, now: Instant) {
        let (farm, now_ns) = (self.group.farm(), self.group.ns(now));
        health::note(&farm, self.backend, seen, self.is_trial, now_ns);
        if seen == HealthSign::Success {
            let took = now.saturating_duration_since(self.since);
            let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            self.group.policy.took(&farm, self.backend, took_ns, now_ns);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.group.farm().end(self.backend);
    }
}
