//! What may be sent again, and how often.
//!
//! A request that was not sent may go elsewhere as often as there are backends: that costs none of them any work. One
//! that was sent, or a part of it, may be done already; it is sent again only where doing it twice is the same as
//! doing it once (RFC 9110, 9.2.2), and as far as the budget goes: backends in trouble must not get several times
//! their load from those who help them. The budget is Finagle's: a fifth of what was asked lately, and ten a second.

use std::sync::atomic::Ordering::Relaxed;

use crate::farm::{Farm, FarmCommon};
use crate::limits::{RETRIES_EXPIRE, RETRIES_PER_S, RETRIES_PER_THOUSAND};

/// A retry, in the thousandths that the budget counts.
const WHOLE: u64 = 1_000;

/// How often the budget is settled at the most, ns: a tenth of a second.
const SETTLED_EVERY_NS: u64 = 100_000_000;

/// Whether doing such a request twice is the same as doing it once (RFC 9110, 9.2.2). Of methods that nobody knows
/// nothing is assumed.
pub fn is_idempotent(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
}

/// How far a request has got when its backend fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendProgress {
    /// Not one octet of it was sent.
    Unsent,
    /// Some of it was sent, or all.
    Sent,
}

/// A request brings its share of retries.
pub fn earn(farm: &Farm<'_>, now_ns: u64) {
    settle(farm, now_ns);
    farm.common(FarmCommon::Budget).fetch_add(RETRIES_PER_THOUSAND, Relaxed);
}

/// Whether a request may be sent again, which the budget then pays.
pub fn may_repeat(farm: &Farm<'_>, is_idempotent: bool, progress: SendProgress, now_ns: u64) -> bool {
    match progress {
        SendProgress::Unsent => true,
        SendProgress::Sent => {
            settle(farm, now_ns);
            let pay = |left: u64| left.checked_sub(WHOLE);
            is_idempotent && farm.common(FarmCommon::Budget).fetch_update(Relaxed, Relaxed, pay).is_ok()
        }
    }
}

/// Lets old retries expire, and adds what time has brought.
fn settle(farm: &Farm<'_>, now_ns: u64) {
    let settled = farm.common(FarmCommon::Settled);
    let last = settled.load(Relaxed);
    let passed = now_ns.saturating_sub(last);
    if (last != 0 && passed < SETTLED_EVERY_NS)
        || settled.compare_exchange(last, now_ns.max(1), Relaxed, Relaxed).is_err()
    {
        return;
    }
    let life = u64::try_from(RETRIES_EXPIRE.as_nanos()).unwrap_or(u64::MAX);
    // The first one finds what ten quiet seconds bring.
    let passed = if last == 0 { life } else { passed.min(life) };
    let fresh = |left: u64| {
        let kept = u128::from(left) * u128::from(life - passed) / u128::from(life);
        let brought = u128::from(passed) * u128::from(RETRIES_PER_S * WHOLE) / 1_000_000_000;
        u64::try_from(kept + brought).ok()
    };
    let _ = farm.common(FarmCommon::Budget).fetch_update(Relaxed, Relaxed, fresh);
}
