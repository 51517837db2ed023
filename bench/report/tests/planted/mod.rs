//! What the tests of reports share: the header of an experiment on planted servers, and what holds of every page.

#![allow(dead_code, reason = "each file of tests uses its part")]

use dyno_measure::contestant::Contestant;
use dyno_record::SCHEMA;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Environment, Header};

/// The header of an experiment on a machine of which nothing is known.
pub(crate) fn header(experiment: Experiment, contestants: &[Contestant], blocks: u32) -> Header {
    Header {
        schema: SCHEMA,
        experiment,
        command: vec!["dyno".into(), experiment.to_string()],
        spec: None,
        seed: 3,
        blocks,
        began_unix_ms: 1_700_000_000_000,
        threshold: 0.05,
        limit: None,
        compute_rounds_per_us: None,
        contestants: contestants.iter().map(Contestant::line).collect(),
        environment: Environment::default(),
        floor: None,
    }
}

/// A contestant of which only name and family matter.
pub(crate) fn contestant(label: &str, family: &str) -> Contestant {
    Contestant {
        idea: "an idea".into(),
        family: family.into(),
        ..dyno_measure::contestant::foreign::bare(label, vec!["dyno".into()])
    }
}

/// Every link within a page leads somewhere on it.
pub(crate) fn assert_links_lead(html: &str) {
    for link in html.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap_or_default();
        assert!(html.contains(&format!("id=\"{target}\"")), "a link leads to #{target}, which is not there");
    }
}
