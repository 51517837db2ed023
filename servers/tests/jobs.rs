//! A job that waits for a descriptor of its own, under every architecture: it goes on when that is readable, and is
//! dropped when its client leaves before.
//!
//! A process has one stop switch, so each server is a process of its own, forked from this one, which has no threads.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::Waker;
use std::time::{Duration, Instant};

use dyno_http::limits::Limits;
use dyno_servers::architecture::Architecture;
use dyno_servers::architectures::ALL;
use dyno_servers::kit::listen::{ListenAddress, listen};
use dyno_servers::kit::memory::MemoryBudget;
use dyno_servers::kit::sharing::Sharing;
use dyno_servers::kit::site::{Arm, Readiness, Settings, Site};
use dyno_servers::kit::stop::Stop;
use dyno_servers::kit::tally::Tallies;
use dyno_servers::services::job::{For, JobSide, JobStep, WaitingJob};
use dyno_servers::services::service::{Needs, Reply, Service, Services, number, text};
use dyno_servers::shared::Shared;
use nix::sys::signal::{Signal, kill};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

/// How long anything may take that is certain to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Jobs that exist, in memory that the parent shares.
static LIVING: std::sync::OnceLock<Shared<AtomicU64>> = std::sync::OnceLock::new();

fn living() -> &'static AtomicU64 {
    &LIVING.get_or_init(|| Shared::new(1).expect("a page of memory"))[0]
}

/// `/timer/MILLIS`: answered when a timerfd(2) is readable.
const TIMER: Service = Service {
    segment: "timer",
    path: "/timer/MILLIS",
    idea: "waits for a timer",
    answer: "rung",
    methods: &["GET"],
    needs: Needs::Nothing,
    is_long: true,
    call: |_, call, rest| match number(rest, 60_000) {
        Err(refusal) => Reply::Now(refusal),
        Ok(_) if call.query != Some("why=now") || call.fields.host() != "a" => {
            Reply::Now(text(400, "the query or the host is lost\n"))
        }
        Ok(millis) => Reply::Later(Box::new(Timer::set(Duration::from_millis(millis)))),
    },
};

struct Timer(TimerFd);

impl Timer {
    fn set(time: Duration) -> Self {
        living().fetch_add(1, SeqCst);
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).expect("a timer");
        timer.set(Expiration::OneShot(time.into()), TimerSetTimeFlags::empty()).expect("it is set");
        Timer(timer)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        living().fetch_sub(1, SeqCst);
    }
}

impl WaitingJob for Timer {
    fn go_on(&mut self, _now: Instant, _waker: &Waker) -> JobStep {
        let mut rings = [0; 8];
        match nix::unistd::read(&self.0, &mut rings) {
            Ok(_) => JobStep::Done(text(200, "rung\n")),
            Err(_) => JobStep::Wait(For::Descriptor(self.0.as_fd().as_raw_fd(), JobSide::Read), None),
        }
    }
}

fn main() -> ExitCode {
    living();
    let mut failed = 0;
    for architecture in ALL {
        match trial(architecture) {
            Ok(()) => println!("jobs::{}::waits-for-a-descriptor ... ok", architecture.name),
            Err(reason) => {
                println!("jobs::{}::waits-for-a-descriptor ... FAILED: {reason}", architecture.name);
                failed += 1;
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A server, killed when the trial is over.
struct Server(Pid);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

fn trial(architecture: &'static Architecture) -> Result<(), String> {
    let say = |error: std::io::Error| error.to_string();
    let limits = Limits::default();
    let listener =
        listen(&ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 0))), &limits).map_err(say)?;
    let address = listener.local_addr().map_err(say)?;
    // SAFETY: this process has one thread.
    let server = match unsafe { fork() }.map_err(|error| error.to_string())? {
        ForkResult::Child => {
            let ended = serve(architecture, listener, limits);
            // SAFETY: it does not return. The parent's destructors are not the child's.
            unsafe { libc::_exit(i32::from(ended.is_err())) }
        }
        ForkResult::Parent { child } => Server(child),
    };
    drop(listener);
    let mut client = ask(address, "/timer/100?why=now").map_err(say)?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).map_err(say)?;
    if !answer.starts_with("HTTP/1.1 200 ") || !answer.ends_with("rung\n") {
        return Err(format!("answered {answer:?}"));
    }
    await_jobs(0)?;
    // The next one never rings in the lifetime of this test.
    let gone = ask(address, "/timer/60000?why=now").map_err(say)?;
    await_jobs(1)?;
    drop(gone);
    await_jobs(0)?;
    kill(server.0, Signal::SIGTERM).map_err(|error| error.to_string())?;
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match waitpid(server.0, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, 0)) => return Ok(()),
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(5)),
            other => return Err(format!("ended with {other:?}")),
        }
    }
    Err("does not end".into())
}

fn ask(address: SocketAddr, target: &str) -> std::io::Result<TcpStream> {
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(PATIENCE))?;
    client.write_all(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes())?;
    Ok(client)
}

fn await_jobs(wanted: u64) -> Result<(), String> {
    let start = Instant::now();
    while living().load(SeqCst) != wanted {
        if start.elapsed() > PATIENCE {
            return Err(format!("{} jobs live, not {wanted}", living().load(SeqCst)));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn serve(
    architecture: &'static Architecture,
    listener: std::net::TcpListener,
    limits: Limits,
) -> std::io::Result<()> {
    let settings = Settings {
        workers: 2,
        queue_places: 16,
        max_connections: 64,
        arm: Arm::Tuned,
        drain: Duration::from_secs(2),
        memory_bytes: 64 << 20,
    };
    const TABLE: &[&Service] = &[&TIMER];
    let site: &'static Site = Box::leak(Box::new(Site {
        listener,
        is_unix: false,
        sharing: Sharing::default(),
        services: Services::new(TABLE, None)?,
        limits: Arc::new(limits),
        transport: None,
        access: None,
        admission: None,
        tower: None,
        register: None,
        trace: None,
        tallies: Tallies::new(settings.workers)?,
        open_connections: AtomicUsize::new(0),
        memory: MemoryBudget::new(settings.memory_bytes, 64)?,
        connection_bytes: architecture.anatomy.started.connection_bytes(),
        stop: Stop::install(settings.drain, 1024)?,
        settings,
        readiness: Readiness::new(|_, _| {}),
    }));
    site.stop.own_listener(Some(site.listener.as_fd()));
    (architecture.run)(site)
}
