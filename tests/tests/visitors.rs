//! `dyno probe` and `dyno browse` as programs, against every architecture: what they see is what the services document.

use std::process::{Command, ExitCode, Stdio};

use dyno_security::transport::Transport;
use dyno_tests::limits::LOAD;
use dyno_tests::process::ends;
use dyno_tests::rows::Row;
use dyno_tests::secure::{friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, program};
use serde_json::Value;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    mount(&mut trials, "visitors", "probe-shows-what-went-over-the-wire", |_| true, probe);
    mount(&mut trials, "visitors", "probe-by-channel", |_| true, |row| secured(row, Transport::Channel));
    mount(&mut trials, "visitors", "probe-by-tls", |_| true, |row| secured(row, Transport::Tls));
    mount(&mut trials, "visitors", "browse-finds-every-image", |_| true, page);
    mount(&mut trials, "visitors", "browse-threads-hide-latency", |row| !row.is_alone(), speed_up);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// Runs a command that prints JSON and must end by itself with exit code 0.
fn json(arguments: &[&str]) -> Result<Value, String> {
    let mut command = Command::new(program());
    command.args(arguments).arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    // These results are short: a pipe holds them until the end.
    ends(&mut child, LOAD, &format!("dyno {arguments:?}"))?;
    let ended = child.wait_with_output().map_err(|error| error.to_string())?;
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    if !ended.status.success() {
        return Err(format!("dyno {arguments:?}: {}: {out}{err}", ended.status));
    }
    serde_json::from_str(&out).map_err(|error| format!("{error}: {out}"))
}

/// The request, the answer, and times that only grow.
fn is_whole(seen: &Value, request: &str, body: &str) -> Outcome {
    let text = |name: &str| seen[name].as_str().unwrap_or_default();
    ensure(text("request").starts_with(request) && text("request").ends_with("\r\n\r\n"), || {
        seen.to_string()
    })?;
    ensure(text("head").starts_with("HTTP/1.1 200 OK\r\n") && text("head").ends_with("\r\n\r\n"), || {
        seen.to_string()
    })?;
    ensure(text("body") == body && seen["as_expected"] == true && seen["status"] == 200, || {
        seen.to_string()
    })?;
    let stages =
        ["connected_ns", "transport_ready_ns", "request_sent_ns", "first_octet_ns", "answer_complete_ns"];
    let times: Vec<u64> = stages.iter().filter_map(|stage| seen["times"][stage].as_u64()).collect();
    ensure(times.len() == 5 && times.is_sorted() && times[0] > 0, || seen["times"].to_string())
}

const HELLO: &str = "Hello, World!";

fn probe(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let base = format!("http://{}", server.address);
    is_whole(&json(&["probe", &base, "--expect", "service"])?, "GET / HTTP/1.1\r\n", HELLO)?;
    // A wait is seen as the time until the first octet, and by a quarter of a second it cannot be taken for anything
    // else.
    let slow = json(&["probe", &format!("{base}/wait/250000"), "--expect", "service"])?;
    let times = |stage: &str| slow["times"][stage].as_u64().unwrap_or(0);
    let waited_ns = times("first_octet_ns").saturating_sub(times("transport_ready_ns"));
    ensure(waited_ns >= 250_000_000, || slow["times"].to_string())?;
    let total = server.stop_well()?.total;
    ensure((total.connections, total.requests, total.peer_faults) == (2, 2, 0), || format!("{total:?}"))
}

fn secured(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let url = format!("http://localhost:{}/", server.address.port());
    let options = ["--expect", "service", "--transport", transport.name(), "--credentials", friends()];
    let seen = json(&[&["probe", &url][..], &options].concat())?;
    is_whole(&seen, "GET / HTTP/1.1\r\n", HELLO)?;
    ensure(seen["transport"] == transport.name(), || seen["transport"].to_string())?;
    // What goes over the wire is more than what it carries.
    let wire = seen["wire_octets"].as_u64().unwrap_or(0);
    ensure(wire > 100 + HELLO.len() as u64, || format!("{wire} octets"))?;
    let total = server.stop_well()?.total;
    ensure((total.requests, total.peer_faults) == (1, 0), || format!("it left with a goodbye: {total:?}"))
}

/// The fetches of a visit, each of which must have worked.
fn fetches<'a>(seen: &'a Value, visit: &str) -> Result<&'a [Value], String> {
    let fetches = seen[visit]["fetches"].as_array().ok_or_else(|| seen.to_string())?;
    match fetches.iter().find(|fetch| fetch["status"] != 200 || !fetch["error"].is_null()) {
        Some(failed) => Err(failed.to_string()),
        None => Ok(fetches),
    }
}

fn page(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let url = format!("http://{}/pages/6/1000", server.address);
    let seen = json(&["browse", &url, "--threads", "3"])?;
    for (visit, threads) in [("one_thread", 1), ("many_threads", 3)] {
        let fetches = fetches(&seen, visit)?;
        ensure(fetches.len() == 7 && fetches[0]["kind"] == "page" && fetches[0]["url"] == url, || {
            seen[visit].to_string()
        })?;
        let mut images: Vec<&str> = fetches[1..].iter().filter_map(|fetch| fetch["url"].as_str()).collect();
        images.sort_unstable();
        let expected: Vec<String> =
            (1..=6).map(|image| format!("http://{}/wait/1000?image={image}", server.address)).collect();
        ensure(images == expected, || format!("{images:?}"))?;
        // Each is asked for after the page that names it, and waits for its back end.
        let named_ns = fetches[0]["end_ns"].as_u64();
        let in_order = fetches[1..].iter().all(|fetch| {
            let (begin, end) = (fetch["begin_ns"].as_u64(), fetch["end_ns"].as_u64());
            begin >= named_ns && end.unwrap_or(0) - begin.unwrap_or(0) >= 1_000_000
        });
        ensure(in_order && seen[visit]["threads"] == threads, || seen[visit].to_string())?;
    }
    let total = server.stop_well()?.total;
    ensure((total.requests, total.peer_faults) == (14, 0), || format!("{total:?}"))
}

/// Eight images of 100 ms by four threads: near four times as fast as by one, on whatever serves four at once.
fn speed_up(row: &Row) -> Outcome {
    // A worker that waits serves nobody else meanwhile.
    let server = Server::start_with(&row.with_workers("4"), None)?;
    let url = format!("http://{}/pages/8/100000", server.address);
    let seen = json(&["browse", &url, "--threads", "4"])?;
    fetches(&seen, "many_threads")?;
    let (speed_up, parallelism) = (&seen["speed_up"], &seen["many_threads"]["parallelism"]);
    // Four would be perfect; a machine with other work takes its share.
    let near = |value: &Value| (2.5..=4.4).contains(&value.as_f64().unwrap_or(0.0));
    ensure(near(speed_up) && near(parallelism), || {
        format!("{speed_up} times as fast, {parallelism} at once")
    })?;
    server.stop_well()?;
    Ok(())
}
