//! Parts of a load that were never run: a seeded server answers the arrivals of each.

use dyno_clients::books::absence::Absence;
use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::split::Split;
use dyno_clients::books::steps::Steps;
use dyno_clients::books::tally::RunTally;
use dyno_clients::engine::appointment::ClockReading;
use dyno_clients::engine::measured::Measured;
use dyno_clients::engine::usage::Meter;
use dyno_clients::failure::RequestFailure;
use dyno_clients::outcome::Connections;
use dyno_clients::outcome::parts::ClockTold;
use dyno_clients::parts::{LoadPart, PartClock};
use dyno_clients::plan::pacer::{Arrivals, Deal, Pacer};
use dyno_clients::plan::profile::parse;
use dyno_clients::plan::request::RequestParts;
use dyno_clients::plan::share::PlanShare;
use dyno_clients::plan::terms::Terms;
use dyno_clients::plan::{Length, Pace, Plan};
use dyno_clients::verdict::judge::judge_by;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const US: u64 = 1_000;
const WARMUP_NS: u64 = 100 * MS;
const END_NS: u64 = 600 * MS;

/// What a load is made of.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) arrivals: Arrivals,
    pub(crate) rate: &'static str,
    pub(crate) seed: u64,
    pub(crate) of: u32,
}

impl Default for World {
    fn default() -> Self {
        World { arrivals: Arrivals::Poisson, rate: "4k", seed: 3, of: 3 }
    }
}

/// One request: which part made it, when it was due, how its latency splits, and whether it failed.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    part: u32,
    intended_ns: u64,
    split: Split,
    fails: bool,
}

impl Made {
    pub(crate) fn intended_ns(&self) -> u64 {
        self.intended_ns
    }

    /// It is answered, and so.
    pub(crate) fn answer(&mut self, split: Split) {
        (self.split, self.fails) = (split, false);
    }

    fn sent_ns(&self) -> u64 {
        self.intended_ns + self.split.wait_ns + self.split.lag_ns
    }

    fn done_ns(&self) -> u64 {
        self.intended_ns + self.split.total_ns()
    }
}

impl World {
    pub(crate) fn plan(&self, share: PlanShare) -> Plan {
        let parts = RequestParts { target: "/".into(), authority: "test".into(), ..RequestParts::default() };
        let request = RequestParts { weight: 1.0, ..parts }.prepare().unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 80));
        let mut plan = Plan::closed(address, 64, Length::Duration(END_NS - WARMUP_NS), request);
        plan.warmup_ns = WARMUP_NS;
        let stretches = parse(self.rate, END_NS).unwrap();
        plan.pace = Pace::Open { arrivals: self.arrivals.clone(), stretches };
        plan.seed = self.seed;
        plan.share = share;
        plan
    }

    /// All requests of all parts, in the order in which they are due.
    pub(crate) fn made(&self) -> Vec<Made> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x5eed);
        let mut all = Vec::new();
        for part in 1..=self.of {
            let deal =
                Deal { share: PlanShare { number: part, of: self.of }, thread: 0, threads: 1, most: None };
            let stretches = parse(self.rate, END_NS).unwrap();
            let mut pacer = Pacer::dealt(self.arrivals.clone(), stretches, self.seed, deal);
            while let Some(intended_ns) = pacer.peek_ns() {
                let wait = if rng.random_bool(0.1) { rng.random_range(0..2 * MS) } else { 0 };
                let sent = intended_ns + wait + rng.random_range(0..9 * US);
                let tail = if rng.random_bool(0.01) { rng.random_range(0..120 * MS) } else { 0 };
                let done = sent + rng.random_range(50 * US..900 * US) + tail;
                let late = if rng.random_bool(0.05) { rng.random_range(0..3 * MS) } else { 0 };
                let split = Split::new(intended_ns, intended_ns + wait, sent, done).disturbed(wait / 3, late);
                all.push(Made { part, intended_ns, split, fails: rng.random_bool(0.004) });
                pacer.advance();
            }
        }
        all.sort_by_key(|made| made.intended_ns);
        all
    }

    /// What is written down of those requests that fit.
    pub(crate) fn measured(&self, made: &[Made], fits: impl Fn(u32) -> bool) -> Measured {
        let stretches = parse(self.rate, END_NS).unwrap();
        let sample = Sample::new(&stretches, WARMUP_NS, END_NS);
        let mut tally = RunTally::new(WARMUP_NS, END_NS, sample);
        tally.steps = Steps::of(&stretches, WARMUP_NS, END_NS);
        let own: Vec<&Made> = made.iter().filter(|made| fits(made.part)).collect();
        for one in &own {
            tally.counts.intended += u64::from((WARMUP_NS..END_NS).contains(&one.intended_ns));
            tally.sent(one.intended_ns, one.sent_ns(), 100);
        }
        let mut edges: Vec<(u64, i64)> =
            own.iter().flat_map(|one| [(one.intended_ns, 1), (one.done_ns(), -1)]).collect();
        edges.sort_unstable();
        let mut under_way = 0;
        for (at_ns, more) in edges {
            under_way += more;
            tally.in_system(at_ns, under_way as u64);
        }
        let mut by_end = own;
        by_end.sort_by_key(|one| one.done_ns());
        for one in by_end {
            if one.fails {
                tally.failed(&RequestFailure::Timeout, one.intended_ns, one.done_ns());
            } else {
                tally.received(one.done_ns(), 200);
                tally.completed(one.intended_ns, &one.split, one.done_ns());
            }
        }
        let ended_ns = tally.last_done_ns.max(END_NS);
        tally.in_system(ended_ns, 0);
        let mut measured = Measured {
            tally,
            window_ns: 0,
            partial: None,
            ended_ns,
            meters: vec![Meter::default()],
            connections: Connections { planned: 64, open_max: 64, opened: 64, ..Connections::default() },
            started_unix_ms: 0,
            absence: Absence::default(),
            throttled_periods: 0,
            hosts: 1,
        };
        measured.close(WARMUP_NS, Some(END_NS));
        measured
    }

    /// The file of a part of what was made.
    pub(crate) fn part(&self, made: &[Made], number: u32) -> LoadPart {
        let plan = self.plan(PlanShare { number, of: self.of });
        let measured = self.measured(made, |part| part == number);
        self.written(&plan, number, measured)
    }

    pub(crate) fn written(&self, plan: &Plan, number: u32, measured: Measured) -> LoadPart {
        let audit = judge_by(&Terms::of(plan), &measured, |_| None).audit;
        let reading = ClockReading { unix_ns: 1_790_000_000 * 1_000 * MS, monotonic_ns: 5, error_ns: 1 };
        let clock = PartClock { before: reading, after: reading, told: ClockTold::default() };
        let mut part = LoadPart::new(plan, 1_790_000_000_000 * MS, clock, measured, audit);
        (part.host, part.boot) = (format!("host{number}"), format!("boot{number}"));
        part
    }
}
