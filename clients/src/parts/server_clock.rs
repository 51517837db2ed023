//! How far the clock of the server is from this one's, by the `Date` fields of its answers.
//!
//! A date tells whole seconds, but it changes at a known moment of the server's clock: an answer with second D, asked
//! for at t and there at u, says that the server's clock was between D and D + 1 at some time between t and u. Each
//! request is sent when a second of the server's clock ends in the middle of what is still possible, so each answer
//! halves that; what is left is the way there and back. All hosts of a load ask the same server, so the differences of
//! their figures are those of their clocks, whatever the server's clock shows.

use crate::outcome::parts::Offset;

const S: i64 = 1_000_000_000;

/// What is known so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct DateBounds {
    known: Option<Offset>,
    is_contradictory: bool,
}

impl DateBounds {
    /// An answer with the date of this second since 1970, which was asked for and came at these times of this clock, ns
    /// since 1970.
    pub fn answered(&mut self, second: u64, asked_ns: u64, came_ns: u64) {
        let at = |ns: u64| i64::try_from(ns).unwrap_or(i64::MAX);
        let date_ns = i64::try_from(second).unwrap_or(0).saturating_mul(S);
        let (least_ns, most_ns) =
            (date_ns.saturating_sub(at(came_ns)), date_ns.saturating_add(S).saturating_sub(at(asked_ns)));
        let known = self.known.unwrap_or(Offset { least_ns, most_ns });
        let both = Offset { least_ns: known.least_ns.max(least_ns), most_ns: known.most_ns.min(most_ns) };
        self.is_contradictory |= both.least_ns > both.most_ns;
        self.known = Some(both);
    }

    /// When the next request tells most, ns since 1970 by this clock: at `now_ns` or within a second after.
    pub fn ask_at_ns(&self, now_ns: u64) -> u64 {
        let Some(known) = self.known else { return now_ns };
        let server_ns = i64::try_from(now_ns).unwrap_or(i64::MAX).saturating_add(known.middle_ns());
        // Half of the way there and back is behind the request when the server looks at its clock; that is left
        // to chance.
        now_ns + (S - server_ns.rem_euclid(S)).unsigned_abs()
    }

    /// What is left of what is possible; nothing where dates contradict each other, or none has come.
    pub fn offset(&self) -> Option<Offset> {
        self.known.filter(|_| !self.is_contradictory)
    }

    /// Whether further answers would tell no more: what is left is at most so much.
    pub fn is_within(&self, ns: u64) -> bool {
        self.is_contradictory || self.known.is_some_and(|known| known.most_ns.abs_diff(known.least_ns) <= ns)
    }
}

/// The second since 1970 in the `Date` field of the head of an answer.
pub fn date_in(head: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(head).ok()?;
    let value = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then_some(value.trim())
    })?;
    let date = httpdate::parse_http_date(value).ok()?;
    date.duration_since(std::time::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds after so many answers of a server whose clock is ahead by `ahead_ns`, over a way of `way_ns` each way.
    fn asked(ahead_ns: i64, way_ns: u64, answers: u32) -> DateBounds {
        let (mut bounds, mut now_ns) = (DateBounds::default(), 1_790_000_000_123_456_789_u64);
        for _ in 0..answers {
            let asked_ns = bounds.ask_at_ns(now_ns);
            let server_ns = (asked_ns + way_ns).checked_add_signed(ahead_ns).unwrap();
            bounds.answered(server_ns / S as u64, asked_ns, asked_ns + 2 * way_ns);
            now_ns = asked_ns + 2 * way_ns + 1_000;
        }
        bounds
    }

    #[test]
    fn each_answer_halves_what_is_possible_down_to_the_way() {
        for ahead_ns in [0, 1, -1, 400_000, -37_000_000, 999_999_999, 12 * S + 5, -3_600 * S] {
            for way_ns in [20_000, 1_000_000, 40_000_000] {
                let known = asked(ahead_ns, way_ns, 24).offset().unwrap();
                assert!(
                    (known.least_ns..=known.most_ns).contains(&ahead_ns),
                    "{ahead_ns} {way_ns} {known:?}"
                );
                assert!(known.error_ns() <= 2 * way_ns + 1_000, "{ahead_ns} {way_ns} {known:?}");
            }
            let few = asked(ahead_ns, 20_000, 8);
            assert!(few.offset().unwrap().error_ns() < 10_000_000 && !few.is_within(1_000_000), "{few:?}");
        }
    }

    #[test]
    fn dates_that_contradict_each_other_tell_nothing() {
        let mut bounds = DateBounds::default();
        assert!(bounds.offset().is_none() && !bounds.is_within(u64::MAX));
        bounds.answered(1_000, 1_000 * S as u64, 1_000 * S as u64 + 5);
        bounds.answered(1_005, 1_002 * S as u64, 1_002 * S as u64 + 5);
        assert!(bounds.offset().is_none() && bounds.is_within(0));
    }

    #[test]
    fn a_date_is_found_in_a_head() {
        let head = b"HTTP/1.1 200 OK\r\nServer: x\r\ndate:  Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
        assert_eq!(date_in(head), Some(784_111_777));
        for none in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\nDate: soon\r\n\r\n", b"\xff"] {
            assert_eq!(date_in(none), None);
        }
    }
}
