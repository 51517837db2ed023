//! What the single steps cost of which architectures are made, on this machine: the unit prices behind `dyno explain`.
//!
//! Some are steps that stand alone, see [`isolated`]. What a wake-up costs in a loaded server, among many sleepers
//! whose caches have gone cold, is measured in that situation, see [`situations`](crate::unit_costs::loaded).

pub mod apart;
pub mod isolated;
pub mod loaded;

use std::io;
use std::time::Duration;

use dyno_analysis::unit::{Cost, Unit};
use dyno_record::header::UnitPrice;
use dyno_statistics::sample::median;
use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::unistd::Pid;

use crate::probe::machine::{online_cores, pin};
use crate::unit_costs::loaded::host::Answered;
use crate::unit_costs::loaded::{beyond_loop, callers, relay, wake_client};

/// How a step is measured.
#[derive(Debug, Clone, Copy)]
enum Measure {
    /// Done so many times on one core: the time of all.
    Step(fn(rounds: u32) -> io::Result<Duration>),
    /// In a situation that finds cores for itself and knows what it contains.
    Situation(fn() -> io::Result<Cost>),
}

/// How each unit is measured.
fn measure_of(unit: Unit) -> Measure {
    use beyond_loop::{Load, Way};
    use callers::Way as Callers;
    use relay::Way as Relay;
    match unit {
        Unit::Fork => Measure::Step(isolated::fork_and_wait),
        Unit::PageCopy => Measure::Step(isolated::copy),
        Unit::ProcessSwitch => Measure::Step(|rounds| isolated::switch(rounds, true)),
        Unit::Switch => Measure::Step(|rounds| isolated::switch(rounds, false)),
        Unit::Spawn => Measure::Step(isolated::spawn),
        Unit::HandOver => Measure::Step(isolated::hand_over),
        Unit::PageFault => Measure::Step(isolated::fault),
        Unit::SystemCall => Measure::Step(isolated::call),
        Unit::Accept => Measure::Step(isolated::accept),
        Unit::WakeOneOfManyProcesses => Measure::Situation(|| relay::more(Relay::Processes).map(of_a_switch)),
        Unit::WakeOneOfMany => Measure::Situation(|| relay::more(Relay::Threads).map(of_a_switch)),
        Unit::Event => Measure::Situation(|| relay::told().map(of_time)),
        Unit::WakeProcessForConnection => {
            Measure::Situation(|| callers::more(Callers::Processes, Callers::Ready).map(of_a_switch))
        }
        Unit::WakeForConnection => {
            Measure::Situation(|| callers::more(Callers::Threads, Callers::Ready).map(of_a_switch))
        }
        Unit::WatchConnection => {
            Measure::Situation(|| callers::more(Callers::Epoll, Callers::Ready).map(with_switches))
        }
        Unit::QueueConnection => {
            Measure::Situation(|| callers::more(Callers::Queue, Callers::Threads).map(with_switches))
        }
        Unit::SpawnForConnection => {
            Measure::Situation(|| callers::more(Callers::Births, Callers::Threads).map(with_switches))
        }
        Unit::CallPool => {
            Measure::Situation(|| beyond_loop::more(Way::Queues, Load::Lasting).map(with_switches))
        }
        Unit::WakePool => Measure::Situation(|| {
            let switch = beyond_loop::pool_switch_ns()?;
            Ok(Cost { switches: 1.0, ..of_time(switch) })
        }),
        Unit::CallPoolForConnection => {
            Measure::Situation(|| beyond_loop::more(Way::Pool, Load::Calls).map(with_switches))
        }
        Unit::WakeTask => {
            Measure::Situation(|| beyond_loop::more(Way::Tasks, Load::Lasting).map(with_switches))
        }
        Unit::TaskForConnection => {
            Measure::Situation(|| beyond_loop::more(Way::Tasks, Load::Calls).map(with_switches))
        }
        Unit::ResumeCoroutine => {
            Measure::Situation(|| beyond_loop::more(Way::Coroutines, Load::Lasting).map(with_switches))
        }
        Unit::CoroutineForConnection => {
            Measure::Situation(|| beyond_loop::more(Way::Coroutines, Load::Calls).map(with_switches))
        }
        Unit::WakeClient => Measure::Situation(|| wake_client::more().map(of_time)),
    }
}

/// The price of one switch, when everything that `more` took was switching.
fn of_a_switch(more: Answered) -> Cost {
    Cost { ns: more.ns / more.switches.max(1.0), switches: 1.0, faults: 0.0 }
}

/// The price of a step and of the switches in it.
fn with_switches(more: Answered) -> Cost {
    Cost { ns: more.ns, switches: more.switches.max(0.0), faults: 0.0 }
}

/// The price of a step that contains no other.
fn of_time(ns: f64) -> Cost {
    Cost { ns, switches: 0.0, faults: 0.0 }
}

/// The usual prices of these units: of each figure the median of so many attempts, the units in turn, so that a
/// spell in which the machine was slow spoils no unit alone. A unit that cannot be measured here is missing.
pub fn usual_prices(units: &[Unit], attempts: usize) -> Vec<UnitPrice> {
    let mut found: Vec<(Unit, Vec<Cost>)> = units.iter().map(|unit| (*unit, Vec::new())).collect();
    for _ in 0..attempts {
        for (unit, costs) in &mut found {
            costs.extend(cost_apart(*unit).ok());
        }
    }
    found.iter().filter_map(|(unit, costs)| usual_price(*unit, costs)).collect()
}

/// The median of each figure. Some prices are differences, and on a machine that does other work one may come out below
/// nothing: such a price is none.
fn usual_price(unit: Unit, costs: &[Cost]) -> Option<UnitPrice> {
    let of = |read: fn(&Cost) -> f64| median(&costs.iter().map(read).collect::<Vec<_>>());
    let ns = of(|cost| cost.ns).filter(|ns| ns.is_finite() && *ns > 0.0)?;
    Some(UnitPrice {
        unit: unit.name().to_string(),
        ns,
        switches: of(|cost| cost.switches)?.max(0.0),
        faults: of(|cost| cost.faults)?.max(0.0),
    })
}

/// How often a step is done for one price, and before it, so that its code and data are where they would be in a
/// server.
const ROUNDS: u32 = 200;
const WARM_UP_ROUNDS: u32 = 20;

/// The same as [`cost`] in a process of its own, so that this one stays as small as it is.
///
/// # Errors
/// As [`cost`], or when there is no room for a process.
pub fn cost_apart(unit: Unit) -> io::Result<Cost> {
    let [ns, switches, faults] =
        apart::apart(|| cost(unit).map(|cost| [cost.ns, cost.switches, cost.faults]))?;
    Ok(Cost { ns, switches, faults })
}

/// What one of a unit costs, by one short attempt. Prices scatter as the machine's speed does: take the median of
/// many attempts, with whatever they are set against in between.
///
/// # Errors
/// When the machine has no core to spare for a situation that needs two, or something is not to be had.
pub fn cost(unit: Unit) -> io::Result<Cost> {
    let run = match measure_of(unit) {
        Measure::Situation(run) => return run(),
        Measure::Step(run) => run,
    };
    let timed = on_one_core(|| {
        run(WARM_UP_ROUNDS)?;
        let seen = usage()?;
        Ok((run(ROUNDS)?, seen, usage()?))
    });
    let (time, seen, now) = timed?;
    let each = |before: i64, after: i64| (after - before) as f64 / f64::from(ROUNDS);
    Ok(Cost {
        ns: time.as_nanos() as f64 / f64::from(ROUNDS),
        switches: each(seen.0, now.0),
        faults: each(seen.1, now.1),
    })
}

/// The time of `rounds` of a unit, as criterion asks for it.
///
/// # Errors
/// As [`cost`].
pub fn time(unit: Unit, rounds: u32) -> io::Result<Duration> {
    match measure_of(unit) {
        Measure::Step(run) => on_one_core(|| run(rounds)),
        Measure::Situation(run) => Ok(Duration::from_nanos((run()?.ns * f64::from(rounds)).max(0.0) as u64)),
    }
}

/// Does something on the first core that this thread may use, as a server does that has one, and comes back.
pub(crate) fn on_one_core<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = sched_getaffinity(Pid::from_raw(0))?;
    let first = *online_cores().first().ok_or_else(|| io::Error::other("there is no core to run on"))?;
    pin(&[first])?;
    let done = work();
    sched_setaffinity(Pid::from_raw(0), &before)?;
    done
}

/// Switches and page faults of this program and of its children that it has waited for.
fn usage() -> io::Result<(i64, i64)> {
    let (own, children) = (getrusage(UsageWho::RUSAGE_SELF)?, getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let switches = |usage: &Usage| usage.voluntary_context_switches() + usage.involuntary_context_switches();
    Ok((switches(&own) + switches(&children), own.minor_page_faults() + children.minor_page_faults()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_takes_some_time() {
        // Forks of the test program are left out here: they would run in the middle of other tests' threads.
        for step in [isolated::spawn, isolated::hand_over, isolated::fault, isolated::call, isolated::accept]
        {
            assert!(step(30).unwrap() > Duration::ZERO);
        }
        assert!(isolated::switch(30, false).unwrap() > Duration::ZERO);
    }

    #[test]
    fn a_price_below_nothing_is_none() {
        let of = |all: &[f64]| {
            let costs: Vec<Cost> = all.iter().map(|ns| of_time(*ns)).collect();
            usual_price(Unit::Event, &costs).map(|price| price.ns)
        };
        assert_eq!(of(&[3.0, -100.0, 2.0]), Some(2.0));
        for none in [&[][..], &[-3.0, -1.0, 5.0], &[0.0], &[f64::NAN, f64::NAN, f64::NAN], &[f64::INFINITY]] {
            assert_eq!(of(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_page_is_touched_for_the_first_time_each_time() {
        for _ in 0..2 {
            let before = getrusage(UsageWho::RUSAGE_SELF).unwrap().minor_page_faults();
            isolated::fault(200).unwrap();
            assert!(getrusage(UsageWho::RUSAGE_SELF).unwrap().minor_page_faults() >= before + 200);
        }
    }
}
