//! The load generator against every architecture and under every transport, as programs. Engine and servers share no
//! HTTP code, so each checks the other: what one says it sent the other must say it answered.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use dyno_tests::limits::ANSWER;
use dyno_tests::load::{Loaded, begin, end, load, verdict_code};
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow, program};
use libtest_mimic::Trial;
use tempfile::TempDir;

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    mount(&mut trials, "load", "closed-loop-agrees-with-the-servers-account", everybody, closed_loop);
    mount(&mut trials, "load", "open-loop-parts-add-up", everybody, open_loop);
    mount(&mut trials, "load", "a-connection-for-each-request", everybody, single_requests);
    mount(&mut trials, "load", "channel", everybody, |row| secured(row, "channel"));
    mount(&mut trials, "load", "tls", everybody, |row| secured(row, "tls"));
    let epoll = |row: &Row| row.name == "epoll";
    mount(&mut trials, "load", "another-transport-is-a-clear-error", epoll, another_transport);
    mount_slow(&mut trials, "load", "ten-thousand-connections", epoll, many_connections);
    for row in rows().into_iter().filter(epoll) {
        let installed = is_installed("wrk");
        let kind = if installed { "wrk" } else { "wrk is not installed" };
        let trial = Trial::test("load::epoll::wrk-and-dyno-are-counted-alike", move || beside_wrk(&row));
        trials.push(trial.with_kind(kind).with_ignored_flag(!installed));
    }
    for row in rows().into_iter().filter(epoll) {
        let installed = is_installed("curl");
        let kind = if installed { "curl" } else { "curl is not installed" };
        let trial = Trial::test("load::epoll::probe-and-curl-see-the-same", move || beside_curl(&row));
        trials.push(trial.with_kind(kind).with_ignored_flag(!installed));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(tool).is_file())
}

/// Every answer right, and the exit code that its verdict asks for: a busy machine may well make a run void.
fn all_right(loaded: &Loaded, requests: u64) -> Outcome {
    let c = &loaded.outcome["counts"];
    let counts = ["sent", "completed", "failed"].map(|name| c[name].as_u64().unwrap_or(u64::MAX));
    ensure(counts == [requests, requests, 0], || {
        format!("sent, completed, failed: {counts:?}; errors: {}", loaded.outcome["errors"])
    })?;
    ensure(loaded.code == verdict_code(&loaded.outcome), || format!("exit code {}", loaded.code))
}

fn closed_loop(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let connections = row.clients(6);
    let options = format!("--expect service -c {connections} -n 300 -w 0");
    let loaded = load(&format!("http://{}/json", server.address), &options)?;
    all_right(&loaded, 300)?;
    let told = server.stop_well()?;
    ensure(told.total.requests == 300 && told.total.peer_faults == 0, || format!("{:?}", told.total))?;
    let sent = loaded.outcome["counts"]["sent_octets"].as_u64();
    ensure(sent == Some(told.total.received_bytes), || format!("octets: {sent:?}, {:?}", told.total))?;
    ensure(loaded.outcome["connections"]["open_max"] == connections, || "not all connections open".into())
}

fn open_loop(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    // Each answer waits a millisecond, so that requests meet in the server.
    let options = format!("--expect service -c {} --rate 300 -d 500ms -w 100ms", row.clients(4));
    let Loaded { outcome, .. } = load(&format!("http://{}/wait/1000", server.address), &options)?;
    let mean = |part: &str| outcome["latency"][part]["mean_ns"].as_f64().unwrap_or(f64::NAN);
    let parts = mean("wait") + mean("lag") + mean("response") + mean("reading");
    ensure((parts - mean("total")).abs() < 1.0, || format!("{parts} is not {}", mean("total")))?;
    ensure(mean("response") > 1e6, || format!("an answer after {} ns", mean("response")))?;
    let c = &outcome["counts"];
    ensure(c["intended"] == c["completed"] && c["failed"] == 0, || format!("{c}; {}", outcome["errors"]))?;
    let told = server.stop_well()?;
    ensure(Some(told.total.requests) > c["completed"].as_u64(), || "the warm-up is sent, too".into())
}

fn single_requests(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let options = format!("--expect service -c {} -n 60 -w 0 --requests-per-connection 1", row.clients(4));
    let loaded = load(&format!("http://{}/", server.address), &options)?;
    all_right(&loaded, 60)?;
    ensure(loaded.outcome["connections"]["opened"] == 60, || loaded.outcome["connections"].to_string())?;
    // One more: the knock at the door before the run.
    let told = server.stop_well()?;
    ensure(told.total.connections == 61, || format!("{:?}", told.total))
}

/// A credentials directory for all trials.
fn credentials() -> Result<&'static Path, String> {
    static MADE: OnceLock<Result<(TempDir, std::path::PathBuf), String>> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let place = tempfile::tempdir().map_err(|e| e.to_string())?;
        let directory = place.path().join("keys");
        let status = Command::new(program()).arg("keys").arg(&directory).stdout(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok((place, directory)),
            other => Err(format!("dyno keys: {other:?}")),
        }
    });
    made.as_ref().map(|(_, directory)| directory.as_path()).map_err(Clone::clone)
}

fn secured(row: &Row, transport: &str) -> Outcome {
    let credentials = credentials()?.display().to_string();
    let mut arguments: Vec<&str> = row.arguments.clone();
    arguments.extend(["--transport", transport, "--credentials", &credentials]);
    let server = Server::start_with(&arguments, None)?;
    // More than a record of 16 KiB, a POST that comes back, and connections that end while others go on.
    for (path, more) in
        [("/bytes/40000", ""), ("/echo", "--body hello"), ("/json", "--requests-per-connection 1")]
    {
        let options = format!(
            "--expect service -c {} -n 40 -w 0 --transport {transport} --credentials {credentials} {more}",
            row.clients(3)
        );
        let loaded = load(&format!("http://{}{path}", server.address), &options)?;
        all_right(&loaded, 40)?;
        ensure(loaded.outcome["plan"]["transport"] == transport, || "another transport".into())?;
    }
    // Each connection, the knock at the door included, has ended with a goodbye: none looks cut off.
    let total = server.stop_well()?.total;
    ensure(total.peer_faults == 0 && total.faults == 0, || format!("{total:?}"))
}

/// A client that speaks another transport than its server: refused at the door, or each request a counted failure.
fn another_transport(row: &Row) -> Outcome {
    let credentials = credentials()?.display().to_string();
    let secure = |transport| match transport {
        "plain" => Vec::new(),
        other => vec!["--transport", other, "--credentials", &credentials],
    };
    for (serves, speaks, code, says) in [
        ("plain", "tls", 1, "plain HTTP"),
        ("plain", "channel", 1, "plain HTTP"),
        ("tls", "channel", 1, "handshake"),
        ("channel", "tls", 1, "no connection"),
        ("tls", "plain", 5, "VOID"),
        ("channel", "plain", 5, "VOID"),
    ] {
        let mut arguments: Vec<&str> = row.arguments.clone();
        arguments.extend(secure(serves));
        let server = Server::start_with(&arguments, None)?;
        for connections in ["-c 2 -n 4", "-c 2 -n 4 --requests-per-connection 1"] {
            let options = format!("{connections} -w 0 --timeout 3s {}", secure(speaks).join(" "));
            let since = std::time::Instant::now();
            let told = end(begin(&format!("http://{}/", server.address), &options)?, since)?;
            let case = || format!("{speaks} toward {serves}, {connections}: {} {}", told.code, told.stderr);
            ensure(told.code == code, case)?;
            ensure(told.stderr.contains(says) || told.stdout.contains(says), case)?;
            ensure(code == 1 || told.stdout.contains("100 % of the requests failed"), case)?;
        }
        server.stop_well()?;
    }
    Ok(())
}

/// All held by one thread of the generator at once, and each of them used.
fn many_connections(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--max-connections", "12000"]), None)?;
    let options = "--expect service -c 10k -t 1 --rate 10k --arrivals constant -d 3s -w 1s";
    let loaded = load(&format!("http://{}/", server.address), options)?;
    let (c, open) = (&loaded.outcome["counts"], &loaded.outcome["connections"]);
    ensure(open["open_max"] == 10_000 && open["open_at_end"] == 10_000, || open.to_string())?;
    ensure(c["failed"] == 0 && c["completed"] == c["intended"], || loaded.outcome["errors"].to_string())?;
    server.stop_well()?;
    Ok(())
}

/// Both tell what they sent, and the server tells what it answered.
fn beside_wrk(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let url = format!("http://{}/", server.address);
    let output = Command::new("wrk").args(["-t1", "-c2", "-d1s", &url]).stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse::<u64>().ok());
    let wrk = told.ok_or_else(|| format!("wrk says {text}"))?;
    let by_wrk = server.stop_well()?.total;
    let server = Server::start(row)?;
    let loaded =
        load(&format!("http://{}/", server.address), &format!("--expect service -c 2 -n {wrk} -w 0"))?;
    all_right(&loaded, wrk)?;
    let by_dyno = server.stop_well()?.total;
    // wrk ends with requests under way, which it does not count.
    ensure(by_wrk.requests >= wrk && by_wrk.requests <= wrk + 2, || format!("wrk {wrk}, {by_wrk:?}"))?;
    ensure(by_dyno.requests == wrk, || format!("dyno {wrk}, {by_dyno:?}"))
}

fn beside_curl(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let url = format!("http://{}/wait/30000", server.address);
    let limit = ANSWER.as_secs().to_string();
    let format = "\n%{http_code} %{time_total}";
    let curl = Command::new("curl")
        .args(["--disable", "--silent", "--noproxy", "*", "--max-time", &limit, "--write-out", format, &url])
        .output()?;
    let probe = Command::new(program()).args(["probe", &url, "--json", "--expect", "service"]).output()?;
    let seen: serde_json::Value = serde_json::from_slice(&probe.stdout)
        .map_err(|e| format!("{e}: {}", String::from_utf8_lossy(&probe.stderr)))?;
    let text = String::from_utf8_lossy(&curl.stdout).into_owned();
    let (body, last) = text.rsplit_once('\n').unwrap_or_default();
    let (status, seconds) = last.split_once(' ').unwrap_or_default();
    ensure(seen["body"] == body && seen["status"].as_u64() == status.parse().ok(), || {
        format!("{text:?} and {seen}")
    })?;
    let times = [
        seconds.parse::<f64>().unwrap_or(0.0),
        seen["times"]["answer_complete_ns"].as_f64().unwrap_or(0.0) / 1e9,
    ];
    // Both wait for the 30 ms, and neither for much more, even on a busy machine.
    ensure(times.iter().all(|s| (0.030..5.0).contains(s)), || format!("{times:?}"))?;
    server.stop_well()?;
    Ok(())
}
