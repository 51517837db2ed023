//! The responder's side: tickets that only it can open, so that it remembers nothing itself.
//!
//! ```text
//!   root(n + 1) || key(n) = HKDF-Expand(root(n), "dyno channel v1 ticket keys", 64)
//!   ticket                = n (8) || nonce (12) || AEAD(key(n), nonce, "dyno channel v1 ticket" || 0 || n,
//!                                rs (32) || until (8) || suite (1) || the initiator's credential)
//! ```
//! `n` counts whole spans of `TICKET_KEY_TIME` since the server was made, and a ticket is good in its span and in the
//! next.
//! The first root is drawn when the server is made, so processes that it forks later go over to the same keys at the
//! same time without a word between them, and take each other's tickets. An old root and an old key are overwritten
//! when the process next makes or takes a ticket, so who steals its memory opens none that is older. A nonce is drawn
//! for each ticket: processes that share a key cannot count.

use crate::aead::{Algorithm, NONCE_OCTETS, OpeningKey, SealingKey, TAG_OCTETS};
use crate::channel::credential::Credential;
use crate::channel::message::Suite;
use crate::channel::schedule::Secret;
use crate::kdf::Prk;
use crate::limits::{TICKET_KEY_TIME, TICKET_OCTETS};
use ring::rand::{SecureRandom, SystemRandom};
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use zeroize::Zeroizing;

const LABEL: &[u8] = b"dyno channel v1 ticket\0";
const LABEL_KEYS: &[u8] = b"dyno channel v1 ticket keys";
const NUMBER_OCTETS: usize = 8;

/// What a ticket holds.
pub(crate) struct Resumable {
    /// The secret of the session that it comes from.
    pub(crate) secret: Secret,
    /// The last second at which it is taken, counted from 1970.
    pub(crate) until_s: u64,
    /// The suite of that session, under which alone it is resumed.
    pub(crate) suite: Suite,
    /// Who the initiator has proved to be.
    pub(crate) credential: Credential,
}

/// Makes and opens the tickets of one server.
#[derive(Debug)]
pub(crate) struct Tickets {
    born: Instant,
    keys: Mutex<Keys>,
}

struct Keys {
    /// The span of `current`.
    number: u64,
    /// From which the next span's come.
    root: Secret,
    current: Secret,
    before: Option<Secret>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The key of a span, and the root of the next.
fn keys_of(root: &Secret) -> (Secret, Secret) {
    let okm = Prk::from_uniform(root).derive::<64>(LABEL_KEYS);
    (Secret::copy_of(&okm[32..]), Secret::copy_of(&okm[..32]))
}

impl Keys {
    /// Goes on to the span `number`; the keys of those before it but one are overwritten.
    fn go_on(&mut self, number: u64) {
        while self.number < number {
            let (key, root) = keys_of(&self.root);
            self.before = Some(mem::replace(&mut self.current, key));
            (self.root, self.number) = (root, self.number + 1);
        }
    }

    /// The key of the span `number`, if tickets of it are taken now.
    fn of(&self, number: u64) -> Option<&Secret> {
        match self.number.checked_sub(number)? {
            0 => Some(&self.current),
            1 => self.before.as_ref(),
            _ => None,
        }
    }
}

impl Tickets {
    /// With a root of its own; the first span begins `now`.
    ///
    /// # Panics
    /// When the operating system gives no random octets.
    pub(crate) fn new(now: Instant) -> Self {
        let mut first = Secret::zeros();
        SystemRandom::new().fill(&mut *first).expect("the operating system gives random octets");
        let (current, root) = keys_of(&first);
        Tickets { born: now, keys: Mutex::new(Keys { number: 0, root, current, before: None }) }
    }

    /// Uses the keys of the present span, and its number.
    fn at<T>(&self, now: Instant, with: impl FnOnce(&Keys) -> T) -> T {
        let number = now.saturating_duration_since(self.born).as_secs() / TICKET_KEY_TIME.as_secs();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.go_on(number);
        with(&keys)
    }

    /// A ticket for `resumable`; `None` when it would be too long, or the system gives no random octets.
    pub(crate) fn make(&self, now: Instant, resumable: &Resumable) -> Option<Vec<u8>> {
        let Resumable { secret, until_s, suite, credential } = resumable;
        let plain = Zeroizing::new(
            [&secret[..], &until_s.to_be_bytes(), &[*suite as u8], &credential.encode()].concat(),
        );
        let mut nonce = [0; NONCE_OCTETS];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let (number, key) = self.at(now, |keys| {
            (keys.number.to_be_bytes(), SealingKey::new(Algorithm::Aes256Gcm, &*keys.current, &nonce))
        });
        let sealed = key.ok()?.with_limit(1).seal(&[LABEL, &number].concat(), &plain).ok()?;
        let ticket = [&number[..], &nonce, &sealed].concat();
        (ticket.len() <= TICKET_OCTETS).then_some(ticket)
    }

    /// What `ticket` holds, if it is one of ours and its key is not too old.
    pub(crate) fn open(&self, now: Instant, ticket: &[u8]) -> Option<Resumable> {
        let (number, rest) = ticket.split_first_chunk::<NUMBER_OCTETS>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_OCTETS>()?;
        if ticket.len() > TICKET_OCTETS || sealed.len() < TAG_OCTETS {
            return None;
        }
        let key = self.at(now, |keys| {
            let key = keys.of(u64::from_be_bytes(*number))?;
            OpeningKey::new(Algorithm::Aes256Gcm, &**key, nonce).ok()
        });
        let mut plain = Zeroizing::new(sealed.to_vec());
        let count = key?.open_in_place(&[LABEL, number].concat(), &mut plain).ok()?;
        let (secret, rest) = plain[..count].split_first_chunk::<32>()?;
        let (until, rest) = rest.split_first_chunk()?;
        let (&suite, credential) = rest.split_first()?;
        Some(Resumable {
            secret: Secret::copy_of(secret),
            until_s: u64::from_be_bytes(*until),
            suite: Suite::from_octet(suite)?,
            credential: Credential::parse(credential)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SigningKey;

    fn sample(fill: u8) -> Resumable {
        let credential = Credential::bare(*SigningKey::generate().0.public());
        Resumable { secret: [fill; 32].into(), until_s: 77, suite: Suite::HybridAes256Gcm, credential }
    }

    #[test]
    fn a_ticket_is_good_for_one_server_and_one_to_two_spans_and_in_no_other_form() {
        let start = Instant::now();
        let (tickets, others) = (Tickets::new(start), Tickets::new(start));
        let after = |spans: f64| start + TICKET_KEY_TIME.mul_f64(spans);
        let resumable = sample(5);
        let ticket = tickets.make(after(0.5), &resumable).expect("short enough");
        let opened = tickets.open(after(0.5), &ticket).expect("ours");
        assert_eq!((&*opened.secret, opened.until_s), (&[5; 32], 77));
        assert_eq!((opened.suite, opened.credential), (resumable.suite, resumable.credential.clone()));
        for bit in 0..8 * ticket.len() {
            let mut altered = ticket.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(tickets.open(after(0.5), &altered).is_none(), "bit {bit}");
        }
        for length in 0..ticket.len() {
            assert!(tickets.open(after(0.5), &ticket[..length]).is_none(), "cut after {length}");
        }
        assert!(tickets.open(after(0.5), &[&ticket[..], &[0]].concat()).is_none(), "an octet more");
        assert!(tickets.open(after(0.5), &[0; TICKET_OCTETS + 1]).is_none(), "too long");
        assert!(others.open(after(0.5), &ticket).is_none(), "another server");
        assert!(tickets.open(after(1.99), &ticket).is_some(), "in the next span");
        assert!(tickets.open(after(2.0), &ticket).is_none(), "two spans later");
        assert!(
            tickets.open(after(1.0), &ticket).is_none(),
            "its key was overwritten, whatever the clock says"
        );
        let (one, two) = (tickets.make(after(9.0), &resumable), tickets.make(after(9.0), &resumable));
        assert_ne!(one, two, "each has a nonce of its own");
    }

    /// Processes after a fork have equal copies of the first root, and no word passes between them.
    #[test]
    fn copies_of_the_first_root_take_each_others_tickets_in_every_span() {
        let start = Instant::now();
        let copy = || {
            let (current, root) = keys_of(&Secret::from([9; 32]));
            Tickets { born: start, keys: Mutex::new(Keys { number: 0, root, current, before: None }) }
        };
        let (one, other) = (copy(), copy());
        for spans in [0, 1, 2, 1000] {
            let now = start + TICKET_KEY_TIME * spans;
            let ticket = one.make(now, &sample(1)).expect("short enough");
            assert!(other.open(now, &ticket).is_some(), "{spans} spans after the start");
        }
    }
}
