//! The scenes themselves, in the order of their keys.

use dyno_security::transport::Transport;

use super::{Act, Cast, Scene, SceneArrivals, SceneRole};

/// Every scene.
pub(crate) static SCENES: [Scene; 12] = [
    Scene {
        title: "One blocking call stops the loop",
        caption: "Under {a} one handler sleeps, as a careless call would, and nobody else is answered: the only thread that \
                  could serve them sleeps. Under {b} the same call holds one thread of many.",
        look: "{a}: requests under way grow, the rate falls to nothing. {b}: one dot stays, all others go on.",
        first: Cast::of(SceneRole::Loop),
        second: Some(Cast::of(SceneRole::Pool)),
        arrivals: SceneArrivals::open("/wait/20000", 60, 32),
        acts: &[(5, Act::Fault("block")), (15, Act::Restart)],
        lasts_s: 20,
    },
    Scene {
        title: "The pool is jammed",
        caption: "Each request waits a fifth of a second for a back end. Four workers answer twenty of them a second, and thirty \
                  come: the others wait in the queue of {a}. Under {b} a reply that waits holds nobody.",
        look: "The queue of {a} grows as long as the rate stays; its workers do nothing but wait.",
        first: Cast::of(SceneRole::Pool).workers(4),
        second: Some(Cast::of(SceneRole::Loop)),
        arrivals: SceneArrivals::open("/wait/200000", 30, 64),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "Fork pays for birth",
        caption: "Each request comes on a connection of its own. {a} starts a process for each; the processes of {b} were there \
                  before.",
        look: "CPU and median of {a} against those of {b}: the difference is the price of a process that is born and dies.",
        first: Cast::of(SceneRole::ForkEach),
        second: Some(Cast::of(SceneRole::Preforked).workers(8)),
        arrivals: SceneArrivals::open("/", 200, 32).fresh(),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "The convoy of the iterative server",
        caption: "{a} serves one client after the other. Some clients send their request byte by byte: while the server waits for \
                  one of them, all others stand behind it. {b} waits for all clients at once.",
        look: "The accept queue of {a}, and its 99th percentile.",
        first: Cast::of(SceneRole::Iterative),
        second: Some(Cast::of(SceneRole::Loop)),
        arrivals: SceneArrivals::open("/", 30, 64).fresh().slow(3),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "The wake-ups of a pool",
        caption: "The same small requests, two thousand a second. In {a} a thread sleeps for each connection and is woken for \
                  each request; the loop of {b} takes what is ready in one call.",
        look: "Context switches and CPU, for the same rate.",
        first: Cast::of(SceneRole::Pool),
        second: Some(Cast::of(SceneRole::Loop)),
        arrivals: SceneArrivals::open("/", 2_000, 32),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "A pipeline, and who waits at its head",
        caption: "Six requests, of which the first waits 400 milliseconds. Sent in a pipeline on one connection, all others wait \
                  behind it, because HTTP/1.1 answers in order; on six connections they do not. The design is the same.",
        look: "When the last short answer came: on the left by a pipeline, on the right by six connections.",
        first: Cast::of(SceneRole::Loop),
        second: Some(Cast::of(SceneRole::Loop)),
        arrivals: SceneArrivals::open("/wait/1000", 10, 8),
        acts: &[
            (2, Act::Pipeline),
            (5, Act::Pipeline),
            (8, Act::Pipeline),
            (11, Act::Pipeline),
            (14, Act::Pipeline),
            (17, Act::Pipeline),
        ],
        lasts_s: 20,
    },
    Scene {
        title: "Slow clients",
        caption: "Sixteen clients send their request byte by byte and never end it. Each holds one of the eight processes of {a} as \
                  long as it is given time; for {b} it is a buffer.",
        look: "The accept queue of {a}, and how its latency comes and goes with the patience of its workers.",
        first: Cast::of(SceneRole::Preforked).workers(8),
        second: Some(Cast::of(SceneRole::Loop)),
        arrivals: SceneArrivals::open("/", 50, 16).slow(16),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "An overload, and the way back",
        caption: "Each request computes for ten milliseconds, so a core answers a hundred a second. After five seconds 160 come, for \
                  five seconds. Without a control everybody waits, long after the rush; with one ({b}, deadline) the late are refused.",
        look: "How long the latency stays high after the rate is low again. A refusal counts as a failure.",
        first: Cast::of(SceneRole::Loop),
        second: Some(Cast::of(SceneRole::Loop).admission("deadline")),
        arrivals: SceneArrivals::open("/compute/10000", 40, 256),
        acts: &[(5, Act::Surge(120, 5))],
        lasts_s: 25,
    },
    Scene {
        title: "Threads hide latency",
        caption: "Six connections, as a browser opens them, ask for answers that wait 50 milliseconds each. One thread waits for one \
                  after the other; eight threads wait for all at once.",
        look: "The rate: one thread answers twenty a second, and six at once answer six times as many.",
        first: Cast::of(SceneRole::Pool).workers(1),
        second: Some(Cast::of(SceneRole::Pool).workers(8)),
        arrivals: SceneArrivals::closed("/wait/50000", 6),
        acts: &[],
        lasts_s: 0,
    },
    Scene {
        title: "A handler crashes",
        caption: "One request ends its process, as a fault in memory would. Under {a} that is one worker, and a new one takes its \
                  place. Under {b} all threads share the process, and all end with it.",
        look: "After five seconds the server {b} is gone; after ten it is started again.",
        first: Cast::of(SceneRole::Preforked).workers(8),
        second: Some(Cast::of(SceneRole::Pool).workers(8)),
        arrivals: SceneArrivals::open("/wait/20000", 60, 8),
        acts: &[(5, Act::Fault("abort")), (10, Act::Restart)],
        lasts_s: 15,
    },
    Scene {
        title: "A channel under tap",
        caption: "Somebody between client and server writes down one exchange: on the left as it is, on the right behind Dyno's \
                  channel. What can be read there is that somebody speaks, how much and when.",
        look: "The wire under each machine. CPU and median: the handshake is what is paid, not the sealing of bytes.",
        first: Cast::of(SceneRole::Loop),
        second: Some(Cast::of(SceneRole::Loop).behind(Transport::Channel)),
        arrivals: SceneArrivals::open("/", 100, 32).fresh(),
        acts: &[(1, Act::Tap), (10, Act::Tap), (20, Act::Tap)],
        lasts_s: 30,
    },
    Scene {
        title: "The channel, and TLS 1.3 beside it",
        caption: "Both sides of a connection prove who they are and agree on keys, by Dyno's channel and by TLS 1.3.",
        look: "CPU and percentiles of the two, under the same arrivals.",
        first: Cast::of(SceneRole::Loop).behind(Transport::Channel),
        second: Some(Cast::of(SceneRole::Loop).behind(Transport::Tls)),
        arrivals: SceneArrivals::open("/", 100, 32).fresh(),
        acts: &[],
        lasts_s: 0,
    },
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::watch::settings::WatchSettings;

    #[test]
    fn every_scene_can_be_watched_and_is_told_in_words() {
        for scene in &SCENES {
            let settings: WatchSettings = scene.settings();
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
