//! `dyno overload`: what each overload control saves of an architecture when more is asked of it than it can do.
//!
//! ```text
//! capacity   one closed loop without control      -> the rate that is asked for in multiples
//! refusal    a closed loop of answers without work -> what it costs at least to answer at all
//! points     open loops at half to eight times that rate, clients that wait for 100 ms, for each control
//! spike      one server: half of it, four times as much, half of it again  -> time until normal again
//! storm      the same, and whoever is sent away comes back twice
//! ```
//!
//! Clients are many: as many connections as the highest rate needs if each of them is held for as long as its
//! client has patience. With fewer the overload would wait in the client, and the server would never see it.

use std::time::Duration;

use dyno_record::cell::{Cell, Trial};
use dyno_record::experiment::{OVERLOAD_SPIKE, OVERLOAD_TIMES};
use dyno_record::step::Step;

use crate::campaign::{Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::contestant::control::UNDER;
use crate::experiment::pilot;
use crate::limits::{
    CELL_OVERHEAD, OVERLOAD_CONNECTIONS_MAX, OVERLOAD_CONNECTIONS_SPARE, OVERLOAD_RETRIES, PILOT_TIME_MS,
};
use crate::order;
use crate::rig::Rig;
use crate::setup::{Setup, round_rate};

/// The service of which a refusal is as costly as an answer.
const NO_WORK: &str = "/";

/// Whether a contestant is under no control: by its capacity the others of its architecture are measured.
fn is_base(contestant: &Contestant) -> bool {
    !contestant.label.contains(UNDER)
}

/// Whether its clients have to tell when a request was due.
fn is_told(contestant: &Contestant) -> bool {
    contestant.label.ends_with(":due")
}

/// The contestants under controls that belong to `base`, itself among them.
fn family<'a>(setup: &'a Setup, base: &'a Contestant) -> impl Iterator<Item = &'a Contestant> {
    let of_base = |one: &&Contestant| {
        one.label.strip_prefix(&base.label).is_some_and(|rest| rest.is_empty() || rest.starts_with(UNDER))
    };
    setup.contestants.iter().filter(of_base)
}

/// Measures each architecture under each control.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup, patience_ms: u64) -> Result<(), EndedEarly> {
    let bases: Vec<&Contestant> = setup.contestants.iter().filter(|one| is_base(one)).collect();
    let piloted = Setup { contestants: bases.iter().map(|one| (*one).clone()).collect(), ..setup.clone() };
    campaign.expect(&pilot::cells(&piloted));
    campaign.expect_time(expected_time(setup), 1);
    let settled = pilot::run(campaign, &piloted)?;
    let setup = &Setup { contestants: setup.contestants.clone(), ..settled };
    let (mut points, mut once) = (Vec::new(), Vec::new());
    for base in bases {
        let closed = Trial { cell: setup.cell(Step::Capacity, base), block: 0 };
        let record = campaign.measure(&closed)?;
        // What multiples are taken of is an order of magnitude, which a disturbed cell tells as well.
        let load = record.load.as_ref().filter(|_| record.audit.wall().is_none());
        let Some(peak) = load.map(|load| load.rate_per_s).filter(|rate| *rate > 0.0) else { continue };
        points.push(closed.cell);
        let clients = Clients { setup, peak, patience_ms };
        for contestant in family(setup, base) {
            points.extend(OVERLOAD_TIMES.map(|times| clients.at(contestant, times)));
            once.push(clients.spike(contestant, Step::OverloadSpike));
            once.push(clients.spike(contestant, Step::OverloadStorm));
        }
        if let Some(refusing) = family(setup, base).find(|one| !is_base(one)) {
            let mut cell = setup.cell(Step::OverloadRefusal, refusing);
            cell.service = NO_WORK.into();
            points.push(cell);
        }
    }
    let mut trials = order::blocks(&points, 0, setup.blocks, setup.seed);
    trials.extend(order::blocks(&once, 0, 1, setup.seed));
    // The capacity of the first block is known already.
    trials.retain(|trial| trial.cell.step != Step::Capacity || trial.block > 0);
    campaign.replan(&trials);
    for trial in trials {
        campaign.measure(&trial)?;
    }
    Ok(())
}

/// The time that all of it usually takes.
pub fn expected_time(setup: &Setup) -> Duration {
    let cell = Duration::from_millis(setup.warm_up_ms + setup.duration_ms) + CELL_OVERHEAD;
    let pilot = Duration::from_millis(PILOT_TIME_MS.max(setup.warm_up_ms * 2)) + CELL_OVERHEAD;
    let bases = setup.contestants.iter().filter(|one| is_base(one)).count() as u32;
    let all = setup.contestants.len() as u32;
    let spike = Duration::from_millis(setup.duration_ms / 2) * OVERLOAD_SPIKE.len() as u32 + CELL_OVERHEAD;
    pilot * bases
        + cell * (bases * (1 + 2 * setup.blocks) + all * OVERLOAD_TIMES.len() as u32 * setup.blocks)
        + spike * (2 * all)
}

/// The clients of one architecture.
struct Clients<'a> {
    setup: &'a Setup,
    /// What it can do, requests a second.
    peak: f64,
    patience_ms: u64,
}

impl Clients<'_> {
    fn at(&self, contestant: &Contestant, times: f64) -> Cell {
        let mut cell = self.setup.cell(Step::Overload, contestant);
        cell.load.rate_per_s = Some(round_rate(self.peak * times));
        self.impatient(contestant, cell)
    }

    fn spike(&self, contestant: &Contestant, step: Step) -> Cell {
        let mut cell = self.setup.cell(step, contestant);
        let rates = OVERLOAD_SPIKE.map(|times| round_rate(self.peak * times));
        cell.load.rate_per_s = Some(rates[0]);
        cell.load.steps = rates.into();
        cell.load.duration_ms = self.setup.duration_ms / 2 * rates.len() as u64;
        cell.load.warm_up_ms = 0;
        cell.load.retries = (step == Step::OverloadStorm).then_some(OVERLOAD_RETRIES);
        self.impatient(contestant, cell)
    }

    /// The same cell with clients that give up, and connections enough for all of them.
    fn impatient(&self, contestant: &Contestant, mut cell: Cell) -> Cell {
        let most = OVERLOAD_TIMES.into_iter().fold(1.0, f64::max) * self.peak;
        let held = most * self.patience_ms as f64 / 1e3 * OVERLOAD_CONNECTIONS_SPARE;
        cell.load.connections = (held.ceil() as u32).clamp(self.setup.connections, OVERLOAD_CONNECTIONS_MAX);
        cell.load.patience_ms = Some(self.patience_ms);
        cell.load.tells_due = is_told(contestant);
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::control::under;
    use crate::contestant::own;
    use crate::rig::mock::setup;
    use crate::rig::mock::{Mock, Nature};

    fn asked(controls: &[&str]) -> Setup {
        let epoll = own::named("epoll").unwrap();
        Setup { blocks: 2, ..setup(controls.iter().map(|control| under(&epoll, control)).collect()) }
    }

    #[test]
    fn each_control_is_measured_at_multiples_of_what_the_architecture_can_do_without() {
        let setup = asked(&["none", "deadline", "deadline:due"]);
        let nature = Nature { capacity_per_s: 900.0, ..Nature::default() };
        let rig = Mock { natures: [("epoll".to_string(), nature)].into(), ..Mock::default() };
        let mut progress = Silent;
        let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut campaign, &setup, 100).unwrap();
        let of = |label: &str, step: Step| {
            let own = |cell: &&Cell| cell.contestant == label && cell.step == step;
            let cells = campaign.records().iter().map(|record| &record.trial.cell);
            cells.filter(own).cloned().collect::<Vec<_>>()
        };
        for label in ["epoll", "epoll/deadline", "epoll/deadline:due"] {
            let cells = of(label, Step::Overload);
            let mut rates: Vec<f64> = cells.iter().filter_map(|cell| cell.load.rate_per_s).collect();
            rates.sort_by(f64::total_cmp);
            rates.dedup();
            assert_eq!(rates, [450.0, 900.0, 1_800.0, 3_600.0, 7_200.0], "{label}");
            assert_eq!(cells.len(), 5 * 2);
            let told = label.ends_with("due");
            assert!(
                cells.iter().all(|cell| cell.load.patience_ms == Some(100) && cell.load.tells_due == told)
            );
            assert!(cells.iter().all(|cell| cell.load.connections >= 720), "7,200/s for 100 ms");
            assert_eq!(of(label, Step::OverloadSpike).len(), 1);
            assert_eq!(of(label, Step::OverloadStorm)[0].load.retries, Some(OVERLOAD_RETRIES));
        }
        assert_eq!(of("epoll", Step::Capacity).len(), 2);
        let refusals = of("epoll/deadline", Step::OverloadRefusal);
        assert!(refusals.len() == 2 && refusals.iter().all(|cell| cell.service == "/"));
    }

    #[test]
    fn who_cannot_be_measured_at_all_stops_nobody() {
        let setup = asked(&["none", "deadline"]);
        let nature = Nature { starts: false, ..Nature::default() };
        let rig = Mock { natures: [("epoll".to_string(), nature)].into(), ..Mock::default() };
        let mut progress = Silent;
        let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut campaign, &setup, 100).unwrap();
        assert!(campaign.records().iter().all(|record| record.trial.cell.step != Step::Overload));
    }
}
