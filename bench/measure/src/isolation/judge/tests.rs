//! Planted logs and planted wrong outcomes: each is judged as what it is.

use super::*;

const WINDOW: WatchWindow = WatchWindow { settled: ms(50), fault: ms(1_000), end: ms(2_500) };

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn asked(at: u64, is_first: bool, end: Option<(u64, ExchangeEnd)>) -> VictimExchange {
    VictimExchange { asked: ms(at), is_first, end: end.map(|(at, how)| (ms(at), how)) }
}

fn log(exchanges: &[VictimExchange]) -> VictimLog {
    VictimLog { exchanges: exchanges.to_vec(), closed: Vec::new() }
}

fn well(at: u64) -> VictimExchange {
    asked(at, false, Some((at + 5, ExchangeEnd::Answered)))
}

#[test]
fn the_worst_after_the_fault_is_a_victims_fate() {
    use ExchangeEnd::{Answered, Cut, Failed, Missed, Unreachable};
    for (name, exchanges, wanted) in [
        ("served before and after", vec![well(900), well(1_100)], Fate::Unharmed),
        ("nothing but before", vec![asked(0, true, Some((500, Cut)))], Fate::Unharmed),
        ("under way and answered", vec![asked(998, false, Some((1_003, Answered)))], Fate::Unharmed),
        ("under way and cut", vec![asked(998, false, Some((1_001, Cut))), well(1_100)], Fate::Cut),
        ("late", vec![asked(998, false, Some((1_320, Answered)))], Fate::Stalled),
        ("late, and cut later", vec![asked(998, false, Some((1_320, Answered))), well(1_400)], Fate::Stalled),
        ("never answered", vec![asked(1_100, false, None)], Fate::Stalled),
        ("asked shortly before the end", vec![asked(2_400, false, None)], Fate::Unharmed),
        ("a connection is refused", vec![asked(1_200, true, Some((1_200, Unreachable)))], Fate::Refused),
        ("503", vec![asked(1_200, false, Some((1_201, Failed(503))))], Fate::Refused),
        (
            "refused after it was cut",
            vec![asked(998, false, Some((1_001, Cut))), asked(1_021, true, Some((1_021, Unreachable)))],
            Fate::Cut,
        ),
        ("its own fault", vec![asked(1_200, true, Some((1_204, Missed)))], Fate::Unharmed),
        ("nothing at all", Vec::new(), Fate::Unharmed),
    ] {
        assert_eq!(fate(&log(&exchanges), WINDOW), wanted, "{name}");
    }
}

#[test]
fn an_idle_connection_that_ends_with_the_fault_is_cut_and_one_that_ended_before_is_not() {
    for (at, wanted) in [(999, Fate::Unharmed), (1_000, Fate::Cut), (1_400, Fate::Cut)] {
        let log = VictimLog { exchanges: vec![well(10), well(1_500)], closed: vec![ms(at)] };
        assert_eq!(fate(&log, WINDOW), wanted, "closed at {at} ms");
    }
}

#[test]
fn fates_add_up() {
    let logs = [
        log(&[well(1_100)]),
        log(&[asked(1_100, false, None)]),
        log(&[asked(1_100, false, Some((1_101, ExchangeEnd::Cut)))]),
        log(&[asked(1_100, false, Some((1_101, ExchangeEnd::Failed(503))))]),
    ];
    let wanted = VictimFates { unharmed: 1, stalled: 1, cut: 1, refused: 1 };
    assert_eq!(fates(logs.iter(), WINDOW), wanted);
}

#[test]
fn the_longest_wait_is_known_on_both_sides_of_the_fault() {
    let logs =
        [log(&[asked(100, false, Some((180, ExchangeEnd::Answered)))]), log(&[asked(990, false, None)])];
    assert_eq!(longest(logs.iter(), WINDOW), [ms(80), ms(1_510)]);
}

/// Tries every 100 ms after the fault: a letter each, good or bad.
fn tried(pattern: &str) -> Vec<(Duration, bool)> {
    let at = |place: usize| WINDOW.fault + ms(100 * place as u64);
    pattern.chars().enumerate().map(|(place, letter)| (at(place), letter == 'g')).collect()
}

#[test]
fn a_server_is_back_when_new_connections_are_served_for_good() {
    for (pattern, again, is_served) in [
        ("gggggggg", Some(0), true),
        ("bbgggggg", Some(200), true),
        ("gbbggggg", Some(300), true),
        ("bbbbbbbb", None, false),
        ("ggggbbbb", None, false),
        // One of four falls to a worker that is lost.
        ("gbggggbg", None, true),
        ("", None, false),
    ] {
        let tries = tried(pattern);
        assert_eq!(served_again(&tries, WINDOW), again.map(ms), "{pattern}");
        assert_eq!(serves(&tries), is_served, "{pattern}");
    }
}

#[test]
fn only_new_connections_that_were_seen_for_long_enough_are_tries() {
    let logs = [
        log(&[asked(500, true, Some((505, ExchangeEnd::Answered)))]),
        log(&[well(1_100)]),
        log(&[asked(1_200, true, Some((1_205, ExchangeEnd::Answered)))]),
        log(&[asked(1_300, true, Some((1_700, ExchangeEnd::Answered)))]),
        log(&[asked(1_400, true, None)]),
        log(&[asked(1_410, true, Some((1_412, ExchangeEnd::Missed)))]),
        log(&[asked(2_450, true, None)]),
    ];
    assert_eq!(tries(logs.iter(), WINDOW), [(ms(1_200), true), (ms(1_300), false), (ms(1_400), false)]);
}

#[test]
fn what_mends_a_server_follows_from_its_processes() {
    let well = ServerFacts {
        lives: true,
        culprits_ended: false,
        is_replaced: false,
        one_each: false,
        serves: true,
        is_occupied: false,
        keeps_memory: false,
    };
    let died = ServerFacts { culprits_ended: true, ..well };
    for (facts, wanted) in [
        (well, Mending::NotNeeded),
        (ServerFacts { lives: false, ..died }, Mending::Gone),
        (ServerFacts { lives: false, serves: false, ..died }, Mending::Gone),
        (ServerFacts { serves: false, is_occupied: true, ..well }, Mending::Hung),
        (ServerFacts { is_replaced: true, ..died }, Mending::Respawn),
        (died, Mending::Weakened),
        (ServerFacts { one_each: true, ..died }, Mending::PerConnection),
        (ServerFacts { one_each: true, is_replaced: true, ..died }, Mending::PerConnection),
        (ServerFacts { is_occupied: true, ..well }, Mending::Weakened),
        (ServerFacts { is_occupied: true, one_each: true, ..well }, Mending::PerConnection),
        (ServerFacts { keeps_memory: true, ..well }, Mending::Weakened),
        (ServerFacts { keeps_memory: true, one_each: true, ..well }, Mending::Weakened),
    ] {
        assert_eq!(mending(facts), wanted, "{facts:?}");
    }
}

fn judged(fault: PlantedFault, culprit: CulpritEnd, culprits_ended: bool, logs: &[VictimLog]) -> Vec<Law> {
    let found = findings(logs.iter(), WINDOW, fault, culprit, culprits_ended);
    found.iter().map(|finding| finding.law).collect()
}

/// For each fault the end that it makes, and one that shows that it did not take place.
#[test]
fn a_fault_that_did_not_take_place_makes_its_cell_void() {
    use CulpritEnd::{Answered, Cut, Silent};
    for (fault, real, fake) in [
        (PlantedFault::Control, (Answered(200), false), (Answered(404), false)),
        (PlantedFault::Panic, (Answered(500), false), (Answered(200), false)),
        (PlantedFault::Abort, (Cut, true), (Cut, false)),
        (PlantedFault::Exit, (Cut, true), (Answered(404), false)),
        (PlantedFault::Overflow, (Cut, true), (Answered(200), false)),
        (PlantedFault::Kill, (Cut, true), (Silent, false)),
        (PlantedFault::Spin, (Silent, false), (Answered(404), false)),
        (PlantedFault::Block, (Silent, false), (Cut, true)),
        (PlantedFault::Leak, (Answered(200), false), (Cut, true)),
    ] {
        assert_eq!(judged(fault, real.0, real.1, &[]), [], "{fault}");
        assert_eq!(judged(fault, fake.0, fake.1, &[]), [Law::FaultTookPlace], "{fault}");
    }
}

#[test]
fn what_went_wrong_before_the_fault_makes_the_cell_void() {
    let of = |exchange| judged(PlantedFault::Control, CulpritEnd::Answered(200), false, &[log(&[exchange])]);
    assert_eq!(of(well(100)), []);
    assert_eq!(of(asked(20, true, Some((900, ExchangeEnd::Answered)))), [], "before all had settled");
    assert_eq!(of(asked(100, true, Some((104, ExchangeEnd::Missed)))), [], "its own fault");
    assert_eq!(of(asked(100, false, Some((500, ExchangeEnd::Answered)))), [Law::WellBefore], "stalled");
    assert_eq!(of(asked(600, false, None)), [Law::WellBefore], "stalled into the fault");
    assert_eq!(of(asked(100, false, Some((101, ExchangeEnd::Cut)))), [Law::WellBefore], "cut");
    assert_eq!(of(asked(100, false, Some((101, ExchangeEnd::Failed(503))))), [Law::WellBefore], "refused");
    assert_eq!(of(asked(1_100, false, Some((1_101, ExchangeEnd::Wrong)))), [Law::Bodies], "a wrong answer");
}
