//! Which services a comparison asks for: one path, or several workloads.

use std::borrow::Cow;

use dyno_measure::suggest::closest;
use dyno_record::experiment::Experiment;
use dyno_record::workload::{Workload, all};

use super::spec::Spec;
use crate::exit::Failure;

/// The word for all workloads.
pub(crate) const ALL: &str = "workloads";

impl Spec {
    /// Decides whether a comparison is one of one service or of workloads, and checks their names. Without
    /// anybody named and without an option that says what is asked for, all workloads are compared.
    ///
    /// # Errors
    /// Usage (2) for a name that is no workload, and for servers that do not have the services of the
    /// workloads.
    pub(crate) fn settle_services(mut self) -> Result<Spec, Failure> {
        // A file may name the experiment as the records do.
        let is_named = self.experiment == Experiment::Workloads;
        if self.experiment != Experiment::Compare && !is_named {
            return Ok(self);
        }
        if self.services.is_empty() && (is_named || self.asks_for_nothing()) {
            self.services.push(ALL.to_string());
        }
        if !self.services.is_empty() && self.service != Spec::default().service {
            return Err(Failure::usage(
                "services are named beside a service",
                format!("leave one of them out; --services {} alone is that service", self.service),
            ));
        }
        match self.services.as_slice() {
            [] => return Ok(self),
            [path] if path.starts_with('/') && !is_named => {
                self.service.clone_from(path);
                self.services.clear();
                return Ok(self);
            }
            _ => {}
        }
        self.workloads()?;
        if self.peers || self.servers.is_some() || !self.own_servers.is_empty() {
            return Err(Failure::usage(
                "workloads ask for services that Dyno's own architectures alone have, not peers or servers of others",
                "compare other servers by one path that all have: `--services /`",
            ));
        }
        self.experiment = Experiment::Workloads;
        Ok(self)
    }

    /// Whether neither somebody is named nor an option given that tells what is asked for.
    fn asks_for_nothing(&self) -> bool {
        let usual = Spec::default();
        let names_nobody =
            self.names.is_empty() && !self.peers && self.servers.is_none() && self.own_servers.is_empty();
        names_nobody
            && self.service == usual.service
            && self.transports == usual.transports
            && self.connections == usual.connections
            && self.rate.is_none()
    }

    /// The workloads that are asked for, each once.
    ///
    /// # Errors
    /// Usage (2) for a name that is none.
    pub(crate) fn workloads(&self) -> Result<Vec<Workload>, Failure> {
        let mut found: Vec<Workload> = Vec::new();
        for word in &self.services {
            let named = match word.as_str() {
                ALL => all().into(),
                word => vec![Workload::of(word).ok_or_else(|| unknown(word))?],
            };
            for workload in named {
                if !found.contains(&workload) {
                    found.push(workload);
                }
            }
        }
        Ok(found)
    }
}

/// The names of the workloads, and the word for all.
pub(crate) fn names() -> Vec<&'static str> {
    let own = all().into_iter().filter_map(|workload| match workload.name {
        Cow::Borrowed(name) => Some(name),
        Cow::Owned(_) => None,
    });
    [ALL].into_iter().chain(own).collect()
}

fn unknown(word: &str) -> Failure {
    let known = names();
    let remedy = match closest(word, &known) {
        Some(meant) => format!("did you mean {meant}? "),
        None if word.is_empty() => "leave out the comma that nothing follows. ".to_string(),
        None => String::new(),
    };
    Failure::usage(
        format!("there is no workload \"{word}\""),
        format!("{remedy}The workloads are {}; a path begins with a slash", known[1..].join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str) -> Result<Spec, Failure> {
        let text = format!("experiment = 'compare'\n{text}");
        toml::from_str::<Spec>(&text).unwrap().settle_services()
    }

    #[test]
    fn who_asks_for_nothing_gets_all_workloads() {
        for (line, workloads, service) in [
            ("", 13, "/"),
            ("quick = true", 13, "/"),
            ("thorough = true\nseed = 3\nthreshold = '2%'", 13, "/"),
            ("server-cores = '0'\ngenerator-cores = '1'", 13, "/"),
            ("services = ['workloads']\nnames = ['epoll']", 13, "/"),
            ("services = ['hello', 'wait']", 2, "/"),
            ("services = ['wait', 'wait', '/json', '/compute/7']", 3, "/"),
            ("services = 'hello, wait'", 2, "/"),
            ("services = ['held']", 1, "/"),
            ("services = ['/']", 0, "/"),
            ("services = ['/json']", 0, "/json"),
            ("names = ['epoll', 'fork']", 0, "/"),
            ("peers = true", 0, "/"),
            ("service = '/json'", 0, "/json"),
            ("transports = 'plain,tls'", 0, "/"),
            ("connections = 8", 0, "/"),
            ("rate = '5k'", 0, "/"),
        ] {
            let spec = settled(line).unwrap_or_else(|failure| panic!("{line}: {failure}"));
            let found = spec.workloads().unwrap();
            assert_eq!((found.len(), spec.service.as_str()), (workloads, service), "{line}");
            let is_workloads = spec.experiment == Experiment::Workloads;
            assert_eq!(is_workloads, workloads > 0, "{line}");
            assert!(!is_workloads || spec.check_all_are_read().is_ok(), "{line}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (line, words) in [
            ("services = ['conect']", "did you mean connect"),
            ("services = ['hello', 'nonesuch']", "no workload \"nonesuch\""),
            ("services = ['hello', '']", "comma"),
            ("services = ['hello']\nservice = '/json'", "beside a service"),
            ("services = ['workloads']\npeers = true", "Dyno's own architectures alone"),
            ("services = ['hello', 'wait']\n[[server]]\nname = 'x'\ncommand = ['x']", "other servers"),
        ] {
            let failure = settled(line).map(|spec| spec.services).unwrap_err();
            let told = format!("{} {}", failure.message, failure.remedy);
            assert!(told.contains(words), "{line}: {told}");
        }
        let beside = settled("services = ['hello', 'wait']\nconnections = 8").unwrap();
        let failure = beside.check_all_are_read().unwrap_err();
        assert!(failure.remedy.contains("brings its own"), "{}", failure.remedy);
    }

    #[test]
    fn a_file_may_say_workloads() {
        let of = |text: &str| toml::from_str::<Spec>(text).unwrap().settle_services().unwrap();
        for (text, count) in
            [("experiment = 'workloads'", 13), ("experiment = 'workloads'\nservices = '/json'", 1)]
        {
            let spec = of(text);
            assert_eq!((spec.experiment, spec.workloads().unwrap().len()), (Experiment::Workloads, count));
        }
    }

    #[test]
    fn other_experiments_stay_what_they_are() {
        let spec = Spec::of(Experiment::Curve).settle_services().unwrap();
        assert!(spec.experiment == Experiment::Curve && spec.services.is_empty());
    }
}
