//! The blocks: who is loaded when, and what each time came of it.

use dyno_clients::outcome::{Outcome, Partial};
use dyno_clients::plan::Plan;
use dyno_clients::plan::address::ServerAddress;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::exit::Failure;
use crate::limits::VERSUS_WARM_UP_PARTS;
use crate::load::carry::{self, Watching};
use crate::load::options::{How, PlaceOptions, TargetOptions};
use crate::load::view::Wanted;
use crate::load::{plan, progress, route, serving};
use crate::print::errln;

/// A server that takes part.
#[derive(Debug)]
pub(crate) struct Rival {
    /// The letter by which tables call it.
    pub(crate) letter: char,
    /// Its URL as it was given.
    pub(crate) url: String,
    /// Its blocks, in the order of time.
    pub(crate) blocks: Vec<RivalBlock>,
    plan: Plan,
}

/// What came of a server in a block.
#[derive(Debug)]
pub(crate) struct RivalBlock {
    /// The run.
    pub(crate) outcome: Outcome,
    /// CPU time that the server used for each answer, ns; absent where its processes cannot be seen.
    pub(crate) cpu_per_answer_ns: Option<f64>,
}

/// How long a block lasts, warm-up not included, and its warm-up, ns.
pub(crate) fn lengths(how: &How, whole_ns: u64, blocks: u32) -> (u64, u64) {
    let block_ns = (whole_ns / u64::from(blocks)).max(1);
    (block_ns, how.warmup.min(block_ns / VERSUS_WARM_UP_PARTS))
}

/// Makes a side of each URL.
///
/// # Errors
/// What is wrong with a URL or an option, or a server that is not there.
pub(crate) fn sides(
    target: &TargetOptions,
    others: &[String],
    how: &How,
    errors_max: f64,
) -> Result<Vec<Rival>, Failure> {
    let urls = std::iter::once(&target.place.url).chain(others);
    let side = |(letter, url): (char, &String)| {
        let place = PlaceOptions { url: url.clone(), ..target.place.clone() };
        let target = TargetOptions { place, ..target.clone() };
        let (mut plan, place) = plan::build(&target, how, errors_max)?;
        plan.address = route::reachable(&place, target.place.timeout)?;
        carry::learn(&mut plan)?;
        Ok(Rival { letter, url: url.clone(), blocks: Vec::new(), plan })
    };
    ('A'..='Z').zip(urls).map(side).collect()
}

/// Places the generator where no side's server runs, if there is such a core.
pub(crate) fn place(sides: &mut [Rival], how: &How) {
    let addresses: Vec<ServerAddress> = sides.iter().map(|side| side.plan.address.clone()).collect();
    for side in sides {
        plan::place(&mut side.plan, how, &addresses);
    }
}

/// Runs the blocks, each with the sides in random order. Interrupted, it keeps the blocks in which every side has had
/// its turn.
///
/// # Errors
/// When a run could not be made.
pub(crate) fn run(sides: &mut [Rival], blocks: u32, seed: u64, watching: Watching) -> Result<bool, Failure> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for block in 0..blocks {
        let mut order: Vec<usize> = (0..sides.len()).collect();
        order.shuffle(&mut random);
        let mut done: Vec<(usize, RivalBlock)> = Vec::new();
        for index in order {
            if watching.view != Wanted::Nothing {
                let side = &sides[index];
                errln!("block {} of {blocks}: {} {}", block + 1, side.letter, side.url);
            }
            let side = &sides[index];
            // All sides of a block meet the same arrivals, and each block others.
            let plan = Plan { seed: seed.wrapping_add(u64::from(block)), ..side.plan.clone() };
            done.push((index, one(plan, watching)?));
            if progress::is_interrupted() {
                return Ok(false);
            }
        }
        for (index, one) in done {
            sides[index].blocks.push(one);
        }
    }
    Ok(true)
}

fn one(plan: Plan, watching: Watching) -> Result<RivalBlock, Failure> {
    let address = plan.address.clone();
    let before = serving::cpu_time(&address);
    let outcome = carry::run(plan, Watching { view: Wanted::Nothing, ..watching })?;
    let used = serving::cpu_time(&address).zip(before).map(|(after, before)| after.saturating_sub(before));
    let answers: u64 = outcome.series.intervals.iter().map(|interval| interval.completed).sum();
    let cpu_per_answer_ns = used.filter(|_| answers > 0).map(|used| used.as_nanos() as f64 / answers as f64);
    Ok(RivalBlock { outcome, cpu_per_answer_ns })
}

impl RivalBlock {
    /// Whether it was run to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.outcome.partial != Some(Partial::Interrupted)
    }
}
