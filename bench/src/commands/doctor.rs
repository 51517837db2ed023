//! `dyno doctor`: is this machine fit to measure on?

use super::CommandResult;
use crate::exit::Exit;
use crate::limits::DOCTOR_WATCH;
use crate::print::{PAINT, outln};
use dyno_measure::doctor::{Grade, examine};
use dyno_measure::environment;
use dyno_measure::floor;
use dyno_measure::probe::machine::online_cores;
use dyno_units::paint::Tone;
use dyno_units::show;
use dyno_units::text::wrap;

/// Look at the machine: cores, clock, limits, kernel settings, what can be measured, and what to mend before measuring.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The checks as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let environment = environment::read();
    let floor = floor::measure(&online_cores());
    let checks = examine(&environment, &floor, DOCTOR_WATCH);
    if arguments.json {
        let json = serde_json::json!({ "environment": environment, "floor": floor, "checks": checks });
        outln!("{json:#}");
        return Ok(Exit::Success);
    }
    let machine = format!(
        "{}, {}, Linux {}, {}",
        environment.processor,
        show::count(environment.cores, "core"),
        environment.kernel,
        environment.system
    );
    outln!("{}\n", wrap(&machine, 80));
    for check in &checks {
        let sign = match check.grade {
            Grade::Good => PAINT.tone(Tone::Good, "ok  "),
            Grade::Note => PAINT.tone(Tone::Note, "note"),
            Grade::Warning => PAINT.tone(Tone::Doubt, "warn"),
        };
        for (place, line) in wrap(&check.seen, 55).lines().enumerate() {
            match place {
                0 => outln!("{sign}  {:<18} {line}", check.name),
                _ => outln!("                         {line}"),
            }
        }
        if !check.advice.is_empty() {
            for line in wrap(&check.advice, 52).lines() {
                outln!("                         {line}");
            }
        }
    }
    let warnings = checks.iter().filter(|check| check.grade == Grade::Warning).count();
    outln!(
        "\n{}",
        match warnings {
            0 => "Fit to measure on.".to_string(),
            1 => "One thing to mend before measuring.".to_string(),
            many => format!("{many} things to mend before measuring."),
        }
    );
    Ok(Exit::Success)
}
