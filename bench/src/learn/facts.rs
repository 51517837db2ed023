//! What a chapter's row says of it, in words.

use dyno_servers::architecture::{
    Anatomy, Architecture, Concurrency, HandOvers, ServedBy, Shares, Started, WaitsBy,
};

use crate::knobs;

/// Names and words, a line each.
pub(crate) fn of(architecture: &Architecture) -> Vec<(&'static str, String)> {
    let Anatomy { waits_by, served_by, started, hand_overs, shares } = architecture.anatomy;
    let waits = match waits_by {
        WaitsBy::Blocking => "accept, read and write themselves, one connection for each thread or process",
        WaitsBy::Select => "select(2), for all connections",
        WaitsBy::Poll => "poll(2), for all connections",
        WaitsBy::Epoll => "epoll_wait(2), for all connections",
        WaitsBy::IoUring => "io_uring_enter(2), for operations that are done",
    };
    let serves = match served_by {
        ServedBy::OnlyThread => "the only thread, one connection after the other",
        ServedBy::Processes => "processes, one connection each at a time",
        ServedBy::Threads => "kernel threads, one connection each at a time",
        ServedBy::Loops => "loops, many connections each",
        ServedBy::LoopAndPool => "a loop that moves bytes, and a pool of threads that answers",
        ServedBy::Coroutines => "user-level threads of one kernel thread",
        ServedBy::Tasks => "tasks on the kernel threads of a runtime",
    };
    let starts = match started {
        Started::Nothing => "nothing",
        Started::Process => "a process",
        Started::Thread => "a kernel thread",
        Started::Coroutine => "a user-level thread, with a stack",
        Started::Task => "a task, which has no stack of its own",
    };
    let hands = match hand_overs {
        HandOvers::Never => "nothing",
        HandOvers::PerConnection => "each connection, once",
        HandOvers::PerRequest => "each request, and its answer back",
    };
    let shared = match shares {
        Shares::Nothing => "nothing: there is only one worker",
        Shares::Address => "the address; each worker has a listening socket of its own",
        Shares::Listener => "the listening socket",
        Shares::Memory => "all memory",
    };
    let at_once = match architecture.concurrency {
        Concurrency::One => "one connection",
        Concurrency::PerWorker => "one connection for each worker",
        Concurrency::Many => "as many connections as the limits allow",
    };
    let options: Vec<_> = architecture.knobs.iter().map(|knob| knobs::option(*knob)).collect();
    let mut facts = vec![
        ("waits in", waits.to_string()),
        ("is served by", serves.into()),
        ("at once", at_once.into()),
        ("started for each", starts.into()),
        ("handed over", hands.into()),
        ("shared", shared.into()),
        ("its wall", architecture.wall.into()),
    ];
    if !options.is_empty() {
        facts.push(("options", options.join(" ")));
    }
    facts
}
