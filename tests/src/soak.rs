//! Whether a server that works for a long time stays as it was: what is looked at between two rounds of work, and the
//! judgement of many such looks.

use std::collections::BTreeSet;

use nix::unistd::Pid;
use procfs::process::Process;

use crate::limits::SOAK_GROWTH_SHARE;
use crate::process::{children, descriptors, memory_kib};

/// What a server holds while nobody asks it for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its processes. One that has died and was replaced shows as another number.
    pub processes: BTreeSet<i32>,
    /// Their threads, without those that the kernel starts for a ring and ends when it likes.
    pub threads: usize,
    /// Their open descriptors.
    pub descriptors: usize,
    /// Their memory.
    pub memory_kib: u64,
}

impl Held {
    /// What the server with this process holds now.
    pub fn by(server: Pid) -> Held {
        let pids: Vec<Pid> = [vec![server], children(server)].concat();
        Held {
            processes: pids.iter().map(|pid| pid.as_raw()).collect(),
            threads: pids.iter().map(|pid| own_threads(*pid)).sum(),
            descriptors: pids.iter().map(|pid| descriptors(*pid)).sum(),
            memory_kib: memory_kib(server),
        }
    }

    /// Whether the work before this look has been put away as it was before the `earlier` one.
    pub fn is_at_rest_as(&self, earlier: &Held) -> bool {
        self.threads <= earlier.threads && self.descriptors <= earlier.descriptors
    }
}

/// The kernel calls its own threads of a process `iou-...` (io_uring/io-wq.c, io_uring/sqpoll.c).
fn own_threads(pid: Pid) -> usize {
    let tasks = Process::new(pid.as_raw()).and_then(|process| process.tasks());
    let is_own = |name: &String| !name.starts_with("iou-");
    let names = tasks.into_iter().flatten().flatten().filter_map(|task| task.stat().ok());
    names.map(|stat| stat.comm).filter(is_own).count()
}

/// Judges what a server held after each round of work. The first quarter is its run-in. What comes after is flat when
/// the least of the last third is no more than the least of the first third: a single look may find work that is not
/// put away yet, and a leak raises every look from then on. Memory may grow by `growth_bytes`, or by a
/// [share](SOAK_GROWTH_SHARE) of what it is.
///
/// # Errors
/// What is not flat, in words.
pub fn flat(looks: &[Held], growth_bytes: u64) -> Result<(), String> {
    let settled = &looks[looks.len().div_ceil(4)..];
    let [one, _, _, ..] = settled else {
        return Err(format!("{} looks are too few", looks.len()));
    };
    let part = settled.len().div_ceil(3);
    let (first, last) = (&settled[..part], &settled[settled.len() - part..]);
    if let Some(other) = settled.iter().find(|look| look.processes != one.processes) {
        return Err(format!("processes: {:?}, later {:?}", one.processes, other.processes));
    }
    let least = |of: fn(&Held) -> u64| -> (u64, u64) {
        let least = |looks: &[Held]| looks.iter().map(of).min().unwrap_or(0);
        (least(first), least(last))
    };
    let threads = least(|look| look.threads as u64);
    if threads.0 != threads.1 {
        return Err(format!("threads: {}, later {}", threads.0, threads.1));
    }
    let descriptors = least(|look| look.descriptors as u64);
    if descriptors.1 > descriptors.0 {
        return Err(format!("descriptors: {}, later {}", descriptors.0, descriptors.1));
    }
    let memory = least(|look| look.memory_kib);
    let allowed = memory.0 + (growth_bytes / 1024).max((memory.0 as f64 * SOAK_GROWTH_SHARE) as u64);
    if memory.1 > allowed {
        return Err(format!("memory: {} KiB, later {} KiB, allowed {allowed}", memory.0, memory.1));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::SOAK_GROWTH_BYTES;

    /// A server without a leak: three processes, and some work that is now and then not put away yet.
    fn sound(round: usize) -> Held {
        let busy = usize::from(round % 4 == 2);
        Held {
            processes: [10, 11, 12].into(),
            threads: 9 + busy,
            descriptors: 40 + 5 * busy,
            memory_kib: 20_000 + [0, 700, 150, 400][round % 4] as u64,
        }
    }

    /// Changes what a server holds after a round.
    type Plant = fn(usize, &mut Held);

    fn judged(rounds: usize, plant: impl Fn(usize, &mut Held)) -> Result<(), String> {
        let planted = |round| {
            let mut held = sound(round);
            plant(round, &mut held);
            held
        };
        flat(&Vec::from_iter((0..rounds).map(planted)), SOAK_GROWTH_BYTES)
    }

    #[test]
    fn a_server_that_puts_its_work_away_is_flat() {
        for rounds in [4, 6, 18, 100] {
            assert_eq!(judged(rounds, |_, _| ()), Ok(()), "{rounds} rounds");
        }
        // A run-in: caches that are filled once.
        let run_in = |round: usize, held: &mut Held| {
            held.memory_kib -= if round < 3 { 9_000 - 3_000 * round as u64 } else { 0 };
            held.descriptors -= usize::from(round < 2);
            if round == 0 {
                held.processes.remove(&12);
            }
        };
        assert_eq!(judged(18, run_in), Ok(()));
        for rounds in 0..4 {
            assert!(judged(rounds, |_, _| ()).unwrap_err().contains("too few"), "{rounds} rounds");
        }
    }

    #[test]
    fn a_planted_leak_is_found_and_named() {
        let plants: [(&str, Plant); 8] = [
            ("descriptors", |round, held| held.descriptors += round),
            ("descriptors", |round, held| held.descriptors += round / 6),
            ("threads", |round, held| held.threads += round / 5),
            // Workers that are lost one by one, and not replaced.
            ("threads", |round, held| held.threads -= round / 6),
            ("memory", |round, held| held.memory_kib += 400 * round as u64),
            ("memory", |round, held| held.memory_kib += if round > 11 { 3_000 } else { 0 }),
            ("processes", |round, held| held.processes.retain(|process| round < 10 || *process != 11)),
            // It died once, and was replaced.
            ("processes", |round, held| {
                if round > 9 {
                    held.processes.remove(&11);
                    held.processes.insert(13);
                }
            }),
        ];
        for (number, (name, plant)) in plants.into_iter().enumerate() {
            let told = judged(18, plant).unwrap_err();
            assert!(told.starts_with(name), "plant {number}: {told}");
        }
    }
}
