//! The verdicts on claims, from planted figures: on the terminal and as a page.

use dyno_analysis::textbook::{TrialRounds, judge};
use dyno_measure::textbook::claims;
use dyno_record::header::Environment;
use dyno_record::textbook::{ClaimVerdict, ClaimedQuantity, TEXTBOOK_SCHEMA, TextbookRun};
use dyno_report::textbook::{html, terminal};
use dyno_units::paint::Paint;

/// Every claim with figures that put its quantity at `value`, which differs from round to round by `spread`.
fn run(place: impl Fn(f64, f64) -> f64, spread: f64) -> TextbookRun {
    let findings = claims().map(|claim| {
        let range = claim.claimed;
        let value = place(range.least.unwrap_or(0.0), range.most.unwrap_or(range.least.unwrap_or(1.0) * 1e3));
        let each = |round: i32| value * (1.0 + spread * f64::from(round - 3));
        let second = if range.of == ClaimedQuantity::Ratio { vec![1_000.0; 7] } else { Vec::new() };
        let scale = if second.is_empty() { 1.0 } else { 1_000.0 };
        let rounds = TrialRounds { first: (0..7).map(|round| each(round) * scale).collect(), second };
        claim.finding(&rounds, judge(range, &rounds, 1))
    });
    TextbookRun {
        schema: TEXTBOOK_SCHEMA,
        began_unix_ms: 1_700_000_000_000,
        environment: Environment { optimized: true, ..Environment::default() },
        findings: findings.collect(),
    }
}

#[test]
fn planted_figures_inside_hold_and_those_outside_do_not() {
    let inside = run(|least, most| least + (most - least) * 0.5, 0.001);
    for finding in &inside.findings {
        // Of a claim that says "none", nothing lies inside but none itself.
        if finding.claimed.most != Some(0.0) {
            assert_eq!(finding.verdict, ClaimVerdict::Holds, "{finding:?}");
        }
    }
    let outside = run(|least, most| if least > 0.0 { least * 0.5 } else { most * 2.0 + 0.5 }, 0.001);
    for finding in &outside.findings {
        assert_eq!(finding.verdict, ClaimVerdict::DoesNotHold, "{finding:?}");
        assert!(finding.because.len() > 20, "{finding:?}");
    }
}

#[test]
fn every_verdict_of_every_claim_fits_the_terminal() {
    let wide = run(|least, most| if least > 0.0 { least } else { most }, 0.4);
    let none = TextbookRun {
        findings: claims().map(|claim| claim.untried("It could not be tried: no.".into())).collect(),
        ..wide.clone()
    };
    for run in [run(|least, _| least + 1.0, 0.01), run(|least, most| least + most * 1e9, 0.2), wide, none] {
        let text = terminal(&run, Paint(false));
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
        for finding in &run.findings {
            assert!(text.contains(&finding.name) && text.contains(finding.verdict.words()), "{text}");
        }
        assert!(text.contains(&format!("{} claims: ", run.findings.len())), "{text}");
    }
}

#[test]
fn the_page_has_a_card_with_a_picture_for_each_claim_and_no_markup_of_theirs() {
    let mut run = run(|least, most| least + (most - least) * 0.5, 0.01);
    run.findings[0].says = "<b>bold</b> & more".into();
    let page = html(&run, "dyno textbook <x>").unwrap();
    for finding in &run.findings {
        assert!(page.contains(&format!("id=\"{}\"", finding.name)), "{}", finding.name);
    }
    assert_eq!(page.matches("class=\"ruler\"").count(), run.findings.len());
    assert!(!page.contains("<b>bold") && page.contains("&lt;b&gt;bold&lt;/b&gt; &amp; more"));
    assert!(!page.contains("NaN") && !page.contains("inf\""), "every place in a picture is a number");
    assert!(!page.contains("id=\"others\""), "every group has its anchor");
}
