//! What a user sees on a terminal, and what a pipe gets: progress, colours, and nothing that does not belong there.

use std::process::ExitCode;

use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, quick};
use dyno_tests::terminal::{Seen, Terminal, run, without_colours};

fn main() -> ExitCode {
    let on = |name: &str, run: fn() -> Outcome| quick(format!("terminal::{name}"), run);
    let mut trials = vec![
        on("progress-shows-on-a-terminal-and-leaves-none-behind", progress),
        on("progress-counts-requests-down", countdown),
        on("no-progress-without-a-terminal", piped),
        on("quiet-is-silent", quiet),
        on("a-file-gets-no-colours", file),
    ];
    for (name, arguments) in COMMANDS {
        let trial = move || colours(arguments);
        trials.push(quick(format!("terminal::{name}::colours-only-where-they-are-wanted"), trial));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// Runs `dyno` against a server of its own; `URL` stands for its address.
fn dyno(terminal: Terminal, arguments: &str, environment: &[(&str, &str)]) -> Result<Seen, String> {
    let server = Server::start_with(&["epoll"], None)?;
    run(terminal, &arguments.replace("URL", &format!("http://{}", server.address)), environment)
}

const OPEN: &str = "load URL/ -c 2 --rate 400 -d 900ms -w 100ms";

/// The states of a line that is written over and over.
fn states(terminal: &str) -> Vec<&str> {
    terminal.split('\r').map(str::trim_end).filter(|state| !state.is_empty()).collect()
}

/// The screen's line in the end: what is written later stands over what was there before.
fn last_line(terminal: &str) -> String {
    let mut line: Vec<char> = Vec::new();
    for state in terminal.split('\r') {
        let state: Vec<char> = state.chars().collect();
        line.splice(..state.len().min(line.len()), state);
    }
    line.into_iter().collect::<String>().trim_end().to_string()
}

fn progress() -> Outcome {
    let seen = dyno(Terminal::Err, OPEN, &[])?;
    let shown = states(&seen.terminal);
    ensure(shown.len() >= 5, || format!("ten times a second: {shown:?}"))?;
    let told = shown.iter().any(|line| {
        ["/s · p99 ", " failed · ", " waiting · ", " left"].iter().all(|word| line.contains(word))
    });
    ensure(told, || format!("rate, p99, failures and time left: {shown:?}"))?;
    let long = shown.iter().find(|line| line.chars().count() >= 80);
    ensure(long.is_none(), || format!("{long:?} is too long for 80 columns"))?;
    ensure(!seen.terminal.contains(['\x1b', '\n']), || {
        format!("one line, no escape codes: {:?}", seen.terminal)
    })?;
    ensure(last_line(&seen.terminal).is_empty(), || format!("left behind: {:?}", last_line(&seen.terminal)))?;
    ensure(seen.pipe.contains("latency") && !seen.pipe.contains(['\x1b', '\r']), || seen.pipe)
}

fn countdown() -> Outcome {
    let seen = dyno(Terminal::Err, "load URL/wait/20000 -c 2 -n 60 -w 0", &[])?;
    let shown = states(&seen.terminal);
    ensure(shown.iter().any(|line| line.ends_with(" requests left")), || format!("{shown:?}"))
}

fn piped() -> Outcome {
    let seen = dyno(Terminal::Out, OPEN, &[])?;
    ensure(seen.pipe.is_empty(), || format!("standard error is no terminal: {:?}", seen.pipe))
}

fn quiet() -> Outcome {
    for option in ["-q", "--quiet"] {
        let seen = dyno(Terminal::Err, &format!("{OPEN} {option}"), &[])?;
        ensure(seen.terminal.is_empty(), || format!("{option}: {:?}", seen.terminal))?;
        ensure(seen.pipe.contains("latency"), || seen.pipe)?;
    }
    Ok(())
}

fn file() -> Outcome {
    let place = tempfile::tempdir()?;
    let path = place.path().join("run.txt");
    let seen = dyno(Terminal::Out, &format!("{OPEN} --output {}", path.display()), &[])?;
    let written = std::fs::read_to_string(path)?;
    ensure(written.contains("latency") && !written.contains('\x1b'), || written.clone())?;
    ensure(seen.terminal.is_empty(), || seen.terminal)
}

/// What is shown in colours; the last ones end with an error.
const COMMANDS: [(&str, &str); 5] = [
    ("load", "load URL/ -c 2 -n 50 -w 0"),
    ("probe", "probe URL/json"),
    ("browse", "browse URL/pages/4/1000"),
    ("usage", "load URL/ --rate fast"),
    ("failure", "load http://127.0.0.1:1/"),
];

fn colours(arguments: &str) -> Outcome {
    let seen = dyno(Terminal::Both, arguments, &[])?;
    let plain = without_colours(&seen.terminal);
    let plain = plain.ok_or_else(|| format!("more than colours: {:?}", seen.terminal))?;
    let long = plain.split(['\n', '\r']).find(|line| line.chars().count() > 80);
    ensure(long.is_none(), || format!("{long:?} is too long for 80 columns"))?;
    let failing = seen.code != 0 && seen.code != 5;
    ensure(failing || seen.terminal.contains("\x1b["), || "a terminal that can may see colours".into())?;
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let seen = dyno(Terminal::Both, arguments, &[variable])?;
        ensure(!seen.terminal.contains('\x1b'), || format!("{variable:?}: {:?}", seen.terminal))?;
    }
    Ok(())
}
