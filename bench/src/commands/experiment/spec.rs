//! The options that describe an experiment.
//!
//! One type reads the command line (clap), a file and the records (serde). The name, the help and the default of each
//! option stand here and nowhere else: the keys of a file are the names of the options.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Command, FromArgMatches};
use dyno_measure::contestant::control::TOWER;
use dyno_measure::contestant::foreign::ServerTable;
use dyno_record::experiment::Experiment;
use dyno_record::header::RateLimit;
use dyno_record::isolation::PlantedFault;
use dyno_record::transport::TransportKind;
use dyno_servers::admission::Control;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::values::{
    BlockCount, CellTime, ConnectionCount, ControlWord, CoreList, Nanoseconds, PerSecond, Share, WarmUpTime,
};
use crate::exit::Failure;

/// Order of options that come after those that all experiments have.
const LAST: usize = 100;

/// The limit of a curve when the user sets none.
const LIMIT: Nanoseconds = Nanoseconds(RateLimit::USUAL.p99_ns);

/// The patience of clients when the user sets none: what people take for at once (Nielsen 1993).
const PATIENCE_MS: u64 = 100;

/// The share of requests that a good rate may lose when the user sets none.
const MISSED: Share = Share(RateLimit::USUAL.missed);

/// The options that describe an experiment.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Spec {
    /// Which experiment it is: on a command line the command itself.
    #[arg(skip = Experiment::Compare)]
    pub(crate) experiment: Experiment,
    /// Servers that a file describes itself, as a file of servers does.
    #[arg(skip)]
    #[serde(rename = "server")]
    pub(crate) own_servers: Vec<ServerTable>,
    /// Who takes part: names from `dyno list`, `io-uring:plain` for an arm, a well-known server such as nginx, or
    /// `../old/dyno:epoll` of another build [default: all]
    pub(crate) names: Vec<String>,
    /// Let nginx, Apache, lighttpd, HAProxy and h2o take part, as far as they are installed
    #[arg(long)]
    pub(crate) peers: bool,
    /// Servers of your own, described in a TOML file
    #[arg(long, value_name = "FILE")]
    pub(crate) servers: Option<PathBuf>,
    /// What is asked for, with a leading slash; see `dyno list`
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(crate) service: String,
    /// Several services under the load of each: names of workloads (told above), paths, `workloads` for all; one path
    /// is compared as --service is [default: workloads, unless somebody is named or another option says what is asked]
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "service", display_order = LAST)]
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "words")]
    pub(crate) services: Vec<String>,
    /// One or more of plain, channel (Dyno's own), hybrid (it with ML-KEM-768), resumed (it by tickets) and tls: each
    /// architecture runs behind each of them
    #[arg(
        long,
        alias = "transport",
        value_name = "LIST",
        value_delimiter = ',',
        default_value = TransportKind::Plain.word(),
        value_parser = transports()
    )]
    #[serde(alias = "transport", deserialize_with = "list")]
    pub(crate) transports: Vec<TransportKind>,
    /// Lasting connections, where an architecture serves so many
    #[arg(long, value_name = "N", default_value = "64")]
    pub(crate) connections: ConnectionCount,
    /// As fast as is still useful: 8 minutes for all of `compare`, 2 minutes for `compare --services /`
    #[arg(long, conflicts_with = "thorough")]
    pub(crate) quick: bool,
    /// As long as intervals need
    #[arg(long)]
    pub(crate) thorough: bool,
    /// Blocks: each runs every cell once, in an order of its own
    #[arg(long, value_name = "N")]
    pub(crate) blocks: Option<BlockCount>,
    /// Time measured in each cell, such as 800ms
    #[arg(long, value_name = "TIME")]
    pub(crate) duration: Option<CellTime>,
    /// Time left out at the start of each cell, such as 200ms [default: until a pilot was steady, within a limit]
    #[arg(long, value_name = "TIME")]
    pub(crate) warm_up: Option<WarmUpTime>,
    /// Cores of the servers, such as 0 or 0-3 [default: the first half]
    #[arg(long, value_name = "LIST")]
    pub(crate) server_cores: Option<CoreList>,
    /// Cores of the generator [default: the others]
    #[arg(long, value_name = "LIST")]
    pub(crate) generator_cores: Option<CoreList>,
    /// Relative difference that matters
    #[arg(long, value_name = "SHARE", default_value = "5%")]
    pub(crate) threshold: Share,
    /// Seed of the order and of the arrivals [default: taken from the clock]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Where results go [default: dyno-results/TIME-EXPERIMENT]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Common rate of the latency cells, such as 5k [default: half of what the slowest can do]
    #[arg(long, value_name = "RATE", display_order = LAST)]
    pub(crate) rate: Option<PerSecond>,
    #[arg(
        long,
        value_name = "TIME",
        display_order = LAST,
        help = format!("The 99th percentile that a good rate keeps [default: {LIMIT}]")
    )]
    pub(crate) limit: Option<Nanoseconds>,
    #[arg(
        long,
        value_name = "SHARE",
        display_order = LAST,
        help = format!("The share of requests that a good rate may lose [default: {}%]", MISSED.0 * 100.0)
    )]
    pub(crate) missed: Option<Share>,
    /// Numbers of connections [default: 10 to 10,000]
    #[arg(long, value_name = "LIST", value_delimiter = ',', display_order = LAST)]
    pub(crate) counts: Vec<ConnectionCount>,
    /// Faults that are planted, one or more of panic, abort, exit, overflow, kill, spin, block, leak and control
    /// [default: all]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        hide_possible_values = true,
        value_parser = faults(),
        display_order = LAST
    )]
    pub(crate) faults: Vec<PlantedFault>,
    /// Overload controls, as `dyno serve --admission` names them; deadline:accept and deadline:due count the wait
    /// from elsewhere [default: none and all others]
    #[arg(long, value_name = "LIST", value_delimiter = ',', display_order = LAST)]
    pub(crate) controls: Vec<ControlWord>,
    #[arg(
        long,
        value_name = "TIME",
        display_order = LAST,
        help = "How long clients wait before they give up [default: 100ms]"
    )]
    pub(crate) patience: Option<CellTime>,
}

impl Default for Spec {
    /// The settings of a command line without options.
    fn default() -> Self {
        let matches = Spec::augment_args(Command::new("dyno")).try_get_matches_from(["dyno"]);
        let spec = matches.and_then(|matches| Spec::from_arg_matches(&matches));
        spec.expect("no option is required, and every default can be read")
    }
}

impl Spec {
    /// The settings of an experiment without options.
    pub(crate) fn of(experiment: Experiment) -> Self {
        Spec { experiment, ..Spec::default() }
    }

    /// Refuses options that do not go together, wherever they were written.
    ///
    /// # Errors
    /// Usage (2) for options that contradict each other.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.quick && self.thorough {
            return Err(Failure::usage(
                "an experiment is not both quick and thorough",
                "leave one of them out",
            ));
        }
        if self.servers.is_some() && !self.own_servers.is_empty() {
            return Err(Failure::usage(
                "a file of servers is named beside servers that are described in place",
                "move all of them to one of the two",
            ));
        }
        if !self.service.starts_with('/') {
            return Err(Failure::usage(
                format!("the service {} has no leading slash", self.service),
                format!("say --service /{}", self.service),
            ));
        }
        Ok(())
    }

    /// The limit that a good rate of a curve must keep.
    pub(crate) fn limit(&self) -> RateLimit {
        RateLimit { p99_ns: self.limit.unwrap_or(LIMIT).0, missed: self.missed.unwrap_or(MISSED).0 }
    }

    /// The overload controls, `none` first: by it the others are measured.
    pub(crate) fn controls(&self) -> Vec<String> {
        let mut found = vec!["none".to_string()];
        let usual = Control::ALL.map(Control::name).into_iter().chain([TOWER]).map(String::from);
        let asked: Vec<String> = self.controls.iter().map(|word| word.0.clone()).collect();
        for word in if asked.is_empty() { usual.collect() } else { asked } {
            if !found.contains(&word) {
                found.push(word);
            }
        }
        found
    }

    /// How long clients wait before they give up, in milliseconds.
    pub(crate) fn patience_ms(&self) -> u64 {
        self.patience.map_or(PATIENCE_MS, CellTime::get)
    }

    /// The settings for the header of the records, without those that the user did not give.
    pub(crate) fn to_record(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut spec)) = serde_json::to_value(self) else { return Map::new() };
        spec.retain(|_, value| !value.is_null());
        spec
    }
}

/// The words of the faults.
fn faults() -> impl TypedValueParser<Value = PlantedFault> {
    let words = PlantedFault::ALL.map(|fault| PossibleValue::new(fault.word()).help(fault.idea()));
    PossibleValuesParser::new(words).map(|word| {
        let known = PlantedFault::ALL.into_iter().find(|fault| fault.word() == word);
        known.expect("the parser lets no other word pass")
    })
}

/// The words of the transports, with the help text of each.
pub(crate) fn transports() -> impl TypedValueParser<Value = TransportKind> {
    let words = TransportKind::ALL.map(|kind| {
        PossibleValue::new(kind.word()).help(match kind {
            TransportKind::Plain => "Nothing between TCP and HTTP",
            TransportKind::Channel => "Dyno's own secure channel",
            TransportKind::Hybrid => "The channel with ML-KEM-768 beside X25519",
            TransportKind::Resumed => "The channel, each client coming back by a ticket",
            TransportKind::Tls => "TLS 1.3",
        })
    });
    PossibleValuesParser::new(words).map(|word| {
        let known = TransportKind::ALL.into_iter().find(|kind| kind.word() == word);
        known.expect("the parser lets no other word pass")
    })
}

/// Transports as a list, or as on the command line: one text with commas.
fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TransportKind>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "transports are a list such as \"plain,tls\"")]
    enum List {
        Text(String),
        Words(Vec<TransportKind>),
    }
    match List::deserialize(deserializer)? {
        List::Words(words) => Ok(words),
        List::Text(text) => {
            let words = text.split(',').map(|word| Value::from(word.trim()));
            words.map(|word| serde_json::from_value(word).map_err(serde::de::Error::custom)).collect()
        }
    }
}

/// Words as a list, or as on the command line: one text with commas.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "services are a list such as \"hello,wait\"")]
    enum List {
        Text(String),
        Words(Vec<String>),
    }
    Ok(match List::deserialize(deserializer)? {
        List::Words(words) => words,
        List::Text(text) => text.split(',').map(|word| word.trim().to_string()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_what_was_asked() {
        let spec = Spec {
            names: vec!["epoll".into()],
            transports: vec![TransportKind::Plain, TransportKind::Tls],
            blocks: Some("7".parse().unwrap()),
            duration: Some("800ms".parse().unwrap()),
            server_cores: Some(CoreList(vec![0, 1])),
            limit: Some(Nanoseconds(2_500_000)),
            missed: Some(Share(0.002)),
            seed: Some(u64::MAX),
            ..Spec::of(Experiment::Curve)
        };
        let record = spec.to_record();
        assert_eq!(record["duration"], "800ms");
        assert!(!record.contains_key("output"), "{record:?}");
        let again: Spec = serde_json::from_value(record.into()).unwrap();
        assert_eq!(again, spec);
    }

    #[test]
    fn a_file_may_write_transports_either_way() {
        let of = |text: &str| toml::from_str::<Spec>(text).map(|spec| spec.transports);
        let both = [TransportKind::Plain, TransportKind::Tls];
        assert_eq!(of("transports = 'plain,tls'").unwrap(), both);
        assert_eq!(of("transport = ['plain', 'tls']").unwrap(), both);
        let error = of("transports = 'plain,smoke'").unwrap_err().to_string();
        assert!(error.contains("smoke") && error.contains("line 1"), "{error}");
    }
}
