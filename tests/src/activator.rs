//! Superservers, of others and ours, and the servers that they start.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use tempfile::TempDir;

use crate::limits::{ANSWER, READY, STOP};
use crate::process::{children, ends, wait_until};
use crate::rows::Row;
use crate::spawner::{Confines, spawn};
use crate::suite::program;
use crate::wire::{get, get_and_close};

/// How long a server without a client stays, in the words of its option: as short as it may be.
pub const IDLE_EXIT: &str = "200ms";

/// Who listens for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// openbsd-inetd of Debian.
    Inetd,
    /// `dyno superserver`.
    Superserver,
}

impl Kind {
    /// Whether its program is there.
    pub fn is_installed(self) -> bool {
        self == Kind::Superserver || inetd().exists()
    }
}

fn inetd() -> &'static Path {
    Path::new("/usr/sbin/inetd")
}

/// A superserver, with a table in a directory of its own. Dropping it kills it and what it has started.
#[derive(Debug)]
pub struct Activator {
    child: Child,
    place: TempDir,
}

impl Activator {
    /// Starts one with this table. The servers of its lines are there when `until` says so.
    ///
    /// # Errors
    /// In words, when it does not get so far.
    pub fn start(kind: Kind, table: &str, until: impl Fn() -> bool) -> Result<Activator, String> {
        let place = tempfile::tempdir().map_err(|error| error.to_string())?;
        let file = place.path().join("services");
        fs::write(&file, table).map_err(|error| error.to_string())?;
        let mut command = match kind {
            Kind::Inetd => {
                let mut command = Command::new(inetd());
                command.arg("-i");
                command
            }
            Kind::Superserver => {
                let mut command = Command::new(program());
                command.arg("superserver");
                command
            }
        };
        let said = |name| fs::File::create(place.path().join(name)).map_err(|error| error.to_string());
        command.arg(&file).stdin(Stdio::null()).stdout(said("out")?).stderr(said("err")?);
        let child = spawn(command, Confines::default()).map_err(|error| error.to_string())?;
        let activator = Activator { child, place };
        wait_until(READY, until).map(|_| ()).ok_or_else(|| format!("not ready: {}", activator.stderr()))?;
        Ok(activator)
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Puts another table in the place of the one that it was started with, and sends SIGHUP.
    ///
    /// # Errors
    /// In words, when the file cannot be written.
    pub fn read_again(&self, table: &str) -> Result<(), String> {
        fs::write(self.place.path().join("services"), table).map_err(|error| error.to_string())?;
        kill(self.pid(), Signal::SIGHUP).map_err(|error| error.to_string())
    }

    /// What it has said on standard error.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.place.path().join("err")).unwrap_or_default()
    }

    /// What it has said on standard output.
    pub fn stdout(&self) -> String {
        fs::read_to_string(self.place.path().join("out")).unwrap_or_default()
    }

    /// Whether everything that it has started has ended, soon.
    pub fn is_alone(&self) -> bool {
        wait_until(STOP, || children(self.pid()).is_empty()).is_some()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// In words, when it does not come.
    pub fn wait(&mut self) -> Result<ExitStatus, String> {
        ends(&mut self.child, STOP, "the superserver")?;
        self.child.wait().map_err(|error| error.to_string())
    }
}

impl Drop for Activator {
    fn drop(&mut self) {
        // Not by the group: each program that it starts has one of its own.
        for child in children(self.pid()) {
            let _ = kill(child, Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free just now. It lies below those that the system gives to whoever asks for any, so nobody gets it
/// before it is used.
///
/// # Errors
/// In words, when there is none.
pub fn free_port() -> Result<SocketAddr, String> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two programs of tests at once begin at different places.
    let first = (std::process::id() * 97 % 20_000) as u16;
    let candidates = (0..1_000).map(|_| 10_000 + (first + NEXT.fetch_add(1, SeqCst)) % 20_000);
    let mut free = candidates.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    free.find(|address| TcpListener::bind(address).is_ok()).ok_or_else(|| "no port is free".into())
}

/// A line of a table that starts `row` with `more` arguments at `service`, whose protocol is `protocol`.
pub fn line(service: &str, protocol: &str, wait: &str, row: &Row, more: &str) -> String {
    let arguments = row.arguments.join(" ");
    let (user, path) = (user(), program().display());
    format!("{service} stream {protocol} {wait} {user} {path} dyno serve {arguments} --listen adopt {more}\n")
}

/// Who runs these tests.
pub fn user() -> String {
    User::from_uid(geteuid()).ok().flatten().map_or_else(|| geteuid().to_string(), |user| user.name)
}

/// Where a service is found.
#[derive(Debug, Clone)]
pub enum At {
    /// At a port.
    Tcp(SocketAddr),
    /// At the path of a socket.
    Unix(PathBuf),
}

impl At {
    /// Whether somebody listens there, without connecting.
    pub fn listens(&self) -> bool {
        match self {
            At::Tcp(address) => {
                let table = fs::read_to_string("/proc/net/tcp").unwrap_or_default();
                let port = format!(":{:04X} ", address.port());
                table.lines().any(|line| line.contains(&port) && line.contains(" 0A "))
            }
            At::Unix(path) => {
                let table = fs::read_to_string("/proc/net/unix").unwrap_or_default();
                let path = path.display().to_string();
                // The flag that says so, __SO_ACCEPTCON.
                let is_it = |line: &str| {
                    let mut fields = line.split_ascii_whitespace();
                    fields.nth(3) == Some("00010000") && fields.nth(3) == Some(path.as_str())
                };
                table.lines().any(is_it)
            }
        }
    }

    /// A connection on which a request was sent; whoever keeps it keeps the server that has it.
    ///
    /// # Errors
    /// In words, when nobody can be reached.
    pub fn hold(&self) -> Result<fs::File, String> {
        let mut stream = self.connect()?;
        stream.write_all(get("/").as_bytes()).map_err(|error| format!("{self:?}: {error}"))?;
        Ok(stream)
    }

    fn connect(&self) -> Result<fs::File, String> {
        let failed = |error: std::io::Error| format!("{self:?}: {error}");
        let stream = match self {
            At::Tcp(address) => OwnedFd::from(TcpStream::connect_timeout(address, ANSWER).map_err(failed)?),
            At::Unix(path) => UnixStream::connect(path).map_err(failed)?.into(),
        };
        socket2::SockRef::from(&stream).set_read_timeout(Some(ANSWER)).map_err(failed)?;
        Ok(stream.into())
    }

    /// One request on a connection of its own; what comes until its end.
    ///
    /// # Errors
    /// In words, when nobody can be reached or no end comes.
    pub fn get(&self, path: &str) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("{self:?}: {error}");
        let (mut stream, mut text) = (self.connect()?, String::new());
        stream.write_all(get_and_close(path).as_bytes()).map_err(failed)?;
        stream.read_to_string(&mut text).map_err(failed)?;
        Ok(text)
    }

    /// Whether a request there is answered with 200.
    ///
    /// # Errors
    /// In words, when it is not.
    pub fn greets(&self) -> Result<(), String> {
        let answer = self.get("/")?;
        if answer.starts_with("HTTP/1.1 200 OK") { Ok(()) } else { Err(format!("{self:?} says {answer:?}")) }
    }
}

/// How long a test waits at most for a server to end that nobody uses.
pub const IDLE_END: Duration = STOP;
