//! Programs of others: run to their end, or started as servers.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::limits::{READY, STOP};
use crate::process::wait_until;

/// Whether the program is there and answers `question`, such as a request for its version.
pub fn is_installed(program: &str, question: &[&str]) -> bool {
    let asked = Command::new(program).args(question).stdin(Stdio::null()).output();
    asked.is_ok_and(|output| output.status.success())
}

/// Runs a client to its end, which must come by itself, with `input` on its standard input.
///
/// # Errors
/// In words, when it cannot be started or does not end.
pub fn run(program: &str, arguments: &[&str], input: &str) -> Result<Output, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    // A client that has refused the server has gone, and reads nothing.
    let mut stdin = child.stdin.take().ok_or("piped")?;
    let _ = stdin.write_all(input.as_bytes());
    let pid = child.id();
    let reader = std::thread::spawn(move || child.wait_with_output());
    let ended = wait_until(STOP, || reader.is_finished());
    drop(stdin);
    if ended.is_none() {
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
    }
    let output = reader.join().map_err(|_| "the reader panicked")?.map_err(|error| error.to_string())?;
    if ended.is_some() { Ok(output) } else { Err(format!("{program} {arguments:?} does not end")) }
}

/// A server that is a program of others; killed when dropped.
#[derive(Debug)]
pub struct ForeignServer {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ForeignServer {
    /// Starts what `command` makes for a free port, and waits until it takes connections.
    ///
    /// # Errors
    /// In words, when it takes none.
    pub fn start(command: impl FnOnce(u16) -> Command) -> Result<Self, String> {
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| error.to_string())?;
        let mut command = command(address.port());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(|error| error.to_string())?;
        let server = ForeignServer { child, address };
        wait_until(READY, || TcpStream::connect(address).is_ok())
            .map(|_| server)
            .ok_or_else(|| format!("{command:?} takes no connection"))
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
