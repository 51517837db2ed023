//! `dyno load` on the command line: exit codes, formats, thresholds, and what it makes of servers that are not well.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use dyno_tests::limits::ANSWER;
use dyno_tests::load::{begin, end, load, verdict_code};
use dyno_tests::process::ends;
use dyno_tests::scripted::{Manner, server};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, program, quick};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

fn main() -> ExitCode {
    let on = |name: &str, run: fn() -> Outcome| quick(format!("load-command::{name}"), run);
    let mut trials = vec![
        on("json-keeps-to-its-schema", json_schema),
        on("text-fills-80-columns-and-no-more", text),
        on("csv-has-a-heading-and-a-row", csv),
        on("markdown-is-a-table", markdown),
        on("files-are-written-where-they-were-asked-for", files),
        on("thresholds-decide-the-exit-code", thresholds),
        on("strict-asks-for-both-figures", strict),
        on("dry-run-sends-nothing", dry_run),
        on("nothing-is-said-beside-the-result", silence),
        on("interrupted-runs-tell-what-they-measured", interrupted),
        on("the-end-of-a-run-is-bounded", bounded_end),
        on("a-full-backlog-ends-the-run", backlog),
        on("connections-that-do-not-last-are-told", reopened),
        on("a-rate-in-steps-has-a-row-for-each", steps),
        on("a-mix-is-sent-from-a-file", mix),
        on("a-trace-is-sent-as-recorded", trace),
    ];
    for (name, options) in SATURATED {
        let name = format!("load-command::a-saturated-server-is-said-to-be-one::{name}");
        trials.push(quick(name, move || saturated(options)));
    }
    for case in UNWELL {
        trials.push(quick(format!("load-command::unwell::{}", case.name), move || unwell(&case)));
    }
    for (name, options, code, says) in REFUSED {
        trials.push(quick(format!("load-command::refused::{name}"), move || refused(options, code, says)));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, World!";

fn hello() -> Result<String, String> {
    server(Manner::Says(HELLO)).map(|(address, _)| format!("http://{address}/"))
}

/// A small run that needs no quiet machine.
const SMALL: &str = "-c 2 -n 50 -w 0 --expect service";

fn json_schema() -> Outcome {
    let loaded = load(&hello()?, &format!("{SMALL} --fail-if p50>1h"))?;
    ensure(loaded.code == verdict_code(&loaded.outcome), || format!("exit code {}", loaded.code))?;
    let published = dyno_tests::tree::root().join("clients/schema/outcome.v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(published)?)?;
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("outcome.json", schema).map_err(|e| e.to_string())?;
    let schema = compiler.compile("outcome.json", &mut schemas).map_err(|e| e.to_string())?;
    schemas.validate(&loaded.outcome, schema).map_err(|e| e.to_string().into())
}

fn run(options: &str) -> Result<dyno_tests::load::Loaded, String> {
    let since = Instant::now();
    end(begin(&hello()?, options)?, since)
}

fn text() -> Outcome {
    for options in [
        SMALL,
        "-c 2 --rate 300 -d 400ms -w 100ms --fail-if p99>1ns --fail-if errors>0.1%",
        "-c 2 -n 30 -w 0 --requests-per-connection 1 --expect text:other",
    ] {
        let shown = run(options)?.stdout;
        let long = shown.lines().find(|line| line.chars().count() > 80);
        ensure(long.is_none(), || format!("{options}: {long:?}"))?;
        let words =
            ["dyno load", "latency", "total", "response", "wait", "lag", "requests", "generator", "audit"];
        let missing: Vec<_> = words.iter().filter(|word| !shown.contains(*word)).collect();
        let empty = options.contains("other");
        ensure(missing.is_empty() || empty, || format!("{options}: {missing:?} is not in\n{shown}"))?;
        ensure(!shown.contains('\x1b'), || "colour in a pipe".into())?;
        let first = shown.lines().skip_while(|line| !line.is_empty()).nth(1).unwrap_or_default();
        let verdict = [" SOUND ", " DOUBTFUL ", " VOID "].iter().any(|word| first.starts_with(word));
        ensure(verdict, || format!("the verdict comes first: {first:?}"))?;
    }
    Ok(())
}

fn csv() -> Outcome {
    let shown = run(&format!("{SMALL} --format csv"))?.stdout;
    let cells: Vec<usize> = shown.lines().map(|line| line.split(',').count()).collect();
    ensure(cells.len() == 2 && cells[0] == cells[1] && cells[0] > 20, || shown.clone())?;
    ensure(shown.contains(",50,0,"), || format!("50 answers and no failure: {shown}"))
}

fn markdown() -> Outcome {
    let shown = run(&format!("{SMALL} --format markdown"))?.stdout;
    let rows: Vec<usize> =
        shown.lines().filter(|l| l.starts_with('|')).map(|l| l.matches('|').count()).collect();
    ensure(rows.len() > 3 && rows.windows(2).all(|w| w[0] == w[1]), || shown.clone())?;
    ensure(shown.lines().any(|line| line.starts_with("|---") || line.starts_with("| ---")), || shown.clone())
}

fn files() -> Outcome {
    let place = tempfile::tempdir()?;
    let (json, log) = (place.path().join("run.json"), place.path().join("run.hlog"));
    let options = format!("{SMALL} --format json --output {} --hlog {}", json.display(), log.display());
    let shown = run(&options)?.stdout;
    ensure(shown.is_empty(), || format!("the result went to a file: {shown}"))?;
    let outcome: Value = serde_json::from_str(&std::fs::read_to_string(json)?)?;
    ensure(outcome["counts"]["completed"] == 50, || outcome["counts"].to_string())?;
    let log = std::fs::read_to_string(log)?;
    ensure(log.starts_with("#[Histogram log format version 1.3]") || log.starts_with('#'), || log.clone())?;
    for tag in ["Tag=total,", "Tag=response,", "Tag=wait,", "Tag=lag,"] {
        ensure(log.lines().filter(|line| line.starts_with(tag)).count() == 1, || format!("{tag}: {log}"))?;
    }
    let lost = run(&format!("{SMALL} --output /no/such/directory/file"))?;
    ensure(lost.code == 1 && lost.stderr.contains("--output"), || lost.stderr)
}

fn strict() -> Outcome {
    let loaded = load(&hello()?, &format!("{SMALL} --strict"))?;
    let audit = &loaded.outcome["audit"];
    let is_value = |figure: &str| audit[figure] == "sound" || audit[figure] == "doubtful";
    let expected = if is_value("rate") && is_value("latency") { 0 } else { 5 };
    ensure(loaded.code == expected, || format!("{}: {audit:#}", loaded.code))
}

fn thresholds() -> Outcome {
    for (condition, failed) in [("p50>1ns", true), ("p50>1h", false), ("rate<1G", true), ("errors>0", false)]
    {
        let loaded = load(&hello()?, &format!("{SMALL} --fail-if {condition}"))?;
        let told = &loaded.outcome["thresholds"][0];
        ensure(told["expression"] == condition, || told.to_string())?;
        // On a busy machine the figure may be void: then nothing is known, and the run says so.
        let undecided = told["undecided"] == true;
        ensure(undecided || told["failed"] == failed, || told.to_string())?;
        let expected = match verdict_code(&loaded.outcome) {
            0 if undecided => 5,
            0 if failed => 3,
            code => code,
        };
        ensure(loaded.code == expected, || format!("{condition}: {}", loaded.code))?;
    }
    // Fifty samples say nothing about the highest percentiles, and what was not measured cannot have held.
    let loaded = load(&hello()?, &format!("{SMALL} --fail-if p99.99>1h"))?;
    let told = &loaded.outcome["thresholds"][0];
    ensure(told["failed"] == true && told["measured"].is_null(), || told.to_string())
}

fn dry_run() -> Outcome {
    let (address, count) = server(Manner::Says(HELLO))?;
    let since = Instant::now();
    let options = "-c 7 --rate 1k..50k/10s --dry-run --format json";
    let shown = end(begin(&format!("http://{address}/json"), options)?, since)?;
    let plan = &shown.outcome;
    ensure(shown.code == 0 && plan["connections"] == 7, || shown.stdout.clone())?;
    ensure(plan["load"]["stretches"].as_array().is_some_and(|all| all.len() == 2), || plan.to_string())?;
    // What each spelling of a rate comes to: the first rate of each stretch.
    for (options, rates) in [
        ("--rate 500", &[500.0][..]),
        ("--rate 500 -w 0", &[500.0]),
        ("--rate 500,2k/500ms", &[500.0, 500.0, 2000.0]),
        ("--rate 500,2k/500ms -w 0", &[500.0, 2000.0]),
        ("--rate 500..2k/500ms -w 0", &[500.0]),
    ] {
        let options = format!("{options} --dry-run --format json");
        let shown = end(begin(&format!("http://{address}/"), &options)?, Instant::now())?;
        let stretches = shown.outcome["load"]["stretches"].as_array().cloned().unwrap_or_default();
        let told: Vec<_> = stretches.iter().filter_map(|stretch| stretch["from_per_s"].as_f64()).collect();
        ensure(told == rates, || format!("{options}: {}", shown.outcome["load"]))?;
    }
    ensure(count.load(SeqCst) == 0, || "a connection was made".into())
}

fn silence() -> Outcome {
    // Standard error is no terminal here: no progress line, with and without -q.
    for options in [SMALL.to_string(), format!("{SMALL} -q")] {
        let loaded = run(&options)?;
        ensure(loaded.stderr.is_empty(), || loaded.stderr.clone())?;
    }
    Ok(())
}

fn interrupted() -> Outcome {
    let (address, _) = server(Manner::Says(HELLO))?;
    let since = Instant::now();
    let options = "-c 2 -d 10m -w 0 --format json --announce-start";
    let mut child = begin(&format!("http://{address}/"), options)?;
    let mut said = BufReader::new(child.stderr.take().ok_or("no standard error")?);
    let mut line = String::new();
    while line.trim_end() != "started" {
        line.clear();
        ensure(said.read_line(&mut line)? > 0, || "it ended before it started".into())?;
    }
    child.stderr = Some(said.into_inner());
    // It asks for nothing more when it has measured something; the count of what was answered is in the result.
    std::thread::sleep(Duration::from_millis(500));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT)?;
    let loaded = end(child, since)?;
    ensure(loaded.code == 130, || format!("exit code {}: {}", loaded.code, loaded.stderr))?;
    ensure(loaded.outcome["partial"] == "interrupted", || loaded.stdout.clone())?;
    let c = &loaded.outcome["counts"];
    ensure(c["completed"].as_u64() > Some(0) && c["failed"] == 0, || c.to_string())
}

/// A run ends at most its timeout after its last request was due, whatever the server does.
fn bounded_end() -> Outcome {
    let (address, _) = server(Manner::Silent)?;
    let options = "-c 3 --rate 2k -d 500ms -w 0 --timeout 700ms";
    let loaded = load(&format!("http://{address}/"), options)?;
    ensure(loaded.took < Duration::from_millis(500 + 700 + 1_500), || format!("took {:?}", loaded.took))?;
    let c = &loaded.outcome["counts"];
    ensure(c["completed"] == 0 && c["failed"] == c["intended"], || c.to_string())?;
    ensure(loaded.code == 5, || format!("exit code {}", loaded.code))
}

fn backlog() -> Outcome {
    let (address, _) = server(Manner::Silent)?;
    let loaded = load(&format!("http://{address}/"), "-c 1 --rate 5k -d 60s -w 0 --backlog 500")?;
    ensure(loaded.code == 5 && loaded.outcome["partial"] == "backlog", || loaded.stdout.clone())?;
    ensure(loaded.took < ANSWER, || format!("took {:?}", loaded.took))
}

/// Whether a finding of this kind is told.
fn finds(outcome: &Value, doubt: &str) -> bool {
    let findings = outcome["audit"]["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().any(|finding| finding["doubt"] == doubt)
}

/// However much more is asked, with a run-in and without, and whether the run ends by its length or by the bound of the
/// backlog.
const SATURATED: [(&str, &str); 5] = [
    ("ten-times", "-c 1 --rate 2k -d 2s -w 200ms --timeout 1s"),
    ("hundred-times", "-c 1 --rate 20k -d 2s -w 200ms --timeout 1s"),
    ("ten-times-without-run-in", "-c 1 --rate 2k -d 2s -w 0 --timeout 1s"),
    ("ten-times-to-the-backlog", "-c 1 --rate 2k -d 5s -w 200ms --backlog 4k"),
    ("hundred-times-to-the-backlog", "-c 1 --rate 20k -d 5s -w 0 --backlog 40k"),
];

/// The figures of what was answered are told, with what the server has, and nothing says that there was nothing.
///
/// The server answers two hundred a second because it takes its time: whatever else the machine does, it has answers in
/// each half of the window, and the generator has time for what was asked of it.
fn saturated(options: &str) -> Outcome {
    let (address, _) = server(Manner::SaysAfter(HELLO, Duration::from_millis(5)))?;
    let loaded = load(&format!("http://{address}/"), options)?;
    let outcome = &loaded.outcome;
    let shown = || format!("{options}: {:#} {}", outcome["audit"], outcome["counts"]);
    ensure(!finds(outcome, "nothing-measured") && !finds(outcome, "errors-over-limit"), shown)?;
    let findings = outcome["audit"]["findings"].as_array().ok_or("no findings")?;
    let says = |finding: &Value, name: &str, words: &str| {
        finding[name].as_str().is_some_and(|text| text.contains(words))
    };
    let told = |finding: &Value| {
        says(finding, "message", "it is saturated") && says(finding, "remedy", "try a rate of")
    };
    ensure(findings.iter().any(told), shown)?;
    ensure(outcome["latency"]["total"]["count"].as_u64() > Some(0), shown)?;
    ensure(outcome["counts"]["completed"] == outcome["latency"]["total"]["count"], shown)
}

fn reopened() -> Outcome {
    let once = Manner::SaysAndCloses("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    for (options, manner, told) in [
        ("-c 2 -n 100 -w 0", once, true),
        ("-c 2 -n 100 -w 0 --requests-per-connection 1", once, false),
        ("-c 2 -n 100 -w 0", Manner::Says(HELLO), false),
    ] {
        let (address, _) = server(manner)?;
        let loaded = load(&format!("http://{address}/"), options)?;
        ensure(finds(&loaded.outcome, "connections-reopened") == told, || {
            format!("{options}: {:#} {}", loaded.outcome["audit"], loaded.outcome["connections"])
        })?;
    }
    Ok(())
}

fn steps() -> Outcome {
    let url = hello()?;
    for (rate, count) in [("200,400,300/200ms", 3), ("100..1k/500ms", 10), ("200", 0)] {
        let length = if count == 0 { "-d 400ms" } else { "" };
        let loaded = load(&url, &format!("-c 4 -w 100ms --rate {rate} {length}"))?;
        let steps = loaded.outcome["steps"].as_array().ok_or("no steps")?;
        ensure(steps.len() == count, || format!("{rate}: {steps:#?}"))?;
        let told: u64 = steps.iter().filter_map(|step| step["completed"].as_u64()).sum();
        let all = loaded.outcome["counts"]["completed"].as_u64();
        ensure(count == 0 || Some(told) == all, || format!("{rate}: {told} of {all:?}"))?;
    }
    let text = run("-c 4 -w 0 -q --rate 200,400/200ms")?.stdout;
    ensure(text.contains("rate asked") && text.lines().any(|line| line.starts_with("400 ")), || {
        text.clone()
    })?;
    ensure(!text.contains("halves differ") && text.lines().all(|line| line.chars().count() <= 80), || {
        text.clone()
    })
}

fn mix() -> Outcome {
    let server = Server::start_with(&["epoll"], None)?;
    let place = tempfile::tempdir()?;
    let toml = "[[request]]\ntarget = \"/json\"\nweight = 3\nexpect = \"service\"\n\n\
         [[request]]\nmethod = \"POST\"\ntarget = \"/echo\"\nbody = \"x\"\nexpect = \"text:x\"\n";
    let lines = "{\"target\": \"/\", \"expect\": \"text:Hello, World!\"}\n\
         {\"target\": \"/bytes/500\", \"headers\": {\"X-Y\": \"z\"}, \"expect\": \"same\", \"expect_status\": 200}\n";
    for (name, text) in [("mix.toml", toml), ("mix.jsonl", lines)] {
        let path = place.path().join(name);
        std::fs::write(&path, text)?;
        let url = format!("http://{}/", server.address);
        let loaded = load(&url, &format!("-c 2 -n 60 -w 0 --mix {}", path.display()))?;
        let outcome = &loaded.outcome;
        ensure(outcome["plan"]["mix"].as_array().is_some_and(|all| all.len() == 2), || {
            loaded.stderr.clone()
        })?;
        ensure(outcome["counts"]["completed"] == 60, || format!("{name}: {}", outcome["errors"]))?;
    }
    server.stop_well()?;
    Ok(())
}

fn trace() -> Outcome {
    let place = tempfile::tempdir()?;
    let path = place.path().join("trace");
    std::fs::write(&path, "# seconds\n0.01\n0.02\n50ms\n200ms\n")?;
    let loaded = load(&hello()?, &format!("-c 2 -w 0 --arrivals trace:{}", path.display()))?;
    let counts = &loaded.outcome["counts"];
    ensure(counts["intended"] == 4 && counts["completed"] == 4, || counts.to_string())?;
    ensure(loaded.outcome["plan"]["load"]["arrivals"] == "trace", || loaded.outcome["plan"].to_string())
}

/// A server that is not well, and what the books must say.
#[derive(Debug, Clone, Copy)]
struct Unwell {
    name: &'static str,
    manner: Manner,
    kind: &'static str,
}

const UNWELL: [Unwell; 7] = [
    Unwell { name: "garbage", manner: Manner::Says("\x16\x03\x01 what?\r\n\r\n"), kind: "protocol" },
    Unwell { name: "closes-at-once", manner: Manner::SaysAndCloses(""), kind: "short" },
    Unwell {
        name: "closes-in-the-body",
        manner: Manner::SaysAndCloses("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello"),
        kind: "short",
    },
    Unwell {
        name: "another-body",
        manner: Manner::Says("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nHello, Wörld"),
        kind: "body",
    },
    Unwell {
        name: "another-status",
        manner: Manner::Says("HTTP/1.1 503 No\r\nContent-Length: 13\r\n\r\nHello, World!"),
        kind: "status",
    },
    Unwell {
        name: "two-answers-to-one-request",
        manner: Manner::Says(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        ),
        kind: "protocol",
    },
    Unwell { name: "never-answers", manner: Manner::Silent, kind: "timeout" },
];

fn unwell(case: &Unwell) -> Outcome {
    let (address, _) = server(case.manner)?;
    let url = format!("http://{address}/");
    let loaded = load(&url, "-c 2 -n 6 -w 0 --timeout 500ms --expect service")?;
    let errors = &loaded.outcome["errors"];
    ensure(errors[0]["kind"] == case.kind && errors[0]["count"] == 6, || errors.to_string())?;
    ensure(loaded.code == 5 && loaded.outcome["latency"]["total"]["count"] == 0, || loaded.stdout.clone())?;
    let shown = end(begin(&url, "-c 2 -n 6 -w 0 --timeout 500ms --expect service")?, Instant::now())?;
    ensure(shown.stdout.contains(case.kind) && shown.stdout.contains("VOID"), || shown.stdout.clone())
}

/// What is refused before anything is sent, or cannot be begun. `URL` stands for a server that speaks plain HTTP.
const REFUSED: [(&str, &str, i32, &[&str]); 14] = [
    ("nobody-there", "http://127.0.0.1:1/", 1, &["127.0.0.1:1", "refused", "dyno probe"]),
    ("no-such-name", "http://no-such-name.invalid/", 2, &["no-such-name.invalid", "does not resolve"]),
    ("nobody-there-by-https", "https://127.0.0.1:1/", 1, &["127.0.0.1:1", "refused"]),
    (
        "https-and-another-transport",
        "https://127.0.0.1/ --transport plain",
        2,
        &["https", "--transport plain"],
    ),
    ("rate-and-think", "URL --rate 1k --think 1ms", 2, &["--think"]),
    ("duration-and-requests", "URL -d 1s -n 5", 2, &["--requests"]),
    ("ramp-and-duration", "URL --rate 1k..2k/5s -d 9s", 2, &["length"]),
    ("more-threads-than-connections", "URL -c 1 -t 2", 2, &["threads", "connections"]),
    ("no-such-process", "URL --rate 5 --arrivals weekly", 2, &["weekly", "poisson"]),
    ("no-such-cpu", "URL --cpu 999", 2, &["999"]),
    ("nonsense-rate", "URL --rate fast", 2, &["--rate", "fast"]),
    ("nonsense-expectation", "URL --expect luck", 2, &["--expect", "luck"]),
    ("absent-body", "URL --body-file /absent", 2, &["--body-file", "/absent"]),
    ("nonsense-threshold", "URL --fail-if p99=5ms", 2, &["p99>5ms"]),
];

fn refused(options: &str, code: i32, says: &[&str]) -> Outcome {
    let words = options.replace("URL", &hello()?);
    let mut child = Command::new(program());
    child.arg("load").args(words.split_whitespace()).stdin(Stdio::null());
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    ends(&mut child, ANSWER, "what it should refuse")?;
    let ended = child.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&ended.stderr);
    ensure(ended.status.code() == Some(code), || format!("{}: {stderr}", ended.status))?;
    let missing: Vec<_> = says.iter().filter(|word| !stderr.contains(*word)).collect();
    ensure(missing.is_empty() && ended.stdout.is_empty(), || format!("{missing:?} is not in {stderr:?}"))
}
