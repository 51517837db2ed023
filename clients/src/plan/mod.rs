//! The plan: what shall be sent where, over how many connections, for how long. Values only; nothing runs here.

pub mod address;
pub mod as_run;
pub mod bursts;
pub mod dispatch;
pub mod error;
pub mod impatience;
pub mod mixfile;
pub mod order;
pub mod pacer;
pub mod place;
pub mod placement;
pub mod profile;
pub mod request;
pub mod share;
pub mod terms;

use std::sync::Arc;

use dyno_security::pipe::Connector;
use dyno_security::transport::Transport;

use crate::limits;
use crate::plan::address::ServerAddress;
use crate::plan::as_run::{Load, PlanAsRun, Stretch};
use crate::plan::error::PlanError;
use crate::plan::impatience::Impatience;
use crate::plan::pacer::Arrivals;
use crate::plan::placement::Placement;
use crate::plan::request::{ExpectedBody, Request};
use crate::plan::share::PlanShare;

/// Who decides when the next request starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// The answer to the last one, and a pause in ns.
    Closed {
        /// The pause.
        think_ns: u64,
    },
    /// The schedule.
    Open {
        /// The process.
        arrivals: Arrivals,
        /// The rate, warm-up included; empty for a trace.
        stretches: Vec<Stretch>,
    },
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// After so much time, warm-up not included, ns.
    Duration(u64),
    /// After so many requests, warm-up not included.
    Requests(u64),
}

/// The transport under HTTP.
#[derive(Clone)]
pub enum Carrier {
    /// TCP as it is.
    Plain,
    /// A secure pipe of this transport, which is not [`Transport::Plain`].
    Pipe(Transport, Arc<dyn Connector>),
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Carrier {
    /// `plain`, `channel` or `tls`.
    pub fn name(&self) -> &'static str {
        self.transport().name()
    }

    /// Which one it is.
    pub fn transport(&self) -> Transport {
        match self {
            Carrier::Plain => Transport::Plain,
            Carrier::Pipe(transport, _) => *transport,
        }
    }

    /// Whether it finds out who the server is. A plain connection does not, and nobody expects it to.
    pub fn checks_server(&self) -> bool {
        match self {
            Carrier::Plain => false,
            Carrier::Pipe(_, connector) => connector.checks_server(),
        }
    }
}

/// The second of two servers that take turns. Its request stands behind that of the first in the mix.
#[derive(Debug, Clone)]
pub struct SecondServer {
    /// Where to connect.
    pub address: ServerAddress,
    /// What lies under HTTP.
    pub transport: Carrier,
    /// Its connections, in addition to those of the first.
    pub connections: u32,
}

/// A run to be made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// As the user wrote it.
    pub url: String,
    /// Where to connect.
    pub address: ServerAddress,
    /// What lies under HTTP.
    pub transport: Carrier,
    /// When requests start.
    pub pace: Pace,
    /// Connections.
    pub connections: u32,
    /// Threads; each has its share of the connections.
    pub threads: u32,
    /// How the run ends.
    pub length: Length,
    /// Time before the measured window, ns.
    pub warmup_ns: u64,
    /// A connection is closed after so many requests; `None`: kept.
    pub requests_per_connection: Option<u64>,
    /// From sending a request to giving it up, ns.
    pub timeout_ns: u64,
    /// How long clients wait, and whether they try again.
    pub impatience: Impatience,
    /// Of arrivals and mix.
    pub seed: u64,
    /// Most requests that may wait for a connection.
    pub backlog: u64,
    /// Longest spin before a request is due, ns.
    pub spin_ns: u64,
    /// Cores for the threads, in turn; none: wherever the kernel puts them.
    pub placement: Placement,
    /// Share of failed requests from which on the run is void.
    pub errors_max: f64,
    /// The mix; at least one request.
    pub mix: Vec<Request>,
    /// The server with which the first one takes turns; `None`: it has all requests.
    pub rival: Option<SecondServer>,
    /// Further addresses of the same service: connections are opened to it and to these in turn.
    pub others: Vec<ServerAddress>,
    /// What of connections, requests and schedule this host has; every other value is that of all hosts together, but
    /// for the threads, of which each host has as many.
    pub share: PlanShare,
}

impl Plan {
    /// A closed loop of one request over `connections`, every other value at its default.
    pub fn closed(
        address: impl Into<ServerAddress>,
        connections: u32,
        length: Length,
        request: Request,
    ) -> Plan {
        let address = address.into();
        Plan {
            url: match &address {
                ServerAddress::Tcp(address) => format!("http://{address}{}", request.target),
                ServerAddress::Unix(_) => format!("{address}:{}", request.target),
            },
            address,
            transport: Carrier::Plain,
            pace: Pace::Closed { think_ns: 0 },
            connections,
            threads: 1,
            length,
            warmup_ns: 0,
            requests_per_connection: None,
            timeout_ns: limits::TIMEOUT_DEFAULT_NS,
            impatience: Impatience::default(),
            seed: 1,
            backlog: limits::BACKLOG_DEFAULT_REQUESTS,
            spin_ns: limits::SPIN_DEFAULT_NS,
            placement: Placement::default(),
            errors_max: limits::ERRORS_MAX_SHARE,
            mix: vec![request],
            rival: None,
            others: Vec::new(),
            share: PlanShare::WHOLE,
        }
    }

    /// When the last request may fall due, ns from the start; `u64::MAX` if only their number ends the run.
    pub fn end_ns(&self) -> u64 {
        match self.length {
            Length::Duration(ns) => self.warmup_ns.saturating_add(ns),
            Length::Requests(_) => u64::MAX,
        }
    }

    /// Whether each connection is opened by the one request that it carries.
    pub fn connects_on_demand(&self) -> bool {
        self.requests_per_connection == Some(1) || self.mix.iter().all(|request| request.closes)
    }

    /// Whether connections end during the run because the plan wants it, or its clients give up.
    pub fn come_and_go(&self) -> bool {
        self.requests_per_connection.is_some()
            || self.impatience.patience_ns.is_some()
            || self.mix.iter().any(|request| request.closes)
    }

    /// Checks that the values go together.
    ///
    /// # Errors
    /// Names the combination, and what would be possible.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.connections == 0 || u64::from(self.connections) > limits::CONNECTIONS_MAX {
            return Err(PlanError::Connections);
        }
        if self.threads == 0 || u64::from(self.threads) > limits::THREADS_MAX {
            return Err(PlanError::Threads);
        }
        let lanes = self.share.lanes(self.threads);
        if !self.share.is_whole() && lanes > u64::from(self.connections) {
            let (parts, connections) = (self.share.of, self.connections);
            return Err(PlanError::PartsShareConnections { parts, threads: self.threads, connections });
        }
        if self.threads > self.connections {
            let (threads, connections) = (self.threads, self.connections);
            return Err(PlanError::ThreadsShareConnections { threads, connections });
        }
        if matches!(self.length, Length::Requests(n) if n < lanes) {
            return Err(PlanError::FewerRequestsThanThreads);
        }
        if self.length == Length::Duration(0) || self.length == Length::Requests(0) {
            return Err(PlanError::NoLength);
        }
        if self.timeout_ns == 0 {
            return Err(PlanError::NoTimeout);
        }
        if self.impatience.patience_ns == Some(0) {
            return Err(PlanError::NoPatience);
        }
        if self.impatience.retries > 0 && matches!(self.pace, Pace::Closed { .. }) {
            return Err(PlanError::RetriesInClosedLoop);
        }
        if self.requests_per_connection == Some(0) {
            return Err(PlanError::NoRequestPerConnection);
        }
        if self.mix.is_empty() {
            return Err(PlanError::EmptyMix);
        }
        if self.mix.iter().any(|r| !(r.weight > 0.0 && r.weight.is_finite())) {
            return Err(PlanError::Weight);
        }
        if self.mix.iter().any(|r| matches!(r.expect.body, ExpectedBody::Same)) {
            return Err(PlanError::NotLearned);
        }
        if let Pace::Open { arrivals: Arrivals::Trace(times), .. } = &self.pace
            && self.warmup_ns >= times.last().copied().unwrap_or(0)
        {
            return Err(PlanError::WarmUpBeyondTrace);
        }
        Ok(())
    }

    /// All addresses, where there are several.
    fn spread_over(&self) -> Vec<String> {
        let all = std::iter::once(&self.address).chain(&self.others).map(ToString::to_string);
        if self.others.is_empty() { Vec::new() } else { all.collect() }
    }

    /// As told in the result.
    pub fn as_run(&self) -> PlanAsRun {
        PlanAsRun {
            url: self.url.clone(),
            transport: self.transport.name().into(),
            server_unchecked: matches!(self.transport, Carrier::Pipe(..)) && !self.transport.checks_server(),
            load: match &self.pace {
                Pace::Closed { think_ns } => Load::Closed { think_ns: *think_ns },
                Pace::Open { arrivals, stretches } => {
                    Load::Open { arrivals: arrivals.name().into(), stretches: stretches.clone() }
                }
            },
            connections: self.connections,
            threads: self.threads,
            duration_ns: match self.length {
                Length::Duration(ns) => Some(ns),
                Length::Requests(_) => None,
            },
            requests: match self.length {
                Length::Requests(n) => Some(n),
                Length::Duration(_) => None,
            },
            warmup_ns: self.warmup_ns,
            requests_per_connection: if self.connects_on_demand() {
                Some(1)
            } else {
                self.requests_per_connection
            },
            timeout_ns: self.timeout_ns,
            impatience: self.impatience,
            seed: self.seed,
            backlog: self.backlog,
            spin_ns: self.spin_ns,
            placement: self.placement.clone(),
            mix: self.mix.iter().map(Request::entry).collect(),
            spread_over: self.spread_over(),
            part: (!self.share.is_whole()).then_some(self.share),
        }
    }
}
