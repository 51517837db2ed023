//! Compares the reports of load generators with the truth. It decides on which CPUs processes run, repeats what was
//! disturbed, and prints the table of results.

use std::io::Write;
use std::time::{Duration, Instant};

use dyno_clients::outcome::Outcome as Run;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::ClockId;
use serde_json::json;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::job::{Job, ToolReport};
use crate::calibrate::laws::LatencyLaw;
use crate::calibrate::own::{self, LawServer};
use crate::calibrate::participant::Participant;
use crate::calibrate::reference::Account;
use crate::calibrate::table::{CalibrationRow, RowStanding, arrived_line, heading, line};
use crate::calibrate::tools;
use crate::exit::Exit;
use crate::limits::{CALIBRATION_LOOK, CALIBRATION_OTHERS_SHARE, CALIBRATION_TRIES};
use crate::print::{PAINT, out, outln};
use dyno_measure::probe::machine;

/// A running calibration: its CPUs, and the rows of its table so far.
pub(crate) struct Stand {
    json: bool,
    only: Option<String>,
    /// Runs of each stall case.
    pub(crate) repeat: u32,
    /// How much time is left for repeating what was disturbed.
    patience: Duration,
    /// CPU of the reference servers; `None`: any.
    server_cpu: Option<usize>,
    /// CPU of the generators; `None`: any.
    generator_cpu: Option<usize>,
    rows: Vec<CalibrationRow>,
}

/// What came of one run of a generator against a reference server.
pub(crate) struct Encounter {
    pub(crate) report: ToolReport,
    /// Dyno's own result; no other tool has one.
    pub(crate) run: Option<Run>,
    /// What the server says of its responses and of the load that arrived.
    pub(crate) account: Account,
    /// How much of the machine other programs and the hypervisor used meanwhile, in cores.
    pub(crate) others_share: f64,
}

/// What a report is held against, in the words of its case.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) quantity: String,
    pub(crate) true_ns: f64,
    pub(crate) told_ns: Option<f64>,
    pub(crate) tolerance: Option<f64>,
    /// How much later than its law the server was, ns, where the truth does not hold that already.
    pub(crate) server_late_ns: f64,
}

impl Stand {
    /// A calibration with one core for the server and another for the generator, if there are two.
    pub(crate) fn new(json: bool, only: Option<String>, repeat: u32, patience: Duration) -> Self {
        let mut cpus = machine::online_cores().into_iter();
        let (first, second) = (cpus.next(), cpus.next());
        let (server_cpu, generator_cpu) = (second.and(first), second);
        Stand { json, only, repeat, patience, server_cpu, generator_cpu, rows: Vec::new() }
    }

    /// Prints on which CPUs processes run, which generators are missing, whether the machine is quiet, and the heading
    /// of the table.
    pub(crate) fn begin(&self) {
        if self.json {
            return;
        }
        match (self.server_cpu, self.generator_cpu) {
            (Some(server), Some(generator)) => {
                outln!("reference server on CPU {server}, generator on CPU {generator}");
            }
            _ => outln!("one CPU for server and generator: nothing here will be exact"),
        }
        let missing: Vec<&str> = tools::ALL.iter().filter(|t| !t.is_installed()).map(|t| t.name).collect();
        if !missing.is_empty() {
            outln!("not installed: {}", missing.join(", "));
        }
        let (begin, before) = (Instant::now(), machine::sample());
        std::thread::sleep(CALIBRATION_LOOK);
        let others_share = used(before).as_secs_f64() / begin.elapsed().as_secs_f64();
        if others_share > CALIBRATION_OTHERS_SHARE {
            outln!(
                "the machine is not quiet: others use {others_share:.1} of its cores, so values may be void"
            );
        }
        out!("\n{}", heading(PAINT));
    }

    /// Whether a law was asked for.
    pub(crate) fn is_wanted(&self, law: &str) -> bool {
        self.only.as_ref().is_none_or(|only| law.contains(only.as_str()))
    }

    /// Heads the rows of a case.
    pub(crate) fn head(&self, law: &str, job: &Job) {
        if !self.json {
            outln!("{}", PAINT.bold(&format!("{law} ({})", job.words())));
        }
    }

    /// Lets `participant` do `job` against a fresh server of `law`, and holds what it reports against the truth that
    /// `questions` knows. While one of the values is void, the whole is done again at once, up to
    /// [`CALIBRATION_TRIES`] times and as long as the patience lasts.
    ///
    /// # Errors
    /// When server or generator cannot be run.
    pub(crate) fn compare(
        &mut self,
        law: (&str, LatencyLaw),
        participant: &Participant,
        job: &Job,
        questions: impl Fn(&Encounter) -> Vec<Question>,
    ) -> Result<Encounter, CalibrationError> {
        let mut tries = 0;
        loop {
            let begin = Instant::now();
            let measured = self.measure(law.1, participant, job)?;
            let rows: Vec<CalibrationRow> = questions(&measured)
                .into_iter()
                .map(|question| CalibrationRow {
                    law: law.0.into(),
                    tool: participant.name().into(),
                    quantity: question.quantity,
                    true_ns: question.true_ns,
                    reported_ns: question.told_ns,
                    tolerance: question.tolerance,
                    binding: participant.is_binding(),
                    others_share: measured.others_share,
                    server_late_ns: question.server_late_ns,
                })
                .collect();
            tries += 1;
            if goes_again(&rows, tries, self.patience) {
                self.patience = self.patience.saturating_sub(begin.elapsed());
                continue;
            }
            self.add_arrivals(law.0, participant, job, &measured.account);
            rows.into_iter().for_each(|row| self.add(row));
            return Ok(measured);
        }
    }

    /// Adds a remark to the table.
    pub(crate) fn note(&self, text: &str) {
        if !self.json {
            outln!("{}", PAINT.dim(text));
        }
    }

    fn add_arrivals(&self, law: &str, participant: &Participant, job: &Job, account: &Account) {
        let planned_per_s = participant.keeps_rate().then_some(job.rate_per_s);
        let arrived = &account.arrived;
        if self.json {
            outln!(
                "{}",
                json!({"law": law, "tool": participant.name(), "quantity": "arrivals", "planned_per_s": planned_per_s,
                    "arrived_per_s": arrived.rate_per_s, "gap_variation": arrived.gap_variation})
            );
        } else {
            out!("{}", arrived_line(participant.name(), planned_per_s, arrived));
        }
    }

    fn add(&mut self, row: CalibrationRow) {
        if self.json {
            let mut value = serde_json::to_value(&row).unwrap_or_default();
            value["standing"] = row.standing().word().into();
            value["right"] = (row.standing() == RowStanding::Right).into();
            outln!("{value}");
        } else {
            out!("{}", line(&row, PAINT));
        }
        // A row takes seconds to measure, and is shown at once.
        let _ = std::io::stdout().flush();
        self.rows.push(row);
    }

    /// One run against a fresh server, and how much of the machine other programs used meanwhile.
    ///
    /// # Errors
    /// When server or generator cannot be run.
    pub(crate) fn measure(
        &self,
        law: LatencyLaw,
        participant: &Participant,
        job: &Job,
    ) -> Result<Encounter, CalibrationError> {
        let server = own::start(law, self.server_cpu)?;
        let (begin, before, own) = (Instant::now(), machine::sample(), own_cpu(&server));
        let told = own::on_cpu(self.generator_cpu, || participant.run(job, &server.url))?;
        let others = used(before).saturating_sub(own_cpu(&server).saturating_sub(own));
        let others_share = others.as_secs_f64() / begin.elapsed().as_secs_f64();
        let (report, run) = told?;
        Ok(Encounter { report, run, account: server.end()?, others_share })
    }

    /// Whether no law was asked for that there is.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints the summary, and returns the exit code that follows from it.
    pub(crate) fn end(self) -> Exit {
        let own = self.rows.iter().filter(|r| r.binding).count();
        let is = |standing| self.rows.iter().filter(|r| r.binding && r.standing() == standing).count();
        let (wrong, void) = (is(RowStanding::Wrong) + is(RowStanding::NotTold), is(RowStanding::Void));
        if !self.json {
            outln!("\nDyno: {} of {own} values right, {wrong} wrong, {void} void", own - wrong - void);
        }
        // Nine of ten are enough: Poisson arrivals are random, and some runs miss their tolerance by chance.
        match () {
            () if wrong * 10 > own => Exit::Failed,
            () if (wrong + void) * 10 > own => Exit::Invalid,
            () => Exit::Success,
        }
    }
}

/// Whether a run whose values are `rows` is made again after so many tries.
fn goes_again(rows: &[CalibrationRow], tries: u32, patience: Duration) -> bool {
    let void = rows.iter().any(|row| row.standing() == RowStanding::Void);
    void && tries < CALIBRATION_TRIES && !patience.is_zero()
}

/// CPU time that the whole machine has used since `before`, with what the hypervisor took.
fn used(before: machine::MachineSample) -> Duration {
    let after = machine::sample();
    (after.busy + after.steal).saturating_sub(before.busy + before.steal)
}

/// CPU time of the generators so far, and of a reference server: getrusage(2), clock_getcpuclockid(3).
fn own_cpu(server: &LawServer) -> Duration {
    let children = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_or(0, |usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds());
    let clock = ClockId::pid_cpu_clock_id(server.process()).and_then(ClockId::now);
    let reference = clock.map_or(0, |time| time.num_microseconds());
    Duration::from_micros(u64::try_from(children + reference).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_void_is_repeated_a_few_times_while_the_patience_lasts() {
        let row = |reported_ns: Option<f64>, others_share: f64| CalibrationRow {
            law: "delay 5 ms".into(),
            tool: "wrk".into(),
            quantity: "p50".into(),
            true_ns: 100.0,
            reported_ns,
            tolerance: Some(0.02),
            binding: false,
            others_share,
            server_late_ns: 0.0,
        };
        let (right, wrong, silent) = (row(Some(100.0), 0.9), row(Some(200.0), 0.0), row(None, 0.9));
        let (void, negative) = (row(Some(200.0), 0.9), row(Some(-1.0), 0.0));
        let second = Duration::from_secs(1);
        for (rows, tries, patience, again) in [
            (vec![right.clone(), void.clone()], 1, second, true),
            (vec![void.clone()], CALIBRATION_TRIES - 1, second, true),
            (vec![void.clone()], CALIBRATION_TRIES, second, false),
            (vec![void], 1, Duration::ZERO, false),
            (vec![negative], 1, second, true),
            (vec![right, wrong, silent], 1, second, false),
            (vec![], 1, second, false),
        ] {
            assert_eq!(goes_again(&rows, tries, patience), again, "{rows:?}, {tries} tries");
        }
    }
}
