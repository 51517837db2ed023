//! Every architecture as a first tier: what it forwards, what it does when backends fail, and that nothing is read in
//! two ways.

use std::process::ExitCode;

use dyno_tests::rows::Row;
use dyno_tests::suite::{self, mount};

mod chains;
mod cluster;
mod passing;
mod smuggling;
mod trouble;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let suite = "forwarding";
    mount(&mut trials, suite, "requests-and-answers", |_| true, passing::through_and_back);
    mount(&mut trials, suite, "parts-of-a-request", |_| true, passing::parts);
    mount(&mut trials, suite, "prefixes", |_| true, passing::prefixes);
    mount(&mut trials, suite, "circles-end", |_| true, passing::circles);
    mount(&mut trials, suite, "broken-answers", |_| true, trouble::broken_answers);
    mount(&mut trials, suite, "who-leaves-frees-its-backend", |_| true, trouble::leaving);
    mount(&mut trials, suite, "sent-again-only-what-may-be", |_| true, trouble::sent_again);
    mount(&mut trials, suite, "all-down", |_| true, trouble::all_down);
    mount(&mut trials, suite, "killed-under-load", |_| true, trouble::killed);
    let watches = |row: &Row| ["fork", "prefork", "epoll", "hyper"].contains(&row.architecture.name);
    mount(&mut trials, suite, "a-probe-finds-who-hangs", watches, trouble::hangs);
    smuggling::mount_all(&mut trials);
    chains::mount_all(&mut trials);
    cluster::mount_all(&mut trials);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}
