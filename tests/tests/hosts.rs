//! Two hosts load a third: network namespaces with names of their own, joined by virtual cables. Where none may be made
//! the trial shows as ignored.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_clients::plan::pacer::{Arrivals, Pacer};
use dyno_clients::plan::profile::parse;
use dyno_tests::limits::STOP;
use dyno_tests::process::ends;
use dyno_tests::suite::{self, Outcome, ensure, program};
use libtest_mimic::Trial;
use serde_json::Value;

/// The address of the server, which belongs to none of the cables.
const SERVER: &str = "10.83.0.1";

/// How long before the start the hosts are told of it, s: time for some questions about the server's clock.
const AHEAD_S: u64 = 5;

fn main() -> ExitCode {
    let reason = Net::make("probe").err();
    let kind = reason.as_ref().map_or(String::new(), |_| "no network namespace may be made".into());
    let trial = Trial::test("hosts::two-load-a-third", two_load_a_third);
    let trials = vec![trial.with_kind(kind).with_ignored_flag(reason.is_some())];
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).stdin(Stdio::null()).output();
    let output = output.map_err(|error| error.to_string())?;
    let said = || format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(()) } else { Err(said()) }
}

/// A namespace, removed with all that is in it when dropped.
struct Net(String);

impl Net {
    fn make(name: &str) -> Result<Self, String> {
        let net = Net(format!("dyno-{}-{name}", std::process::id()));
        ip(&format!("netns add {}", net.0))?;
        ip(&format!("-n {} link set lo up", net.0))?;
        Ok(net)
    }

    /// Another host with a cable to this one, in the subnet of that number.
    fn cable(&self, other: &Net, number: u8) -> Result<(), String> {
        let (here, there) = (format!("cable{number}"), "cable");
        ip(&format!("link add {here} netns {} type veth peer name {there} netns {}", self.0, other.0))?;
        ip(&format!("-n {} addr add 10.83.{number}.1/24 dev {here}", self.0))?;
        ip(&format!("-n {} addr add 10.83.{number}.2/24 dev {there}", other.0))?;
        ip(&format!("-n {} link set {here} up", self.0))?;
        ip(&format!("-n {} link set {there} up", other.0))?;
        ip(&format!("-n {} route add default via 10.83.{number}.1", other.0))
    }

    /// The program under test on this host, which has a name.
    fn dyno(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        let script = format!("echo {name} > /proc/sys/kernel/hostname; exec \"$0\" \"$@\"");
        command.args(["netns", "exec", &self.0, "unshare", "--uts", "sh", "-c", &script]);
        command.arg(program()).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        let _ = ip(&format!("netns del {}", self.0));
    }
}

/// A server that is killed when dropped.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait(mut child: Child, what: &str) -> Result<Output, String> {
    ends(&mut child, STOP, what)?;
    child.wait_with_output().map_err(|error| error.to_string())
}

/// Arrivals of the whole schedule in a window of it, ns.
fn planned(rate: &str, seed: u64, (from_ns, to_ns): (u64, u64)) -> u64 {
    let mut pacer = Pacer::new(Arrivals::Poisson, parse(rate, to_ns).expect("a rate"), seed, 0, 1);
    let mut count = 0;
    while let Some(time_ns) = pacer.peek_ns().filter(|&time_ns| time_ns < to_ns) {
        count += u64::from(time_ns >= from_ns);
        pacer.advance();
    }
    count
}

fn two_load_a_third() -> Outcome {
    let (server, one, other) = (Net::make("s")?, Net::make("a")?, Net::make("b")?);
    ip(&format!("-n {} addr add {SERVER}/32 dev lo", server.0))?;
    server.cable(&one, 1)?;
    server.cable(&other, 2)?;
    let listen = format!("{SERVER}:0");
    let arguments = ["serve", "epoll", "--listen", &listen, "--compute-rounds-per-us", "100"];
    let mut serving = Serving(server.dyno("server", &arguments).spawn()?);
    let mut line = String::new();
    BufReader::new(serving.0.stdout.take().ok_or("piped")?).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line)?;
    let url = format!("http://{}/", ready["address"].as_str().ok_or("an address")?);

    let place = tempfile::tempdir()?;
    let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + AHEAD_S;
    let (at, seed) = (at.to_string(), "7");
    let part = |net: &Net, name: &str, number: u32| {
        let share = format!("{number}/2");
        let file = place.path().join(format!("part{number}.json"));
        let file = file.to_string_lossy();
        let mut arguments = vec!["load", &url, "--rate", "600", "-c", "8", "-d", "1s", "-w", "200ms"];
        arguments.extend(["--seed", seed, "--part", &share, "--start-at", &at, "--output", &file]);
        net.dyno(name, &arguments).spawn()
    };
    let children = [part(&one, "alpha", 1)?, part(&other, "beta", 2)?];
    for child in children {
        let output = wait(child, "a part")?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure(output.status.code() == Some(0), || format!("{:?} {said}", output.status))?;
        ensure(String::from_utf8_lossy(&output.stdout).contains(" of 2 of it"), || format!("{output:?}"))?;
    }
    let merged = merge(place.path())?;
    ensure(merged["parts"][0]["host"] == "alpha" && merged["parts"][1]["host"] == "beta", || {
        format!("{:#}", merged["parts"])
    })?;
    let counts = &merged["counts"];
    // 200 ms to 1.2 s.
    let planned = planned("600", 7, (200_000_000, 1_200_000_000));
    ensure(counts["intended"] == planned, || format!("{planned} were planned: {counts}"))?;
    ensure(counts["completed"] == planned && counts["failed"] == 0, || format!("{planned}: {counts}"))?;
    ensure(merged["connections"]["opened"] == 8, || format!("{:#}", merged["connections"]))?;
    for part in [&merged["parts"][0], &merged["parts"][1]] {
        let share = part["completed"].as_f64().unwrap_or(0.0) / planned as f64;
        ensure((0.35..0.65).contains(&share), || format!("{share} of all: {part:#}"))?;
        // All hosts have one clock here, and so has the server.
        if let Some(ahead) = part["clock"].get("server_ahead") {
            let [least, most] = ["least_ns", "most_ns"].map(|name| ahead[name].as_i64().unwrap_or(0));
            ensure(least <= 0 && 0 <= most && most - least < 2_000_000_000, || format!("{ahead}"))?;
        }
    }
    Ok(())
}

fn merge(place: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    let mut command = Command::new(program());
    command.arg("merge").arg(place).args(["--format", "json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = wait(command.spawn()?, "merge")?;
    // On a busy machine a part may be void (5), which is an answer, too.
    if !matches!(output.status.code(), Some(0 | 5)) {
        return Err(format!("{output:?}").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
