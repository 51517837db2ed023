//! `dyno cluster`: one ready line for all, and nobody left behind.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use dyno_tests::limits::{ANSWER, STOP};
use dyno_tests::process::{ends, is_alive, wait_until};
use dyno_tests::suite::{Outcome, ensure, program, quick};
use dyno_tests::wire::get_once;
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::passing::is_hello;

pub(crate) fn mount_all(trials: &mut Vec<Trial>) {
    trials.push(quick("forwarding::cluster::serves-and-ends", serves_and_ends));
    trials.push(quick("forwarding::cluster::survives-a-backend", survives));
    trials.push(quick("forwarding::cluster::dies-with-all", dies_with_all));
    trials.push(quick("forwarding::cluster::a-first-tier-that-ends-is-told", first_tier_ends));
}

/// A running cluster; dropped, it is killed, and its members with it.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    ready: Value,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(arguments: &[&str]) -> Result<Running, String> {
    let mut command = Command::new(program());
    command.arg("cluster").args(arguments).args(["--listen", "127.0.0.1:0"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let output = child.stdout.take().ok_or("no output")?;
    let (ready, address) = (Value::Null, SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut running = Running { child, output: BufReader::new(output), ready, address };
    let mut line = String::new();
    running.output.read_line(&mut line).map_err(|error| error.to_string())?;
    running.ready = serde_json::from_str(&line).map_err(|error| format!("{line:?}: {error}"))?;
    let address = running.ready["address"].as_str().ok_or("no address")?;
    running.address = address.parse().map_err(|_| "a bad address")?;
    Ok(running)
}

impl Running {
    /// The process of a member, counted from the first tier.
    fn pid(&self, member: usize) -> Pid {
        Pid::from_raw(self.ready["members"][member]["pid"].as_i64().unwrap_or(0) as i32)
    }

    fn members(&self) -> usize {
        self.ready["members"].as_array().map_or(0, Vec::len)
    }

    fn all_are_gone(&self) -> Outcome {
        let is_gone = || (0..self.members()).all(|member| !is_alive(self.pid(member)));
        ensure(wait_until(STOP, is_gone).is_some(), || "a member is left behind".into())
    }

    /// SIGTERM, and what it says at the end.
    fn stop(mut self) -> Result<Value, String> {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        ends(&mut self.child, STOP, "dyno cluster")?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let mut text = String::new();
        self.output.read_to_string(&mut text).map_err(|error| error.to_string())?;
        self.all_are_gone().map_err(|_| "a member is left behind")?;
        if !status.success() {
            return Err(format!("ended with {status}"));
        }
        serde_json::from_str(text.trim()).map_err(|error| format!("{text:?}: {error}"))
    }
}

fn serves_and_ends() -> Outcome {
    let running = start(&[
        "--tier",
        "tokio",
        "--policy",
        "least",
        "--backends",
        "2xthread-pool:2,1xepoll",
        "--layers",
        "2",
    ])?;
    ensure(running.members() == 5 && running.ready["ready"] == true, || format!("{}", running.ready))?;
    let roles: Vec<_> = (0..5).map(|member| running.ready["members"][member]["role"].as_str()).collect();
    let expected = ["first tier", "tier", "backend", "backend", "backend"].map(Some);
    ensure(roles == expected, || format!("{roles:?}"))?;
    for _ in 0..6 {
        let hello = get_once(running.address, "/")?;
        is_hello(&hello)?;
        let vias = hello.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("via")).count();
        ensure(vias == 2, || format!("{hello:?}"))?;
    }
    let account = running.stop()?;
    ensure(account["total"]["requests"] == 6, || format!("{account}"))
}

fn survives() -> Outcome {
    let running = start(&["--tier", "epoll", "--backends", "2xepoll"])?;
    kill(running.pid(1), Signal::SIGKILL)?;
    for _ in 0..20 {
        is_hello(&get_once(running.address, "/")?)?;
    }
    running.stop()?;
    Ok(())
}

fn dies_with_all() -> Outcome {
    let running = start(&["--tier", "epoll", "--backends", "2xprefork:2"])?;
    kill(Pid::from_raw(running.child.id().cast_signed()), Signal::SIGKILL)?;
    running.all_are_gone()
}

fn first_tier_ends() -> Outcome {
    let mut running = start(&["--tier", "thread-pool", "--backends", "1xepoll"])?;
    kill(running.pid(0), Signal::SIGKILL)?;
    let code = wait_until(ANSWER, || matches!(running.child.try_wait(), Ok(Some(_))));
    ensure(code.is_some() && running.child.wait()?.code() == Some(1), || {
        "it goes on without its first tier".into()
    })?;
    running.all_are_gone()
}
