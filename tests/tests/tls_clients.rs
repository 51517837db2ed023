//! TLS clients that are not ours, against each architecture: curl and `openssl s_client`. Where one is not installed
//! its trials show as ignored.

use std::path::Path;
use std::process::{Command, ExitCode};

use dyno_security::transport::Transport;
use dyno_tests::rows::{Row, rows};
use dyno_tests::secure::{friends, make_credentials, serve, strangers};
use dyno_tests::suite::{self, Outcome, ensure};
use dyno_tests::tool::run;
use dyno_tests::wire::get_and_close;
use libtest_mimic::Trial;

/// A client's name, the argument that asks for its version, and its trial.
type Tool = (&'static str, &'static str, fn(&Row) -> Outcome);

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let tools: [Tool; 2] = [("curl", "--version", curl), ("openssl", "version", s_client)];
    let mut trials = Vec::new();
    for (tool, version, run) in tools {
        let installed = Command::new(tool).arg(version).output().is_ok_and(|output| output.status.success());
        let kind = if installed { tool.to_owned() } else { format!("{tool} is not installed") };
        trials.extend(rows().into_iter().map(|row| {
            let trial = Trial::test(format!("tls-clients::{}::{tool}", row.name), move || run(&row));
            trial.with_kind(kind.clone()).with_ignored_flag(!installed)
        }));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn authority(directory: &str) -> String {
    Path::new(directory).join("authority.pem").to_string_lossy().into_owned()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn curl(row: &Row) -> Outcome {
    let server = serve(row, Transport::Tls, &[])?;
    let curl = |authority: &str, more: &[&str], path: &str| {
        let url = format!("https://localhost:{}{path}", server.address.port());
        let resolve = format!("localhost:{}:127.0.0.1", server.address.port());
        let mut arguments =
            vec!["--disable", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*"];
        arguments.extend(["--resolve", &resolve, "--cacert", authority]);
        arguments.extend(more);
        arguments.push(&url);
        run("curl", &arguments, "")
    };
    let trusted = authority(friends());
    let hello = curl(&trusted, &["--write-out", " %{http_code} %{ssl_verify_result}"], "/")?;
    ensure(text(&hello.stdout) == "Hello, World! 200 0", || format!("{hello:?}"))?;
    let large = curl(&trusted, &[], "/bytes/1000000")?;
    ensure(large.stdout.len() == 1_000_000, || format!("{} octets", large.stdout.len()))?;
    let body = "0123456789".repeat(9_000);
    let data = ["--header", "Expect:", "--data-binary", &body];
    let echo = curl(&trusted, &data, "/echo")?;
    ensure(text(&echo.stdout) == body, || format!("{} octets came back", echo.stdout.len()))?;
    // 60: the certificate is of an authority that curl was not told to trust. 35: no version in common.
    let stranger = curl(&authority(strangers()), &[], "/")?;
    ensure(stranger.status.code() == Some(60) && stranger.stdout.is_empty(), || format!("{stranger:?}"))?;
    let old = curl(&trusted, &["--tls-max", "1.2"], "/")?;
    ensure(old.status.code() == Some(35) && old.stdout.is_empty(), || format!("TLS 1.2: {old:?}"))?;
    server.stop_well()?;
    Ok(())
}

fn s_client(row: &Row) -> Outcome {
    let server = serve(row, Transport::Tls, &[])?;
    let address = server.address.to_string();
    let connect = |authority: &str, version: &str| {
        let arguments = ["s_client", "-connect", &address, "-servername", "localhost", "-CAfile", authority];
        let checks =
            ["-verify_return_error", "-verify_hostname", "localhost", "-alpn", "http/1.1", "-ign_eof"];
        run("openssl", &[&arguments[..], &checks, &[version]].concat(), &get_and_close("/"))
    };
    let trusted = authority(friends());
    let hello = connect(&trusted, "-tls1_3")?;
    let said = text(&hello.stdout);
    for expected in
        ["TLSv1.3", "ALPN protocol: http/1.1", "Verify return code: 0 (ok)", "HTTP/1.1 200", "Hello, World!"]
    {
        ensure(said.contains(expected), || format!("no {expected:?} in {said}{}", text(&hello.stderr)))?;
    }
    ensure(hello.status.success(), || format!("{hello:?}"))?;
    for (authority, version) in [(authority(strangers()), "-tls1_3"), (trusted, "-tls1_2")] {
        let refused = connect(&authority, version)?;
        let answered = text(&refused.stdout).contains("HTTP/1.1");
        ensure(!refused.status.success() && !answered, || format!("{version}: {refused:?}"))?;
    }
    server.stop_well()?;
    Ok(())
}
