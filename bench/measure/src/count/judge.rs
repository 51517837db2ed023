//! From the accounts of two loads to figures, and whether these may be believed.

use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::instructions::InstructionFigures;
use dyno_units::verdict::Verdict;

use super::contract::{EventAccount, LoadAccount};
use crate::limits::{ACCOUNTS_TOLERANCE, INSTRUCTION_TOLERANCE};

/// Two loads that differ in their number of requests alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    /// The smaller and the larger one.
    pub(super) loads: [LoadAccount; 2],
    /// Nanoseconds of the guest's clock that an instruction took.
    pub(super) clock_ns: f64,
}

impl Pair {
    /// The figures, where there are any, and their audit. `events` are those of two loads of the same size.
    pub(super) fn judge(&self, events: [EventAccount; 2]) -> (Option<InstructionFigures>, Audit) {
        let [small, large] = &self.loads;
        let unaccounted_share = self.unaccounted_share();
        let mut findings = Vec::new();
        if (self.clock_ns - 1.0).abs() > INSTRUCTION_TOLERANCE {
            findings.push(void(
                Law::InstructionClock,
                format!("an instruction of the guest took {:.3} ns of its clock instead of 1", self.clock_ns),
            ));
        }
        match unaccounted_share {
            Some(share) if share > ACCOUNTS_TOLERANCE => findings.push(void(
                Law::AccountsAddUp,
                format!(
                    "the accounts of all sides differ from the time of all threads by {:.1} %",
                    share * 100.0
                ),
            )),
            Some(_) => {}
            None => findings.push(Finding {
                law: Law::AccountsAddUp,
                verdict: Verdict::Doubtful,
                latency: Verdict::Sound,
                words: "the guest's kernel tells no time of all threads, so nothing confirms the accounts"
                    .into(),
            }),
        }
        let more =
            |read: fn(&LoadAccount) -> u64| read(large).checked_sub(read(small)).filter(|more| *more > 0);
        let (Some(requests), Some(server)) = (more(|load| load.answered), more(|load| load.server)) else {
            findings.push(void(Law::Contract, "more requests took no more instructions".into()));
            return (None, Audit::of(findings));
        };
        let each = |count: u64| count as f64 / requests as f64;
        let events = |read: fn(&EventAccount) -> Option<u64>| {
            let [small, large] = &events;
            Some(each(read(large)?.checked_sub(read(small)?)?))
        };
        let figures = InstructionFigures {
            requests,
            per_request: each(server),
            system_calls_per_request: events(|event| event.system_calls),
            switches_per_request: events(|event| event.switches),
            generator_per_request: each(more(|load| load.generator).unwrap_or(0)),
            unaccounted_share,
        };
        (Some(figures), Audit::of(findings))
    }

    /// How far the accounts of all sides together are from the time that all threads ran, as a share of it.
    fn unaccounted_share(&self) -> Option<f64> {
        let all: u64 = self.loads.iter().map(|load| load.all).sum::<Option<u64>>()?;
        let sides: u64 = self.loads.iter().map(|load| load.server + load.generator + load.others).sum();
        (all > 0).then(|| (all as f64 - sides as f64).abs() / all as f64)
    }
}

/// The audit of a cell that the guest could not count.
pub(super) fn failed(words: &str) -> Audit {
    Audit::of(vec![void(Law::Contract, words.to_string())])
}

fn void(law: Law, words: String) -> Finding {
    Finding { law, verdict: Verdict::Void, latency: Verdict::Sound, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads of 100 and 200 requests of 16,000 instructions each, beside a start of 2 million.
    fn pair() -> Pair {
        let load = |answered: u64| {
            let (server, generator, others) =
                (2_000_000 + 16_000 * answered, 9_000_000 + 20_000 * answered, 50_000);
            LoadAccount { answered, server, generator, others, all: Some(server + generator + others) }
        };
        Pair { loads: [load(100), load(200)], clock_ns: 1.0005 }
    }

    fn events(small: u64, large: u64) -> [EventAccount; 2] {
        [small, large].map(|calls| EventAccount { system_calls: Some(calls), switches: None })
    }

    #[test]
    fn what_both_loads_begin_and_end_with_is_no_requests() {
        let (figures, audit) = pair().judge(events(350, 650));
        let figures = figures.unwrap();
        assert_eq!((figures.requests, figures.per_request), (100, 16_000.0));
        assert_eq!((figures.generator_per_request, figures.unaccounted_share), (20_000.0, Some(0.0)));
        assert_eq!((figures.system_calls_per_request, figures.switches_per_request), (Some(3.0), None));
        assert_eq!(audit.verdict, Verdict::Sound);
    }

    #[test]
    fn a_clock_that_counts_no_instructions_makes_all_void() {
        for (clock_ns, verdict) in
            [(1.0, Verdict::Sound), (1.009, Verdict::Sound), (1.02, Verdict::Void), (0.3, Verdict::Void)]
        {
            let (_, audit) = Pair { clock_ns, ..pair() }.judge(events(0, 0));
            assert_eq!(audit.verdict, verdict, "{clock_ns}");
        }
    }

    /// Whichever account is wrong, and to which side.
    #[test]
    fn accounts_that_do_not_add_up_make_a_cell_void() {
        type Plant = fn(&mut LoadAccount);
        let plants: [(&str, Plant); 5] = [
            ("half of the server's", |load| load.server /= 2),
            ("twice the server's", |load| load.server *= 2),
            ("half of the generator's", |load| load.generator /= 2),
            ("others are forgotten", |load| load.others += 1_000_000),
            ("the whole is too small", |load| load.all = load.all.map(|all| all / 2)),
        ];
        for (name, plant) in plants {
            for place in 0..2 {
                let mut pair = pair();
                plant(&mut pair.loads[place]);
                let (_, audit) = pair.judge(events(0, 0));
                assert_eq!(audit.verdict, Verdict::Void, "{name}, load {place}");
                assert_eq!(audit.findings[0].law, Law::AccountsAddUp, "{name}, load {place}");
            }
        }
    }

    #[test]
    fn what_cannot_be_confirmed_is_doubtful() {
        let mut pair = pair();
        pair.loads[1].all = None;
        let (figures, audit) = pair.judge(events(0, 0));
        assert_eq!(audit.verdict, Verdict::Doubtful);
        assert_eq!(figures.unwrap().unaccounted_share, None);
    }

    #[test]
    fn no_instructions_are_no_figure() {
        let mut pair = pair();
        pair.loads[1].server = pair.loads[0].server;
        let (figures, audit) = pair.judge(events(0, 0));
        assert!(figures.is_none() && audit.verdict == Verdict::Void);
    }
}
