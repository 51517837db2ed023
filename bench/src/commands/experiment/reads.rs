//! Which experiments read which option.

use clap::Arg;
use dyno_record::experiment::Experiment;

use super::spec::Spec;

/// An option that not every experiment reads: its name, the experiments that do, and whether the user gave it.
type Own = (&'static str, &'static [Experiment], fn(&Spec) -> bool);

pub(super) const OWN: [Own; 18] = {
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
