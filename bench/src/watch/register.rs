//! Requests as a server's register of those under way lists them: looked at 25 times a second through its control port,
//! so what lasts shorter than that is seen by its share in time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dyno_clients::engine::clock::monotonic_ns;
use dyno_clients::exchange::exchange;
use dyno_clients::plan::Carrier;
use dyno_clients::plan::address::ServerAddress;
use dyno_servers::architecture::{Anatomy, ServedBy};

use dyno_servers::under_way::entry::RequestStage;

use super::machine::{WatchPlace, place_of};
use super::source::{Look, PlaceStep, StepSource};
use crate::control::Listed;
use crate::limits::WATCH_LOOK_NS;

/// The register of one server.
pub(crate) struct RegisterSource {
    /// The socket of its control port.
    port: ServerAddress,
    anatomy: Anatomy,
    /// Where each request was at the last look.
    known: BTreeMap<u64, WatchPlace>,
    /// Requests that were gone at the last look: their answers went out meanwhile.
    leaving: Vec<u64>,
    /// The processes that were seen to serve, each with a lane.
    lanes: BTreeMap<u32, u16>,
}

impl RegisterSource {
    /// Of the server with that anatomy, whose control port is a Unix socket.
    pub(crate) fn new(port: PathBuf, anatomy: Anatomy) -> Self {
        let (known, leaving, lanes) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        RegisterSource { port: ServerAddress::Unix(port), anatomy, known, leaving, lanes }
    }

    /// What has changed since the last look.
    fn take_in(&mut self, listed: &Listed, at_ns: u64, into: &mut Vec<PlaceStep>) -> Look {
        let mut fresh = 0;
        let gone = std::mem::take(&mut self.leaving).into_iter();
        into.extend(gone.map(|request| PlaceStep { at_ns, request, place: None, lane: None }));
        let mut there = BTreeSet::new();
        for one in &listed.requests {
            let Some(stage) = stage(&one.stage) else { continue };
            there.insert(one.id);
            let place = place_of(stage, self.anatomy);
            let before = self.known.insert(one.id, place);
            fresh += u64::from(before.is_none());
            if before != Some(place) {
                let lane = self.lane(one.process, place);
                into.push(PlaceStep { at_ns, request: one.id, place: Some(place), lane });
            }
        }
        // The port lists the oldest first, so a request that it has no room for is none that was known.
        let gone: Vec<u64> = self.known.keys().filter(|id| !there.contains(id)).copied().collect();
        for request in gone {
            self.known.remove(&request);
            into.push(PlaceStep { at_ns, request, place: Some(WatchPlace::Write), lane: None });
            self.leaving.push(request);
        }
        Look { fresh, missed: listed.more }
    }

    /// The lane of a process, where processes serve: a thread is not told.
    fn lane(&mut self, process: u32, place: WatchPlace) -> Option<u16> {
        if self.anatomy.served_by != ServedBy::Processes || place != WatchPlace::Work {
            return None;
        }
        let next = self.lanes.len() as u16;
        Some(*self.lanes.entry(process).or_insert(next))
    }
}

/// The stage of that name.
fn stage(name: &str) -> Option<RequestStage> {
    let all = [RequestStage::Receiving, RequestStage::Queued, RequestStage::Running, RequestStage::Waiting];
    all.into_iter().find(|stage| stage.name() == name)
}

impl StepSource for RegisterSource {
    fn look(&mut self, into: &mut Vec<PlaceStep>) -> Result<Look, String> {
        let request = b"GET /requests HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = exchange(&self.port, &Carrier::Plain, request, false, WATCH_LOOK_NS)
            .map_err(|error| error.to_string())?;
        let listed: Listed = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
        Ok(self.take_in(&listed, monotonic_ns(), into))
    }

    fn words(&self) -> &'static str {
        "requests under way, looked at 25 times a second"
    }
}

#[cfg(test)]
mod tests {
    use dyno_servers::architectures::ALL;

    use super::*;
    use crate::control::ListedRequest;

    fn listed(requests: &[(u64, &str, u32)]) -> Listed {
        let one = |&(id, stage, process): &(u64, &str, u32)| ListedRequest {
            id,
            process,
            client: None,
            age_ms: 0,
            stage: stage.into(),
            order: "go".into(),
            request: "GET /".into(),
        };
        Listed { requests: requests.iter().map(one).collect(), more: 0, unlisted_so_far: 0 }
    }

    fn places(steps: &[PlaceStep]) -> Vec<(u64, Option<WatchPlace>)> {
        steps.iter().map(|step| (step.request, step.place)).collect()
    }

    #[test]
    fn each_architecture_shows_a_request_from_its_head_to_its_answer() {
        for architecture in ALL {
            let mut source = RegisterSource::new("/nowhere".into(), architecture.anatomy);
            let mut look = |requests: &[_]| {
                let mut steps = Vec::new();
                source.take_in(&listed(requests), 1, &mut steps);
                places(&steps)
            };
            let waits = place_of(RequestStage::Waiting, architecture.anatomy);
            assert_eq!(look(&[(1, "running", 7)]), [(1, Some(WatchPlace::Work))], "{}", architecture.name);
            assert_eq!(look(&[(1, "running", 7)]), [], "{}", architecture.name);
            let moved = if waits == WatchPlace::Work { vec![] } else { vec![(1, Some(waits))] };
            assert_eq!(look(&[(1, "waiting", 7)]), moved, "{}", architecture.name);
            assert_eq!(
                look(&[(2, "running", 7)]),
                [(2, Some(WatchPlace::Work)), (1, Some(WatchPlace::Write))]
            );
            assert_eq!(look(&[]), [(1, None), (2, Some(WatchPlace::Write))], "{}", architecture.name);
            assert_eq!(look(&[(3, "asleep", 7)]), [(2, None)], "a stage that nobody knows is no place");
        }
    }

    #[test]
    fn processes_have_lanes_and_threads_have_none() {
        for architecture in ALL {
            let mut source = RegisterSource::new("/nowhere".into(), architecture.anatomy);
            let mut steps = Vec::new();
            source.take_in(
                &listed(&[(1, "running", 70), (2, "running", 71), (3, "running", 70)]),
                1,
                &mut steps,
            );
            let lanes: Vec<_> = steps.iter().map(|step| step.lane).collect();
            let are_processes = architecture.anatomy.served_by == ServedBy::Processes;
            let wanted = if are_processes { [Some(0), Some(1), Some(0)] } else { [None; 3] };
            assert_eq!(lanes, wanted, "{}", architecture.name);
        }
    }
}
