//! On which cores the generator's threads run, and why there. A function of what is known about the machine; who asks
//! the system is the caller.

use std::collections::BTreeSet;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the threads of the generator run: part of the versioned result (see [`crate::outcome`]).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Placement {
    /// A core for each thread, in turn; empty where the system places them.
    pub cores: Vec<usize>,
    /// Why.
    pub because: PlacementReason,
}

/// Why the threads run where they run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlacementReason {
    /// The user has named the cores.
    Named,
    /// The user wants no placement.
    #[default]
    Left,
    /// The server is another machine, and takes none of these cores.
    Elsewhere,
    /// The process may run on as many cores as it has threads, or fewer: there is nothing to choose.
    Confined,
    /// There is one core, or one thread for every core: none would be left for the server.
    NoneToSpare,
    /// The server may not run on these cores.
    Free,
    /// The server may run everywhere: a core that is taken here would be taken from it, or from another generator.
    Shared,
    /// The server is on this machine, and which process it is cannot be seen.
    Unseen,
}

/// What is known of the server's cores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerCores {
    /// It is on another machine.
    Elsewhere,
    /// It is on this machine, and its processes cannot be seen: they are another user's, or in another namespace.
    Unseen,
    /// Those on which its threads may run.
    Known(BTreeSet<usize>),
}

/// Chooses a core for each of `threads` threads out of `allowed`, those on which this process may run, as far as the
/// server may not use them. `online` is the number of cores that the machine has.
///
/// Where the server may run everywhere, the system places the threads: pinned beside it they were not less late, and
/// two generators that ran ahead of other threads on the same core starved each other.
pub fn choose(allowed: &[usize], online: usize, server: &ServerCores, threads: u32) -> Placement {
    let left = |because| Placement { cores: Vec::new(), because };
    let threads = threads as usize;
    let taken = match server {
        ServerCores::Elsewhere => return left(PlacementReason::Elsewhere),
        ServerCores::Unseen => None,
        ServerCores::Known(cores) => Some(cores),
    };
    let free: Vec<usize> =
        allowed.iter().copied().filter(|core| taken.is_some_and(|taken| !taken.contains(core))).collect();
    if free.len() >= threads {
        // Low numbers are where the system's own work mostly is, so the generator takes the high ones.
        return Placement { cores: last(&free, threads), because: PlacementReason::Free };
    }
    left(match taken {
        _ if allowed.len() <= threads && allowed.len() < online => PlacementReason::Confined,
        _ if allowed.len() <= threads => PlacementReason::NoneToSpare,
        None => PlacementReason::Unseen,
        Some(_) => PlacementReason::Shared,
    })
}

fn last(cores: &[usize], count: usize) -> Vec<usize> {
    cores[cores.len() - count.min(cores.len())..].to_vec()
}

/// Cores that are named one by one, so that the words fit a line.
const CORES_NAMED: usize = 4;

impl Placement {
    /// In a few words: `on core 1, which the server does not use`.
    pub fn words(&self) -> String {
        let mut words = match self.cores.as_slice() {
            [] => "on no core of its own".to_string(),
            [one] => format!("on core {one}"),
            many if many.len() > CORES_NAMED => format!("on {} cores", many.len()),
            many => {
                let all: Vec<String> = many.iter().map(ToString::to_string).collect();
                format!("on cores {}", all.join(", "))
            }
        };
        let _ = match self.because {
            PlacementReason::Named => write!(words, ", as asked"),
            PlacementReason::Left => write!(words, ", as asked: the system places it"),
            PlacementReason::Elsewhere => write!(words, ": the server is another machine"),
            PlacementReason::Confined => write!(words, ": it may run on no others"),
            PlacementReason::NoneToSpare => write!(words, ": the machine has none to spare"),
            PlacementReason::Free => write!(words, ", which the server does not use"),
            PlacementReason::Shared => write!(words, ": the server may use all"),
            PlacementReason::Unseen => write!(words, ": the server's cores cannot be seen"),
        };
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generator_takes_cores_that_the_server_does_not_use_and_leaves_it_one() {
        use PlacementReason::{Confined, Elsewhere, Free, NoneToSpare, Shared, Unseen};
        let known = |cores: &[usize]| ServerCores::Known(cores.iter().copied().collect());
        // (cores of this process, of the machine, of the server, threads, cores chosen, why)
        for (allowed, online, server, threads, cores, because) in [
            (vec![0, 1], 2, known(&[0]), 1, vec![1], Free),
            (vec![0, 1], 2, known(&[1]), 1, vec![0], Free),
            (vec![0, 1], 2, known(&[0, 1]), 1, vec![], Shared),
            (vec![0, 1], 2, known(&[0, 1]), 2, vec![], NoneToSpare),
            (vec![0], 1, known(&[0]), 1, vec![], NoneToSpare),
            (vec![0, 1, 2, 3], 4, known(&[0, 1]), 1, vec![3], Free),
            (vec![0, 1, 2, 3], 4, known(&[2, 3]), 2, vec![0, 1], Free),
            (vec![0, 1, 2, 3], 4, known(&[1, 2, 3]), 2, vec![], Shared),
            (vec![0, 1, 2, 3], 4, known(&[0, 1, 2, 3]), 3, vec![], Shared),
            // Whoever started the process has confined it already.
            (vec![1], 2, known(&[0]), 1, vec![1], Free),
            (vec![1], 2, known(&[0, 1]), 1, vec![], Confined),
            (vec![2, 3], 4, known(&[0, 1, 2, 3]), 1, vec![], Shared),
            (vec![2, 3], 4, known(&[0, 1]), 2, vec![2, 3], Free),
            (vec![2, 3], 4, known(&[0, 1, 2, 3]), 2, vec![], Confined),
            (vec![0, 1], 2, ServerCores::Elsewhere, 1, vec![], Elsewhere),
            (vec![0, 1], 2, ServerCores::Unseen, 1, vec![], Unseen),
            (vec![0], 1, ServerCores::Unseen, 1, vec![], NoneToSpare),
        ] {
            let placed = choose(&allowed, online, &server, threads);
            assert_eq!((placed.cores, placed.because), (cores, because), "{allowed:?} {server:?} {threads}");
        }
    }

    #[test]
    fn every_reason_is_told() {
        for (cores, because, words) in [
            (vec![1], PlacementReason::Free, "on core 1, which the server does not use"),
            (vec![], PlacementReason::Shared, "on no core of its own: the server may use all"),
            (vec![], PlacementReason::NoneToSpare, "on no core of its own: the machine has none to spare"),
        ] {
            assert_eq!(Placement { cores, because }.words(), words);
        }
    }
}
