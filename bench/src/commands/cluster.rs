//! `dyno cluster`: several servers as one.

use std::io::{self, IsTerminal};
use std::str::FromStr;

use dyno_measure::suggest::closest;
use dyno_proxy::limits::BACKENDS;
use dyno_proxy::names::PolicyName;
use dyno_servers::architecture::{Architecture, Knob};
use dyno_servers::kit::listen::{ListenAddress, NoAddress};

use super::{CommandResult, serve};
use crate::cluster::{Cluster, ClusterPlan, truths};
use crate::exit::{Exit, Failure};
use crate::limits::CLUSTER_LAYERS;

/// Run a cluster: backends, and in front of them a first tier that dispatches.
///
/// It starts `dyno serve` for each, prints one ready line when all of them stand, and ends them all when it ends. So
/// it takes part in an experiment as one server: a `[[server]]` table with `command = ["dyno", "cluster", ...,
/// "--listen", "127.0.0.1:{port}"]` and `ready = "line"`. Whoever ends one of its processes sees on standard error
/// that it is gone, and in the answers what becomes of its requests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno cluster --tier epoll --policy least --backends 3xthread-pool:4\n  \
                        dyno load http://127.0.0.1:8080/json")]
pub(crate) struct Arguments {
    /// The architecture of the first tier, as `dyno list` names it.
    #[arg(long, value_name = "NAME")]
    tier: String,
    /// How the first tier dispatches: round-robin, random, least, p2c, peak-ewma, hash, lard, jiq.
    #[arg(long, visible_alias = "dispatch", value_name = "NAME", default_value = "round-robin", value_parser = policy)]
    policy: PolicyName,
    /// The backends: COUNTxNAME[:WORKERS], several kinds with commas between.
    #[arg(long, value_name = "LIST", required = true, value_delimiter = ',')]
    backends: Vec<Kind>,
    /// Tiers that dispatch, one before the other; the last of them knows the backends.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(CLUSTER_LAYERS)))]
    layers: u32,
    /// Address and port of the first tier; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = address)]
    listen: ListenAddress,
    /// Start nothing: simulate what each policy comes to with so many backends, by the code that dispatches; also
    /// with one that is slow, and with several first tiers.
    #[arg(long)]
    policies: bool,
    /// Lines of JSON, as where standard output is no terminal.
    #[arg(long)]
    json: bool,
}

/// Backends of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    count: usize,
    name: String,
    workers: Option<u32>,
}

/// The text is no kind of backends.
#[derive(Debug, thiserror::Error)]
#[error(
    "backends are COUNTxNAME or COUNTxNAME:WORKERS, as in 8xthread-pool:4, and a count is 1 to {BACKENDS}"
)]
struct NoKind;

impl FromStr for Kind {
    type Err = NoKind;

    fn from_str(text: &str) -> Result<Kind, NoKind> {
        let (count, rest) = text.split_once('x').ok_or(NoKind)?;
        let (name, workers) =
            rest.split_once(':').map_or((rest, None), |(name, workers)| (name, Some(workers)));
        let count = count.parse().ok().filter(|count| (1..=BACKENDS).contains(count)).ok_or(NoKind)?;
        let workers =
            workers.map(|text| text.parse().ok().filter(|workers| *workers > 0).ok_or(NoKind)).transpose()?;
        if name.is_empty() { Err(NoKind) } else { Ok(Kind { count, name: name.to_owned(), workers }) }
    }
}

/// Runs the cluster until it is stopped.
///
/// # Errors
/// A [`Failure`]: usage (2) for names that mean nothing, failed (1) when one of its servers does
/// not start, or when the first tier ends by itself.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let tier = serve::find(&arguments.tier)?;
    let mut backends = Vec::new();
    for kind in &arguments.backends {
        let architecture = serve::find(&kind.name)?;
        if kind.workers.is_some() && !architecture.knobs.contains(&Knob::Workers) {
            return Err(Failure::usage(
                format!("{} does not read --workers", kind.name),
                format!("say {}x{}", kind.count, kind.name),
            ));
        }
        backends.extend((0..kind.count).map(|_| backend(architecture, kind.workers)));
    }
    if backends.len() > BACKENDS {
        return Err(Failure::usage(
            format!("a cluster of {} backends", backends.len()),
            format!("it may have {BACKENDS}"),
        ));
    }
    if arguments.policies {
        let workers = arguments.backends.iter().find_map(|kind| kind.workers).unwrap_or(1);
        serve::say(&truths::table(backends.len(), workers as usize, arguments.json));
        return Ok(Exit::Success);
    }
    let plan = ClusterPlan {
        tier: tier.name,
        dispatch: arguments.policy.name(),
        backends,
        layers: arguments.layers,
        listen: arguments.listen.to_string(),
    };
    Cluster::start(&plan)?.run(!arguments.json && io::stdout().is_terminal(), serve::say)
}

/// What follows `serve` for a backend.
fn backend(architecture: &Architecture, workers: Option<u32>) -> Vec<String> {
    let mut arguments = vec![architecture.name.to_owned()];
    arguments.extend(workers.into_iter().flat_map(|workers| ["--workers".to_owned(), workers.to_string()]));
    arguments
}

fn policy(name: &str) -> Result<PolicyName, String> {
    let names = PolicyName::ALL.map(PolicyName::name);
    let guess = closest(name, &names).map_or(String::new(), |near| format!("did you mean {near}? "));
    name.parse()
        .map_err(|_| format!("there is no such way to dispatch: {guess}there are {}", names.join(", ")))
}

fn address(text: &str) -> Result<ListenAddress, NoAddress> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read() {
        let kind = |count, name: &str, workers| Kind { count, name: name.into(), workers };
        assert_eq!("8xthread-pool:4".parse::<Kind>().unwrap(), kind(8, "thread-pool", Some(4)));
        assert_eq!("1xepoll".parse::<Kind>().unwrap(), kind(1, "epoll", None));
        for text in
            ["", "epoll", "0xepoll", "65xepoll", "x", "2x", "2xepoll:", "2xepoll:0", "2xepoll:x", "-1xepoll"]
        {
            assert!(text.parse::<Kind>().is_err(), "{text}");
        }
    }
}
