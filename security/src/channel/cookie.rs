//! Cookies for message 1 under load: the responder sends one and remembers nothing. A client that sends it back has
//! read an answer at the address that it claims, before it has cost a public-key operation or a place.
//!
//! ```text
//!   period = whole spans of COOKIE_TIME since the server was made
//!   key    = MAC(root, "dyno channel v1 cookie" || 0 || period (8))
//!   cookie = MAC(key, address (16) || HASH(message 1 without the cookie))
//! ```
//! The root is drawn when the server is made, so processes that it forks later take each other's cookies, and the
//! period gives each span its own key without a word between them.

use crate::digest::{self, Algorithm, sha256};
use crate::limits::COOKIE_TIME;
use crate::secret::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use std::net::IpAddr;
use std::time::Instant;
use zeroize::Zeroizing;

const LABEL: &[u8] = b"dyno channel v1 cookie\0";

/// Makes and checks the cookies of one server.
#[derive(Debug)]
pub(crate) struct Cookies {
    root: Secret<32>,
    born: Instant,
}

impl Cookies {
    /// With a root of its own; the first period begins `now`.
    ///
    /// # Panics
    /// When the operating system gives no random octets.
    pub(crate) fn new(now: Instant) -> Self {
        let mut root = Secret::zeros();
        SystemRandom::new().fill(&mut *root).expect("the operating system gives random octets");
        Cookies { root, born: now }
    }

    fn period(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.born).as_secs() / COOKIE_TIME.as_secs()
    }

    fn cookie(&self, period: u64, address: Option<IpAddr>, hello: &[u8]) -> Vec<u8> {
        let key =
            Zeroizing::new(digest::mac(Algorithm::Sha256, &*self.root, &[LABEL, &period.to_be_bytes()]));
        // Nobody has the unspecified address, so it stands for an unknown one.
        let address = match address {
            None => [0; 16],
            Some(IpAddr::V4(address)) => address.to_ipv6_mapped().octets(),
            Some(IpAddr::V6(address)) => address.octets(),
        };
        digest::mac(Algorithm::Sha256, &key, &[&address, &sha256(&[hello])])
    }

    /// The cookie for a client at `address` that has sent this body of message 1.
    pub(crate) fn make(&self, now: Instant, address: Option<IpAddr>, hello: &[u8]) -> Vec<u8> {
        self.cookie(self.period(now), address, hello)
    }

    /// Whether `cookie` is ours, of this period or of the one before, for this address and this body of message 1.
    pub(crate) fn is_valid(
        &self,
        now: Instant,
        address: Option<IpAddr>,
        hello: &[u8],
        cookie: &[u8],
    ) -> bool {
        let period = self.period(now);
        let periods = [Some(period), period.checked_sub(1)];
        periods.into_iter().flatten().any(|p| digest::equal(&self.cookie(p, address, hello), cookie))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_cookie_is_good_for_one_address_one_message_and_one_to_two_periods() {
        let start = Instant::now();
        let (cookies, others) = (Cookies::new(start), Cookies::new(start));
        let after = |periods: f64| start + COOKIE_TIME.mul_f64(periods);
        let at = |address: &str| Some(address.parse::<IpAddr>().expect("an address"));
        let (home, hello) = (at("192.0.2.1"), b"message 1".as_slice());
        let cookie = cookies.make(after(0.5), home, hello);
        assert_eq!(cookie.len(), 32);
        let mut forged = cookie.clone();
        forged[31] ^= 1;
        for (what, cookies, now, address, hello, cookie, good) in [
            ("at once", &cookies, after(0.5), home, hello, &cookie, true),
            ("in the next period", &cookies, after(1.99), home, hello, &cookie, true),
            ("two periods later", &cookies, after(2.0), home, hello, &cookie, false),
            ("much later", &cookies, after(1000.0), home, hello, &cookie, false),
            ("another address", &cookies, after(0.5), at("192.0.2.2"), hello, &cookie, false),
            ("no address", &cookies, after(0.5), None, hello, &cookie, false),
            ("another message", &cookies, after(0.5), home, b"message 2", &cookie, false),
            ("another server", &others, after(0.5), home, hello, &cookie, false),
            ("a flipped bit", &cookies, after(0.5), home, hello, &forged, false),
            ("empty", &cookies, after(0.5), home, hello, &Vec::new(), false),
        ] {
            assert_eq!(cookies.is_valid(now, address, hello, cookie), good, "{what}");
        }
        let early = cookies.make(start, home, hello);
        assert!(cookies.is_valid(start + Duration::from_millis(1), home, hello, &early), "the first period");
    }
}
