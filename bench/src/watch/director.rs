//! Carries out what a watcher orders and what a scene has prepared, and tells how it goes.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use dyno_measure::contestant::own;
use serde::Deserialize;
use serde_json::json;

use super::generator::{BesideLoad, Tools};
use super::hub::Hub;
use super::sampler::with;
use super::scenes::{Act, SCENES};
use super::settings::{SettingsError, WatchSettings};
use super::side::WatchedSide;
use super::{pipeline, tap};
use crate::limits::{WATCH_BURST_REQUESTS, WATCH_TICK};
use crate::load::progress;

/// The faults of `/fault/KIND` that can be ordered.
pub(crate) const FAULTS: [&str; 6] = ["block", "spin", "panic", "abort", "exit", "leak"];

/// What a watcher orders.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum WatchOrder {
    /// Watch this.
    Settings(WatchSettings),
    /// Play a scene, by its place in the table.
    Scene(usize),
    /// A request of this fault comes to each design.
    Fault(String),
    /// Many requests come at once.
    Burst,
    /// Six requests come on one connection, and on six.
    Pipeline,
    /// Somebody listens in on one exchange with each design.
    Tap,
    /// What has died is started again.
    Restart,
}

/// Why an order is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WatchOrderError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("there are scenes 1 to {}", SCENES.len())]
    Scene,
    #[error("the faults are {}", FAULTS.join(", "))]
    Fault,
}

impl WatchOrder {
    /// Checks that it can be carried out.
    ///
    /// # Errors
    /// Why not, in words for the one who sent it.
    pub(crate) fn check(&self) -> Result<(), WatchOrderError> {
        match self {
            WatchOrder::Settings(settings) => Ok(settings.check()?),
            WatchOrder::Scene(number) if *number >= SCENES.len() => Err(WatchOrderError::Scene),
            WatchOrder::Fault(kind) if !FAULTS.contains(&kind.as_str()) => Err(WatchOrderError::Fault),
            WatchOrder::Scene(_)
            | WatchOrder::Fault(_)
            | WatchOrder::Burst
            | WatchOrder::Pipeline
            | WatchOrder::Tap
            | WatchOrder::Restart => Ok(()),
        }
    }
}

/// A scene that is played.
struct Playing {
    number: usize,
    began: Instant,
    /// What has happened has happened before this.
    done: Duration,
}

/// Directs what is watched. It starts processes, which end with the thread that started them: one thread has it from
/// begin to end.
pub(crate) struct Director<'a> {
    hub: Arc<Hub>,
    tools: Tools,
    scratch: &'a Path,
    settings: WatchSettings,
    sides: Vec<WatchedSide>,
    playing: Option<Playing>,
}

impl<'a> Director<'a> {
    /// Starts what is watched first.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub(crate) fn start(
        first: &WatchOrder,
        settings: WatchSettings,
        hub: Arc<Hub>,
        program: &Path,
        scratch: &'a Path,
    ) -> Result<Self, SettingsError> {
        let tools = Tools {
            program: program.to_path_buf(),
            credentials: scratch.join("credentials"),
            rounds_per_us: own::compute_rounds_per_us(),
        };
        let mut director = Director { hub, tools, scratch, settings, sides: Vec::new(), playing: None };
        director.carry_out(first)?;
        Ok(director)
    }

    /// Carries out orders until the user ends the program.
    pub(crate) fn run(&mut self, orders: &Receiver<WatchOrder>) {
        let mut next = Instant::now();
        while !progress::is_interrupted() {
            let now = Instant::now();
            match orders.recv_timeout(next.saturating_duration_since(now)) {
                Ok(order) => {
                    if let Err(error) = self.carry_out(&order) {
                        self.hub.tell("refused", &json!({ "words": error.to_string() }));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    next = now + WATCH_TICK;
                    self.tick();
                }
            }
        }
    }

    fn carry_out(&mut self, order: &WatchOrder) -> Result<(), SettingsError> {
        match order {
            WatchOrder::Settings(settings) => {
                self.playing = None;
                self.settings = settings.clone();
                self.stage()?;
            }
            WatchOrder::Scene(number) => self.play(*number)?,
            WatchOrder::Fault(kind) => self.send(&format!("/fault/{kind}"), BesideLoad::AtOnce(1)),
            WatchOrder::Burst => self.send_more(BesideLoad::AtOnce(WATCH_BURST_REQUESTS)),
            WatchOrder::Pipeline => self.pipeline(),
            WatchOrder::Tap => self.tap(),
            WatchOrder::Restart => self.stage()?,
        }
        Ok(())
    }

    /// Plays a scene from its begin.
    fn play(&mut self, number: usize) -> Result<(), SettingsError> {
        let Some(scene) = SCENES.get(number) else { return Ok(()) };
        self.settings = scene.settings();
        // Each begin is the same: a design that has suffered is not taken over.
        self.sides.clear();
        self.playing = Some(Playing { number, began: Instant::now(), done: Duration::ZERO });
        self.stage()?;
        if let Some(playing) = &mut self.playing {
            playing.began = Instant::now();
        }
        Ok(())
    }

    /// Brings the servers and the load to what the settings say. A server that serves and is still wanted stays.
    fn stage(&mut self) -> Result<(), SettingsError> {
        let designs = self.settings.designs.clone();
        let mut before: Vec<Option<WatchedSide>> =
            std::mem::take(&mut self.sides).into_iter().map(Some).collect();
        for (index, design) in designs.into_iter().enumerate() {
            let architecture = design.architecture()?;
            let old = before.get_mut(index).and_then(Option::take);
            let side = match old.filter(|side| side.serves() && side.design == design) {
                Some(side) => side,
                None => WatchedSide::start(index, design, architecture, &self.tools, self.scratch, &self.hub),
            };
            self.sides.push(side);
        }
        drop(before);
        // Both loads begin when both servers stand: the arrivals are the same, and at the same time.
        for side in &mut self.sides {
            side.load(&self.settings.load, &self.tools);
        }
        self.tell();
        Ok(())
    }

    /// Sends requests beside the load, and says so.
    fn send(&mut self, path: &str, beside: BesideLoad) {
        for side in &mut self.sides {
            side.errand(path, beside, &self.tools);
        }
        let words = match beside {
            BesideLoad::AtOnce(1) => format!("a request for {path}"),
            BesideLoad::AtOnce(many) => format!("{many} requests for {path} at once"),
            BesideLoad::Surge(rate, seconds) => format!("{rate} more requests a second, for {seconds} s"),
        };
        self.hub.tell("act", &json!({ "words": words }));
    }

    /// The same beside the load, for what it asks for.
    fn send_more(&mut self, beside: BesideLoad) {
        let path = self.settings.load.path.clone();
        self.send(&path, beside);
    }

    /// Sends a pipeline to the first design, and the same requests apart to the second, or to the first as well.
    fn pipeline(&self) {
        let mut addresses = self.sides.iter().filter_map(WatchedSide::address);
        let Some(piped) = addresses.next() else { return };
        let (apart, hub) = (addresses.next().unwrap_or(piped), self.hub.clone());
        thread::spawn(move || hub.tell("act", &json!({ "words": pipeline::compare(piped, apart) })));
    }

    /// Listens in on an exchange with each design. The thread that does must not end before the client that it starts.
    fn tap(&self) {
        for (side, it) in self.sides.iter().enumerate() {
            let Some(address) = it.address() else { continue };
            let (tools, design, hub) = (self.tools.clone(), it.design.clone(), self.hub.clone());
            thread::spawn(move || match tap::listen_in(&tools, &design, address) {
                Ok(wire) => hub.tell("wire", &json!({ "side": side, "wire": wire })),
                Err(error) => {
                    hub.tell("refused", &json!({ "words": format!("the tap heard nothing: {error}") }));
                }
            });
        }
    }

    /// What falls due: acts of a scene, the end of a server, the figures.
    fn tick(&mut self) {
        if let Some(playing) = &mut self.playing
            && let Some(scene) = SCENES.get(playing.number)
        {
            let (number, now) = (playing.number, playing.began.elapsed());
            let acts: Vec<Act> = scene.acts_between(playing.done, now).collect();
            playing.done = now;
            let is_over = scene.lasts_s > 0 && now >= Duration::from_secs(scene.lasts_s);
            for act in acts {
                match act {
                    Act::Fault(kind) => self.send(&format!("/fault/{kind}"), BesideLoad::AtOnce(1)),
                    Act::Surge(rate, seconds) => self.send_more(BesideLoad::Surge(rate, seconds)),
                    Act::Pipeline => self.pipeline(),
                    Act::Tap => self.tap(),
                    Act::Restart => self.restart(),
                }
            }
            if is_over && self.play(number).is_err() {
                self.playing = None;
            }
        }
        // Each is asked, also where the first has changed.
        let changed = self.sides.iter_mut().filter_map(|side| side.has_changed().then_some(())).count();
        if changed > 0 {
            self.tell();
        }
        let news: Vec<_> = self
            .sides
            .iter()
            .map(|side| {
                with(&side.board, |board| {
                    json!({ "news": board.news, "gauges": board.gauges, "seen": board.seen, "blind": board.blind })
                })
            })
            .collect();
        let scene_ms = self.playing.as_ref().map(|playing| playing.began.elapsed().as_millis() as u64);
        self.hub.tell("news", &json!({ "sides": news, "scene_ms": scene_ms }));
    }

    /// Starts every server anew, as after the settings were checked.
    fn restart(&mut self) {
        self.sides.clear();
        self.again();
    }

    /// Stages what was staged before: its names are known.
    fn again(&mut self) {
        if let Err(error) = self.stage() {
            self.hub.tell("refused", &json!({ "words": error.to_string() }));
        }
    }

    /// Tells how things stand.
    fn tell(&self) {
        let sides: Vec<_> = self.sides.iter().map(WatchedSide::shown).collect();
        let scene = self.playing.as_ref().map(|playing| playing.number);
        self.hub.stand("state", &json!({ "settings": self.settings, "sides": sides, "scene": scene }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: &str) -> Result<WatchOrder, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn orders_are_read_and_checked() {
        for (text, wanted) in [
            (r#"{"scene":0}"#, WatchOrder::Scene(0)),
            (r#"{"fault":"abort"}"#, WatchOrder::Fault("abort".into())),
            (r#""burst""#, WatchOrder::Burst),
            (r#""pipeline""#, WatchOrder::Pipeline),
            (r#""tap""#, WatchOrder::Tap),
            (r#""restart""#, WatchOrder::Restart),
        ] {
            let read = order(text).unwrap();
            assert_eq!(read, wanted);
            assert_eq!(read.check(), Ok(()), "{text}");
        }
        assert_eq!(WatchOrder::Scene(SCENES.len()).check(), Err(WatchOrderError::Scene));
        assert_eq!(WatchOrder::Fault("rm".into()).check(), Err(WatchOrderError::Fault));
        for wrong in [r#""dance""#, "{}", "7", r#"{"scene":-1}"#, r#"{"scene":0,"more":1}"#] {
            assert!(order(wrong).is_err(), "{wrong}");
        }
        let settings = r#"{"settings":{"designs":[{"name":"x"}],"load":{"path":"/","connections":1}}}"#;
        assert!(matches!(order(settings).unwrap().check(), Err(WatchOrderError::Settings(_))));
    }

    #[test]
    fn each_scene_and_each_fault_of_a_scene_can_be_ordered() {
        for (number, scene) in SCENES.iter().enumerate() {
            assert_eq!(WatchOrder::Scene(number).check(), Ok(()));
            for (_, act) in scene.acts {
                if let Act::Fault(kind) = act {
                    assert_eq!(WatchOrder::Fault((*kind).into()).check(), Ok(()), "{}", scene.title);
                }
            }
        }
    }
}
