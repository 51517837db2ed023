use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::header::{Environment, Header};
use dyno_record::load::{Latency, LoadFigures};
use dyno_record::server::ServerFigures;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;

use super::*;

/// How a planted design behaves under a workload.
#[derive(Clone, Copy)]
struct Planted {
    rate_per_s: f64,
    /// Share of its one core that it uses.
    busy: f64,
    generator_busy: f64,
    /// Whether it fails by its own limit.
    fails: bool,
}

const CARRIES: Planted = Planted { rate_per_s: 50_000.0, busy: 0.6, generator_busy: 0.7, fails: false };

fn line(label: &str) -> ContestantLine {
    let word = |text: &str| text.to_string();
    ContestantLine { label: word(label), idea: word(""), family: word("readiness"), command: Vec::new() }
}

fn record(label: &str, workload: &Workload, planted: Planted, step: Step, block: u32) -> Record {
    let load = Load {
        workload: Some(workload.name.to_string()),
        rate_per_s: (step == Step::Latency).then_some(10_000.0),
        ..Load::closed(workload.clients.connections, 50, 120)
    };
    let cell = Cell {
        step,
        contestant: label.into(),
        service: workload.service.to_string(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load,
    };
    // Two in a hundred of scatter, the same for all designs of a block.
    let scatter = 1.0 + 0.01 * (f64::from(block % 3) - 1.0);
    let rate_per_s = planted.rate_per_s * scatter;
    let total =
        Latency { count: 5_000, percentiles: vec![(50.0, 900_000), (99.0, 2_000_000)], ..Latency::default() };
    let finding =
        |law, verdict, words: &str| Finding { law, verdict, latency: Verdict::Sound, words: words.into() };
    let findings = if planted.fails {
        vec![finding(Law::Errors, Verdict::Void, "40 % of the requests failed (100 timeout)")]
    } else if planted.busy < 0.9 {
        vec![finding(Law::ServerBottleneck, Verdict::AtLeast, "the server used a part of its cores")]
    } else {
        Vec::new()
    };
    Record {
        load: Some(LoadFigures {
            rate_per_s,
            total,
            generator_busy_share: Some(planted.generator_busy),
            ..LoadFigures::default()
        }),
        server: Some(ServerFigures {
            cores_used: planted.busy,
            cores_allotted: 1,
            switches_per_s: Some(rate_per_s * 0.5),
            threads: 3,
            processes: 1,
            ..ServerFigures::default()
        }),
        audit: Audit::of(findings),
        ..Record::new(Trial { cell, block }, "m")
    }
}

fn planted(workload: &str, designs: &[(&str, Planted)], blocks: u32) -> Matrix {
    let workload = Workload::of(workload).unwrap();
    let mut cells = Vec::new();
    for block in 0..blocks {
        for (label, planted) in designs {
            cells.push(record(label, &workload, *planted, Step::Capacity, block));
        }
    }
    for (label, planted) in designs {
        cells.push(record(label, &workload, *planted, Step::Latency, 0));
    }
    let header = Header {
        schema: dyno_record::SCHEMA,
        experiment: Experiment::Workloads,
        command: Vec::new(),
        spec: None,
        seed: 7,
        blocks,
        began_unix_ms: 0,
        threshold: 0.05,
        limit: None,
        compute_rounds_per_us: None,
        contestants: designs.iter().map(|(label, _)| line(label)).collect(),
        environment: Environment::default(),
        floor: None,
    };
    matrix(&Levelled::of(Records { header, cells }))
}

fn standing<'a>(matrix: &'a Matrix, label: &str) -> &'a Standing {
    let place = matrix.designs.iter().position(|line| line.label == label).unwrap();
    &matrix.rows[0].scores[place].standing
}

#[test]
fn a_pool_jams_where_requests_wait_and_loops_tie() {
    let jams = Planted { rate_per_s: 400.0, busy: 0.04, generator_busy: 0.05, ..CARRIES };
    let threads = Planted { busy: 0.9, ..CARRIES };
    let designs = [("pool", jams), ("epoll", CARRIES), ("poll", CARRIES), ("threads", threads)];
    let matrix = planted("wait", &designs, 6);
    let row = &matrix.rows[0];
    assert_eq!(row.picks(), Picks { best: vec![1, 2], costly: vec![3], jammed: vec![0], ..Picks::default() });
    // A pool that uses less CPU for a request is no better for it.
    assert!(row.scores[0].cpu_ns.value() > row.scores[1].cpu_ns.value().map(|ns| ns * 0.5));
    assert!(row.scores[0].share.unwrap() < 0.01, "{:?}", row.scores[0].share);
    assert!((row.scores[3].share.unwrap() - 0.6 / 0.9).abs() < 0.02, "{:?}", row.scores[3].share);
    assert!((row.scores[0].seen.waiting.unwrap() - 2.0).abs() < 0.1, "two wait at a time");
    assert_eq!(row.scores[1].seen.switches, Some(0.5));
}

#[test]
fn a_cheap_design_that_cannot_carry_the_load_is_not_picked() {
    let lazy = Planted { rate_per_s: 4_000.0, busy: 0.02, generator_busy: 0.1, ..CARRIES };
    let matrix = planted("slow", &[("lazy", lazy), ("epoll", CARRIES)], 6);
    assert_eq!((standing(&matrix, "lazy"), standing(&matrix, "epoll")), (&Standing::Jammed, &Standing::Best));
    assert_eq!(matrix.rows[0].scores[1].share, Some(1.0));
}

#[test]
fn a_wall_is_told_in_its_own_words() {
    let matrix = planted("held", &[("select", Planted { fails: true, ..CARRIES }), ("epoll", CARRIES)], 6);
    let Standing::Fails(words) = standing(&matrix, "select") else { panic!("{matrix:?}") };
    assert!(words.contains("timeout"), "{words}");
    assert_eq!(matrix.rows[0].scores[0].share, None);
    let tallies = matrix.tallies();
    assert_eq!(tallies[0], StandingTally { failed: 1, judged: 1, ..StandingTally::default() });
    assert_eq!(tallies[1], StandingTally { best: 1, judged: 1, ..StandingTally::default() });
}

#[test]
fn where_the_generator_is_full_the_cost_decides() {
    // The generator pays for each connection, so rates are bounds; one of the two needs twice the CPU.
    let full = |rate_per_s, busy| Planted { rate_per_s, busy, generator_busy: 0.99, fails: false };
    let matrix = planted("connect", &[("epoll", full(12_000.0, 0.5)), ("threads", full(13_000.0, 0.98))], 6);
    assert_eq!(
        (standing(&matrix, "epoll"), standing(&matrix, "threads")),
        (&Standing::Best, &Standing::Costly)
    );
}

#[test]
fn a_full_server_that_answers_less_is_slower() {
    let full = |rate_per_s| Planted { rate_per_s, busy: 0.98, ..CARRIES };
    let matrix = planted("hello", &[("fast", full(90_000.0)), ("slow", full(60_000.0))], 6);
    assert_eq!((standing(&matrix, "fast"), standing(&matrix, "slow")), (&Standing::Best, &Standing::Slower));
    assert_eq!(matrix.rows[0].common_per_s, Some(10_000.0));
    assert_eq!(matrix.rows[0].scores[0].p99_ns.value(), Some(2e6));
}

#[test]
fn too_few_blocks_decide_nothing_and_void_cells_say_why() {
    let few = planted("json", &[("a", CARRIES), ("b", Planted { rate_per_s: 20_000.0, ..CARRIES })], 3);
    assert!(matches!(standing(&few, "b"), Standing::Unknown(_)), "{few:?}");
    assert!(few.rows[0].scores[1].share.is_some(), "its figures are shown all the same");
    assert_eq!(few.rows[0].picks().best, [0usize; 0]);
}

#[test]
fn a_path_is_a_row_after_the_table() {
    let matrix = planted("/compute/7", &[("a", CARRIES), ("b", CARRIES)], 6);
    assert_eq!(matrix.rows[0].workload.name, "/compute/7");
    assert_eq!(matrix.rows[0].picks().best, [0, 1]);
}
