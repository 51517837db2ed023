//! Uploads: a file arrives whole under its name, or nothing is left of it, however its client, its disk or its server
//! ends.

mod cut;
mod refused;
mod stand;
mod whole;

use std::process::ExitCode;

use dyno_security::transport::Transport;
use dyno_tests::rows::Row;
use dyno_tests::secure::make_credentials;
use dyno_tests::suite::{self, mount, mount_slow};
use libtest_mimic::Trial;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    let mut on = |name, run| mount(&mut trials, "uploads", name, everybody, run);
    on("8-mib-arrive-whole", whole::arrives_by_length);
    on("8-mib-arrive-whole-in-chunks", whole::arrives_in_chunks);
    on("arrive-whole-by-channel", |row| whole::arrives_secured(row, Transport::Channel));
    on("arrive-whole-by-tls", |row| whole::arrives_secured(row, Transport::Tls));
    on("who-asks-is-told-to-send", whole::is_told_to_send);
    on("files-without-octets", whole::empty_files);
    on("others-have-their-turn", whole::others_have_their_turn);
    on("a-body-that-is-no-upload-is-taken-whole", whole::other_bodies);
    on("60-that-are-cut-off-leave-nothing", |row| cut::cut_off(row, 60));
    on("a-slow-one-leaves-nothing", cut::too_slow);
    on("a-stop-lets-one-finish", cut::stop_lets_finish);
    on("the-drain-limit-leaves-nothing", cut::drain_limit);
    on("a-server-that-is-killed-leaves-nothing-to-the-next", cut::killed_server);
    on("a-disk-that-takes-no-more-leaves-nothing", cut::full_disk);
    on("too-large-is-refused-before-it-is-sent", refused::too_large);
    on("too-many-chunks-leave-nothing", refused::too_many_chunks);
    on("broken-chunks-leave-nothing", refused::broken_chunks);
    on("names-and-methods", refused::names_and_methods);
    on("conditions-hold-or-nothing-is-taken", refused::conditions);
    on("what-the-policy-denies-is-not-taken", refused::denied);
    on("nothing-is-taken-unasked", refused::unasked);
    mount(
        &mut trials,
        "uploads",
        "a-worker-that-is-killed-leaves-nothing",
        Row::has_processes,
        cut::killed_worker,
    );
    mount_slow(&mut trials, "uploads", "1000-that-are-cut-off-leave-nothing", everybody, |row| {
        cut::cut_off(row, 1_000)
    });
    mount_slow(
        &mut trials,
        "uploads",
        "256-mib-within-16-mib-of-memory",
        everybody,
        whole::large_within_small_memory,
    );
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}
