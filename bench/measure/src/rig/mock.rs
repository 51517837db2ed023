//! A rig in memory: time passes only when the code under test sleeps, and every step is logged.

use std::collections::BTreeMap;
use std::time::Duration;

use dyno_clients::books::histogram;
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::contestant::Contestant;
use crate::place::Placement;
use crate::probe::figures::Reading;
use crate::probe::glance::CpuGlance;
use crate::probe::machine::MachineSample;
use crate::probe::pace::{Beat, Beats};
use crate::probe::process::ThreadCounters;
pub use crate::rig::mock_nature::Nature;
use crate::rig::{Answers, CellFault, Drive, Farewell, Rig};
use crate::setup::Setup;
use dyno_record::cell::Cell;
use dyno_record::contract::WorkerCount;
use dyno_record::load::{FailureKind, ImpatientFigures, Latency, LoadFigures, Point};
use dyno_record::server::Memory;
use dyno_record::waiting::{Beside, HeldWaiters, WaitingFigures};

/// A setup for the mock rig: two cores, three blocks, short cells.
pub fn setup(contestants: Vec<Contestant>) -> Setup {
    Setup {
        contestants,
        service: "/".into(),
        cores: Placement::flat(&[0, 1]).halves(),
        placement: None,
        connections: 64,
        blocks: 3,
        warm_up_ms: 100,
        warm_up_fixed: false,
        warm_ups_ms: BTreeMap::new(),
        duration_ms: 500,
        seed: 5,
    }
}

/// The mock rig.
#[derive(Debug, Default)]
pub struct Mock {
    /// Now.
    pub clock: Duration,
    /// The steps so far, in order.
    pub log: Vec<String>,
    /// The contestants whose nature differs from the default.
    pub natures: BTreeMap<String, Nature>,
    /// The starts, from 1, during which other programs use half a core.
    pub disturbed: Vec<usize>,
    /// Seed of luck and bad luck.
    pub luck: u64,
    /// The user interrupts after so many starts.
    pub interrupt_after: Option<usize>,
    /// Contestants started so far.
    pub starts: usize,
    /// The cell that is under load, and since when.
    pub loaded_since: Option<(Duration, Cell)>,
    /// CPU that the running cell will still use after its load.
    pub left: Duration,
    /// CPU that contestants have used.
    pub cpu: Duration,
    /// CPU that the machine has used.
    pub busy: Duration,
    /// CPU that threads of the kernel have used.
    pub kernel_threads: Duration,
    /// When something was read of the running cell.
    pub looks: Vec<Duration>,
}

impl Mock {
    fn nature(&self, cell: &Cell) -> Nature {
        self.natures.get(&cell.contestant).cloned().unwrap_or_default()
    }

    /// Whether an open loop misses a limit: past its capacity it does, but for luck and bad luck, which this start
    /// alone decides.
    fn misses(&self, nature: &Nature, offered_per_s: f64) -> bool {
        let mut random = ChaCha8Rng::seed_from_u64(self.luck);
        random.set_stream(self.starts as u64);
        let near = offered_per_s <= nature.capacity_per_s * 1.1;
        if offered_per_s <= nature.capacity_per_s {
            random.random_bool(nature.unlucky)
        } else {
            !(near && random.random_bool(nature.lucky))
        }
    }

    /// The accounts at this moment.
    fn read(&mut self, server: &Cell) -> CpuGlance {
        self.looks.push(self.clock);
        let group = self.nature(server).group_account.map(|multiple| self.cpu.mul_f64(multiple));
        CpuGlance {
            at: self.clock,
            until: self.clock,
            clocks: self.cpu,
            clocks_again: self.cpu,
            group,
            ..CpuGlance::default()
        }
    }

    fn pass(&mut self, time: Duration) {
        let from = self.clock;
        self.clock += time;
        let late = if self.loaded_since.is_none() { time.min(self.left) } else { Duration::ZERO };
        self.left -= late;
        self.cpu += late;
        self.busy += late;
        if let Some((since, cell)) = &self.loaded_since {
            let nature = self.nature(cell);
            let share = rate(&nature, cell) / nature.capacity_per_s * nature.saturates_at;
            let beside = nature.moonlights.map_or(Duration::ZERO, |(after, cores)| {
                self.clock.saturating_sub(from.max(*since + after)).mul_f64(cores)
            });
            self.cpu += time.mul_f64(share) + beside;
            let others = if self.disturbed.contains(&self.starts) { 0.5 } else { nature.others };
            self.busy += time.mul_f64(share + others + nature.kernel_threads) + beside;
            self.kernel_threads += time.mul_f64(nature.kernel_threads);
        }
    }
}

fn rate(nature: &Nature, cell: &Cell) -> f64 {
    match cell.load.rate_per_s {
        None => nature.capacity_per_s,
        Some(offered) if offered > nature.capacity_per_s => nature.capacity_per_s * nature.past,
        Some(offered) => offered,
    }
}

/// The 99th percentile of a contestant that keeps up.
const USUAL_NS: u64 = 1_000_000;
/// The 99th percentile of one that does not: its queue grows for the length of the run.
const OVERLOADED_NS: u64 = 100_000_000;

/// The series of a cell with several rates.
fn series(nature: &Nature, cell: &Cell) -> Vec<Point> {
    const INTERVAL_MS: u64 = 50;
    let steps = &cell.load.steps;
    let mut slow_until_ms = 0;
    let ends = (INTERVAL_MS..=cell.load.duration_ms).step_by(INTERVAL_MS as usize);
    ends.filter_map(|at_ms| {
        let offered = *steps.get(((at_ms - 1) * steps.len() as u64 / cell.load.duration_ms) as usize)?;
        if offered > nature.capacity_per_s {
            slow_until_ms = nature.slow_for.map_or(u64::MAX, |time| at_ms + time.as_millis() as u64);
        }
        let slow = offered > nature.capacity_per_s || at_ms <= slow_until_ms;
        let p99_ns = Some(if slow { OVERLOADED_NS } else { USUAL_NS });
        Some(Point { at_ms, rate_per_s: offered.min(nature.capacity_per_s), errors: 0, p99_ns })
    })
    .collect()
}

/// The series of a pilot: a rate that climbs to the end, or a steady one.
fn start_up(rate_per_s: f64, climbs: bool, duration_ms: u64) -> Vec<Point> {
    const INTERVAL_MS: u64 = 10;
    let last = (duration_ms / INTERVAL_MS) as f64;
    let share = |number: u64| if climbs { number as f64 / last } else { 1.0 - 0.001 * (number % 3) as f64 };
    (1..=duration_ms / INTERVAL_MS)
        .map(|number| Point {
            at_ms: number * INTERVAL_MS,
            rate_per_s: rate_per_s * share(number),
            errors: 0,
            p99_ns: Some(USUAL_NS),
        })
        .collect()
}

/// The series of a closed loop whose rate falls in those intervals in which there was a look.
fn falling(rate_per_s: f64, fall: f64, looks: &[Duration], warm: Duration, duration_ms: u64) -> Vec<Point> {
    const INTERVAL_MS: u64 = 10;
    let looked = |number: u64| {
        let from = warm + Duration::from_millis(number * INTERVAL_MS);
        looks.iter().any(|look| (from..from + Duration::from_millis(INTERVAL_MS)).contains(look))
    };
    (0..duration_ms / INTERVAL_MS)
        .map(|number| Point {
            at_ms: (number + 1) * INTERVAL_MS,
            rate_per_s: rate_per_s
                * (1.0 + 0.01 * (number % 3) as f64)
                * if looked(number) { 1.0 - fall } else { 1.0 },
            errors: 0,
            p99_ns: Some(USUAL_NS),
        })
        .collect()
}

fn beats(nature: &Nature, from: Duration, until: Duration) -> Vec<Beats> {
    let Some(slowed_share) = nature.slowed_share else {
        return Vec::new();
    };
    let beats = (from.as_millis() as u64..until.as_millis() as u64)
        .step_by(4)
        .map(|at_ms| {
            let slowed = (at_ms % 100) as f64 >= 100.0 * (1.0 - slowed_share);
            Beat { at: Duration::from_millis(at_ms), call_ns: if slowed { 150.0 } else { 100.0 } }
        })
        .collect();
    vec![Beats { core: 0, full_ns: 100.0, beats }]
}

impl Rig for Mock {
    type Server = Cell;
    type Generator = Cell;

    fn now(&self) -> Duration {
        self.clock
    }

    fn cores(&self) -> usize {
        2
    }

    fn unix_ms(&self) -> u64 {
        1_700_000_000_000 + self.clock.as_millis() as u64
    }

    fn sleep(&mut self, time: Duration) {
        self.log.push(format!("sleep {}", time.as_millis()));
        self.pass(time);
    }

    fn interrupted(&self) -> bool {
        self.interrupt_after.is_some_and(|after| self.starts >= after)
    }

    fn start(&mut self, cell: &Cell) -> Result<Cell, CellFault> {
        self.starts += 1;
        self.log.push(format!("start {}", cell.contestant));
        if self.nature(cell).starts {
            Ok(cell.clone())
        } else {
            Err(CellFault::contract("it does not start"))
        }
    }

    fn sample(&mut self, server: &Cell, generator: Option<&Cell>) -> Reading {
        self.log.push(format!("sample{}", if generator.is_some() { " under load" } else { "" }));
        let mut sample = Reading { began: self.clock, ..Reading::default() };
        self.pass(self.nature(server).reading_takes);
        sample.ended = self.clock;
        sample.glance = self.read(server);
        sample.tree.thread_count = 1;
        sample.tree.process_count = 1;
        // A thread for each connection is another one each time.
        let thread = if self.nature(server).threads_end { self.looks.len() as i32 } else { 1 };
        sample.tree.threads = Some([(thread, ThreadCounters::default())].into());
        sample.throttled =
            self.nature(server).throttled_per_s.map(|times| (times as f64 * self.clock.as_secs_f64()) as u64);
        sample.machine =
            MachineSample { busy: self.busy, steal: Duration::ZERO, all: self.clock * 2, births: 0 };
        sample.kernel_threads = self.kernel_threads;
        sample
    }

    fn glance(&mut self, server: &Cell, _generator: Option<&Cell>, _known: &Reading) -> CpuGlance {
        self.log.push("glance".into());
        self.read(server)
    }

    fn memory(&mut self, _server: &Cell) -> Memory {
        self.log.push("memory".into());
        let anonymous = if self.loaded_since.is_some() { 3 << 19 } else { 1 << 20 };
        Memory { pss_bytes: Some(1 << 21), anonymous_bytes: Some(anonymous), ..Memory::default() }
    }

    fn watch(&mut self, _server: &Cell, time: Duration) -> Vec<usize> {
        self.log.push(format!("watch {}", time.as_millis()));
        self.pass(time);
        vec![1]
    }

    fn begin(&mut self, _server: &Cell, cell: &Cell) -> Result<Cell, CellFault> {
        self.log.push(format!("begin {}", cell.load.words()));
        self.looks.clear();
        self.loaded_since = Some((self.clock, cell.clone()));
        Ok(cell.clone())
    }

    fn await_over(&mut self, _generator: &mut Cell, cell: &Cell) {
        self.log.push("over".into());
        if let Some((since, _)) = &self.loaded_since {
            let end = *since + Duration::from_millis(cell.load.warm_up_ms + cell.load.duration_ms);
            self.pass(end.saturating_sub(self.clock));
        }
    }

    fn finish(&mut self, mut generator: Cell, cell: &Cell) -> Result<Drive, CellFault> {
        // A load that was only asked for its answers was not awaited.
        let (since, _) =
            self.loaded_since.clone().ok_or_else(|| CellFault::generator("nothing was begun"))?;
        let end = since + Duration::from_millis(cell.load.warm_up_ms + cell.load.duration_ms);
        if self.clock < end {
            self.await_over(&mut generator, cell);
        }
        self.log.push("finish".into());
        let nature = self.nature(cell);
        self.loaded_since = None;
        self.left = nature.works_on;
        let answered_all = cell.load.rate_per_s.filter(|offered| !self.misses(&nature, *offered));
        let rate_per_s = answered_all.unwrap_or_else(|| rate(&nature, cell));
        let seconds = cell.load.duration_ms as f64 / 1e3;
        let times = |nanoseconds: u64| Latency {
            count: (rate_per_s * seconds) as u64,
            mean_ns: nanoseconds as f64,
            min_ns: Some(nanoseconds),
            max_ns: nanoseconds,
            percentiles: vec![(50.0, nanoseconds), (99.0, nanoseconds)],
        };
        let overloaded = cell.load.rate_per_s.is_some_and(|offered| self.misses(&nature, offered));
        let total = times(if overloaded { OVERLOADED_NS } else { USUAL_NS });
        let mut errors = BTreeMap::new();
        if nature.wrong_bodies > 0 {
            errors.insert(FailureKind::Body, nature.wrong_bodies);
        }
        let figures = LoadFigures {
            seconds,
            answered: total.count,
            errors,
            offered_per_s: cell.load.rate_per_s,
            sent_per_s: cell.load.rate_per_s.unwrap_or(rate_per_s),
            rate_per_s,
            lag: times(nature.lag_ns),
            response: total.clone(),
            total_hdr_v2_base64: cell.load.rate_per_s.map(|_| {
                let mut all = histogram::empty();
                all.saturating_record_n(total.max_ns, total.count);
                histogram::encode(&all)
            }),
            connections_open: cell.load.connections,
            in_flight: Some(rate_per_s * total.mean_ns / 1e9),
            in_flight_by_law: Some(rate_per_s * total.mean_ns / 1e9),
            generator_busy_share: Some(0.5),
            impatient: cell
                .load
                .patience_ms
                .map(|_| ImpatientFigures { good_per_s: rate_per_s, ..ImpatientFigures::default() }),
            series: match nature.restless {
                Some(loads) => start_up(rate_per_s, self.starts <= loads, cell.load.duration_ms),
                None => match nature.watched_fall {
                    Some(fall) => {
                        let warm = since + Duration::from_millis(cell.load.warm_up_ms);
                        falling(rate_per_s, fall, &self.looks, warm, cell.load.duration_ms)
                    }
                    None => series(&nature, cell),
                },
            },
            total,
            ..LoadFigures::default()
        };
        let interval = Duration::from_millis(10);
        let intervals = (cell.load.warm_up_ms + cell.load.duration_ms) / 10;
        let until = |end: u64| (rate_per_s * end as f64 * interval.as_secs_f64()).round() as u64;
        let counts = (0..intervals).map(|place| until(place + 1) - until(place)).collect();
        Ok(Drive { figures, answers: Answers { interval, counts }, beats: beats(&nature, since, end) })
    }

    fn wait(&mut self, _server: &Cell, cell: &Cell) -> Result<WaitingFigures, CellFault> {
        let stopped_by = self.nature(cell).jams_at;
        let beside = vec![Beside { waiting: 0, other_p50_ns: Some(50_000) }];
        let held = HeldWaiters { waiting: 1, memory_bytes: None, kernel_bytes: None, cores_used: 0.0 };
        let (released_fin_ns, released_reset_ns) = (vec![200_000], vec![300_000]);
        Ok(WaitingFigures { beside, stopped_by, held: Some(held), released_fin_ns, released_reset_ns })
    }

    fn stop(&mut self, server: Cell) -> Result<Farewell, CellFault> {
        self.log.push(format!("stop {}", server.contestant));
        let crew = WorkerCount { standing: self.nature(&server).workers, asked: 4 };
        self.cpu += std::mem::take(&mut self.left);
        let life_s = self.cpu.as_secs_f64() + self.nature(&server).life_beyond;
        Ok(Farewell {
            requests_by_worker: vec![1, 2],
            crew: Some(crew),
            cpu_whole_life: Some(Duration::from_secs_f64(life_s.max(0.0))),
        })
    }
}
