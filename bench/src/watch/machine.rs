//! An architecture drawn as a machine: the places through which its requests go, read from the facts of its row.

use dyno_servers::architecture::{Anatomy, Architecture, HandOvers, ServedBy, Shares, Started, WaitsBy};
use dyno_servers::under_way::entry::RequestStage;
use serde::Serialize;

/// A place where a request can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum WatchPlace {
    /// It is due, and no connection of the generator is free.
    Backlog,
    /// The kernel has made its connection, and nobody has accepted it.
    Accept,
    /// Whoever accepts or reads for others has it.
    Dispatch,
    /// It waits for a worker.
    Queue,
    /// Its handler runs.
    Work,
    /// Its reply waits for something.
    Wait,
    /// Its answer is ready, and goes out.
    Write,
}

/// A place as the page draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Station {
    pub(crate) place: WatchPlace,
    pub(crate) name: &'static str,
    /// What happens there in this design.
    pub(crate) words: String,
}

/// The places of an architecture, in the order in which requests pass them.
pub(crate) fn stations(architecture: &Architecture) -> Vec<Station> {
    let anatomy = architecture.anatomy;
    let all = [
        Some((WatchPlace::Backlog, "clients", "due, and no connection is free".to_string())),
        Some((WatchPlace::Accept, "accept queue", accept_queue(anatomy.shares).to_string())),
        dispatcher(anatomy).map(|(name, words)| (WatchPlace::Dispatch, name, words.to_string())),
        queue(anatomy.hand_overs).map(|words| (WatchPlace::Queue, "queue", words.to_string())),
        Some((WatchPlace::Work, workers(anatomy.served_by), work(anatomy))),
        waiting_room(anatomy.served_by).map(|words| (WatchPlace::Wait, "waiting room", words.to_string())),
        Some((WatchPlace::Write, "writing", "the answer is ready, and goes out".to_string())),
    ];
    all.into_iter().flatten().map(|(place, name, words)| Station { place, name, words }).collect()
}

/// The place of a request that has come so far.
pub(crate) fn place_of(stage: RequestStage, anatomy: Anatomy) -> WatchPlace {
    match stage {
        RequestStage::Queued => WatchPlace::Queue,
        RequestStage::Running => WatchPlace::Work,
        // Who reads is who serves, unless a loop reads for others.
        RequestStage::Receiving => match anatomy.hand_overs {
            HandOvers::PerRequest => WatchPlace::Dispatch,
            HandOvers::Never | HandOvers::PerConnection => WatchPlace::Work,
        },
        // Who serves one connection at a time waits with it, and does nothing else meanwhile.
        RequestStage::Waiting if waiting_room(anatomy.served_by).is_some() => WatchPlace::Wait,
        RequestStage::Waiting => WatchPlace::Work,
    }
}

fn accept_queue(shares: Shares) -> &'static str {
    match shares {
        Shares::Nothing => "connections that the only worker has not accepted",
        Shares::Address => "a queue for each listener; the kernel spreads connections by a hash",
        Shares::Listener => "connections that no process has accepted",
        Shares::Memory => "connections that nobody has accepted",
    }
}

fn dispatcher(anatomy: Anatomy) -> Option<(&'static str, &'static str)> {
    match (anatomy.hand_overs, anatomy.started) {
        (HandOvers::PerConnection, _) => Some(("dispatcher", "accepts, and hands each connection over")),
        (HandOvers::PerRequest, _) => Some(("loop", "reads, and hands each request over")),
        (HandOvers::Never, Started::Process) => Some(("parent", "accepts, and forks a process for each")),
        (HandOvers::Never, Started::Thread) => Some(("acceptor", "accepts, and starts a thread for each")),
        (HandOvers::Never, Started::Coroutine | Started::Task | Started::Nothing) => None,
    }
}

fn queue(hand_overs: HandOvers) -> Option<&'static str> {
    match hand_overs {
        HandOvers::Never => None,
        HandOvers::PerConnection => Some("connections that wait for a worker"),
        HandOvers::PerRequest => Some("requests that wait for a worker"),
    }
}

fn workers(served_by: ServedBy) -> &'static str {
    match served_by {
        ServedBy::OnlyThread => "the thread",
        ServedBy::Processes => "processes",
        ServedBy::Threads => "threads",
        ServedBy::Loops => "loops",
        ServedBy::LoopAndPool => "pool",
        ServedBy::Coroutines => "user-level threads",
        ServedBy::Tasks => "tasks",
    }
}

fn work(anatomy: Anatomy) -> String {
    let learns = match anatomy.waits_by {
        WaitsBy::Blocking => "accept, read and write block",
        WaitsBy::Select => "select(2) tells what is ready",
        WaitsBy::Poll => "poll(2) tells what is ready",
        WaitsBy::Epoll => "epoll_wait(2) tells what is ready",
        WaitsBy::IoUring => "io_uring tells what is done",
    };
    let holds = match anatomy.served_by {
        ServedBy::OnlyThread => "one connection after the other",
        ServedBy::Processes | ServedBy::Threads => "each holds one connection, and waits with it",
        ServedBy::Loops | ServedBy::Coroutines => "one handler at a time holds up all others of its thread",
        ServedBy::LoopAndPool => "each holds one request",
        ServedBy::Tasks => "as many handlers at once as there are threads",
    };
    format!("{learns}; {holds}")
}

/// What a reply waits in; none where its worker waits with it.
fn waiting_room(served_by: ServedBy) -> Option<&'static str> {
    match served_by {
        ServedBy::OnlyThread | ServedBy::Processes | ServedBy::Threads => None,
        ServedBy::Loops => Some("replies that wait cost the loop nothing"),
        ServedBy::LoopAndPool => Some("replies that wait, in a worker or in the loop"),
        ServedBy::Coroutines => Some("coroutines that sleep"),
        ServedBy::Tasks => Some("tasks that sleep"),
    }
}

#[cfg(test)]
mod tests {
    use dyno_servers::architectures::ALL;

    use super::*;

    #[test]
    fn each_architecture_has_its_places_in_the_order_of_the_way() {
        for architecture in ALL {
            let name = architecture.name;
            let places: Vec<WatchPlace> =
                stations(architecture).iter().map(|station| station.place).collect();
            assert!(places.windows(2).all(|pair| (pair[0] as u8) < pair[1] as u8), "{name}: {places:?}");
            for place in [WatchPlace::Backlog, WatchPlace::Accept, WatchPlace::Work, WatchPlace::Write] {
                assert!(places.contains(&place), "{name} has no {place:?}");
            }
            let hands_over = architecture.anatomy.hand_overs != HandOvers::Never;
            assert_eq!(places.contains(&WatchPlace::Queue), hands_over, "{name}");
            for stage in [RequestStage::Receiving, RequestStage::Running, RequestStage::Waiting] {
                let place = place_of(stage, architecture.anatomy);
                assert!(places.contains(&place), "{name}: {stage:?} is nowhere");
            }
            // Only who hands over has a queue in which a request can be seen.
            if hands_over {
                assert!(places.contains(&place_of(RequestStage::Queued, architecture.anatomy)), "{name}");
            }
        }
    }

    #[test]
    fn who_serves_one_connection_at_a_time_waits_with_it() {
        for architecture in ALL {
            let waits_with = architecture.anatomy.waits_by == WaitsBy::Blocking;
            let place = place_of(RequestStage::Waiting, architecture.anatomy);
            assert_eq!(place == WatchPlace::Work, waits_with, "{}", architecture.name);
        }
    }
}
