//! Planted bouts: what is read of them, and which of them do not count.

use dyno_clients::books::bursts::BurstSide;
use dyno_record::audit::Law;
use dyno_record::cell::{Cell, Cores, InTurn, Load, Trial};
use dyno_record::server::CpuAccount;
use dyno_record::step::Step;
use dyno_record::transport::TransportKind;
use dyno_units::verdict::Verdict;

use super::*;

const MS: u64 = 1_000_000;

/// Both sides: answers in a group, bursts in milliseconds of a group, CPU in microseconds of a group.
#[derive(Clone, Copy)]
struct Planted {
    answers: [u64; 2],
    active_ms: [u64; 2],
    cpu_us: [u64; 2],
}

const USUAL: Planted = Planted { answers: [3_000, 2_000], active_ms: [25, 25], cpu_us: [24_000, 24_000] };

/// Eight groups, the first two of which are warm-up and cost four times as much.
fn bout(planted: Planted, with_group: bool) -> Bout {
    let mut bout = Bout { warm: 2, ..Bout::default() };
    let mut cpu = [Duration::ZERO; 2];
    let glance = |number: u64, cpu: Duration| CpuGlance {
        at: Duration::from_millis(number * 60),
        until: Duration::from_millis(number * 60),
        clocks: cpu,
        clocks_again: cpu,
        group: with_group.then_some(cpu),
        ..CpuGlance::default()
    };
    for number in 0..9 {
        for (side, cpu) in bout.sides.iter_mut().zip(cpu) {
            side.glances.push(glance(number, cpu));
        }
        if number == 8 {
            break;
        }
        let price = if number < 2 { 4 } else { 1 };
        let mut group =
            BurstGroup { busy_ns: 25 * MS, took_ns: 50 * MS, paused_ns: 0, ..BurstGroup::default() };
        for (place, cpu) in cpu.iter_mut().enumerate() {
            *cpu += Duration::from_micros(planted.cpu_us[place] * price);
            group.sides[place] = BurstSide {
                answered: planted.answers[place],
                bursts: 18,
                active_ns: planted.active_ms[place] * MS,
                open: 64,
                ..BurstSide::default()
            };
        }
        bout.groups.push(group);
    }
    for side in &mut bout.sides {
        side.before.glance = side.glances[0];
        side.after.glance = side.glances[8];
        side.before.tree.threads = Some(Default::default());
        side.after.tree.threads = Some(Default::default());
        side.after.machine.busy = Duration::from_millis(480);
        side.after.machine.all = Duration::from_millis(960);
    }
    bout
}

fn judged(bout: &Bout, place: usize) -> (Record, Vec<(Law, Verdict)>) {
    let cell = Cell {
        step: Step::Duel,
        contestant: ["a", "b"][place].into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load: Load {
            turns: Some(InTurn { against: ["b", "a"][place].into(), burst_us: 1_000 }),
            ..Load::closed(64, 100, 400)
        },
    };
    let mut record = Record::new(Trial { cell, block: 0 }, "m");
    let findings = fill(bout, place, 2, &mut record);
    (record, findings.into_iter().map(|one| (one.law, one.verdict)).collect())
}

#[test]
fn each_side_has_its_own_time_and_its_own_cpu_and_the_warm_up_is_left_out() {
    for (with_group, account) in [(true, CpuAccount::Group), (false, CpuAccount::Clocks)] {
        let bout = bout(USUAL, with_group);
        for (place, cpu_ns, rate) in [(0, 8_000.0, 120_000.0), (1, 12_000.0, 80_000.0)] {
            let (record, findings) = judged(&bout, place);
            assert_eq!(findings, []);
            let is =
                |value: f64, wanted: f64| assert!((value / wanted - 1.0).abs() < 1e-9, "{value} {wanted}");
            is(record.cpu_as_measured_ns().unwrap(), cpu_ns);
            is(record.rate_as_measured_per_s().unwrap(), rate);
            let server = record.server.unwrap();
            is(server.seconds, 6.0 * 0.025);
            is(server.cores_used, 0.96);
            assert_eq!(server.account, Some(account));
        }
    }
}

#[test]
fn a_side_that_had_time_to_spare_says_at_least() {
    let (_, findings) = judged(&bout(Planted { cpu_us: [12_000, 24_000], ..USUAL }, true), 0);
    assert_eq!(findings, [(Law::ServerBottleneck, Verdict::AtLeast)]);
}

#[test]
fn wrong_accounts_answers_and_strangers_are_found() {
    type Spoil = fn(&mut Bout);
    let cases: [(&str, Law, Spoil); 5] = [
        ("another account of its CPU", Law::UtilizationLaw, |bout| {
            for (number, glance) in bout.sides[0].glances.iter_mut().enumerate() {
                glance.group = glance.group.map(|cpu| cpu + Duration::from_millis(number as u64 * 3));
            }
        }),
        ("work that goes with time", Law::CostEven, |bout| {
            for (number, glance) in bout.sides[0].glances.iter_mut().enumerate().skip(6) {
                let beside = Duration::from_millis((number as u64 - 5) * 40);
                (glance.clocks, glance.clocks_again) = (glance.clocks + beside, glance.clocks_again + beside);
                glance.group = glance.group.map(|cpu| cpu + beside);
            }
        }),
        ("wrong bodies", Law::Bodies, |bout| {
            bout.groups[4].sides[0].failed.insert(dyno_clients::outcome::ErrorKind::Body, 1);
        }),
        ("failures", Law::Errors, |bout| {
            bout.groups[4].sides[0].failed.insert(dyno_clients::outcome::ErrorKind::Reset, 1_000);
        }),
        ("a stranger", Law::MachineIdle, |bout| {
            for side in &mut bout.sides {
                side.after.machine.busy = Duration::from_millis(960);
            }
        }),
    ];
    for (name, law, spoil) in cases {
        let mut spoilt = bout(USUAL, true);
        spoil(&mut spoilt);
        let (_, findings) = judged(&spoilt, 0);
        assert!(findings.contains(&(law, Verdict::Void)), "{name}: {findings:?}");
        let of_both = matches!(law, Law::MachineIdle);
        let (_, other) = judged(&spoilt, 1);
        assert_eq!(other.contains(&(law, Verdict::Void)), of_both, "{name}: {other:?}");
    }
}

#[test]
fn a_server_that_answers_nothing_is_void_and_has_figures_that_can_be_written() {
    let nothing = Planted { answers: [0, 2_000], active_ms: [0, 25], cpu_us: [0, 24_000] };
    let (record, findings) = judged(&bout(nothing, true), 0);
    assert!(findings.contains(&(Law::Errors, Verdict::Void)), "{findings:?}");
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap().load, record.load);
}
