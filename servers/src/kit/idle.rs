//! Ends a server that nobody uses: a superserver starts it again for the next client.

use std::io;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::site::Site;
use super::stop::has_waiting;
use super::threads::beside;
use crate::limits::{IDLE_LOOK_LEAST, IDLE_LOOKS};

/// Asks the server to stop as soon as it has had no connection for `time`. A thread of its own looks, which takes no
/// lock that a forked worker could need. Call it before anything else starts a thread.
///
/// # Errors
/// When the system refuses the thread.
pub fn end_when_idle(site: &'static Site, time: Duration) -> io::Result<()> {
    let pause = (time / IDLE_LOOKS).max(IDLE_LOOK_LEAST);
    beside("idle", move || {
        let (mut served, mut idle_since) = (0, Instant::now());
        while !site.stop.is_requested() {
            // A connection may have come and gone between two looks.
            let now_served =
                site.tallies.workers().iter().map(|tally| tally.connections.load(Relaxed)).sum::<u64>();
            let is_used = site.memory.connections() > 0 || has_waiting(site.listener.as_raw_fd());
            if is_used || now_served != served || site.readiness.workers().is_none() {
                (served, idle_since) = (now_served, Instant::now());
            } else if idle_since.elapsed() >= time {
                return site.stop.request();
            }
            site.stop.wait(pause);
        }
    })
}
