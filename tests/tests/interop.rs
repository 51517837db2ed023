//! A real client against each architecture: curl. Where it is not installed the trials show as ignored.

use std::fs;
use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::time::{Duration, UNIX_EPOCH};

use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure};
use libtest_mimic::Trial;

/// What curl printed.
struct Printed {
    out: Vec<u8>,
    log: String,
}

fn main() -> ExitCode {
    let installed =
        Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    let kind = if installed { "curl" } else { "curl is not installed" };
    let trials: Vec<_> = rows()
        .into_iter()
        .map(|row| {
            let name = format!("interop::{}::curl", row.name);
            Trial::test(name, move || talk(&row)).with_kind(kind).with_ignored_flag(!installed)
        })
        .collect();
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn curl(address: SocketAddr, arguments: &[&str], paths: &[&str]) -> Result<Printed, String> {
    let mut command = Command::new("curl");
    command.args(["--disable", "--silent", "--show-error", "--max-time", "20", "--noproxy", "*"]);
    command.args(arguments).args(paths.iter().map(|path| format!("http://{address}{path}")));
    let output = command.output().map_err(|error| error.to_string())?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(Printed { out: output.stdout, log })
    } else {
        Err(format!("curl {arguments:?} {paths:?}: {}: {log}", output.status))
    }
}

fn talk(row: &Row) -> Outcome {
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("alphabet.txt"), "abcdefghijklmnopqrstuvwxyz")?;
    fs::create_dir(directory.path().join("v1.2"))?;
    for name in ["index.html", "UP.HTML", "LICENSE"] {
        let path = directory.path().join("v1.2").join(name);
        fs::write(&path, "<p>")?;
        // A date of the future must harm nobody; it is past the year 9999 where the file system can hold that.
        let future = UNIX_EPOCH + Duration::from_secs(253_402_300_900);
        fs::File::options().write(true).open(&path)?.set_modified(future)?;
    }
    let upload = directory.path().join("upload");
    let large: Vec<u8> = (0..900_000_u32).map(|index| (index * 31 % 251) as u8).collect();
    fs::write(&upload, &large)?;
    let files = directory.path().to_string_lossy().into_owned();
    let mut arguments: Vec<&str> = row.arguments.clone();
    arguments.extend(["--files", &files]);
    let server = Server::start_with(&arguments, None)?;
    let at = |arguments: &[&str], paths: &[&str]| curl(server.address, arguments, paths);

    let hello = at(&[], &["/"])?;
    ensure(hello.out == b"Hello, World!", || format!("GET: {:?}", String::from_utf8_lossy(&hello.out)))?;

    let head = String::from_utf8_lossy(&at(&["--head"], &["/"])?.out).into_owned();
    let lower = head.to_ascii_lowercase();
    ensure(head.starts_with("HTTP/1.1 200") && lower.contains("content-length: 13"), || {
        format!("HEAD: {head:?}")
    })?;

    let old = at(&["--http1.0", "--include"], &["/"])?.out;
    ensure(old.ends_with(b"Hello, World!"), || format!("HTTP/1.0: {:?}", String::from_utf8_lossy(&old)))?;

    let data = format!("@{}", upload.display());
    let expect = at(&["--verbose", "--header", "Expect: 100-continue", "--data-binary", &data], &["/echo"])?;
    ensure(expect.out == large, || format!("POST: {} octets came back", expect.out.len()))?;
    ensure(expect.log.contains("HTTP/1.1 100"), || format!("no 100: {}", expect.log))?;

    let chunked = at(&["--header", "Transfer-Encoding: chunked", "--data-binary", &data], &["/echo"])?;
    ensure(chunked.out == large, || format!("chunked POST: {} octets came back", chunked.out.len()))?;

    let refused = at(&["--output", "/dev/null", "--write-out", "%{http_code}"], &["/no-such-service"])?;
    ensure(refused.out == b"404", || format!("404: {:?}", String::from_utf8_lossy(&refused.out)))?;

    let discard =
        ["--output", "/dev/null", "--output", "/dev/null", "--write-out", "%{http_code} %{num_connects}\n"];
    let twice = String::from_utf8_lossy(&at(&discard, &["/", "/json"])?.out).into_owned();
    ensure(twice == "200 1\n200 0\n", || format!("two requests, one connection: {twice:?}"))?;

    serves_files(&at)?;
    server.stop_well()?;
    Ok(())
}

/// Runs curl with options and paths.
type Curl<'a> = dyn Fn(&[&str], &[&str]) -> Result<Printed, String> + 'a;

fn serves_files(at: &Curl<'_>) -> Outcome {
    let file = "/files/alphabet.txt";
    let whole = at(&[], &[file])?.out;
    ensure(whole == b"abcdefghijklmnopqrstuvwxyz", || {
        format!("file: {:?}", String::from_utf8_lossy(&whole))
    })?;
    let code = ["--write-out", " %{http_code}"];
    for (range, expected) in [("5-9", "fghij 206"), ("-3", "xyz 206"), ("24-", "yz 206")] {
        let part = at(&[code[0], code[1], "--range", range], &[file])?.out;
        ensure(part == expected.as_bytes(), || {
            format!("range {range}: {:?}", String::from_utf8_lossy(&part))
        })?;
    }
    let beyond = at(&[code[0], "%{http_code}", "--output", "/dev/null", "--range", "90-"], &[file])?.out;
    ensure(beyond == b"416", || format!("range beyond: {:?}", String::from_utf8_lossy(&beyond)))?;
    let (long_ago, to_come) = ("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT");
    for (field, value, expected) in [
        ("If-None-Match", "*", "304"),
        ("If-None-Match", "\"no\"", "200"),
        ("If-Modified-Since", to_come, "304"),
        ("If-Modified-Since", long_ago, "200"),
        ("If-Match", "*", "200"),
        ("If-Match", "\"no\"", "412"),
        ("If-Unmodified-Since", to_come, "200"),
        ("If-Unmodified-Since", long_ago, "412"),
    ] {
        let header = format!("{field}: {value}");
        let options = ["--output", "/dev/null", code[0], "%{http_code}", "--header", &header];
        let status = at(&options, &[file])?.out;
        ensure(status == expected.as_bytes(), || {
            format!("{header}: {:?}", String::from_utf8_lossy(&status))
        })?;
    }
    for (path, media_type) in [
        ("/files/v1.2/", "text/html"),
        ("/files/v1.2/UP.HTML", "text/html"),
        ("/files/v1.2/LICENSE", "octet-stream"),
    ] {
        let found = at(&["--output", "/dev/null", code[0], "%{http_code} %{content_type}"], &[path])?.out;
        let found = String::from_utf8_lossy(&found).into_owned();
        ensure(found.starts_with("200") && found.contains(media_type), || format!("{path}: {found:?}"))?;
    }
    let escape = at(
        &["--path-as-is", code[0], "%{http_code}", "--output", "/dev/null"],
        &["/files/../../etc/passwd"],
    )?;
    ensure(escape.out != b"200", || "the directory was left".into())
}
