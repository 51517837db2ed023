//! What requests that wait do to others and to their server, seen from outside.
//!
//! Each of them waits for a back end (`/wait/MICROS`) on a connection of its own, for longer than any cell lasts. No
//! generator loads the server: what counts is whether others are served at all, what the waiters take, and how soon
//! the server lets go of one that leaves.
//!
//! * [`jam`]: how many waiters stop everybody else, by doubling and bisection;
//! * `clients`: the waiters and the others, over sockets;
//! * `released`: clients that leave.

mod clients;
pub mod jam;
mod released;

use std::thread;

use dyno_record::audit::Law;
use dyno_record::cell::Cell;
use dyno_record::step::Step;
use dyno_record::waiting::{HeldWaiters, WaitingFigures};

use self::clients::Waiters;
use self::jam::Jammed;
use crate::limits::{WAITERS_HELD_TIME, WAITERS_LEAVE, WAITERS_SETTLE};
use crate::rig::process::Running;
use crate::rig::{CellFault, Rig};

/// Sees what the step of a cell is about.
///
/// # Errors
/// When the server does not answer without waiters, refuses them, or does not serve again when they have left.
pub fn see<R: Rig<Server = Running>>(
    rig: &mut R,
    server: &Running,
    cell: &Cell,
) -> Result<WaitingFigures, CellFault> {
    let most = cell.load.waiting.unwrap_or_default();
    match cell.step {
        Step::WaitingJam => {
            let mut waiters = Waiters::of(server.address);
            let (beside, stopped_by) = jam::search(most, &mut waiters)?;
            Ok(WaitingFigures { beside, stopped_by, ..WaitingFigures::default() })
        }
        Step::WaitingHeld => {
            let held = hold(rig, server, cell, most)?;
            Ok(WaitingFigures { held: Some(held), ..WaitingFigures::default() })
        }
        Step::WaitingLeft => {
            let [released_fin_ns, released_reset_ns] = released::both_ways(server, WAITERS_LEAVE)?;
            Ok(WaitingFigures { released_fin_ns, released_reset_ns, ..WaitingFigures::default() })
        }
        _ => Err(CellFault { law: Law::Contract, words: "nobody waits in this step".into() }),
    }
}

/// Holds so many waiters and looks at what they take.
fn hold<R: Rig<Server = Running>>(
    rig: &mut R,
    server: &Running,
    cell: &Cell,
    waiting: u32,
) -> Result<HeldWaiters, CellFault> {
    let mut waiters = Waiters::of(server.address);
    // What the first request leaves behind in memory is no waiter's.
    clients::greet(server.address)?;
    let before = rig.memory(server);
    waiters.hold(waiting)?;
    thread::sleep(WAITERS_SETTLE);
    let known = rig.sample(server, None);
    let first = rig.glance(server, None, &known);
    rig.sleep(WAITERS_HELD_TIME);
    let second = rig.glance(server, None, &known);
    let after = rig.memory(server);
    waiters.clear()?;
    let seconds = second.at.saturating_sub(first.at).as_secs_f64();
    // Workers that each waiter needs for itself were there before: what they take is what a waiter takes.
    let needs_worker = cell.workers.is_some_and(|workers| workers > waiting);
    Ok(HeldWaiters {
        waiting,
        memory_bytes: if needs_worker { after.anonymous_bytes } else { before.growth_bytes(&after) },
        kernel_bytes: before.kernel_growth_bytes(&after),
        cores_used: if seconds > 0.0 { second.cpu_since(&first).as_secs_f64() / seconds } else { 0.0 },
    })
}
