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
        on("no-screen-where-none-can-be-drawn-and-lines-instead", no_screen),
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

/// What a terminal gets to show another screen, to show the first one again, and to show its cursor.
const OTHER_SCREEN: &str = "\x1b[?1049h";
const FIRST_SCREEN: &str = "\x1b[?1049l";
const CURSOR: &str = "\x1b[?25h";

fn progress() -> Outcome {
    let seen = dyno(Terminal::Err, OPEN, &[])?;
    for word in ["answers/s", "p99.9", "failed", "waiting", "left", "so"] {
        ensure(seen.terminal.contains(word), || format!("{word}: {:?}", seen.terminal))?;
    }
    // The screen is another one, and the user has the first one back when the run is over.
    let (entered, left) = (seen.terminal.find(OTHER_SCREEN), seen.terminal.rfind(FIRST_SCREEN));
    ensure(entered.is_some() && entered < left, || format!("{:?}", seen.terminal))?;
    let rest = seen.terminal[left.unwrap_or_default()..].replace(FIRST_SCREEN, "").replace(CURSOR, "");
    ensure(rest.is_empty(), || format!("left behind: {rest:?}"))?;
    ensure(seen.pipe.contains("latency") && !seen.pipe.contains(['\x1b', '\r']), || seen.pipe)
}

fn countdown() -> Outcome {
    let seen = dyno(Terminal::Err, "load URL/wait/20000 -c 2 -n 60 -w 0", &[])?;
    ensure(seen.terminal.contains("requests") && seen.terminal.contains("left"), || seen.terminal.clone())
}

/// Nothing is drawn where it could not be read, and a run of some seconds has no line to tell.
fn no_screen() -> Outcome {
    for (options, environment) in
        [("--no-view", [("TERM", "xterm")]), ("", [("TERM", "dumb")]), ("", [("TERM", "")])]
    {
        let seen = dyno(Terminal::Err, &format!("{OPEN} {options}"), &environment)?;
        ensure(seen.terminal.is_empty(), || format!("{options} {environment:?}: {:?}", seen.terminal))?;
    }
    // A longer one has.
    let long = "load URL/ -c 2 --rate 400 -d 5300ms -w 100ms";
    for terminal in [Terminal::Err, Terminal::Out] {
        let seen = dyno(terminal, long, &[("TERM", "dumb")])?;
        let told = if terminal == Terminal::Err { seen.terminal } else { seen.pipe };
        let line = ["/s · p50 ", " · p99 ", " failed · ", " left"].iter().all(|word| told.contains(word));
        ensure(line && told.trim_end().lines().count() == 1 && !told.contains('\x1b'), || told.clone())?;
        ensure(told.chars().count() <= 81, || format!("{told:?} is too long for 80 columns"))?;
    }
    Ok(())
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
    ("load", "load URL/ -c 2 -n 50 -w 0 --no-view"),
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
