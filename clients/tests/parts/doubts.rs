//! What parts do to the verdict on the whole.

use dyno_clients::books::split::Split;
use dyno_clients::outcome::Outcome;
use dyno_clients::outcome::parts::Offset;
use dyno_clients::outcome::verdict::Doubt;
use dyno_clients::parts::LoadPart;
use dyno_clients::parts::merge::Merger;
use dyno_clients::plan::share::PlanShare;
use dyno_clients::report::text::{Statistics, summary};
use dyno_units::paint::Paint;
use dyno_units::verdict::Verdict;

use crate::stand::{MS, US, World};

fn merged(parts: Vec<LoadPart>, may_miss: bool) -> Outcome {
    let mut merger = Merger::default();
    for part in parts {
        merger.add("part.json", part).unwrap();
    }
    merger.finish(may_miss).unwrap()
}

fn text(outcome: &Outcome) -> String {
    let text = summary(outcome, Paint(false), Statistics::Shown);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    text
}

/// Requests that meet an idle server, from a generator that is late by so much.
fn quiet(world: &World, number: u32, lag_ns: u64) -> LoadPart {
    let mut made = world.made();
    for one in &mut made {
        let intended_ns = one.intended_ns();
        let sent_ns = intended_ns + lag_ns;
        one.answer(Split::new(intended_ns, intended_ns, sent_ns, sent_ns + 400 * US + intended_ns % 977));
    }
    world.part(&made, number)
}

#[test]
fn the_late_part_is_named_and_the_others_are_not() {
    let world = World { of: 3, ..World::default() };
    let of = |late_ns| vec![quiet(&world, 1, 2 * US), quiet(&world, 2, late_ns), quiet(&world, 3, 2 * US)];
    let sound = merged(of(2 * US), false);
    assert_eq!(sound.audit.verdict, Verdict::Sound, "{:?}", sound.audit.findings);
    assert!(text(&sound).contains("3 parts of 3 hosts"), "{}", text(&sound));
    let late = merged(of(600 * US), false);
    assert_eq!(late.audit.latency, Verdict::Void, "{:?}", late.audit.findings);
    assert_eq!(late.audit.rate, Verdict::Sound);
    let named: Vec<(&[u32], &str)> = late
        .audit
        .findings
        .iter()
        .filter_map(|finding| match &finding.doubt {
            Doubt::PartsDoubtful { numbers, kind, .. } => Some((numbers.as_slice(), kind.as_str())),
            _ => None,
        })
        .collect();
    assert!(named.contains(&(&[2], "generator-late")), "{named:?}");
    assert!(named.iter().all(|(numbers, _)| *numbers == [2]), "{named:?}");
    assert!(text(&late).contains("part 2 (host2): the generator was late"), "{}", text(&late));
    let verdicts: Vec<Verdict> = late.parts.iter().map(|part| part.latency).collect();
    assert_eq!(verdicts, [Verdict::Sound, Verdict::Void, Verdict::Sound]);
}

#[test]
fn a_part_that_is_missing_makes_the_rate_a_bound() {
    let world = World { of: 3, ..World::default() };
    let some = merged(vec![quiet(&world, 1, 0), quiet(&world, 3, 0)], true);
    assert_eq!((some.audit.rate, some.audit.latency), (Verdict::AtLeast, Verdict::Doubtful));
    assert!(text(&some).contains("part 2 of 3 is missing"), "{}", text(&some));
}

#[test]
fn what_all_parts_have_is_told_once_and_few_answers_of_a_part_are_no_doubt() {
    let world = World { of: 16, ..World::default() };
    let small = merged((1..=16).map(|number| quiet(&world, number, 0)).collect(), false);
    assert_eq!(small.audit.verdict, Verdict::Sound, "{:?}", small.audit.findings);
    assert!(text(&small).contains("and 4 more, sound at worst"), "{}", text(&small));
}

#[test]
fn starts_that_are_apart_are_doubtful_where_that_is_certain() {
    let world = World { of: 2, ..World::default() };
    let with = |ahead: [Option<(i64, i64)>; 2]| {
        let mut parts = vec![quiet(&world, 1, 0), quiet(&world, 2, 0)];
        for (part, ahead) in parts.iter_mut().zip(ahead) {
            part.clock.told.server_ahead = ahead.map(|(least_ns, most_ns)| Offset { least_ns, most_ns });
        }
        merged(parts, false)
    };
    let ms = MS as i64;
    for (ahead, verdict, words) in [
        ([None, None], Verdict::Sound, "how far apart the starts were is not known"),
        ([Some((-ms, ms)), None], Verdict::Sound, "is not known"),
        ([Some((0, ms)), Some((0, ms))], Verdict::Sound, "starts at most 1.00 ms apart"),
        // The window is half a second.
        ([Some((0, ms)), Some((6 * ms, 7 * ms))], Verdict::Sound, "starts 5.00 ms to 7.00 ms apart"),
        ([Some((0, 90 * ms)), Some((0, 90 * ms))], Verdict::Sound, "at most 90.0 ms apart"),
        (
            [Some((0, ms)), Some((40 * ms, 41 * ms))],
            Verdict::Doubtful,
            "did not start together: 39.0 ms apart",
        ),
    ] {
        let outcome = with(ahead);
        assert_eq!(outcome.audit.verdict, verdict, "{ahead:?} {:?}", outcome.audit.findings);
        assert!(text(&outcome).replace("\n    ", " ").contains(words), "{ahead:?} {}", text(&outcome));
    }
    let mut same = vec![quiet(&world, 1, 0), quiet(&world, 2, 0)];
    same.iter_mut().for_each(|part| part.boot = "one".into());
    assert!(text(&merged(same, false)).contains("started by one clock"));
}

#[test]
fn a_part_of_one_is_a_whole() {
    let world = World { of: 1, ..World::default() };
    let plan = world.plan(PlanShare::WHOLE);
    assert_eq!(plan.as_run().part, None);
    let one = merged(vec![quiet(&world, 1, 0)], false);
    assert!(text(&one).contains("1 part of 1 host"), "{}", text(&one));
}
