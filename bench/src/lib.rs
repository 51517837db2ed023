//! The program `dyno`: its command line, demonstrations, calibration and load. Exit codes and remedies live here and nowhere else.

use clap::Parser;

pub mod calibrate;
pub mod commands;
pub mod demos;
pub mod exit;
pub mod load;
pub mod progress;
pub mod remedy;
pub mod results;
pub mod secrets;

/// Parses the command line, runs the command, tells a failure on stderr.
///
/// # Returns
/// The exit code, as documented in [`exit`].
pub fn main() -> std::process::ExitCode {
    // Whoever reads our output may leave, as in `dyno ... 2>&1 | head`. That ends the command, and is no fault to report.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !nobody_reads(panic.payload()) {
            usual(panic);
        }
    }));
    match std::panic::catch_unwind(command) {
        Ok(code) => code,
        Err(payload) if nobody_reads(payload.as_ref()) => exit::Exit::Failed.into(),
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// Whether a panic is the standard library's about a stream that was closed.
fn nobody_reads(payload: &dyn std::any::Any) -> bool {
    payload
        .downcast_ref::<String>()
        .is_some_and(|text| text.starts_with("failed printing to std") && text.contains("Broken pipe"))
}

fn command() -> std::process::ExitCode {
    let result = match commands::Dyno::try_parse() {
        Ok(dyno) => dyno.run(),
        Err(usage) => {
            let _ = usage.print();
            return if usage.use_stderr() { exit::Exit::Usage } else { exit::Exit::Success }.into();
        }
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit.into()
        }
    }
}
