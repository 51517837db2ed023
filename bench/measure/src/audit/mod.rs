//! The laws that a cell must obey before its result may be believed.
//!
//! Sources: Little, "A proof for the queuing formula L = lambda W", Operations Research 9 (1961); utilization law:
//! Denning and Buzen, "The operational analysis of queueing network models", Computing Surveys 10 (1978).

use dyno_analysis::limits::SLOWED_SHARE;

use crate::limits::{
    BUSY_SHARE, ERROR_SHARE, GENERATOR_BUSY_SHARE, LITTLE_TOLERANCE, MACHINE_TICK, OFFERED_SHARE,
    PAUSE_VOID_NS, SATURATED_SHARE, STEAL_SHARE,
};
use crate::probe::glance::CpuGlance;
use dyno_record::audit::{Finding, Law};
use dyno_record::cell::{Cell, Cores};
use dyno_record::contract::WorkerCount;
use dyno_record::load::{FailureKind, Lateness, LoadFigures};
use dyno_record::pace::CorePace;
use dyno_record::server::{MachineFigures, ServerFigures};
use dyno_units::verdict::Verdict;

pub(crate) mod cpu;
mod waited;
mod watched;

/// Everything that is known about a cell when it is judged.
#[derive(Debug)]
pub(crate) struct Evidence<'a> {
    /// The cell as it was planned.
    pub cell: &'a Cell,
    /// The generator's figures.
    pub load: &'a LoadFigures,
    /// What the requests cost the contestant.
    pub server: &'a ServerFigures,
    /// The figures of the whole machine.
    pub machine: &'a MachineFigures,
    /// How fast the cores ran; empty where that was not observed.
    pub pace: &'a [CorePace],
    /// CPU time at the beginning, in the middle and at the end of the time in which it was counted.
    pub glances: [&'a CpuGlance; 3],
    /// Whether threads of the contestant ended meanwhile.
    pub threads_end: bool,
    /// Whether one of them was taken after the window.
    pub is_late: bool,
    /// Right answers in the same time and in its second half.
    pub answered: Answered,
}

/// Right answers that the generator got between the glances, and in the second half of that time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// Between the first glance and the last.
    pub between: f64,
    /// From the one in the middle on.
    pub in_half: f64,
}

/// All doubts about a cell.
pub(crate) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let laws: [fn(&Evidence) -> Option<Finding>; 20] = [
        connections_open,
        bodies,
        waited::waited,
        errors,
        generator_on_time,
        generator_present,
        generator_unsaturated,
        server_bottleneck,
        littles_law,
        cpu::utilization_law,
        cpu::rate_even,
        cpu::cost_even,
        watched::unwatched,
        accept_queue,
        retransmissions,
        full_pace,
        steal,
        unthrottled,
        machine_idle,
        cores_apart,
    ];
    let mut found: Vec<Finding> = laws.iter().filter_map(|law| law(evidence)).collect();
    found.extend(evidence.load.objections.iter().map(|words| Finding {
        law: Law::Steady,
        verdict: Verdict::Doubtful,
        latency: Verdict::Sound,
        words: words.clone(),
    }));
    found
}

fn finding(law: Law, verdict: Verdict, words: String) -> Option<Finding> {
    Some(Finding { law, verdict, latency: Verdict::Sound, words })
}

/// A server that stands with fewer workers than it was asked for is another server than the one that is compared.
pub(crate) fn whole_crew(crew: WorkerCount) -> Option<Finding> {
    let WorkerCount { standing, asked } = crew;
    if standing >= asked {
        return None;
    }
    let words = format!(
        "{standing} of {asked} workers stood: the system allows no more processes or threads (ulimit -u, pids.max)"
    );
    finding(Law::Contract, Verdict::Void, words)
}

fn claims_maximum(evidence: &Evidence) -> bool {
    evidence.cell.load.rate_per_s.is_none()
}

fn bodies(evidence: &Evidence) -> Option<Finding> {
    let errors = evidence.load.errors.iter();
    let wrong: u64 = errors.filter(|(kind, _)| kind.is_wrong_answer()).map(|(_, count)| count).sum();
    if wrong == 0 {
        return None;
    }
    finding(
        Law::Bodies,
        Verdict::Void,
        format!("{wrong} answers were wrong: the server did other work than asked"),
    )
}

fn errors(evidence: &Evidence) -> Option<Finding> {
    let load = evidence.load;
    // Past the critical point failures are expected, and only the rate of right answers counts.
    let overload = evidence.cell.step.may_overload();
    if load.answered == 0 {
        let verdict = if overload { Verdict::Doubtful } else { Verdict::Void };
        return finding(Law::Errors, verdict, "no request was answered".into());
    }
    // What an overloaded server refuses and its clients give up is what such a cell is for.
    let awaited = |kind: &FailureKind| load.impatient.is_some() && kind.is_let_go();
    let errors = load.errors.iter().filter(|(kind, _)| !awaited(kind));
    let failed: u64 = errors.clone().map(|(_, count)| count).sum();
    if failed == 0 {
        return None;
    }
    let share = failed as f64 / (load.answered + load.errors.values().sum::<u64>()) as f64;
    let kinds: Vec<String> = errors.map(|(kind, count)| format!("{count} {kind}")).collect();
    let words = format!("{:.3} % of the requests failed ({})", share * 100.0, kinds.join(", "));
    let verdict = if share > ERROR_SHARE && !overload { Verdict::Void } else { Verdict::Doubtful };
    finding(Law::Errors, verdict, words)
}

fn generator_on_time(evidence: &Evidence) -> Option<Finding> {
    let offered = evidence.load.offered_per_s?;
    let lag = evidence.load.lag.at_ns(50.0)?;
    let total = evidence.load.total.at_ns(50.0)?;
    if evidence.load.sent_per_s < offered * OFFERED_SHARE {
        return finding(
            Law::GeneratorOnTime,
            Verdict::Void,
            format!(
                "the generator sent {:.0} of {offered:.0} requests a second: give it another core or a lower rate",
                evidence.load.sent_per_s
            ),
        );
    }
    if lag * 4 <= total {
        return None;
    }
    finding(
        Law::GeneratorOnTime,
        Verdict::Void,
        format!("the generator was late by {} µs at the median, of {} µs in all", lag / 1000, total / 1000),
    )
}

/// The generator's own verdict on its lateness. What makes its latencies void makes void a cell whose latencies are
/// what it is for, if it stood still; single late wake-ups at the 99th percentile are a remark there.
fn generator_present(evidence: &Evidence) -> Option<Finding> {
    let Lateness { rate, latency, paused_longest_ns, words } = evidence.load.lateness.as_ref()?;
    let verdict = if claims_maximum(evidence) {
        // A server that was busy all the time could not have answered more.
        if *rate == Verdict::AtLeast && server_share(evidence) >= SATURATED_SHARE {
            Verdict::Doubtful
        } else {
            (*rate).max(Verdict::Doubtful)
        }
    } else if *latency == Verdict::Void && *paused_longest_ns > PAUSE_VOID_NS {
        Verdict::Void
    } else {
        Verdict::Doubtful
    };
    let latency = if claims_maximum(evidence) { *latency } else { verdict };
    Some(Finding { law: Law::GeneratorOnTime, verdict, latency, words: words.clone() })
}

fn generator_unsaturated(evidence: &Evidence) -> Option<Finding> {
    let busy = evidence.load.generator_busy_share?;
    if busy < GENERATOR_BUSY_SHARE || server_share(evidence) >= SATURATED_SHARE {
        return None;
    }
    let words = format!(
        "the generator was busy for {:.0} % of the time: its speed was measured, not the server's",
        busy * 100.0
    );
    // How fast the server would have answered a generator with time to spare is not known.
    let verdict = if claims_maximum(evidence) { Verdict::AtLeast } else { Verdict::Void };
    Some(Finding { law: Law::GeneratorUnsaturated, verdict, latency: Verdict::Void, words })
}

/// Share of the cores allotted to the contestant that it used, or of its quota, where that is less.
fn server_share(evidence: &Evidence) -> f64 {
    let cores = evidence.server.cores_allotted.max(1) as f64;
    evidence.server.cores_used / evidence.cell.load.quota.map_or(cores, |quota| quota.cores().min(cores))
}

/// By how much a rate or a use of CPU over the window may be off because it holds no whole number of the periods of a
/// quota, as a share. A window with many periods is off by little.
fn period_share(evidence: &Evidence) -> f64 {
    evidence
        .cell
        .load
        .quota
        .map_or(0.0, |quota| f64::from(quota.period_us) / 1e6 / evidence.server.seconds.max(1e-3))
}

fn server_bottleneck(evidence: &Evidence) -> Option<Finding> {
    let share = server_share(evidence);
    if !(claims_maximum(evidence) && share + period_share(evidence) < SATURATED_SHARE) {
        return None;
    }
    finding(
        Law::ServerBottleneck,
        Verdict::AtLeast,
        format!("the server used {:.0} % of its cores: its maximum is at least this", share * 100.0),
    )
}

fn littles_law(evidence: &Evidence) -> Option<Finding> {
    let measured = evidence.load.in_flight?;
    let predicted = evidence.load.in_flight_by_law?;
    let off = (measured - predicted).abs() / measured.max(predicted).max(1e-9);
    if off <= LITTLE_TOLERANCE {
        return None;
    }
    finding(
        Law::LittlesLaw,
        Verdict::Void,
        format!(
            "{measured:.2} requests were in flight, rate times mean time gives {predicted:.2} ({:.1} % apart)",
            off * 100.0
        ),
    )
}

/// Difference of two figures as a share of the larger.
fn apart(one: f64, other: f64) -> f64 {
    (one - other).abs() / one.max(other).max(1e-12)
}

fn connections_open(evidence: &Evidence) -> Option<Finding> {
    let planned = evidence.cell.load.connections;
    let open = evidence.load.connections_open;
    let idle = evidence.cell.load.beside();
    let kind =
        if evidence.cell.load.slow_connections.is_some() { "slow clients" } else { "idle connections" };
    if let Some(left) = evidence.load.idle_open.filter(|left| *left < idle) {
        return finding(
            Law::ConnectionsOpen,
            Verdict::Void,
            format!("the server closed {} of {idle} {kind}", idle - left),
        );
    }
    // Where each request has a connection of its own, there are always some between the end of one connection and the
    // handshake of the next.
    let come_and_go = evidence.cell.load.requests_per_connection.is_some();
    if open >= planned || come_and_go {
        return None;
    }
    finding(Law::ConnectionsOpen, Verdict::Void, format!("{open} of {planned} connections were open"))
}

fn accept_queue(evidence: &Evidence) -> Option<Finding> {
    let overflows = evidence.machine.listen_overflows.filter(|count| *count > 0)?;
    finding(
        Law::AcceptQueue,
        Verdict::Doubtful,
        format!(
            "{overflows} connections found the accept queue full: some connect times hold a retry of a second"
        ),
    )
}

fn retransmissions(evidence: &Evidence) -> Option<Finding> {
    let count = evidence.machine.retransmissions.filter(|count| *count > 0)?;
    finding(Law::Retransmissions, Verdict::Doubtful, format!("{count} segments were sent again"))
}

/// Slowed cores are no reason to disbelieve a cell: its result is true of such a machine, and the cost of the slowing
/// is computed from all cells together.
fn full_pace(evidence: &Evidence) -> Option<Finding> {
    let slowed: Vec<String> = evidence
        .pace
        .iter()
        .filter(|core| core.slowed_share > SLOWED_SHARE)
        .map(|core| format!("core {} for {:.0} %", core.core, core.slowed_share * 100.0))
        .collect();
    if slowed.is_empty() {
        return None;
    }
    let words =
        format!("something that shares their execution units slowed {} of the time", slowed.join(" and "));
    finding(Law::FullPace, Verdict::Doubtful, words)
}

fn steal(evidence: &Evidence) -> Option<Finding> {
    let share = evidence.machine.steal_share;
    let verdict = if share > STEAL_SHARE { Verdict::Void } else { Verdict::Doubtful };
    if share <= STEAL_SHARE / 5.0 {
        return None;
    }
    finding(Law::Steal, verdict, format!("the hypervisor took {:.1} % of the machine's time", share * 100.0))
}

/// A quota stops all threads of a group until its next period, a tenth of a second usually: whatever was measured
/// meanwhile is the quota's and not the server's.
fn unthrottled(evidence: &Evidence) -> Option<Finding> {
    let times = evidence.machine.throttled.filter(|times| *times > 0)?;
    finding(
        Law::Unthrottled,
        Verdict::Void,
        format!(
            "a CPU quota stopped server or generator {}: raise the quota of their control group, or use fewer cores",
            dyno_units::show::count(times as usize, "time")
        ),
    )
}

fn machine_idle(evidence: &Evidence) -> Option<Finding> {
    let others = evidence.machine.others_cores_used;
    // The machine counts the CPU time of each core in hundredths of a second; in a short cell that is a large part.
    let observed_seconds = evidence.machine.observed_seconds.unwrap_or(evidence.server.seconds);
    let coarse = MACHINE_TICK / observed_seconds.max(1e-9);
    // Cores that neither side uses do not suffer.
    let Cores { server, generator } = &evidence.cell.cores;
    let of_smaller = match server.len().min(generator.len()) {
        0 => evidence.machine.cores.max(1),
        count => count,
    };
    let share = others / of_smaller as f64 - coarse;
    let verdict = if share > BUSY_SHARE { Verdict::Void } else { Verdict::Doubtful };
    if share <= BUSY_SHARE / 2.0 {
        return None;
    }
    finding(
        Law::MachineIdle,
        verdict,
        format!("other programs and the kernel for them used {others:.2} cores: stop them and measure again"),
    )
}

fn cores_apart(evidence: &Evidence) -> Option<Finding> {
    if !evidence.cell.cores.shared() {
        return None;
    }
    finding(
        Law::CoresApart,
        Verdict::Doubtful,
        "server and generator shared a core: what one uses, the other lacks".into(),
    )
}
