//! Page, terminal and Markdown open with the answer: a picture, and one sentence with its ratios and how sure they are.

mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, EndedEarly, Silent};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_measure::experiment::{connections, curve, scale};
use dyno_measure::place::Placement;
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_measure::setup::Setup;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Header, RateLimit};
use dyno_record::store::Records;
use dyno_report::Report;

/// How an experiment is run.
type Run = fn(&mut Campaign<Mock>, &Setup) -> Result<(), EndedEarly>;

const EXPERIMENTS: [(Experiment, Run, &str); 4] = [
    (
        Experiment::Compare,
        |campaign, setup| {
            compare::run(campaign, setup, Rounds { capacity: 1, connect: 1, duration_ms: 160 }, None)
        },
        "swift and fast tie for the highest capacity: 20.0 k/s to 20.1 k/s; 2.0 times slow",
    ),
    (
        Experiment::Curve,
        |campaign, setup| curve::run(campaign, setup, RateLimit::USUAL),
        "tie for the highest rate that keeps the limit (p99 within 10.0 ms)",
    ),
    (
        Experiment::Scale,
        |campaign, setup| scale::run(campaign, setup, &Placement::flat(&[0, 1]), &[]),
        "tie for the highest capacity on 1 core",
    ),
    (
        Experiment::Connections,
        |campaign, setup| connections::run(campaign, setup, &[10, 1_000]),
        "No difference was seen in memory above idle with 1000 connections",
    ),
];

/// The report of `fast`, `swift`, which is level with it, `slow`, `broken`, which never starts, and `liar`, whose
/// bodies are wrong.
fn report(experiment: Experiment, run: Run) -> Report {
    let names = ["fast", "slow", "swift", "broken", "liar"];
    let nature = |capacity_per_s, starts| Nature { capacity_per_s, starts, ..Nature::default() };
    let natures = [
        ("fast".to_string(), nature(20_000.0, true)),
        ("swift".to_string(), nature(20_060.0, true)),
        ("slow".to_string(), nature(10_000.0, true)),
        ("broken".to_string(), nature(1.0, false)),
        ("liar".to_string(), Nature { wrong_bodies: 3, ..nature(20_000.0, true) }),
    ];
    let contestants: Vec<Contestant> = names.map(|name| bare(name, vec![name.into()])).into();
    let setup = Setup { blocks: 7, ..setup(contestants) };
    let mut progress = Silent;
    let rig = Mock { natures: natures.into(), ..Mock::default() };
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    run(&mut campaign, &setup).unwrap();
    let header = planted::header(experiment, &setup.contestants, setup.blocks);
    let header = Header { limit: Some(RateLimit::USUAL), ..header };
    Report::of(&Levelled::of(Records { header, cells: campaign.records().to_vec() })).unwrap()
}

fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_form_of_every_experiment_opens_with_the_answer() {
    for (experiment, run, told) in EXPERIMENTS {
        let report = report(experiment, run);
        let terminal = unwrapped(&report.terminal);
        assert!(terminal.contains(told), "{experiment}: {terminal}");
        // The picture stands first, then the sentence, then the table.
        let bars = report.terminal.find('█').unwrap_or_else(|| panic!("{experiment}: {}", report.terminal));
        let told_at =
            ["tie for", "No difference was seen"].iter().filter_map(|words| report.terminal.find(words));
        assert!(told_at.min().is_some_and(|sentence| bars < sentence), "{}", report.terminal);
        assert!(report.terminal.lines().all(|line| line.chars().count() <= 80), "{}", report.terminal);
        assert!(
            unwrapped(&report.markdown.chars().take(600).collect::<String>()).contains(told),
            "{experiment}: {}",
            report.markdown
        );
        let page = &report.html;
        let answer = page.find("<div class=\"answer\">").unwrap_or_else(|| panic!("{experiment}"));
        let rest = page.find("</section>").unwrap();
        assert!(answer < rest, "{experiment}: the answer is in the first part");
        assert!(page[answer..rest].contains("class=\"figure standings\""), "{experiment}");
        let sure = if experiment == Experiment::Curve { "confirmed to refuted" } else { "95 % intervals" };
        assert!(unwrapped(&page[answer..rest]).contains(sure), "{experiment}");
    }
}

#[test]
fn who_has_no_value_is_in_the_picture_with_the_reason() {
    let report = report(Experiment::Compare, EXPERIMENTS[0].1);
    let line = report.terminal.lines().find(|line| line.starts_with("broken")).unwrap();
    assert!(line.contains("void: it does not start"), "{line}");
}

#[test]
fn what_the_server_itself_could_not_do_is_a_wall() {
    let report = report(Experiment::Compare, EXPERIMENTS[0].1);
    let lines = |name: &str| -> String {
        report.terminal.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>().join("\n")
    };
    assert!(lines("liar").contains(" wall") && !lines("liar").contains("void"), "{}", lines("liar"));
    assert!(lines("broken").contains(" void") && !lines("broken").contains("wall"), "{}", lines("broken"));
    assert!(report.markdown.lines().any(|line| line.starts_with("| liar | wall |")), "{}", report.markdown);
    assert!(report.html.contains("\">wall</td>"));
}

#[test]
fn pictures_stand_alone_and_have_names_of_their_own() {
    for (experiment, run, _) in EXPERIMENTS {
        let report = report(experiment, run);
        let mut names: Vec<&str> = report.pictures.iter().map(|picture| picture.name.as_str()).collect();
        assert_eq!(names.first(), Some(&"verdict"), "{experiment}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), report.pictures.len(), "{experiment}");
        for picture in &report.pictures {
            assert!(picture.svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""), "{}", picture.name);
            assert!(picture.svg.contains("--readiness") && !picture.svg.contains("NaN"), "{}", picture.name);
            assert!(!picture.words.is_empty(), "{}", picture.name);
        }
    }
    let names: Vec<String> = report(Experiment::Compare, EXPERIMENTS[0].1)
        .pictures
        .into_iter()
        .map(|picture| picture.name)
        .collect();
    for name in ["verdict", "latency", "percentiles-foreign", "trade-off"] {
        assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
    }
}

#[test]
fn every_name_in_a_table_leads_to_its_entry() {
    for (experiment, run, _) in EXPERIMENTS {
        let html = report(experiment, run).html;
        planted::assert_links_lead(&html);
        for name in ["fast", "slow", "swift"] {
            assert!(html.contains(&format!("href=\"#who-{name}\"")), "{experiment} {name}");
            assert_eq!(html.matches(&format!("id=\"who-{name}\"")).count(), 1, "{experiment} {name}");
        }
        for word in ["void", "wall", "at least", "too few"] {
            assert!(html.contains(&format!("<dt>{word}</dt>")), "{experiment}: {word} is explained");
        }
    }
}
