//! The places for handshakes under way at one acceptor.
//!
//! A place is taken when the first message is whole, because then there is something to hold; connections that say
//! nothing take none. There is always a place for the newest: where all are taken, the oldest handshake loses its own,
//! because an honest one needs its place for a round trip only. Each source has a share of the places, so that nobody
//! can push out everybody else alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::{HALF_OPEN_SHARES, SCARCE_PARTS};

/// The places of one acceptor. After a fork, each process has its own.
#[derive(Debug, Clone)]
pub(crate) struct HalfOpen {
    table: Arc<Mutex<Table>>,
    most: usize,
}

#[derive(Debug, Default)]
struct Table {
    /// The handshakes under way by their numbers, so the oldest first.
    places: BTreeMap<u64, Place>,
    of_source: HashMap<IpAddr, BTreeSet<u64>>,
    next: u64,
}

#[derive(Debug)]
struct Place {
    source: Option<IpAddr>,
    is_lost: Arc<AtomicBool>,
}

/// Where a connection comes from, and the places of its acceptor.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    half_open: HalfOpen,
    source: Option<IpAddr>,
    pub(crate) address: Option<IpAddr>,
}

/// The place of one handshake under way; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    half_open: HalfOpen,
    number: u64,
    is_lost: Arc<AtomicBool>,
}

impl HalfOpen {
    /// Room for `most` handshakes.
    pub(crate) fn new(most: usize) -> Self {
        HalfOpen { table: Arc::default(), most }
    }

    /// The door of a connection from `source`; `None`: unknown, and then no share of places limits it.
    pub(crate) fn door(&self, source: Option<IpAddr>) -> Door {
        let address = source.map(|address| address.to_canonical());
        Door { half_open: self.clone(), source: address.map(network), address }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing in here panics between two changes that belong together.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Door {
    /// The places of all, and of one source.
    fn sizes(&self) -> (usize, usize) {
        let most = self.half_open.most.max(1);
        (most, most.div_ceil(HALF_OPEN_SHARES))
    }

    /// Whether so many handshakes are under way, from here or in all, that those who begin one are to be looked at.
    pub(crate) fn is_scarce(&self) -> bool {
        let (most, share) = self.sizes();
        let table = self.half_open.lock();
        let own = self.source.and_then(|source| table.of_source.get(&source)).map_or(0, BTreeSet::len);
        SCARCE_PARTS * table.places.len() >= most || SCARCE_PARTS * own >= share
    }

    /// A place for a handshake that begins now.
    pub(crate) fn enter(&self) -> Permit {
        let (most, share) = self.sizes();
        let mut table = self.half_open.lock();
        let own = self.source.and_then(|source| table.of_source.get(&source));
        let first_of_own = own.filter(|own| own.len() >= share).and_then(|own| own.first().copied());
        let first = table.places.first_key_value().map(|(number, _)| *number);
        let is_full = table.places.len() >= most;
        if let Some(number) = first_of_own.or(first.filter(|_| is_full)) {
            table.remove(number, true);
        }
        let (number, is_lost) = (table.next, Arc::new(AtomicBool::new(false)));
        table.next += 1;
        table.places.insert(number, Place { source: self.source, is_lost: Arc::clone(&is_lost) });
        if let Some(source) = self.source {
            table.of_source.entry(source).or_default().insert(number);
        }
        Permit { half_open: self.half_open.clone(), number, is_lost }
    }
}

impl Table {
    fn remove(&mut self, number: u64, is_lost: bool) {
        let Some(place) = self.places.remove(&number) else { return };
        place.is_lost.store(is_lost, Ordering::Relaxed);
        if let Some(source) = place.source
            && let Some(own) = self.of_source.get_mut(&source)
        {
            own.remove(&number);
            if own.is_empty() {
                self.of_source.remove(&source);
            }
        }
    }
}

impl Permit {
    /// Whether a newer handshake has taken the place.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.half_open.lock().remove(self.number, false);
    }
}

/// What counts as one source: an address of version 4, or the network in which a host of version 6 chooses its own
/// address (RFC 4291, 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        IpAddr::V4(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().expect("an address"))
    }

    fn lost(permits: &[Permit]) -> Vec<bool> {
        permits.iter().map(Permit::is_lost).collect()
    }

    #[test]
    fn the_oldest_loses_its_place_to_the_newest() {
        let half_open = HalfOpen::new(3);
        let mut permits: Vec<_> = (0..5).map(|_| half_open.door(None).enter()).collect();
        assert_eq!(lost(&permits), [true, true, false, false, false]);
        permits.remove(3);
        permits.push(half_open.door(None).enter());
        assert_eq!(lost(&permits), [true, true, false, false, false], "a place that was free is taken first");
        drop(permits);
        assert!(half_open.lock().places.is_empty());
    }

    #[test]
    fn a_source_beyond_its_share_pushes_out_its_own() {
        let half_open = HalfOpen::new(4 * HALF_OPEN_SHARES);
        let honest = half_open.door(from("192.0.2.1")).enter();
        let flood = half_open.door(from("192.0.2.2"));
        let permits: Vec<_> = (0..100).map(|_| flood.enter()).collect();
        assert!(!honest.is_lost());
        assert_eq!(permits.iter().filter(|permit| !permit.is_lost()).count(), 4);
        assert!(!permits[99].is_lost() && permits[95].is_lost());
        drop((honest, permits));
        assert!(half_open.lock().of_source.is_empty(), "sources without a handshake are forgotten");
    }

    #[test]
    fn places_are_scarce_for_a_source_or_for_all() {
        let half_open = HalfOpen::new(64);
        let doors: Vec<_> = (0..4).map(|n| half_open.door(from(&format!("192.0.2.{n}")))).collect();
        let scarce = || doors.iter().map(Door::is_scarce).collect::<Vec<_>>();
        let mut permits: Vec<_> = (0..7).map(|_| doors[0].enter()).collect();
        assert_eq!(scarce(), [false; 4]);
        permits.push(doors[0].enter());
        assert_eq!(scarce(), [true, false, false, false], "half of the share of one source");
        permits.extend((0..24).map(|n| doors[n % 2 + 1].enter()));
        assert_eq!(scarce(), [true; 4], "half of all");
        permits.clear();
        assert_eq!(scarce(), [false; 4]);
    }

    #[test]
    fn a_network_of_version_6_is_one_source() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let half_open = HalfOpen::new(1);
            let source = |address| half_open.door(from(address)).source;
            assert_eq!(source(one) == source(other), same, "{one} {other}");
        }
    }
}
