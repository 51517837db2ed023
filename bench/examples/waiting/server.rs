//! The servers that are compared.

use std::io::{BufRead, BufReader, Error, ErrorKind, Result};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Architecture;

/// How long any answer may take that is certain to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server, ended when the comparison is, however that ends.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Forked workers end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `dyno serve` with an architecture, and `more` arguments.
    pub(crate) fn dyno(dyno: &Path, architecture: &Architecture, more: &[&str]) -> Result<Self> {
        let mut serve = Command::new(dyno);
        serve.args(["serve", architecture.name, "--listen", "127.0.0.1:0", "--json"]).args(more);
        let mut child = serve.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or(ErrorKind::BrokenPipe)?).read_line(&mut line)?;
        let ready: serde_json::Value = serde_json::from_str(&line)?;
        let address = ready["address"].as_str().and_then(|address| address.parse().ok());
        let address = address.ok_or_else(|| Error::other(format!("no ready line: {line}")))?;
        Ok(Server { child, address })
    }

    /// redis-server, which keeps nothing on disk.
    pub(crate) fn redis() -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut serve = Command::new("redis-server");
        serve.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
        let child = serve.arg(address.port().to_string()).stdout(Stdio::null()).spawn()?;
        let server = Server { child, address };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err(ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }
}

/// A connection on which nothing is waited for longer than [`PATIENCE`].
pub(crate) fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
