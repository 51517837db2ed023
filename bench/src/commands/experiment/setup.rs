//! From the options to a setup on this machine: the contestants, the cores, and the lengths.

use std::collections::BTreeMap;

use dyno_measure::contestant::{Contestant, behind, foreign, label_apart, named, own, peers};
use dyno_measure::place::Placement;
use dyno_measure::probe::machine::online_cores;
use dyno_measure::setup::Setup;
use dyno_record::cell::Cores;
use dyno_record::transport::TransportKind;

use super::preset::Preset;
use super::spec::Spec;
use super::values::{BlockCount, CellTime, CoreList, WarmUpTime};
use crate::exit::Failure;

impl Spec {
    /// The setup; numbers that the spec leaves open are those of the preset: quick, usual, thorough.
    ///
    /// # Errors
    /// Usage (2) when a name is unknown, when a file describes no servers, or when a core does not exist.
    pub(crate) fn setup(&self, presets: [Preset; 3], seed: u64) -> Result<Setup, Failure> {
        let preset = self.choose(presets);
        let placement = Placement::here();
        Ok(Setup {
            contestants: self.contestants()?,
            service: self.service.clone(),
            cores: self.cores(&online_cores(), &placement)?,
            placement: self.names_no_cores().then_some(placement),
            connections: self.connections.get(),
            blocks: self.blocks.map_or(preset.blocks, BlockCount::get),
            warm_up_ms: self.warm_up.map_or(preset.warm_up_ms, WarmUpTime::get),
            warm_up_fixed: self.warm_up.is_some(),
            warm_ups_ms: BTreeMap::new(),
            duration_ms: self.duration.map_or(preset.duration_ms, CellTime::get),
            seed,
        })
    }

    fn contestants(&self) -> Result<Vec<Contestant>, Failure> {
        let names_nobody = self.names.is_empty() && self.servers.is_none() && self.own_servers.is_empty();
        let mut found = if names_nobody {
            own::all()?
        } else {
            self.names.iter().map(|name| named::named(name)).collect::<Result<_, _>>()?
        };
        if let Some(path) = &self.servers {
            found.extend(foreign::read(path)?);
        }
        found.extend(foreign::installed(&self.own_servers)?);
        if self.peers {
            found.extend(peers::installed());
        }
        label_apart(&mut found);
        let mut transports: Vec<TransportKind> = self.transports.clone();
        transports.sort_unstable();
        transports.dedup();
        let found = behind(&found, &transports);
        if found.is_empty() {
            return Err(Failure::usage(
                "nobody takes part",
                "name architectures; foreign servers run plain only",
            ));
        }
        Ok(found)
    }

    fn names_no_cores(&self) -> bool {
        self.server_cores.is_none() && self.generator_cores.is_none()
    }

    /// The cores of both sides: those that the user gave; a side without any gets the cores that are left.
    fn cores(&self, online: &[usize], placement: &Placement) -> Result<Cores, Failure> {
        let rest = |taken: &[usize]| -> Vec<usize> {
            let rest: Vec<usize> = online.iter().copied().filter(|core| !taken.contains(core)).collect();
            if rest.is_empty() { taken.to_vec() } else { rest }
        };
        let cores = match (&self.server_cores, &self.generator_cores) {
            (None, None) => placement.halves(),
            (Some(CoreList(server)), None) => Cores { server: server.clone(), generator: rest(server) },
            (None, Some(CoreList(generator))) => {
                Cores { server: rest(generator), generator: generator.clone() }
            }
            (Some(CoreList(server)), Some(CoreList(generator))) => {
                Cores { server: server.clone(), generator: generator.clone() }
            }
        };
        match cores.server.iter().chain(&cores.generator).find(|core| !online.contains(core)) {
            Some(core) => Err(Failure::usage(
                format!("core {core} cannot be used here"),
                format!("name some of the cores {online:?}"),
            )),
            None => Ok(cores),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_without_cores_of_its_own_gets_the_rest() {
        let of = |server: Option<&str>, generator: Option<&str>| {
            let list = |text: Option<&str>| text.map(|text| text.parse().unwrap());
            let spec =
                Spec { server_cores: list(server), generator_cores: list(generator), ..Spec::default() };
            let online = [0, 1, 2, 3];
            spec.cores(&online, &Placement::flat(&online)).map(|cores| (cores.server, cores.generator))
        };
        assert_eq!(of(None, None).unwrap(), (vec![0, 1], vec![2, 3]));
        assert_eq!(of(Some("0"), None).unwrap(), (vec![0], vec![1, 2, 3]));
        assert_eq!(of(None, Some("1-3")).unwrap(), (vec![0], vec![1, 2, 3]));
        assert_eq!(of(Some("0-3"), None).unwrap(), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
        let failure = of(Some("4"), None).unwrap_err();
        assert!(failure.message.contains("core 4"), "{failure}");
    }
}
