//! What goes wrong, explained to the operator. A peer is told as little as possible.

use std::fmt::Display;
use std::io::{self, Write, stderr};
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_security::pipe::error::PipeError;
use nix::errno::Errno;

use super::tally::{Tallies, Tally};
use crate::limits::{EXPLAINED_FAULTS, TOLD_CHARS};

/// Writes to standard error why a connection is given up. After the first [`EXPLAINED_FAULTS`] it writes only when
/// their number has doubled, so that a flood of faults does not become a flood of lines. The number in the line
/// counts the faults of this worker; [`Tally::peer_faults`] itself grows when the session ends. `shown`: what the peer
/// has proved to hold.
pub fn explain(tally: &Tally, failure: &PipeError, source: Option<IpAddr>, shown: Option<&str>) {
    let count = tally.peer_faults.load(Relaxed) + 1;
    if is_told(count) {
        let with = shown.map(|shown| format!(", {shown}")).unwrap_or_default();
        // Standard error may be closed; that is no reason to stop serving.
        let _ =
            writeln!(stderr(), "gave up a peer ({count} so far): {failure}; it came{}{with}", from(source));
    }
}

/// Counts a request that was denied, and writes to standard error who asked for what and what decided, as often as
/// [`explain`] does.
pub fn denied(
    tally: &Tally,
    source: Option<IpAddr>,
    who: &dyn Display,
    method: &str,
    path: &str,
    why: &dyn Display,
) {
    let count = tally.denied.fetch_add(1, Relaxed) + 1;
    if is_told(count) {
        let cut = |text: &str| text.chars().take(TOLD_CHARS).collect::<String>();
        let (method, path, from) = (cut(method), cut(path), from(source));
        // As above.
        let _ = writeln!(stderr(), "denied ({count} so far): {who}{from}: {method} {path:?}: {why}");
    }
}

fn is_told(count: u64) -> bool {
    count <= EXPLAINED_FAULTS || count.is_power_of_two()
}

fn from(source: Option<IpAddr>) -> String {
    source.map_or_else(|| " from nobody knows where".into(), |source| format!(" from {source}"))
}

/// Writes to standard error that no process can be started for a worker that died.
pub fn vacancy(place: usize, error: &io::Error) {
    // As above.
    let _ = writeln!(stderr(), "worker {place} cannot be replaced for now, the others go on: {error}");
}

/// Counts that accepting pauses, because of `cause`, and writes so to standard error, at most once a minute.
pub fn exhausted(tallies: &Tallies, cause: Errno) {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if let Some(count) = tallies.pause(now_s) {
        // As above.
        let _ = writeln!(
            stderr(),
            "clients have to wait, no connection can be accepted for now ({count} pauses so far): {}",
            cause.desc()
        );
    }
}
