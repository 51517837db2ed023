//! Before the first cell: does each contestant have the service, and does its answer verify?
//!
//! A path that is not there would make every cell of the experiment void, one after the other. So each contestant is
//! started once and asked a few times. Dyno's own servers share their services, so one of them behind each transport
//! stands for all.

use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use crate::contestant::Contestant;
use crate::limits::PREFLIGHT_MS;
use crate::rig::Rig;
use crate::rig::system::{System, SystemError};
use crate::setup::Setup;
use dyno_record::audit::Law;
use dyno_record::cell::{Cell, Load};
use dyno_record::load::{FailureKind, LoadFigures};
use dyno_record::step::Step;
use dyno_record::transport::TransportKind;

/// A contestant whose answers cannot be measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its label.
    pub contestant: String,
    /// What is wrong with its answers.
    pub words: String,
    /// Whether it is one of Dyno's own.
    pub own: bool,
    /// Whether the bodies are what is wrong.
    pub by_bodies: bool,
}

/// Asks the contestants of an experiment for its service; files that they need are written below `scratch`. Who does
/// not start is passed over: that is a result of its own, and the cells tell it.
///
/// # Errors
/// When this program's own file or the directory cannot be found.
pub fn refusals(setup: &Setup, scratch: &Path) -> Result<Vec<Refusal>, SystemError> {
    // A rig keeps its thread to the generator's cores, which must not outlast it: what follows counts the cores.
    thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let rig = System::new(&setup.contestants, &setup.cores, scratch, setup.seed)?;
            Ok(all(&mut rig.for_answers(), setup))
        });
        asked.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn all<R: Rig>(rig: &mut R, setup: &Setup) -> Vec<Refusal> {
    let mut known: Vec<TransportKind> = Vec::new();
    let mut found = Vec::new();
    for contestant in &setup.contestants {
        let is_known = contestant.own && known.contains(&contestant.transport);
        if is_known || rig.interrupted() {
            continue;
        }
        if contestant.own {
            known.push(contestant.transport);
        }
        let words = refusal(rig, &cell(setup, contestant));
        found.extend(words.map(|words| Refusal {
            contestant: contestant.label.clone(),
            own: contestant.own,
            by_bodies: words == WRONG_BODIES,
            words,
        }));
    }
    found
}

fn cell(setup: &Setup, contestant: &Contestant) -> Cell {
    let cell = setup.cell(Step::Capacity, contestant);
    Cell { workers: contestant.workers(1), load: Load::closed(1, 0, PREFLIGHT_MS), ..cell }
}

/// What is wrong with the answers in this cell.
fn refusal<R: Rig>(rig: &mut R, cell: &Cell) -> Option<String> {
    let server = rig.start(cell).ok()?;
    let drive = rig.begin(&server, cell).and_then(|generator| rig.finish(generator, cell));
    let interrupted = rig.interrupted();
    // A server that ends badly is told by its cells.
    let _ = rig.stop(server);
    match drive {
        _ if interrupted => None,
        Ok(drive) => wrong(&drive.figures).map(str::to_string),
        // The generator refuses what it cannot verify before it sends anything.
        Err(fault) if fault.law == Law::GeneratorRan => Some(reason(&fault.words)),
        Err(_) => None,
    }
}

/// The first line of what the generator said, without how it ended.
fn reason(words: &str) -> String {
    let said = words.split_once("dyno: ").map_or(words, |(_, said)| said);
    said.split(" / ").next().unwrap_or(said).trim().to_string()
}

/// What is said of bodies that are not those that were expected.
const WRONG_BODIES: &str = "it answers with a body that is not the expected one";

/// What is wrong with answers that came; `None` where none came, which may be the load and not the path.
fn wrong(load: &LoadFigures) -> Option<&'static str> {
    let of = |kind| load.errors.get(&kind).is_some_and(|count| *count > 0);
    if of(FailureKind::Status) {
        Some("it answers with a status that is no success")
    } else if of(FailureKind::Body) {
        Some(WRONG_BODIES)
    } else if of(FailureKind::Protocol) {
        Some("it does not answer in HTTP/1.1")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::{Mock, Nature, setup};

    #[test]
    fn each_foreign_one_is_asked_and_one_of_ours_behind_each_transport() {
        let own =
            |name: &str, transport| Contestant { own: true, transport, ..bare(name, vec![name.into()]) };
        let contestants = vec![
            own("epoll", TransportKind::Plain),
            own("fork", TransportKind::Plain),
            own("epoll+tls", TransportKind::Tls),
            bare("nginx", vec!["nginx".into()]),
            bare("broken", vec!["broken".into()]),
            bare("liar", vec!["liar".into()]),
        ];
        let natures = [
            ("broken".to_string(), Nature { starts: false, ..Nature::default() }),
            ("liar".to_string(), Nature { wrong_bodies: 3, ..Nature::default() }),
        ];
        let mut rig = Mock { natures: natures.into(), ..Mock::default() };
        let found = all(&mut rig, &setup(contestants));
        let words = WRONG_BODIES.to_string();
        assert_eq!(found, [Refusal { contestant: "liar".into(), words, own: false, by_bodies: true }]);
        let started: Vec<&String> = rig.log.iter().filter(|line| line.starts_with("start ")).collect();
        assert_eq!(started, ["start epoll", "start epoll+tls", "start nginx", "start broken", "start liar"]);
    }

    #[test]
    fn what_the_generator_said_is_told_in_a_line() {
        let words = "the generator gave no result (exit status: 1): dyno: GET /x: the first answer has status 404 /       try it";
        assert_eq!(reason(words), "GET /x: the first answer has status 404");
        assert_eq!(reason("it did not end"), "it did not end");
    }

    #[test]
    fn a_service_that_is_slow_is_not_refused() {
        let load = |kind| LoadFigures { errors: [(kind, 2)].into(), ..LoadFigures::default() };
        for kind in [FailureKind::Unfinished, FailureKind::Timeout, FailureKind::Reset, FailureKind::Connect]
        {
            assert_eq!(wrong(&load(kind)), None, "{kind}");
        }
        for kind in [FailureKind::Status, FailureKind::Body, FailureKind::Protocol] {
            assert!(wrong(&load(kind)).is_some(), "{kind}");
        }
    }
}
