//! What waiting costs under each architecture.
//!
//! ```text
//! cargo build --release -p dyno-bench --bins
//! cargo run --release -p dyno-bench --example waiting hand-over [ROUNDS]     from put to taken, beside redis-server
//! cargo run --release -p dyno-bench --example waiting jam                    who stands still while others wait
//! ```

mod hand_over;
mod jam;
mod server;

use std::io::Result;
use std::path::Path;

fn main() -> Result<()> {
    let here = std::env::current_exe()?;
    let dyno = here.parent().and_then(Path::parent).map(|place| place.join("dyno")).unwrap_or_default();
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("hand-over") => {
            let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(50);
            hand_over::run(&dyno, rounds)
        }
        Some("jam") => jam::run(&dyno),
        _ => Err(std::io::Error::other("say hand-over or jam")),
    }
}
