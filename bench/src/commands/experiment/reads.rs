//! Which experiments read which option.

use clap::Arg;
use dyno_record::experiment::Experiment;

use super::spec::Spec;
use crate::exit::Failure;

/// An option that not every experiment reads: its name, the experiments that do, and whether the user gave it.
type Own = (&'static str, &'static [Experiment], fn(&Spec) -> bool);

const OWN: [Own; 20] = {
    use Experiment::{Compare, Connections, Curve, Duel, Isolation, Overload, Scale, Waiting, Workloads};
    [
        ("faults", &[Isolation], |spec| !spec.faults.is_empty()),
        // Only Dyno's own servers carry faults out.
        ("peers", &[Compare, Curve, Scale, Connections, Duel, Overload, Waiting, Workloads], |spec| {
            spec.peers
        }),
        ("servers", &[Compare, Curve, Scale, Connections, Duel, Overload, Waiting, Workloads], |spec| {
            spec.servers.is_some() || !spec.own_servers.is_empty()
        }),
        ("threshold", &[Compare, Curve, Scale, Connections, Duel, Overload, Waiting, Workloads], |spec| {
            spec.threshold != Spec::default().threshold
        }),
        ("services", &[Compare, Workloads], |spec| !spec.services.is_empty()),
        // A workload brings its own service and transport.
        ("service", &[Compare, Curve, Scale, Connections, Duel, Overload], |spec| {
            spec.service != Spec::default().service
        }),
        ("transports", &[Compare, Curve, Scale, Connections, Duel, Overload], |spec| {
            spec.transports != Spec::default().transports
        }),
        ("rate", &[Compare], |spec| spec.rate.is_some()),
        ("limit", &[Curve], |spec| spec.limit.is_some()),
        ("missed", &[Curve], |spec| spec.missed.is_some()),
        ("counts", &[Connections], |spec| !spec.counts.is_empty()),
        ("controls", &[Overload], |spec| !spec.controls.is_empty()),
        ("patience", &[Overload], |spec| spec.patience.is_some()),
        ("quota", &[Scale], |spec| !spec.quota.is_empty()),
        ("quota_period", &[Scale], |spec| !spec.quota_period.is_empty()),
        // It has numbers of its own (`counts`).
        ("connections", &[Compare, Curve, Scale, Duel], |spec| {
            spec.connections != Spec::default().connections
        }),
        // It takes one core after the other of all that it may use.
        (
            "server_cores",
            &[Compare, Curve, Connections, Duel, Isolation, Overload, Waiting, Workloads],
            |spec| spec.server_cores.is_some(),
        ),
        (
            "generator_cores",
            &[Compare, Curve, Connections, Duel, Isolation, Overload, Waiting, Workloads],
            |spec| spec.generator_cores.is_some(),
        ),
        // Cells with waiting requests take as long as what is seen in them.
        ("duration", &[Compare, Curve, Scale, Connections, Duel, Isolation, Overload, Workloads], |spec| {
            spec.duration.is_some()
        }),
        ("warm_up", &[Compare, Curve, Scale, Connections, Duel, Isolation, Overload, Workloads], |spec| {
            spec.warm_up.is_some()
        }),
    ]
};

/// Whom a duel takes.
const TWO_NAMES: &str = "The two: names from `dyno list`, `io-uring:plain` for an arm, a well-known server such as nginx, or `../old/dyno:epoll` of another build; the same one twice finds no difference";

/// The option as the help of an experiment shows it; options that the experiment does not read are hidden.
pub(crate) fn shown_in(experiment: Experiment) -> impl FnMut(Arg) -> Arg {
    move |option| {
        let is_other = OWN.iter().any(|(name, of, _)| option.get_id() == *name && !of.contains(&experiment));
        let option = option.hide(is_other);
        match experiment {
            Experiment::Duel if option.get_id() == "names" => option.help(TWO_NAMES),
            _ => option,
        }
    }
}

impl Spec {
    /// Refuses options that the experiment does not read. A record of an earlier version may hold some, and its
    /// experiment can go on all the same.
    ///
    /// # Errors
    /// Usage (2), which names the option.
    pub(crate) fn check_all_are_read(&self) -> Result<(), Failure> {
        let experiment = self.experiment;
        match OWN.iter().find(|(_, of, given)| !of.contains(&experiment) && given(self)) {
            None => Ok(()),
            Some((name, of, _)) => Err(Failure::usage(
                format!("{experiment} does not read {}", name.replace('_', "-")),
                match experiment {
                    Experiment::Workloads => "leave it out, for each workload brings its own; or name one path: `--services /` asks every server for `/`".to_string(),
                    _ => format!("leave it out; `dyno {}` reads it", of[0]),
                },
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;

    #[test]
    fn an_option_of_another_experiment_is_refused() {
        use Experiment::{Compare, Connections, Curve, Isolation, Scale, Waiting};
        for (experiment, line, reads) in [
            (Compare, "rate = '5k'", true),
            (Curve, "rate = '5k'", false),
            (Scale, "rate = '5k'", false),
            (Connections, "rate = '5k'", false),
            (Compare, "limit = '5ms'", false),
            (Curve, "limit = '5ms'", true),
            (Scale, "missed = '1%'", false),
            (Curve, "missed = '1%'", true),
            (Compare, "counts = [10]", false),
            (Connections, "counts = [10]", true),
            (Connections, "connections = 10", false),
            (Connections, "connections = 64", true),
            (Curve, "connections = 10", true),
            (Scale, "connections = 10", true),
            (Scale, "server-cores = '0'", false),
            (Scale, "generator-cores = '0'", false),
            (Scale, "quota = ['0.5']", true),
            (Scale, "quota-period = ['10ms']", true),
            (Compare, "quota = ['0.5']", false),
            (Curve, "quota-period = ['10ms']", false),
            (Compare, "server-cores = '0'", true),
            (Connections, "generator-cores = '0'", true),
            (Waiting, "generator-cores = '0'", true),
            (Waiting, "duration = '1s'", false),
            (Waiting, "warm-up = '1s'", false),
            (Waiting, "service = '/json'", false),
            (Waiting, "transports = 'tls'", false),
            (Waiting, "connections = 10", false),
            (Scale, "duration = '1s'", true),
            (Isolation, "faults = ['panic']", true),
            (Compare, "faults = ['panic']", false),
            (Isolation, "service = '/json'", false),
            (Isolation, "transports = 'tls'", false),
            (Isolation, "peers = true", false),
            (Isolation, "threshold = '1%'", false),
            (Isolation, "connections = 10", false),
            (Isolation, "server-cores = '0'", true),
        ] {
            let spec = Spec { experiment, ..toml::from_str(line).unwrap() };
            let checked = spec.check_all_are_read();
            assert_eq!(checked.is_ok(), reads, "{experiment}: {line}: {checked:?}");
            if let Err(failure) = checked {
                let name = line.split(' ').next().unwrap();
                let said = format!("{experiment} does not read {name}");
                assert!(failure.message.contains(&said), "{failure}");
            }
        }
    }

    #[test]
    fn every_option_of_one_experiment_exists() {
        let command = Spec::augment_args(Command::new("dyno"));
        for (name, ..) in OWN {
            assert!(command.get_arguments().any(|option| option.get_id() == name), "{name}");
        }
    }
}
