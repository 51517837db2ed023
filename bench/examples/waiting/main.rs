//! How long a hand-over takes under each architecture, beside a blocking pop from redis-server. Who stands still while
//! others wait, what a waiter takes and how soon one that leaves is let go is shown by `dyno waiting`.
//!
//! ```text
//! cargo build --release -p dyno-bench --bins
//! cargo run --release -p dyno-bench --example waiting [ROUNDS]
//! ```

mod hand_over;
mod server;

use std::io::Result;
use std::path::Path;

/// Rounds where none are asked for: a thousand hand-overs of each server.
const ROUNDS: usize = 50;

fn main() -> Result<()> {
    let here = std::env::current_exe()?;
    let dyno = here.parent().and_then(Path::parent).map(|place| place.join("dyno")).unwrap_or_default();
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    hand_over::run(&dyno, rounds)
}
