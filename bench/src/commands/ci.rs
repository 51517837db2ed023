//! `dyno compare --ci OLD_PROGRAM`: this program beside an older one, for a pull request.
//!
//! ```text
//! duel      each architecture of this program in turn with that of the old one   -> CPU and rate, new over old
//! count     both programs count instructions, where QEMU is there                -> instructions, new over old
//! verdict   Markdown, and an exit code that says whether a regression is decided
//! ```

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_analysis::difference::{Difference, differences};
use dyno_analysis::duel::rows;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::regression::{RegressionVerdict, judge};
use dyno_measure::contestant::own;
use dyno_measure::count::machine::GuestParts;
use dyno_measure::rig::system::interrupted;
use dyno_record::experiment::Experiment;
use dyno_record::store;
use dyno_report::pull_request;

use super::experiment::options::Options;
use super::experiment::spec::Spec;
use super::{CommandResult, begin};
use crate::exit::{Exit, Failure};
use crate::print::{errln, out};
use crate::results;

/// The relative difference of counts that matters: twice what two counts of one program differ by.
const COUNT_THRESHOLD: f64 = 0.01;

/// Where a workflow of GitHub shows the summary of a step.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Measures both programs, writes the Markdown, and says whether a regression is decided.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when a program or a file cannot be used.
pub(super) fn run(old: &Path, options: Options) -> CommandResult {
    let spec = &options.spec;
    let program = program(old)?;
    let names = names(spec)?;
    if options.resume.is_some() {
        return Err(Failure::usage(
            "a comparison with an old program is not continued",
            "leave --resume out: all of it takes some minutes",
        ));
    }
    let directory = spec.output.clone().unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let began_unix_ms = since.map_or(0, |since| since.as_millis() as u64);
        let compare = results::directory(Experiment::Compare, began_unix_ms);
        let name = compare.file_name().unwrap_or_default().to_string_lossy().replace("-compare", "-ci");
        compare.with_file_name(name)
    });
    let pairs = names.iter().flat_map(|name| [name.clone(), format!("{program}:{name}")]).collect();
    let duel = Options {
        spec: Spec {
            experiment: Experiment::Duel,
            names: pairs,
            output: Some(directory.join("duel")),
            ..spec.clone()
        },
        ..options.clone()
    };
    let ended = begin::run(Experiment::Duel, duel)?;
    if options.dry_run || ended == Exit::Interrupted {
        return Ok(ended);
    }
    let (counts, note) = counts(&program, &names, spec, &directory, options.quiet);
    let records = Levelled::of(store::read(&directory.join("duel"))?);
    let found = judge(&rows(&records), &counts);
    let notes: Vec<String> = note.into_iter().chain([format!("Old: `{program}`.")]).collect();
    let text = pull_request::markdown(&found, spec.threshold.0, &notes);
    tell(&text, &directory)?;
    let has = |wanted| found.iter().any(|one| one.verdict == wanted);
    Ok(if interrupted() {
        Exit::Interrupted
    } else if has(RegressionVerdict::Regression) {
        Exit::Regression
    } else if has(RegressionVerdict::Void) || found.is_empty() {
        Exit::Invalid
    } else {
        Exit::Success
    })
}

/// The old program by a path with a slash, so that it is not taken for a name.
fn program(old: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(old)
        .map_err(|error| Failure::usage(format!("cannot find {}: {error}", old.display()), ""))?;
    if path.is_file() {
        return Ok(path.display().to_string());
    }
    Err(Failure::usage(
        format!("there is no program {}", old.display()),
        "build the version to compare with, and name its file: --ci ../old/target/release/dyno",
    ))
}

/// The architectures that are compared: those that are named, or all.
fn names(spec: &Spec) -> Result<Vec<String>, Failure> {
    if spec.peers || spec.servers.is_some() || !spec.own_servers.is_empty() {
        return Err(Failure::usage(
            "other servers have no older version here",
            "leave --peers and --servers out, or say `dyno duel`",
        ));
    }
    if spec.names.is_empty() {
        return Ok(own::all()?.into_iter().map(|contestant| contestant.label).collect());
    }
    for name in &spec.names {
        own::named(name)?;
    }
    Ok(spec.names.clone())
}

/// Lets both programs count, and gives the differences; or why there are none.
fn counts(
    program: &str,
    names: &[String],
    spec: &Spec,
    directory: &Path,
    quiet: bool,
) -> (Vec<Difference>, Option<String>) {
    if let Err(error) = GuestParts::find(None) {
        return (Vec::new(), Some(format!("Instructions were not counted: {error}.")));
    }
    let own = match std::env::current_exe() {
        Ok(own) => own.display().to_string(),
        Err(error) => return (Vec::new(), Some(format!("Instructions were not counted: {error}."))),
    };
    let mut sets = Vec::new();
    for (which, program) in [("old", program), ("new", own.as_str())] {
        if !quiet {
            errln!("counting instructions of the {which} program");
        }
        let place = directory.join(format!("count-{which}"));
        let counted = count(program, names, spec, &place)
            .and_then(|()| store::read(&place).map(Levelled::of).map_err(|error| error.to_string()));
        match counted {
            Ok(records) => sets.push(records),
            Err(words) => {
                return (
                    Vec::new(),
                    Some(format!("Instructions were not counted: the {which} program: {words}.")),
                );
            }
        }
    }
    if sets[0].header.environment.machine_id != sets[1].header.environment.machine_id {
        let words = "Instructions are not compared: the two programs emulate different machines.";
        return (Vec::new(), Some(words.to_string()));
    }
    (differences(&sets[0], &sets[1], COUNT_THRESHOLD), None)
}

/// Lets a program count.
fn count(program: &str, names: &[String], spec: &Spec, place: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command.arg("count").args(names).args(["--service", &spec.service, "--quiet", "--output"]).arg(place);
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| error.to_string())?;
    // Void cells are told by the records.
    if matches!(output.status.code(), Some(0 | 5)) {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().next().unwrap_or("it said nothing").trim_start_matches("dyno: ").to_string();
    Err(format!("{line} ({})", output.status))
}

/// Writes the Markdown beside the records, to standard output, and where a workflow shows it.
fn tell(text: &str, directory: &Path) -> Result<(), Failure> {
    let file = directory.join("ci.md");
    let wrong = |path: &Path, error: &std::io::Error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()), "")
    };
    fs::write(&file, text).map_err(|error| wrong(&file, &error))?;
    out!("{text}");
    let Some(summary) =
        std::env::var_os(SUMMARY).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty())
    else {
        return Ok(());
    };
    let appended = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&summary)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    appended.map_err(|error| wrong(&summary, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_measure::contestant::named::of_program;

    #[test]
    fn only_own_architectures_are_compared_with_an_old_program() {
        let spec = |text: &str| toml::from_str::<Spec>(text).unwrap();
        assert_eq!(names(&spec("names = ['epoll', 'io-uring:tuned']")).unwrap(), ["epoll", "io-uring:tuned"]);
        assert!(names(&Spec::default()).unwrap().len() >= 16);
        for text in ["names = ['eppol']", "names = ['nginx']", "peers = true", "servers = 'x.toml'"] {
            assert!(names(&spec(text)).is_err(), "{text}");
        }
        assert!(program(Path::new("/no/such/dyno")).unwrap_err().message.contains("no program"));
        let own = std::env::current_exe().unwrap();
        let named = program(&own).unwrap();
        assert!(of_program(&named, "epoll").is_ok());
    }
}
