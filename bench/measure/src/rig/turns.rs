//! Two servers in turn, in the rig of real experiments: the generator waits after each group until both servers have
//! been looked at, so what is read belongs to groups that are whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use dyno_clients::books::bursts::{BurstGroup, GroupOrder};
use dyno_clients::engine::quota::QuotaGroups;
use dyno_record::cell::Cell;
use dyno_record::contract::TurnsPlan;

use super::bout::{Bout, DuelRig, SIDES, Toss};
use super::generator::{RunningGenerator, drain};
use super::process::{Running, tame};
use super::system::System;
use super::{CellFault, Rig};
use crate::limits::{
    BURST_US, GENERATOR_GRACE, GROUP_LIMIT, GROUP_SETTLE, GROUP_TIME, GROUPS_LEAST, LINE_LIMIT_BYTES,
    OPENING_LIMIT, QUADS_MOST,
};
use crate::probe::kernel_threads::KernelThreads;
use crate::probe::pace::Watch;
use crate::rig::slow::SlowClients;

/// The command of this program that takes turns.
const COMMAND: &str = "turns";

impl DuelRig for System {
    fn bout(
        &mut self,
        servers: [&Running; SIDES],
        cells: [&Cell; SIDES],
        toss: Toss,
    ) -> Result<Bout, CellFault> {
        self.kernel_threads = KernelThreads::find();
        let mut talk = Talk::begin(self, servers, cells)?;
        talk.hear(self, OPENING_LIMIT)?;
        let groups =
            QuotaGroups::of([servers[0].pid() as u32, servers[1].pid() as u32, talk.generator.child.id()]);
        self.quota = Some(groups).filter(|groups| groups.cores().is_some());
        thread::sleep(GROUP_SETTLE);
        let mut bout = Bout::default();
        for (side, server) in bout.sides.iter_mut().zip(servers) {
            side.before = self.sample(server, Some(&talk.generator));
        }
        self.look(&mut bout, servers, &talk);
        let load = &cells[0].load;
        let mut pace = GroupPace::of(load.warm_up_ms, load.duration_ms, self.now());
        while let Some(quads) = pace.next(&mut bout, self.now()) {
            let b_begins = toss.b_begins != (bout.groups.len() % 2 == 1);
            talk.tell(GroupOrder { quads, b_begins })?;
            let told = talk.hear(self, GROUP_LIMIT)?;
            bout.groups.push(told.ok_or_else(|| CellFault::generator("it tells nothing of a group"))?);
            thread::sleep(GROUP_SETTLE);
            self.look(&mut bout, servers, &talk);
            if self.interrupted() {
                break;
            }
        }
        for (side, server) in bout.sides.iter_mut().zip(servers) {
            side.after = self.sample(server, Some(&talk.generator));
        }
        talk.end()?;
        Ok(bout)
    }
}

impl System {
    /// Glances at both servers, between two groups.
    fn look(&mut self, bout: &mut Bout, servers: [&Running; SIDES], talk: &Talk) {
        for (side, server) in bout.sides.iter_mut().zip(servers) {
            let glance = self.glance(server, Some(&talk.generator), &side.before);
            side.glances.push(glance);
        }
    }
}

/// How many groups there are, and how long.
#[derive(Debug)]
struct GroupPace {
    warm_up: Duration,
    duration: Duration,
    began: Duration,
    warm_at: Option<Duration>,
    quads: u32,
}

impl GroupPace {
    fn of(warm_up_ms: u64, duration_ms: u64, now: Duration) -> Self {
        let (warm_up, duration) = (Duration::from_millis(warm_up_ms), Duration::from_millis(duration_ms));
        GroupPace { warm_up, duration, began: now, warm_at: None, quads: 1 }
    }

    /// The length of the next group in repetitions of A B B A; `None` when there have been enough. Notes in the bout
    /// which of its groups are warm-up.
    fn next(&mut self, bout: &mut Bout, now: Duration) -> Option<u32> {
        if let Some(last) = bout.groups.last() {
            let each_ns = (last.took_ns / u64::from(self.quads)).max(1);
            self.quads = (GROUP_TIME.as_nanos() as u64 / each_ns).clamp(1, u64::from(QUADS_MOST)) as u32;
        }
        let warm_at = match self.warm_at {
            Some(warm_at) => warm_at,
            None if now < self.began + self.warm_up || bout.groups.is_empty() => return Some(self.quads),
            None => {
                bout.warm = bout.groups.len();
                *self.warm_at.insert(now)
            }
        };
        let measured = bout.groups.len() - bout.warm;
        // As many begin with A as begin with B.
        let is_enough =
            now >= warm_at + self.duration && measured >= GROUPS_LEAST && measured.is_multiple_of(2);
        (!is_enough).then_some(self.quads)
    }
}

/// The talk with the generator: an order goes in, what came of the group comes out.
struct Talk {
    generator: RunningGenerator,
    lines: Receiver<String>,
}

impl Talk {
    fn begin(system: &System, servers: [&Running; SIDES], cells: [&Cell; SIDES]) -> Result<Self, CellFault> {
        let arguments = |side: usize| -> Vec<String> {
            let all = system.load_arguments(&servers[side].address.to_string(), cells[side]);
            // The first is the name of the command.
            all.into_iter().skip(1).collect()
        };
        let plan = TurnsPlan { burst_us: BURST_US, sides: [arguments(0), arguments(1)] };
        let plan = serde_json::to_string(&plan)
            .map_err(|error| CellFault::generator(format!("the plan cannot be written: {error}")))?;
        let mut command = Command::new(system.program());
        command.args([COMMAND, &plan]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        tame(&mut command, &cells[0].cores.generator, None);
        let mut child = command
            .spawn()
            .map_err(|error| CellFault::generator(format!("the generator cannot be started: {error}")))?;
        let (told, lines) = mpsc::channel();
        let from = child.stdout.take();
        thread::spawn(move || {
            let lines = from.into_iter().flat_map(|from| BufReader::new(from).lines().map_while(Result::ok));
            for line in lines {
                // Nobody hears it if the caller has given the generator up.
                let _ = told.send(line);
            }
        });
        let generator = RunningGenerator {
            output: None,
            complaints: child.stderr.take().map(|from| drain(from.take(LINE_LIMIT_BYTES as u64))),
            hold: child.stdin.take(),
            signs: mpsc::channel().1,
            began: Instant::now(),
            idle: Vec::new(),
            slow: SlowClients::default(),
            pace: Watch::default(),
            child,
        };
        Ok(Talk { generator, lines })
    }

    fn tell(&mut self, order: GroupOrder) -> Result<(), CellFault> {
        let line = serde_json::to_string(&order).unwrap_or_default() + "\n";
        let told = self.generator.hold.as_mut().map(|hold| hold.write_all(line.as_bytes()));
        if matches!(told, Some(Ok(()))) { Ok(()) } else { Err(self.ended()) }
    }

    /// What the generator says next: nothing when its connections are open, and then what came of a group.
    fn hear(&mut self, rig: &System, limit: Duration) -> Result<Option<BurstGroup>, CellFault> {
        let deadline = Instant::now() + limit;
        loop {
            match self.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    return serde_json::from_str(&line).map_err(|error| {
                        CellFault::generator(format!("what the generator says cannot be read: {error}"))
                    });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
                Err(RecvTimeoutError::Timeout) if rig.interrupted() => {
                    return Err(CellFault::generator("it was interrupted"));
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                    let limit_s = limit.as_secs();
                    return Err(CellFault::generator(format!(
                        "the generator said nothing for {limit_s} s and was killed"
                    )));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// The fault of a generator that has ended, in its own words.
    fn ended(&mut self) -> CellFault {
        let _ = self.generator.child.kill();
        let status = self.generator.child.wait();
        let said = self.generator.complaints.take().and_then(|said| said.join().ok()).unwrap_or_default();
        let said = said.trim().replace('\n', " / ");
        let status = status.map_or_else(|_| "nobody knows how".to_string(), |status| status.to_string());
        CellFault::generator(format!("the generator gave no result ({status}): {said}"))
    }

    /// Lets the generator close its connections and end.
    fn end(mut self) -> Result<(), CellFault> {
        drop(self.generator.hold.take());
        let deadline = Instant::now() + GENERATOR_GRACE;
        loop {
            match self.generator.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(_)) | Err(_) => return Err(self.ended()),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                Ok(None) => {
                    let limit_s = GENERATOR_GRACE.as_secs();
                    return Err(CellFault::generator(format!(
                        "the generator did not end within {limit_s} s of its time and was killed"
                    )));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of which each repetition takes so long, until there are enough.
    fn groups(quad_ms: u64, warm_up_ms: u64, duration_ms: u64) -> (Bout, Duration) {
        let (mut bout, mut now) = (Bout::default(), Duration::from_secs(7));
        let began = now;
        let mut pace = GroupPace::of(warm_up_ms, duration_ms, now);
        while let Some(quads) = pace.next(&mut bout, now) {
            let took_ns = quad_ms * 1_000_000 * u64::from(quads);
            now += Duration::from_nanos(took_ns) + GROUP_SETTLE;
            bout.groups.push(BurstGroup { took_ns, ..BurstGroup::default() });
        }
        (bout, now - began)
    }

    #[test]
    fn groups_are_even_in_number_and_as_long_as_they_should_be() {
        let (bout, took) = groups(5, 150, 650);
        let measured = &bout.groups[bout.warm..];
        assert!(bout.warm >= 3 && measured.len() >= 10 && measured.len() % 2 == 0, "{}", measured.len());
        assert!(measured.iter().all(|group| group.took_ns == 50_000_000));
        assert!(took < Duration::from_millis(1_000), "{took:?}");
    }

    #[test]
    fn a_service_that_takes_long_has_few_groups_but_enough() {
        let (bout, _) = groups(2_000, 100, 500);
        assert_eq!((bout.warm, bout.groups.len()), (1, 1 + GROUPS_LEAST));
    }

    #[test]
    fn a_server_that_fails_at_once_has_short_groups_that_end() {
        let (bout, took) = groups(0, 20, 100);
        assert!(bout.groups.len() < 200 && took < Duration::from_secs(1), "{} {took:?}", bout.groups.len());
    }
}
