//! Controllers against theory: a simulated server that serves one request at a time, each in the same time, while
//! requests arrive at random (M/D/1), and for which a refusal is work, too.
//!
//! While more is asked for than it can do the server never rests. Of `k` requests in the time of one service it serves
//! `x` and refuses `k - x`, each for the share `r` of a service, so `x + r (k - x) = 1` and `x = (1 - k r) / (1 - r)`:
//! the best that any control can do.

use std::time::Duration;

use proptest::prelude::*;

use super::line::WaitingLine;
use super::{Arrival, Control, Controller, Finished, Verdict, controller};

fn admit(controller: &dyn Controller, line: &WaitingLine, arrival: Arrival) -> bool {
    super::admit(controller, line, arrival) != Verdict::Refused
}

const MS: u64 = 1_000_000;
const SERVICE_NS: u64 = MS;
const REFUSAL_NS: u64 = SERVICE_NS / 100;
const PATIENCE_NS: u64 = 100 * MS;

/// A generator of random numbers that is good enough for gaps (SplitMix64).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn gap_ns(&mut self, mean_ns: f64) -> f64 {
        -mean_ns * (1.0 - self.share()).ln()
    }
}

/// What came of the second half of a run, as shares of what the server could do.
struct Result {
    /// Answers within the patience.
    good: f64,
    refused: f64,
}

/// First come, first served; `k` times what the server can do.
fn simulate(control: Option<Control>, k: f64, seconds: u64) -> Result {
    let controller = control.map(|control| controller(control).unwrap());
    let line = WaitingLine::new().unwrap();
    let mut random = Random(k.to_bits());
    let (mut now_ns, mut arrived_ns) = (1_000_000_000_u64, 1e9);
    let begin_ns = now_ns;
    let end_ns = begin_ns + seconds * 1_000_000_000;
    let (mut good, mut refused) = (0, 0);
    loop {
        arrived_ns += random.gap_ns(SERVICE_NS as f64 / k);
        let since_ns = arrived_ns as u64;
        now_ns = now_ns.max(since_ns);
        if now_ns >= end_ns {
            break;
        }
        let counts = u64::from(now_ns >= begin_ns + (end_ns - begin_ns) / 2);
        let arrival = Arrival { now_ns, waited_ns: now_ns - since_ns };
        if controller.as_ref().is_none_or(|controller| admit(controller.as_ref(), &line, arrival)) {
            now_ns += SERVICE_NS;
            if let Some(controller) = &controller {
                finish(controller.as_ref(), &line, now_ns, arrival.waited_ns);
            }
            good += if now_ns - since_ns <= PATIENCE_NS { counts } else { 0 };
        } else {
            now_ns += REFUSAL_NS;
            refused += counts;
        }
    }
    let possible = (end_ns - begin_ns) as f64 / 2.0 / SERVICE_NS as f64;
    Result { good: good as f64 / possible, refused: refused as f64 / possible }
}

fn finish(controller: &dyn Controller, line: &WaitingLine, now_ns: u64, waited_ns: u64) {
    let finished = Finished { now_ns, waited_ns, served_ns: SERVICE_NS };
    line.served(finished);
    line.leave(now_ns);
    controller.done(line, finished);
}

fn possible(k: f64) -> f64 {
    let r = REFUSAL_NS as f64 / SERVICE_NS as f64;
    (1.0 - k * r) / (1.0 - r)
}

#[test]
fn without_control_nobody_is_served_in_time() {
    assert!((simulate(None, 0.5, 20).good - 0.5).abs() < 0.02);
    for k in [2.0, 4.0, 8.0] {
        assert!(simulate(None, k, 20).good < 0.01, "{k}");
    }
}

#[test]
fn each_control_serves_what_is_possible() {
    for control in Control::ALL {
        for k in [1.5, 2.0, 4.0, 8.0] {
            let Result { good, refused } = simulate(Some(control), k, 20);
            let apart = (good / possible(k) - 1.0).abs();
            assert!(apart < 0.02, "{control:?} at {k}: {good} of {}", possible(k));
            assert!((refused + good - k).abs() < 0.05 * k, "{control:?} at {k}: {refused} refused");
        }
    }
}

#[test]
fn each_control_serves_everybody_at_half_load() {
    for control in Control::ALL {
        let Result { good, refused } = simulate(Some(control), 0.5, 60);
        assert!((good - 0.5).abs() < 0.01 && refused < 0.001, "{control:?}: {good}, {refused} refused");
    }
}

#[test]
fn what_is_refused_follows_the_time_and_not_the_number() {
    // The same number of places is twice the time where a service takes twice as long; a deadline stays a time.
    let half = Control::Deadline(Duration::from_millis(20));
    let Result { good, .. } = simulate(Some(half), 4.0, 20);
    assert!((good / possible(4.0) - 1.0).abs() < 0.02, "{good}");
}

proptest! {
    /// Whatever was before, and however old it says it is: who comes when nothing is in hand is served.
    #[test]
    fn whoever_meets_an_idle_server_is_served(
        which in 0..Control::ALL.len(),
        past in prop::collection::vec((0u64..3_000_000, 0u64..500_000_000, any::<bool>()), 0..400),
        ages in prop::collection::vec(0u64..10_000_000_000, 1..20),
    ) {
        let (controller, line) = (controller(Control::ALL[which]).unwrap(), WaitingLine::new().unwrap());
        let mut now_ns = 20_000_000_000;
        let mut in_hand = 0;
        for (gap_ns, waited_ns, ends) in past {
            now_ns += gap_ns;
            in_hand += u64::from(admit(controller.as_ref(), &line, Arrival { now_ns, waited_ns }));
            if ends && in_hand > 0 {
                in_hand -= 1;
                finish(controller.as_ref(), &line, now_ns, waited_ns);
            }
        }
        (0..in_hand).for_each(|_| finish(controller.as_ref(), &line, now_ns, 0));
        for waited_ns in ages {
            now_ns += 21 * MS;
            let is_served = admit(controller.as_ref(), &line, Arrival { now_ns, waited_ns });
            prop_assert!(is_served, "{waited_ns}");
            now_ns += SERVICE_NS;
            finish(controller.as_ref(), &line, now_ns, waited_ns);
        }
    }

    /// Who has not waited is served by every control while little is in hand.
    #[test]
    fn whoever_has_not_waited_and_finds_nobody_is_served(
        which in 0..Control::ALL.len(),
        gaps in prop::collection::vec(0u64..20_000_000, 1..400),
    ) {
        let (controller, line) = (controller(Control::ALL[which]).unwrap(), WaitingLine::new().unwrap());
        let mut now_ns = 20_000_000_000;
        for gap_ns in gaps {
            now_ns += gap_ns;
            let is_served = admit(controller.as_ref(), &line, Arrival { now_ns, waited_ns: 0 });
            prop_assert!(is_served, "after {gap_ns}");
            now_ns += SERVICE_NS;
            finish(controller.as_ref(), &line, now_ns, 0);
        }
    }
}
