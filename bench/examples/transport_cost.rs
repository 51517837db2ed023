//! What a small request costs the server behind each transport, on the same architecture: CPU time per request, plain
//! beside the channel beside TLS.
//!
//! Three servers of one architecture stay up on core 0, one for each transport, and `dyno load` asks them in short
//! turns from core 1; the order changes from round to round. Ratios are taken within a round, so that a machine whose
//! speed drifts moves all alike. Told are medians with quartiles. CPU time is that of the server's process (its CPU
//! clock, clock_getcpuclockid(3)), so architectures whose workers are processes of their own do not fit. A turn opens
//! its own connections: their handshakes are in the figure, a few among tens of thousands of requests.
//!
//! `cargo run --release -p dyno-bench --example transport_cost [ROUNDS] [ARCHITECTURE...]`, after
//! `cargo build --release -p dyno-bench --bins --examples`. Needs taskset, and two cores.

use std::io::{BufRead, BufReader, Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use dyno_security::credentials;
use dyno_security::transport::Transport;
use nix::time::ClockId;
use nix::unistd::Pid;

const CONNECTIONS: &str = "8";
const TURN: &str = "500ms";
const ARCHITECTURES: [&str; 4] = ["epoll", "thread-per-connection", "thread-pool", "tokio"];

/// A server behind a transport; it ends with this value.
struct Server {
    child: Child,
    url: String,
    transport: Transport,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, and the keys of both sides.
struct Stage {
    dyno: PathBuf,
    credentials: PathBuf,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1).peekable();
    let rounds = arguments.peek().and_then(|first| first.parse().ok());
    let rounds: usize = rounds.inspect(|_| drop(arguments.next())).unwrap_or(15);
    let named: Vec<String> = arguments.collect();
    let names: Vec<&str> =
        if named.is_empty() { ARCHITECTURES.to_vec() } else { named.iter().map(String::as_str).collect() };
    let here = std::env::current_exe()?;
    let dyno = here.ancestors().nth(2).map(|directory| directory.join("dyno")).unwrap_or_default();
    let place = tempfile::tempdir()?;
    let stage = Stage { dyno, credentials: place.path().join("credentials") };
    credentials::create(&stage.credentials).map_err(Error::other)?;
    println!(
        "{rounds} rounds, turns of {TURN}, {CONNECTIONS} connections, 13 octets; server on CPU 0, load on CPU 1"
    );
    println!("server CPU us/request: median; ratios within a round: median (quartiles)\n");
    println!(
        "{:<22} {:>7} {:>8} {:>7}   {:^24} {:^24}",
        "", "plain", "channel", "tls", "channel : tls", "channel : plain"
    );
    names.iter().try_for_each(|name| stage.compare(name, rounds))
}

impl Stage {
    fn compare(&self, name: &str, rounds: usize) -> Result<()> {
        let servers = Transport::ALL.map(|transport| self.start(name, transport));
        let [plain, channel, tls] = servers;
        let servers = [plain?, channel?, tls?];
        for server in &servers {
            // To warm up.
            self.turn(server)?;
        }
        let mut costs = Vec::new();
        for round in 0..rounds {
            let mut cost = [0.0; 3];
            for step in 0..3 {
                let which = (round + step) % 3;
                cost[which] = self.turn(&servers[which])?;
            }
            costs.push(cost);
        }
        let median = |which: usize| quartiles(costs.iter().map(|cost| cost[which]).collect())[1];
        let ratio = |over: usize| {
            let [low, middle, high] = quartiles(costs.iter().map(|cost| cost[1] / cost[over]).collect());
            format!("{middle:.3} ({low:.3} to {high:.3})")
        };
        println!(
            "{name:<22} {:>7.2} {:>8.2} {:>7.2}   {:^24} {:^24}",
            median(0),
            median(1),
            median(2),
            ratio(2),
            ratio(0)
        );
        Ok(())
    }

    fn start(&self, name: &str, transport: Transport) -> Result<Server> {
        let mut command = self.pinned("0");
        command.args(["serve", name, "--listen", "127.0.0.1:0", "--compute-rounds-per-us", "100"]);
        self.secure(&mut command, transport);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = child.stdout.take().ok_or_else(|| Error::other("no standard output"))?;
        let mut server = Server { child, url: String::new(), transport };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let ready: serde_json::Value =
            serde_json::from_str(&line).map_err(|_| Error::other(format!("{name} does not start")))?;
        server.url = format!("http://{}/", ready["address"].as_str().unwrap_or_default());
        Ok(server)
    }

    /// One turn of load; the server's CPU time per request in us.
    fn turn(&self, server: &Server) -> Result<f64> {
        let process = Pid::from_raw(server.child.id().cast_signed());
        let mut command = self.pinned("1");
        command.args(["load", &server.url, "--expect", "service", "--quiet", "--format", "json"]);
        command.args(["--connections", CONNECTIONS, "--duration", TURN, "--warmup", "0"]);
        self.secure(&mut command, server.transport);
        let before_us = cpu_us(process)?;
        let output = command.stdin(Stdio::null()).output()?;
        let spent_us = cpu_us(process)? - before_us;
        let outcome: dyno_clients::outcome::Outcome = serde_json::from_slice(&output.stdout)?;
        let counts = &outcome.counts;
        if counts.failed > 0 || counts.completed == 0 {
            return Err(Error::other(format!("a turn went wrong: {counts:?}")));
        }
        Ok(spent_us / counts.completed as f64)
    }

    fn secure(&self, command: &mut Command, transport: Transport) {
        if transport != Transport::Plain {
            command.args(["--transport", transport.name(), "--credentials"]).arg(&self.credentials);
        }
    }

    /// taskset(1) becomes the program, so its process is the program's.
    fn pinned(&self, cpu: &str) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", cpu]).arg(Path::new(&self.dyno));
        command
    }
}

/// CPU time that a process has used so far.
fn cpu_us(process: Pid) -> Result<f64> {
    let used = ClockId::pid_cpu_clock_id(process)?.now()?;
    Ok(used.tv_sec() as f64 * 1e6 + used.tv_nsec() as f64 / 1e3)
}

/// Lower quartile, median, upper quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0.25, 0.5, 0.75].map(|share| values[((values.len() - 1) as f64 * share).round() as usize])
}
