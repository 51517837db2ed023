//! The command line as a user meets it: exit codes, remedies, help.

use std::process::{Command, ExitCode, Output};

use dyno_servers::architecture::Knob;
use dyno_servers::services;
use dyno_tests::limits::STOP;
use dyno_tests::process::ends;
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, program, quick};
use libtest_mimic::Trial;

fn main() -> ExitCode {
    let on = |name: &str, run: fn() -> Outcome| quick(format!("command-line::{name}"), run);
    let mut trials: Vec<Trial> = vec![
        on("unknown-name-gets-a-guess", unknown_name),
        on("unknown-command-is-usage", || refused(&["sevre"], 2, &["serve"])),
        on("no-command-is-usage", || refused(&[], 2, &["Usage"])),
        on("port-in-use-names-the-remedy", port_in_use),
        on("foreign-address-names-the-remedy", || {
            refused(&["serve", "epoll", "--listen", "192.0.2.1:0"], 1, &["192.0.2.1", "127.0.0.1"])
        }),
        on("nonsense-address-is-usage", || {
            refused(&["serve", "epoll", "--listen", "nowhere"], 2, &["nowhere"])
        }),
        on("foreign-control-port-names-the-remedy", || {
            refused(
                &["serve", "epoll", "--control", "0.0.0.0:0"],
                2,
                &["0.0.0.0:0", "transport", "unix:PATH"],
            )?;
            refused(&["serve", "fork", "--control", "[2001:db8::1]:9"], 2, &["secure transport", "127.0.0.1"])
        }),
        on("forwarding-that-makes-no-sense-is-usage", || {
            let to = ["serve", "epoll", "--forward", "/=127.0.0.1:1"];
            let with = |more: [&'static str; 2]| [&to[..], &more].concat();
            refused(&with(["--dispatch", "leest"]), 2, &["did you mean least?", "round-robin"])?;
            refused(&with(["--policy", "leest"]), 2, &["did you mean least?", "no such file"])?;
            refused(&["serve", "epoll", "--dispatch", "least"], 2, &["--forward"])?;
            refused(&["serve", "epoll", "--forward", "/=nowhere"], 2, &["HOST:PORT"])?;
            refused(&["serve", "epoll", "--forward", "/=127.0.0.1:1@0"], 2, &["a weight is"])?;
            refused(&["serve", "epoll", "--forward", "127.0.0.1:1"], 2, &["PREFIX="])?;
            refused(&with(["--uploads", "."]), 2, &["--uploads", "forward another path"])?;
            refused(&["cluster", "--tier", "epol", "--backends", "2xepoll"], 2, &["did you mean epoll?"])?;
            refused(&["cluster", "--tier", "epoll", "--policy", "leest"], 2, &["did you mean least?"])?;
            refused(
                &["cluster", "--tier", "epoll", "--backends", "3xthread-pol"],
                2,
                &["did you mean thread-pool?"],
            )?;
            refused(&["cluster", "--tier", "epoll", "--backends", "epoll"], 2, &["COUNTxNAME"])?;
            refused(
                &["cluster", "--tier", "epoll", "--backends", "2xepoll:4"],
                2,
                &["does not read --workers"],
            )
        }),
        on("urgent-data-where-it-cannot-be-is-usage", || {
            refused(&["serve", "io-uring", "--urgent"], 2, &["receive", "--control"])?;
            refused(&["serve", "epoll", "--urgent", "--listen", "unix:s"], 2, &["Unix", "--control"])?;
            refused(&["serve", "fork", "--urgent", "--transport", "tls"], 2, &["records", "--control"])
        }),
        on("orders-without-a-request-are-usage", || {
            refused(&["control", "127.0.0.1:9", "cancel"], 2, &["number", "dyno control 127.0.0.1:9"])?;
            refused(&["control", "127.0.0.1:9", "list", "3"], 2, &["leave"])?;
            refused(&["control", "nowhere"], 2, &["nowhere"])
        }),
        on("zero-workers-is-usage", || refused(&["serve", "prefork", "--workers", "0"], 2, &["--workers"])),
        on("nonsense-cores-are-usage", || refused(&["serve", "epoll", "--cores", "3-1"], 2, &["backwards"])),
        on("absent-cores-are-usage", || refused(&["serve", "epoll", "--cores", "999"], 2, &["may use"])),
        on("absent-directory-is-usage", || {
            refused(
                &["serve", "epoll", "--files", "/no/such/directory"],
                2,
                &["/no/such/directory", "directory"],
            )
        }),
        on("list-shows-everything", list),
        on("list-names-are-for-scripts", list_names),
        on("help-is-worth-reading", help),
        on("version", || shows(&["--version"], &["dyno", env!("CARGO_PKG_VERSION")])),
    ];
    for (knob, option, value) in [
        (Knob::Workers, "--workers", "3"),
        (Knob::Queue, "--queue", "3"),
        (Knob::MaxConnections, "--max-connections", "3"),
        (Knob::Tower, "--admission", "tower"),
    ] {
        for row in rows().into_iter().filter(|row| !row.reads(knob)) {
            let name = format!("command-line::{}::does-not-read{}", row.name, &option[1..]);
            trials.push(quick(name, move || {
                refused(&["serve", row.architecture.name, option, value], 2, &[option, row.architecture.name])
            }));
        }
    }
    mount(&mut trials, "command-line", "ready-line-tells-the-settings", |_| true, ready_line);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// Runs the program to its end, which must come by itself.
fn dyno(arguments: &[&str]) -> Result<Output, String> {
    let mut child = Command::new(program());
    child.args(arguments).stdin(std::process::Stdio::null());
    child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = child.spawn().map_err(|error| error.to_string())?;
    ends(&mut child, STOP, &format!("dyno {arguments:?}"))?;
    child.wait_with_output().map_err(|error| error.to_string())
}

fn refused(arguments: &[&str], code: i32, says: &[&str]) -> Outcome {
    let output = dyno(arguments)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.code() == Some(code), || format!("{}; {stderr}", output.status))?;
    ensure(output.stdout.is_empty(), || "an error belongs on standard error alone".into())?;
    let missing: Vec<_> = says.iter().filter(|word| !stderr.contains(*word)).collect();
    ensure(missing.is_empty(), || format!("{missing:?} is not in {stderr:?}"))
}

fn shows(arguments: &[&str], says: &[&str]) -> Outcome {
    let output = dyno(arguments)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    ensure(output.status.success(), || output.status.to_string())?;
    let missing: Vec<_> = says.iter().filter(|word| !stdout.contains(*word)).collect();
    ensure(missing.is_empty(), || format!("{missing:?} is not in {stdout:?}"))
}

fn unknown_name() -> Outcome {
    refused(&["serve", "epol"], 2, &["\"epol\"", "did you mean epoll?", "dyno list"])?;
    refused(&["serve", "thread-per-conection"], 2, &["did you mean thread-per-connection?"])?;
    let output = dyno(&["serve", "zzzzzzzzzzzz"])?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure(!stderr.contains("did you mean"), || format!("a wild guess: {stderr}"))
}

fn port_in_use() -> Outcome {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    refused(&["serve", "epoll", "--listen", &address], 1, &[&address, "choose another port"])
}

fn list() -> Outcome {
    let mut says: Vec<&str> =
        rows().iter().flat_map(|row| [row.architecture.name, row.architecture.idea]).collect();
    says.extend(services::ALL.iter().map(|service| service.path));
    let output = dyno(&["list"])?;
    let listed = String::from_utf8_lossy(&output.stdout);
    let wide: Vec<_> = listed.lines().filter(|line| line.chars().count() > 80).collect();
    ensure(wide.is_empty(), || format!("more than 80 columns: {wide:?}"))?;
    // Words may go on in the next line.
    let words = listed.split_whitespace().collect::<Vec<_>>().join(" ");
    let lost: Vec<_> = says.into_iter().filter(|said| !words.contains(said)).collect();
    ensure(lost.is_empty(), || format!("not listed: {lost:?}"))
}

fn list_names() -> Outcome {
    let output = dyno(&["list", "--names"])?;
    let listed: Vec<_> = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
    let known: Vec<_> =
        dyno_servers::architectures::ALL.iter().map(|architecture| architecture.name).collect();
    ensure(listed == known, || format!("{listed:?}"))
}

fn help() -> Outcome {
    shows(&["--help"], &["serve", "list", "Usage"])?;
    let options =
        ["--listen", "--workers", "--max-connections", "--cores", "--drain", "--files", "SIGTERM", "130"];
    shows(&["serve", "--help"], &options)
}

fn ready_line(row: &Row) -> Outcome {
    // `Server` reads the line and checks name, process and address; two servers must not meet on one port.
    let (one, two) = (Server::start(row)?, Server::start(row)?);
    ensure(one.address != two.address, || "the same port twice".into())?;
    one.stop_well()?;
    two.stop_well()?;
    Ok(())
}
