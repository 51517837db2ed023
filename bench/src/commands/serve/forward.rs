//! `--forward ROUTE`: requests that other servers answer.

use std::io;
use std::path::Path;

use dyno_measure::suggest::closest;
use dyno_proxy::names::PolicyName;
use dyno_servers::services::forward::Forwarding;
use dyno_servers::services::forward::address::{ForwardRoute, NoRoute};
use dyno_units::show;

use crate::exit::Failure;
use crate::print::errln;

/// Requests that other servers answer.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Forwarding")]
pub(super) struct ForwardOptions {
    /// Have other servers answer what begins with a path: PREFIX=HOST:PORT[@WEIGHT],... (or unix:PATH); / is
    /// everything. May be given for several paths, of which the longest counts. Bodies are held whole: requests up to
    /// 1 MiB, answers up to 8 MiB.
    #[arg(long, value_name = "ROUTE", value_parser = route)]
    forward: Vec<ForwardRoute>,
    /// Which of a route's servers is asked: round-robin, random, least, p2c, peak-ewma, hash, lard, jiq; `--policy
    /// NAME` says the same where no file has that name [default: round-robin].
    #[arg(long, value_name = "NAME", requires = "forward", value_parser = dispatch)]
    dispatch: Option<PolicyName>,
    /// Ask each of them for this path every second, and leave alone who does not answer with 2xx or 3xx; without it a
    /// server is left alone when a request has found that it does not answer.
    #[arg(long, value_name = "PATH", requires = "forward", value_parser = path)]
    health: Option<String>,
}

impl ForwardOptions {
    /// How to dispatch, and the file with the rules of access, where `policy` is what --policy says: it may name
    /// either.
    ///
    /// # Errors
    /// Usage (2), where it may mean both, or neither.
    pub(super) fn read<'a>(
        &self,
        policy: Option<&'a Path>,
    ) -> Result<(PolicyName, Option<&'a Path>), Failure> {
        let given = self.dispatch.unwrap_or(PolicyName::RoundRobin);
        let Some(path) = policy.filter(|_| !self.forward.is_empty()) else { return Ok((given, policy)) };
        let Some(word) = path.to_str().filter(|word| !word.contains('/')) else { return Ok((given, policy)) };
        let named = word.parse::<PolicyName>();
        match (named, path.exists()) {
            (Ok(named), false) if self.dispatch.is_none_or(|dispatch| dispatch == named) => Ok((named, None)),
            (Ok(named), false) => Err(Failure::usage(
                format!("--dispatch {given} and --policy {named} say different things"),
                "leave one of them out",
            )),
            (Ok(named), true) => Err(Failure::usage(
                format!("--policy {named} may mean the file of that name, or how to dispatch"),
                format!("say --policy ./{named}, or --dispatch {named}"),
            )),
            (Err(_), true) => Ok((given, policy)),
            (Err(_), false) => Err(Failure::usage(
                format!("--policy {word}: there is no such file, and no such way to dispatch"),
                known(word),
            )),
        }
    }

    /// What is asked of other servers; `None`: nothing. `takes_uploads`: uploads are stored here.
    ///
    /// # Errors
    /// Usage (2), when uploads would be stored here and forwarded as well; or when the kernel refuses the memory that
    /// workers share.
    pub(super) fn forwarding(
        &self,
        dispatch: PolicyName,
        is_secure: bool,
        takes_uploads: bool,
    ) -> Result<Option<Forwarding>, Failure> {
        if self.forward.is_empty() {
            return Ok(None);
        }
        if takes_uploads && self.forward.iter().any(|route| "/uploads/".starts_with(&route.prefix)) {
            return Err(Failure::usage(
                "--uploads stores what --forward would send to others",
                "leave one of them out, or forward another path",
            ));
        }
        for route in &self.forward {
            let backends = show::many(route.backends.len() as u64, "backend");
            let prefix = if route.prefix.is_empty() { "/" } else { &route.prefix };
            errln!("forwards {prefix} to {backends}, by {dispatch}");
        }
        let failed = |error: io::Error| Failure::failed(format!("cannot share memory: {error}"), "");
        let forwarding = Forwarding::new(self.forward.clone(), dispatch, is_secure).map_err(failed)?;
        if let Some(path) = &self.health {
            let failed = |error| Failure::failed(format!("cannot watch the backends: {error}"), "");
            forwarding.probe(path).map_err(failed)?;
        }
        Ok(Some(forwarding))
    }
}

fn route(text: &str) -> Result<ForwardRoute, NoRoute> {
    text.parse()
}

/// The target of a probe, which becomes a part of a request.
fn path(text: &str) -> Result<String, &'static str> {
    let is_path =
        text.starts_with('/') && text.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'#');
    if is_path { Ok(text.to_owned()) } else { Err("a path begins with / and has no white space") }
}

fn dispatch(name: &str) -> Result<PolicyName, String> {
    name.parse().map_err(|_| format!("there is no such way to dispatch: {}", known(name)))
}

/// All ways to dispatch, and the one that was probably meant.
fn known(word: &str) -> String {
    let names = PolicyName::ALL.map(PolicyName::name);
    let guess = closest(word, &names).map_or(String::new(), |near| format!("did you mean {near}? "));
    format!("{guess}there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        forward: &[&str],
        dispatch: Option<PolicyName>,
        policy: Option<&str>,
    ) -> Result<(PolicyName, bool), String> {
        let forward = forward.iter().map(|text| text.parse().unwrap()).collect();
        let options = ForwardOptions { forward, dispatch, health: None };
        let read = options.read(policy.map(Path::new));
        read.map(|(dispatch, rules)| (dispatch, rules.is_some())).map_err(|failure| failure.to_string())
    }

    #[test]
    fn policy_names_rules_or_how_to_dispatch() {
        let (to, robin) = (&["/=127.0.0.1:1"][..], PolicyName::RoundRobin);
        assert_eq!(read(&[], None, Some("least")), Ok((robin, true)));
        assert_eq!(read(to, None, None), Ok((robin, false)));
        assert_eq!(read(to, None, Some("least")), Ok((PolicyName::Least, false)));
        assert_eq!(read(to, Some(PolicyName::P2c), Some("p2c")), Ok((PolicyName::P2c, false)));
        assert_eq!(read(to, Some(PolicyName::P2c), Some("./least")), Ok((PolicyName::P2c, true)));
        assert_eq!(read(to, None, Some("Cargo.toml")), Ok((robin, true)));
        for (dispatch, policy) in [(Some(PolicyName::P2c), "least"), (None, "leest"), (None, "no-such-file")]
        {
            assert!(read(to, dispatch, Some(policy)).is_err(), "{policy}");
        }
        assert!(known("leest").starts_with("did you mean least? "));
        assert!(known("round").starts_with("did you mean round-robin? "));
    }
}
