//! Claims about crashes: who goes down with whom.

use std::thread;
use std::time::Duration;

use dyno_analysis::textbook::TrialRounds;
use dyno_record::textbook::ClaimUnit;

use super::claim::{Claim, Effort, Printed, TrialError, itself};
use super::rounds::alone;
use super::standing::{Design, is_answered, send};
use crate::contestant::options::ServeOption;

/// Clients whose requests wait while another one crashes.
const WITNESSES: usize = 8;

/// How long the witnesses are given to reach their workers.
const SETTLES: Duration = Duration::from_millis(20);

const LOST: &[&str] = &["witnesses that lose their answer"];

pub(super) const CLAIMS: [Claim; 2] = [
    Claim {
        name: "crash-takes-threads",
        group: "Crashing",
        says: "A crash in one thread takes all others with it.",
        source: Printed {
            author: "A. Silberschatz, P. B. Galvin and G. Gagne",
            work: "Operating System Concepts, 10th ed. (2018)",
            place: "section 3.4, on the browser Chrome",
        },
        claimed: itself(Some(1.0), None),
        figures: LOST,
        unit: ClaimUnit::Share,
        trial: "Eight requests wait, each in a thread of its own; a ninth calls abort. Counted are those of the eight that get no answer.",
        if_holds: "The signal ends the process, and its threads are nothing without it.",
        if_not: "The crash was confined, as a panic that is caught would be.",
        run: |effort| lost(effort, Design::ThreadEach),
    },
    Claim {
        name: "fork-isolates",
        group: "Crashing",
        says: "A crash in a forked worker harms no other request.",
        source: Printed {
            author: "Apache Software Foundation",
            work: "Apache HTTP Server 2.4, documentation",
            place: "MPM prefork",
        },
        claimed: itself(None, Some(0.0)),
        figures: LOST,
        unit: ClaimUnit::Share,
        trial: "As crash-takes-threads, with a process for each connection.",
        if_holds: "The kernel ends one process; the others have memory and descriptors of their own.",
        if_not: "The processes share something that the crash has left locked or broken.",
        run: |effort| lost(effort, Design::ForkEach),
    },
];

/// The share of requests that are lost when another one crashes.
fn lost(effort: &Effort, design: Design) -> Result<TrialRounds, TrialError> {
    alone(effort, || {
        let server = design.serve(effort, &[ServeOption::Faults])?;
        let witnesses =
            (0..WITNESSES).map(|_| send(server.address, "/wait/80000")).collect::<Result<Vec<_>, _>>()?;
        thread::sleep(SETTLES);
        let _ = is_answered(send(server.address, "/fault/abort")?);
        let lost = witnesses.into_iter().map(is_answered).filter(|answered| !answered).count();
        Ok(lost as f64 / WITNESSES as f64)
    })
}
