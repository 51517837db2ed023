//! A count of instructions beside a comparison, from planted records of both.

use dyno_analysis::levelling::Levelled;
use dyno_measure::contestant::foreign::bare;
use dyno_record::audit::Audit;
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::instructions::InstructionFigures;
use dyno_record::load::{Latency, LoadFigures};
use dyno_record::measured::Record;
use dyno_record::server::ServerFigures;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::{Report, Supplements};

mod planted;

/// Designs with their rate on a whole core, and the instructions of a request: the more, the slower, but for the last.
const DESIGNS: [(&str, f64, f64); 5] = [
    ("epoll", 100_000.0, 12_000.0),
    ("poll", 90_000.0, 13_000.0),
    ("thread-pool", 60_000.0, 18_000.0),
    ("tokio", 50_000.0, 20_000.0),
    ("fork", 40_000.0, 19_000.0),
];

fn cell(step: Step, contestant: &str, load: Load) -> Cell {
    Cell {
        step,
        contestant: contestant.into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load,
    }
}

fn records(experiment: Experiment, cells: Vec<Record>) -> Levelled {
    let contestants: Vec<_> = DESIGNS.iter().map(|(name, ..)| bare(name, vec![(*name).into()])).collect();
    Levelled::of(Records { header: planted::header(experiment, &contestants, 5), cells })
}

fn measured(experiment: Experiment) -> Levelled {
    let cells = DESIGNS.iter().flat_map(|(name, rate_per_s, _)| {
        (0..5).map(move |block| {
            let workload = (experiment == Experiment::Workloads).then(|| "hello".to_string());
            let load = Load { workload, ..Load::closed(64, 50, 120) };
            let total = Latency {
                count: 5_000,
                percentiles: vec![(50.0, 900_000), (99.0, 2_000_000)],
                ..Latency::default()
            };
            Record {
                load: Some(LoadFigures { rate_per_s: *rate_per_s, total, ..LoadFigures::default() }),
                server: Some(ServerFigures {
                    cores_used: 0.99,
                    cores_allotted: 1,
                    threads: 1,
                    processes: 1,
                    ..ServerFigures::default()
                }),
                audit: Audit::of(Vec::new()),
                ..Record::new(Trial { cell: cell(Step::Capacity, name, load), block }, "m")
            }
        })
    });
    records(experiment, cells.collect())
}

fn counted() -> Levelled {
    let cells = DESIGNS.iter().flat_map(|(name, _, instructions)| {
        let both = [(Step::Instructions, *instructions), (Step::InstructionsConnect, 4.0 * instructions)];
        both.into_iter().flat_map(move |(step, per_request)| {
            (0..5).map(move |block| Record {
                instructions: Some(InstructionFigures {
                    requests: 400,
                    per_request,
                    system_calls_per_request: Some(2.0),
                    switches_per_request: Some(0.1),
                    generator_per_request: 14_000.0,
                    unaccounted_share: Some(0.001),
                }),
                audit: Audit::of(Vec::new()),
                ..Record::new(Trial { cell: cell(step, name, Load::counted(16, 400)), block }, "m")
            })
        })
    });
    records(Experiment::Count, cells.collect())
}

#[test]
fn each_form_of_a_comparison_shows_what_was_counted_and_whether_it_agrees() {
    let counts = counted();
    for experiment in [Experiment::Compare, Experiment::Workloads] {
        let without = Report::of(&measured(experiment)).unwrap();
        let supplements = Supplements { counts: Some(&counts), ..Supplements::default() };
        let report = Report::with(&measured(experiment), &supplements).unwrap();
        // Of five, two neighbours change their places: 1 - 6 * 2 / (5 * 24).
        let agreement = "their rank correlation is 0.90";
        for (form, plain, words) in [
            (&report.terminal, &without.terminal, "12.0 k"),
            (&report.markdown, &without.markdown, "| epoll | 12.0 k | 2.00 | 0.10 | 48.0 k |"),
            (&report.html, &without.html, "Instructions per request with a connection each."),
        ] {
            let form = form.replace('\n', " ");
            assert!(form.contains(words) && form.contains(agreement), "{experiment:?}: {form}");
            assert!(!plain.contains("rank correlation is"), "{experiment:?}");
        }
        assert!(report.terminal.lines().all(|line| line.chars().count() <= 80), "{}", report.terminal);
    }
}
