//! `dyno duel A B`: two servers on the same core at the same time, which take turns by the millisecond.

use super::CommandResult;
use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use crate::exit::Failure;
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::named::OF_PROGRAM;
use dyno_measure::experiment::duel;
use dyno_measure::setup::Setup;
use dyno_record::cell::Cores;
use dyno_record::experiment::Experiment;

/// Let two servers take turns by the millisecond, on one core: what a request costs the one and the other, in twenty
/// seconds.
///
/// Both run at the same time on the same core, and one generator loads them in bursts of a millisecond (A B B A). What
/// the machine does meanwhile meets both. Each block has fresh servers, and the interval is that of the blocks. A
/// server against itself finds no difference. The two share the caches of their core, more than in `dyno compare`; see
/// BIAS.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Duel)),
    after_help = "Try it:\n  dyno duel epoll tokio\n  dyno duel epoll nginx\n  dyno duel epoll epoll    # finds no difference\n  \
                        dyno duel epoll --transports plain,tls\n  dyno duel ../old/dyno:epoll epoll\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
}

/// About 7 and 20 seconds, and two minutes.
const PRESETS: [Preset; 3] = [
    Preset { blocks: 8, warm_up_ms: 100, duration_ms: 500 },
    Preset { blocks: 20, warm_up_ms: 150, duration_ms: 650 },
    Preset { blocks: 60, warm_up_ms: 300, duration_ms: 1_500 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values, or when not two take part; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let setup = launch.spec.setup(PRESETS, launch.seed)?;
    // A comparison with an old program has a pair for each architecture.
    if setup.contestants.len() == 2 || !in_pairs(&setup.contestants) {
        refuse(&setup.contestants, launch.spec.names.is_empty())?;
    }
    let setup = on_a_core_each(setup);
    launch.plan_or_conduct(&setup, || duel::plan(&setup), |campaign| duel::run(campaign, &setup))
}

/// The first core of each side: the generator of a duel is one thread, and more cores than one it would not fill.
fn on_a_core_each(setup: Setup) -> Setup {
    let Some(_) = setup.placement else { return setup };
    let first = |cores: &[usize]| cores.iter().copied().take(1).collect();
    let cores = Cores { server: first(&setup.cores.server), generator: first(&setup.cores.generator) };
    Setup { cores, placement: None, ..setup }
}

/// Whether each second contestant is the same architecture as the one before it, of another program.
fn in_pairs(contestants: &[Contestant]) -> bool {
    contestants.chunks(2).all(|pair| match pair {
        // `epoll` and `epoll@dyno`.
        [new, old] => old.label.split_once(OF_PROGRAM).is_some_and(|(name, _)| name == new.label),
        _ => false,
    })
}

fn refuse(contestants: &[Contestant], unnamed: bool) -> Result<(), Failure> {
    let labels: Vec<&str> = contestants.iter().map(|contestant| contestant.label.as_str()).collect();
    match labels.as_slice() {
        [_, _] => Ok(()),
        _ if unnamed => Err(Failure::usage(
            "a duel is between two, and none is named",
            "say `dyno duel epoll tokio`; `dyno list` shows the names",
        )),
        [one] => Err(Failure::usage(
            format!("a duel is between two, and {one} is alone"),
            format!("name another one; `dyno duel {one} {one}` finds no difference"),
        )),
        all => Err(Failure::usage(
            format!("a duel is between two, not {}: {}", all.len(), all.join(", ")),
            "leave all but two out, or let all of them take part in `dyno compare`",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_measure::contestant::foreign::bare;

    #[test]
    fn a_duel_is_between_two() {
        for (names, words) in [
            (&["a"][..], "a is alone"),
            (&["a", "b"], ""),
            (&["a", "b", "c"], "not 3: a, b, c"),
            (&[], "not 0"),
        ] {
            let contestants: Vec<_> = names.iter().map(|name| bare(name, vec!["x".into()])).collect();
            match refuse(&contestants, false) {
                Ok(()) => assert_eq!(words, ""),
                Err(failure) => assert!(failure.message.contains(words), "{failure}"),
            }
        }
        assert!(
            refuse(&[bare("a", Vec::new()), bare("b", Vec::new()), bare("c", Vec::new())], true)
                .unwrap_err()
                .message
                .contains("none is named")
        );
    }
}
