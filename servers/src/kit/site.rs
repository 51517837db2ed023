//! What a server is given to run.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd as _, RawFd};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dyno_http::limits::Limits;
use dyno_security::pipe::Acceptor;
use nix::sys::resource::{Resource, getrlimit};
use socket2::SockRef;
use tower::limit::GlobalConcurrencyLimitLayer;

use super::access::{Access, Judge};
use super::listen::{ListenAddress, listen};
use super::memory::MemoryBudget;
use super::sharing::Sharing;
use super::stop::Stop;
use super::tally::Tallies;
use crate::admission::Admission;
use crate::limits::{CONNECTION_BYTES, MAX_PROCESSES, THREAD_BYTES};
use crate::services;
use crate::services::service::Services;
use crate::trace::connection::ConnectionTrace;
use crate::trace::tracer::Tracer;
use crate::under_way::register::Register;

/// What a server is given to run: where to listen, what to serve, within which limits, and until when.
pub struct Site {
    /// The listening socket, blocking at first; the architecture may use it as it likes.
    pub listener: TcpListener,
    /// Whether that is a Unix socket.
    pub is_unix: bool,
    /// With whom the listening socket is shared.
    pub sharing: Sharing,
    /// The services that are offered.
    pub services: Services,
    /// The limits of HTTP.
    pub limits: Arc<Limits>,
    /// Makes the server's end of the secure pipe under each connection; `None`: plaintext.
    pub transport: Option<Box<dyn Acceptor>>,
    /// Who may do what; `None`: everybody may do everything.
    pub access: Option<Access>,
    /// Refuses requests while there is more than can be done; `None`: serves everybody.
    pub admission: Option<Admission>,
    /// The limit of tower that stands around the services instead, as a foil; hyper alone reads it.
    pub tower: Option<GlobalConcurrencyLimitLayer>,
    /// Which requests are under way, and what was ordered for each; `None`: nobody gives orders.
    pub register: Option<&'static Register>,
    /// Writes down what becomes of requests; `None`: nobody wants to know.
    pub trace: Option<&'static Tracer>,
    /// The options: how many workers, queue places and connections.
    pub settings: Settings,
    /// The stop switch.
    pub stop: &'static Stop,
    /// Open connections of all readiness loops together.
    pub open_connections: AtomicUsize,
    /// The budget of memory, shared by threads and forked workers.
    pub memory: MemoryBudget,
    /// What a connection takes of it while it is idle, in bytes: its session, and what was started for it.
    pub connection_bytes: usize,
    /// The counts, shared by threads and forked workers.
    pub tallies: Tallies,
    /// Whom [`Site::ready`] tells.
    pub readiness: Readiness,
}

/// Where a connection comes from, as far as somebody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin {
    /// The address of the client.
    pub source: Option<IpAddr>,
    /// The connection itself, which is open as long as its session lives.
    pub connection: Option<RawFd>,
}

/// Is told that so many workers of a site stand.
type Teller = dyn Fn(&Site, usize) + Send + Sync;

/// Who is told that the workers stand, and how many of them stand once they do.
pub struct Readiness {
    tell: Box<Teller>,
    workers: OnceLock<usize>,
}

impl Readiness {
    /// Nobody was told yet; `tell` will be called with the number of workers.
    pub fn new(tell: impl Fn(&Site, usize) + Send + Sync + 'static) -> Self {
        Readiness { tell: Box::new(tell), workers: OnceLock::new() }
    }

    /// How many workers stand; `None` before they do.
    pub fn workers(&self) -> Option<usize> {
        self.workers.get().copied()
    }
}

impl Site {
    /// Where a connection comes from, as far as its transport, the policy, a backend or the register want to know.
    pub fn origin_of(&self, stream: &impl AsFd) -> Origin {
        let connection = Some(stream.as_fd().as_raw_fd());
        if self.transport.is_none() && self.access.is_none() && self.services.forward.is_none() {
            return Origin { source: None, connection };
        }
        let address = || SockRef::from(stream).peer_addr().ok()?.as_socket();
        Origin { source: address().map(|address| address.ip()), connection }
    }

    /// The trace of a connection that was accepted; `None`: it is not traced.
    pub fn trace_of(&self, origin: Origin) -> Option<ConnectionTrace> {
        ConnectionTrace::of(self.trace?, origin.connection?)
    }

    /// Judges the requests of a connection from `source`; `None`: everybody may do everything.
    pub fn judge(&self, source: Option<IpAddr>) -> Option<Judge<'_>> {
        self.access.as_ref().map(|access| Judge::new(access, &self.services, source))
    }

    /// A chapter calls this once, when all that it starts in advance stands and connections are accepted from now on:
    /// `workers` processes, threads or loops. There may be fewer than the settings ask for, where the system allows no
    /// more.
    pub fn ready(&self, workers: usize) {
        if self.readiness.workers.set(workers).is_ok() {
            (self.readiness.tell)(self, workers);
        }
    }

    /// A site with all services in plaintext, within the usual limits, for a server of one's own. It lives as long as
    /// the process, and SIGTERM, SIGINT or SIGHUP stops it.
    ///
    /// # Errors
    /// When the address cannot be listened on, when a signal handler or shared memory is refused, or when a site was
    /// opened before.
    pub fn open(address: SocketAddr, settings: Settings) -> io::Result<&'static Site> {
        let limits = Limits::default();
        let listener = listen(&ListenAddress::Tcp(address), &limits)?;
        let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let stop = Stop::install(settings.drain, usize::try_from(descriptors).unwrap_or(usize::MAX))?;
        let site: &'static Site = Box::leak(Box::new(Site {
            listener,
            is_unix: false,
            sharing: Sharing::default(),
            services: Services::new(&services::ALL, None)?,
            limits: Arc::new(limits),
            transport: None,
            access: None,
            admission: None,
            tower: None,
            register: None,
            trace: None,
            tallies: Tallies::new(settings.workers)?,
            open_connections: AtomicUsize::new(0),
            memory: MemoryBudget::new(settings.memory_bytes, settings.workers.max(MAX_PROCESSES))?,
            // A server of one's own is most likely one of threads.
            connection_bytes: CONNECTION_BYTES + THREAD_BYTES,
            settings,
            stop,
            readiness: Readiness::new(|_, _| {}),
        }));
        stop.own_listener(Some(site.listener.as_fd()));
        Ok(site)
    }

    /// The account at the end, as one JSON object: the counts of all workers, and the budget of memory.
    pub fn account(&self, name: &str) -> String {
        let (budget, peak, refused) = (self.memory.budget(), self.memory.peak(), self.memory.refused());
        let mut json = self.tallies.to_json(name);
        json.truncate(json.len() - 1);
        json + &format!(
            ",\"memory\":{{\"budget_bytes\":{budget},\"peak_bytes\":{peak},\"refused\":{refused}}}}}"
        )
    }

    /// Whether one more connection may be served beside those that are `open`: the limit allows it, and there is
    /// memory.
    pub fn may_admit(&self, open: usize) -> bool {
        open < self.settings.max_connections && self.memory.has_room(self.connection_bytes)
    }
}

/// The options that chapters read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Processes, threads or loops.
    pub workers: usize,
    /// Places in the queue between dispatcher and workers.
    pub queue_places: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// The plain or the tuned variant.
    pub arm: Arm,
    /// How long a stopping server waits for requests in flight.
    pub drain: Duration,
    /// What connections may hold together, in bytes: what their design takes, buffers, bodies, queued answers.
    pub memory_bytes: usize,
}

/// The variant of a chapter that has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arm {
    /// As a textbook would write it.
    Plain,
    /// With all that the kernel offers.
    #[default]
    Tuned,
}
