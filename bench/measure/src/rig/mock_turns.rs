//! Two servers in turn, in the rig in memory.

use std::time::Duration;

use dyno_clients::books::bursts::{BurstGroup, BurstSide};
use dyno_clients::outcome::ErrorKind;
use dyno_record::cell::Cell;

use super::bout::{Bout, DuelRig, SIDES, Toss};
use super::mock::{Mock, Nature};
use super::{CellFault, Rig};
use crate::probe::glance::CpuGlance;

/// What a side has bursts for in each group.
const ACTIVE: Duration = Duration::from_millis(25);

impl Mock {
    fn of(&self, cell: &Cell) -> Nature {
        self.natures.get(&cell.contestant).cloned().unwrap_or_default()
    }
}

impl DuelRig for Mock {
    fn bout(
        &mut self,
        servers: [&Cell; SIDES],
        cells: [&Cell; SIDES],
        _toss: Toss,
    ) -> Result<Bout, CellFault> {
        self.log.push(format!("bout {}", cells[0].load.words()));
        let groups = |ms: u64| (ms / (2 * ACTIVE.as_millis() as u64)) as usize;
        let (warm, measured) = (groups(cells[0].load.warm_up_ms), groups(cells[0].load.duration_ms));
        let mut bout = Bout { warm, ..Bout::default() };
        let mut cpu = [Duration::ZERO; SIDES];
        let began = self.clock;
        for (side, server) in bout.sides.iter_mut().zip(servers) {
            side.before = self.sample(server, None);
        }
        for number in 0..=warm + measured {
            for place in 0..SIDES {
                let group = self.of(cells[place]).group_account.map(|share| cpu[place].mul_f64(share));
                bout.sides[place].glances.push(CpuGlance {
                    at: self.clock,
                    until: self.clock,
                    clocks: cpu[place],
                    clocks_again: cpu[place],
                    group,
                    ..CpuGlance::default()
                });
            }
            if number == warm + measured {
                break;
            }
            let mut group = BurstGroup { took_ns: 50_000_000, busy_ns: 25_000_000, ..BurstGroup::default() };
            for place in 0..SIDES {
                let nature = self.of(cells[place]);
                self.clock += ACTIVE;
                let beside = nature.moonlights.filter(|(after, _)| self.clock - began > *after);
                let used = ACTIVE.mul_f64(nature.saturates_at + beside.map_or(0.0, |(_, cores)| cores));
                cpu[place] += used;
                let others = if self.disturbed.contains(&self.starts) { 0.5 } else { nature.others };
                self.busy += used + ACTIVE.mul_f64(others);
                group.sides[place] = BurstSide {
                    answered: (nature.capacity_per_s * ACTIVE.as_secs_f64()).round() as u64,
                    bursts: 18,
                    active_ns: ACTIVE.as_nanos() as u64,
                    open: cells[place].load.connections,
                    ..BurstSide::default()
                };
                if nature.wrong_bodies > 0 {
                    group.sides[place].failed.insert(ErrorKind::Body, nature.wrong_bodies);
                }
            }
            bout.groups.push(group);
        }
        for (side, server) in bout.sides.iter_mut().zip(servers) {
            side.after = self.sample(server, None);
            // Nothing is known of the whole lives of two that share one account.
            side.after.tree.process_count = 2;
            side.before.glance = side.glances[0];
            side.after.glance = side.glances[warm + measured];
        }
        Ok(bout)
    }
}
