//! Who takes part, and how they are started and stopped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One server.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    Dyno(&'static str),
    Bare(&'static str),
    Nginx,
}

/// Everybody who can take part on this machine.
pub(crate) fn all() -> Result<Vec<Contestant>, String> {
    let dyno = |name| Contestant { name, kind: Kind::Dyno(name) };
    let bare = |name, shape| Contestant { name, kind: Kind::Bare(shape) };
    let mut all = vec![
        dyno("epoll"),
        bare("bare-epoll", "epoll"),
        dyno("io-uring"),
        dyno("thread-per-connection"),
        bare("bare-threads", "threads"),
        dyno("thread-pool"),
        bare("bare-pool", "pool"),
        dyno("hyper"),
    ];
    if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_ok() {
        all.push(Contestant { name: "nginx", kind: Kind::Nginx });
    }
    if !dyno_program()?.exists() {
        return Err("build the program first: cargo build --release".into());
    }
    Ok(all)
}

/// The program `dyno`, beside this example's directory.
fn dyno_program() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let target = here.parent().and_then(|examples| examples.parent()).ok_or("an odd place for an example")?;
    Ok(target.join("dyno"))
}

/// A server that runs; it is stopped when this is dropped.
pub(crate) struct Start {
    child: Child,
    pub(crate) address: SocketAddr,
    directory: Option<tempfile::TempDir>,
}

impl Start {
    pub(crate) fn now(contestant: &Contestant) -> Result<Start, String> {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut directory = None;
        let mut known = None;
        match contestant.kind {
            Kind::Dyno(name) => {
                command.arg(dyno_program()?).args(["serve", name, "--listen", "127.0.0.1:0"]);
            }
            Kind::Bare(shape) => {
                command
                    .arg(std::env::current_exe().map_err(|error| error.to_string())?)
                    .args(["--bare", shape]);
            }
            Kind::Nginx => {
                let (place, address) = nginx_directory()?;
                command.arg("nginx").arg("-c").arg(place.path().join("nginx.conf"));
                directory = Some(place);
                known = Some(address);
            }
        }
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", contestant.name))?;
        let address = match known {
            Some(address) => wait_for(address)?,
            None => read_address(&mut child)?,
        };
        Ok(Start { child, address, directory })
    }

    /// CPU time of the server and its children so far, in microseconds; threads that have ended are in it.
    pub(crate) fn cpu_us(&self) -> f64 {
        let mut processes = vec![self.child.id()];
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        if let Ok(children) = fs::read_to_string(children) {
            processes.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        processes.into_iter().filter_map(cpu_of_us).sum()
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
        drop(self.directory.take());
    }
}

/// CPU time of a process with all its threads, those that have ended too (clock_getcpuclockid(3)).
fn cpu_of_us(pid: u32) -> Option<f64> {
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(pid.cast_signed())).ok()?;
    let time = nix::time::clock_gettime(clock).ok()?;
    Some(time.tv_sec() as f64 * 1e6 + time.tv_nsec() as f64 / 1e3)
}

fn read_address(child: &mut Child) -> Result<SocketAddr, String> {
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("no output")?;
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    let address = line.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next());
    address.and_then(|address| address.parse().ok()).ok_or_else(|| format!("no address in {line:?}"))
}

fn wait_for(address: SocketAddr) -> Result<SocketAddr, String> {
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if TcpStream::connect(address).is_ok() {
            return Ok(address);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err(format!("nothing listens on {address}"))
}

/// One worker, no log, the same 13 octets from memory.
fn nginx_directory() -> Result<(tempfile::TempDir, SocketAddr), String> {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| error.to_string())?;
    let configuration = format!(
        "daemon off; worker_processes 1; pid {0}/pid; error_log /dev/null;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 100000000;\n\
         server {{ listen {address}; location / {{ default_type text/plain; return 200 \"Hello, World!\"; }} }} }}\n",
        place.path().display()
    );
    fs::write(place.path().join("nginx.conf"), configuration).map_err(|error| error.to_string())?;
    Ok((place, address))
}
