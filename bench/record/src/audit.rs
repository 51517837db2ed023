//! Whether the result of a cell may be believed.

use dyno_units::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// A law or a fact that the audit checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// The contestant started, answered and ended as its contract says.
    Contract,
    /// The generator ran to its end and gave its figures.
    GeneratorRan,
    /// The generator sent when it meant to.
    GeneratorOnTime,
    /// The generator's own core had room left.
    GeneratorUnsaturated,
    /// Where a maximum is claimed, the contestant used all of its cores.
    ServerBottleneck,
    /// The mean number in flight is rate times mean time.
    LittlesLaw,
    /// Two accounts of the contestant's CPU time agree. In records of the first kind of probe: what is now said by
    /// the two that follow.
    UtilizationLaw,
    /// The rate was the same while CPU was counted and in the whole window.
    RateEven,
    /// A request cost as much CPU in the second half of the window as in all of it.
    CostEven,
    /// The rate did not fall while something was read.
    Unwatched,
    /// As many connections were open as were asked for.
    ConnectionsOpen,
    /// No answer came sooner than the wait that was asked for allows.
    Waited,
    /// Requests failed no more often than the limit.
    Errors,
    /// Every body was right.
    Bodies,
    /// No connection found the accept queue full.
    AcceptQueue,
    /// Nothing had to be sent again.
    Retransmissions,
    /// No other work shared the execution units of the cores.
    FullPace,
    /// The hypervisor took no time from the machine.
    Steal,
    /// No CPU quota of a control group stopped either side.
    Unthrottled,
    /// No other program used the machine.
    MachineIdle,
    /// Contestant and generator had cores of their own.
    CoresApart,
    /// The rate did not drift during the window.
    Steady,
    /// One instruction of an emulated machine took one nanosecond of its clock.
    InstructionClock,
    /// The accounts of all sides of an emulated machine add up to the time that all of its threads ran.
    AccountsAddUp,
    /// Before a fault was planted, all connections that are watched were served, each within its time.
    WellBefore,
    /// The fault that was planted took place.
    FaultTookPlace,
    /// The contestant with which this one took turns counts as well.
    PartnerCounts,
}

impl Law {
    /// Whether a contestant that breaks this law has reached a limit of its own: neither other programs nor the
    /// machine can break it.
    pub fn is_the_contestants(self) -> bool {
        matches!(
            self,
            Law::Contract
                | Law::GeneratorRan
                | Law::ConnectionsOpen
                | Law::Errors
                | Law::Bodies
                | Law::Waited
        )
    }
}

/// One doubt about a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    /// The law that was checked.
    pub law: Law,
    /// The verdict that follows for the cell; `doubtful` for a remark.
    #[serde(alias = "standing")]
    pub verdict: Verdict,
    /// What it makes of the latencies alone, where that is worse.
    #[serde(default)]
    pub latency: Verdict,
    /// What was found, in words and figures, and what can be done.
    pub words: String,
}

/// The verdict on a cell with all its doubts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Audit {
    /// The verdict on the cell, and so on its rate: the worst of the findings.
    #[serde(alias = "standing")]
    pub verdict: Verdict,
    /// The verdict on its latencies: a cell whose rate counts, or is a bound, may have none that do. Records of
    /// schema 1 do not tell it.
    #[serde(default)]
    pub latency: Verdict,
    /// All doubts, the worst first.
    pub findings: Vec<Finding>,
}

impl Audit {
    /// An audit from its findings.
    pub fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        let verdict = findings.first().map_or(Verdict::Sound, |worst| worst.verdict);
        // That the server could have done more makes no latency longer or shorter.
        let of_latency = |finding: &Finding| match finding.verdict {
            Verdict::AtLeast => finding.latency,
            other => other.max(finding.latency),
        };
        let latency = findings.iter().map(of_latency).max().unwrap_or_default();
        Audit { verdict, latency, findings }
    }

    /// The limit of the contestant itself that made the cell void, if one did.
    pub fn wall(&self) -> Option<&str> {
        let own = |finding: &&Finding| finding.verdict == Verdict::Void && finding.law.is_the_contestants();
        self.findings.iter().find(own).map(|finding| finding.words.as_str())
    }

    /// Why the cell is void, or why its maximum is only "at least"; empty when it is neither.
    pub fn reason(&self) -> &str {
        match self.findings.first() {
            Some(worst) if !worst.verdict.is_value() => &worst.words,
            _ => "",
        }
    }
}
