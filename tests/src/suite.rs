//! Running trials.

use std::path::Path;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

use crate::limits::TEST_THREADS;
use crate::rows::{Row, rows};

/// What a trial comes to. `?` turns every error that can be shown into a failure.
pub type Outcome = Result<(), Failed>;

static PROGRAM: OnceLock<&'static Path> = OnceLock::new();

/// Runs `trials` as the command line asks. `program` is the program under test, which only an integration test knows:
/// `env!("CARGO_BIN_EXE_dyno-under-test")`.
///
/// # Panics
/// When it is called with two different programs.
pub fn run(program: &'static str, trials: Vec<Trial>) -> Conclusion {
    run_wide(program, TEST_THREADS, trials)
}

/// As [`run`], with another number of threads unless the command line says one.
///
/// # Panics
/// As [`run`].
pub fn run_wide(program: &'static str, threads: usize, trials: Vec<Trial>) -> Conclusion {
    let known = PROGRAM.get_or_init(|| Path::new(program));
    assert_eq!(*known, Path::new(program), "one program under test");
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(threads);
    libtest_mimic::run(&arguments, trials)
}

/// Names the program under test where no suite runs, as in a measurement.
///
/// # Panics
/// When another one was named.
pub fn use_program(path: &'static Path) {
    assert_eq!(*PROGRAM.get_or_init(|| path), path, "one program under test");
}

/// The program under test.
///
/// # Panics
/// Before [`run`].
pub fn program() -> &'static Path {
    PROGRAM.get().expect("suite::run has named the program")
}

/// A test that always runs, under `name`.
pub fn quick(name: impl Into<String>, run: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    Trial::test(name, run)
}

/// A trial that takes long: it runs under `DYNO_SLOW=1` and shows as ignored otherwise.
pub fn slow(name: impl Into<String>, run: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    let asked = std::env::var_os("DYNO_SLOW").is_some_and(|value| value == "1");
    Trial::test(name, run).with_kind("slow").with_ignored_flag(!asked)
}

/// Fails with `message` unless `holds`.
///
/// # Errors
/// The message, as a failure of the trial.
pub fn ensure(holds: bool, message: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(message().into()) }
}

/// Mounts `run` on every row that `fits`: `SUITE::ROW::NAME`.
pub fn mount(
    trials: &mut Vec<Trial>,
    suite: &str,
    name: &str,
    fits: impl Fn(&Row) -> bool,
    run: fn(&Row) -> Outcome,
) {
    for row in rows().into_iter().filter(fits) {
        trials.push(quick(format!("{suite}::{}::{name}", row.name), move || run(&row)));
    }
}

/// As [`mount`], for what takes long.
pub fn mount_slow(
    trials: &mut Vec<Trial>,
    suite: &str,
    name: &str,
    fits: impl Fn(&Row) -> bool,
    run: fn(&Row) -> Outcome,
) {
    for row in rows().into_iter().filter(fits) {
        trials.push(slow(format!("{suite}::{}::{name}", row.name), move || run(&row)));
    }
}
