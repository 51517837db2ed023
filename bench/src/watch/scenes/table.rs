//! The scenes themselves, in the order of their keys.

use dyno_security::transport::Transport;

use super::{Act, Arrivals, Cast, Role, Scene};

/// Every scene.
pub(crate) const SCENES: [Scene; 12] = [
    Scene {
        title: "One blocking call stops the loop",
        caption: "Under {a} one handler sleeps, as a careless call would, and nobody else is answered: the only thread that \
                  could serve them sleeps. Under {b} the same call holds one thread of many.",
        look: "{a}: requests under way grow, the rate falls to nothing. {b}: one dot stays, all others go on.",
        first: Cast::of(Role::Loop),
        second: Some(Cast::of(Role::Pool)),
        arrivals: Arrivals::open("/wait/20000", 60, 32),
        acts: &[(5, Act::Fault("block")), (15, Act::Restart)],
        lasts_s: 20,
    },
    Scene {
        title: "The pool is jammed",
        caption: "Each request waits a fifth of a second for a back end. Four workers answer twenty of them a second, and thirty \
                  come: the others wait in the queue of {a}. Under {b} a reply that waits holds nobody.",
        look: "The queue of {a} grows as long as the rate stays; its workers do nothing but wait.",
        first: Cast::of(Role::Pool).workers(4),
        second: Some(Cast::of(Role::Loop)),
        arrivals: Arrivals::open("/wait/200000", 30, 64),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "Fork pays for birth",
        caption: "Each request comes on a connection of its own. {a} starts a process for each; the processes of {b} were there \
                  before.",
        look: "CPU and median of {a} against those of {b}: the difference is the price of a process that is born and dies.",
        first: Cast::of(Role::ForkEach),
        second: Some(Cast::of(Role::Preforked).workers(8)),
        arrivals: Arrivals::open("/", 200, 32).fresh(),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "The convoy of the iterative server",
        caption: "{a} serves one client after the other. Some clients send their request byte by byte: while the server waits for \
                  one of them, all others stand behind it. {b} waits for all clients at once.",
        look: "The accept queue of {a}, and its 99th percentile.",
        first: Cast::of(Role::Iterative),
        second: Some(Cast::of(Role::Loop)),
        arrivals: Arrivals::open("/", 30, 64).fresh().slow(3),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "The wake-ups of a pool",
        caption: "The same small requests, two thousand a second. In {a} a thread sleeps for each connection and is woken for \
                  each request; the loop of {b} takes what is ready in one call.",
        look: "Context switches and CPU, for the same rate.",
        first: Cast::of(Role::Pool),
        second: Some(Cast::of(Role::Loop)),
        arrivals: Arrivals::open("/", 2_000, 32),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "A long request in front of short ones",
        caption: "Most requests take microseconds, and a few take five milliseconds. Whoever comes behind a long one on the only \
                  thread of {a} waits for it; {b} gives each its own thread, and the scheduler shares the core.",
        look: "The median is alike, the 99th percentile is not.",
        first: Cast::of(Role::Loop),
        second: Some(Cast::of(Role::Pool)),
        arrivals: Arrivals::open("/mix", 1_000, 64),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "Slow clients",
        caption: "Sixteen clients send their request byte by byte and never end it. Each holds one of the eight processes of {a} as \
                  long as it is given time; for {b} it is a buffer.",
        look: "The accept queue of {a}, and how its latency comes and goes with the patience of its workers.",
        first: Cast::of(Role::Preforked).workers(8),
        second: Some(Cast::of(Role::Loop)),
        arrivals: Arrivals::open("/", 50, 16).slow(16),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "An overload, and the way back",
        caption: "Each request computes for ten milliseconds, so a core answers a hundred a second. After five seconds 160 come, for \
                  five seconds. Without a control everybody waits, long after the rush; with one ({b}, deadline) the late are refused.",
        look: "How long the latency stays high after the rate is low again. A refusal counts as a failure.",
        first: Cast::of(Role::Loop),
        second: Some(Cast::of(Role::Loop).admission("deadline")),
        arrivals: Arrivals::open("/compute/10000", 40, 256),
        acts: &[(5, Act::Surge(120, 5))],
        lasts_s: 25,
    },
    Scene {
        title: "Threads hide latency",
        caption: "Six connections, as a browser opens them, ask for answers that wait 50 milliseconds each. One thread waits for one \
                  after the other; eight threads wait for all at once.",
        look: "The rate: one thread answers twenty a second, and six at once answer six times as many.",
        first: Cast::of(Role::Pool).workers(1),
        second: Some(Cast::of(Role::Pool).workers(8)),
        arrivals: Arrivals::closed("/wait/50000", 6),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "A handler crashes",
        caption: "One request ends its process, as a fault in memory would. Under {a} that is one worker, and a new one takes its \
                  place. Under {b} all threads share the process, and all end with it.",
        look: "After five seconds the server {b} is gone; after ten it is started again.",
        first: Cast::of(Role::Preforked).workers(8),
        second: Some(Cast::of(Role::Pool).workers(8)),
        arrivals: Arrivals::open("/wait/20000", 60, 8),
        acts: &[(5, Act::Fault("abort")), (10, Act::Restart)],
        lasts_s: 15,
    },
    Scene {
        title: "A secure channel, and none",
        caption: "The same requests, each on a connection of its own: first as they are, then behind Dyno's channel. Each connection \
                  begins with a handshake that signs and agrees on keys.",
        look: "CPU and median: the handshake is what is paid, not the sealing of bytes.",
        first: Cast::of(Role::Loop),
        second: Some(Cast::of(Role::Loop).behind(Transport::Channel)),
        arrivals: Arrivals::open("/", 100, 32).fresh(),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "The channel, and TLS 1.3 beside it",
        caption: "Both sides of a connection prove who they are and agree on keys, by Dyno's channel and by TLS 1.3.",
        look: "CPU and percentiles of the two, under the same arrivals.",
        first: Cast::of(Role::Loop).behind(Transport::Channel),
        second: Some(Cast::of(Role::Loop).behind(Transport::Tls)),
        arrivals: Arrivals::open("/", 100, 32).fresh(),
        acts: &[],
        lasts_s: 0,
    },
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::watch::settings::Settings;

    #[test]
    fn every_scene_can_be_watched_and_is_told_in_words() {
        for scene in &SCENES {
            let settings: Settings = scene.settings();
            assert_eq!(settings.check(), Ok(()), "{}", scene.title);
            let shown = serde_json::to_string(&scene.shown()).unwrap();
            assert!(!shown.contains("{a}") && !shown.contains("{b}"), "{shown}");
            let ends = scene.acts.iter().all(|(second, _)| *second < scene.lasts_s);
            assert!(ends, "{}: what happens happens before it begins again", scene.title);
        }
    }

    #[test]
    fn each_act_happens_once() {
        for scene in &SCENES {
            let tenths = (0..scene.lasts_s * 10).map(|tenth| Duration::from_millis(tenth * 100));
            let step = Duration::from_millis(100);
            let acts: Vec<Act> = tenths.flat_map(|from| scene.acts_between(from, from + step)).collect();
            assert_eq!(acts, scene.acts.iter().map(|(_, act)| *act).collect::<Vec<_>>(), "{}", scene.title);
        }
    }
}
