//! Of what the CPU of a request is made, for each contestant alone: the parts that are counted and priced, and the
//! rest, which is what all of them do, such as receiving, sending and HTTP.

use dyno_record::header::UnitPrice;
use dyno_record::measured::Record;
use dyno_record::step::Step;

use crate::cost_part::CostPart;
use crate::explanation::build::Build;
use crate::explanation::{Side, explain};
use crate::unit::{Cost, Unit};

/// Of what the CPU of a contestant's request is made, under one kind of load.
#[derive(Debug, Clone, PartialEq)]
pub struct CostStack {
    /// The contestant.
    pub label: String,
    /// The kind of load.
    pub step: Step,
    /// CPU per request as measured, in nanoseconds.
    pub cpu_ns: f64,
    /// The parts that it has, each once, in nanoseconds.
    pub parts: Vec<(CostPart, f64)>,
    /// What could not be counted, or has no price here.
    pub not_available: Vec<&'static str>,
}

impl CostStack {
    /// What no part explains, in nanoseconds; below nothing where the parts are priced too high.
    pub fn rest_ns(&self) -> f64 {
        self.cpu_ns - self.parts.iter().map(|part| part.1).sum::<f64>()
    }

    /// The largest part.
    pub fn largest(&self) -> Option<(CostPart, f64)> {
        self.parts.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1))
    }
}

/// The price of a unit among recorded ones.
pub fn price(prices: &[UnitPrice], unit: Unit) -> Option<Cost> {
    let found = prices.iter().find(|price| price.unit == unit.name())?;
    Some(Cost { ns: found.ns, switches: found.switches, faults: found.faults })
}

/// The stacks of these contestants, of those whose CPU is known, for lasting connections and for a connection each.
pub fn stacks(cells: &[&Record], contestants: &[(&str, Build)], prices: &[UnitPrice]) -> Vec<CostStack> {
    let mut all = Vec::new();
    for (name, build) in contestants {
        let side = Side { name, build: *build };
        // The reasons of no difference: each is counted and priced for both, who are one.
        for found in explain(cells, [side, side], &|unit| price(prices, unit)) {
            let mut parts: Vec<(CostPart, f64)> = Vec::new();
            for part in CostPart::ALL {
                let of_part = found.reasons.iter().filter(|reason| reason.part == part);
                let ns: f64 = of_part.map(|reason| reason.per_request[0] * reason.cost_ns[0]).sum();
                parts.extend((ns > 0.0).then_some((part, ns)));
            }
            all.push(CostStack {
                label: (*name).to_string(),
                step: found.step,
                cpu_ns: found.cpu_ns[0],
                parts,
                not_available: found.not_available,
            });
        }
    }
    all
}
