//! A bounded queue whose ends may wait: who takes from an empty one, and who puts into a full one.
//!
//! It is plain data. It knows no lock, no thread and no time: whoever must wait gets a number, is called by what he has
//! left (`C`, in the servers a waker), and picks up then what was handed over.
//!
//! Both ends are served in the order in which they came, and items keep the order in which they were put. What is
//! handed over belongs to the one who waited, from that moment on; if he leaves before he has picked it up, it goes to
//! the next, or back to its place. So nothing is lost or doubled, and nobody waits for what is there.

use std::collections::BTreeMap;

/// The number of one who waits, or of an item. Numbers rise, so the least is that of the first.
pub type Number = u64;

/// A queue of `T`.
#[derive(Debug)]
pub struct Queue<T, C> {
    places: usize,
    most_waiting: usize,
    items: BTreeMap<Number, T>,
    /// Those who wait for an item. There are some only while there are no items.
    takers: BTreeMap<Number, C>,
    /// Those who wait for a place, with what they bring. There are some only while no place is free.
    putters: BTreeMap<Number, (T, C)>,
    /// What was handed over to takers who have not picked it up, with its own number.
    handed: BTreeMap<Number, (Number, T)>,
    last: Number,
    counts: QueueCounts,
}

/// What has happened in a queue so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct QueueCounts {
    /// Items that were put: they have got a place, or were handed over at once.
    pub put: u64,
    /// Items that were taken or picked up.
    pub taken: u64,
    /// Items that came back, because who was to pick them up had left.
    pub given_back: u64,
    /// Those who left without getting what they waited for.
    pub left: u64,
}

/// What has become of an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt<T, C> {
    /// It is done, with what was taken. Whoever was served by that is to be called.
    Done(T, Option<C>),
    /// It waits, under this number.
    Waits(Number),
    /// It would have to wait, and may not, or too many wait already.
    Refused,
}

impl<T, C> Queue<T, C> {
    /// An empty queue with so many places, in which so many may wait.
    pub fn new(places: usize, most_waiting: usize) -> Self {
        Queue {
            places,
            most_waiting,
            items: BTreeMap::new(),
            takers: BTreeMap::new(),
            putters: BTreeMap::new(),
            handed: BTreeMap::new(),
            last: 0,
            counts: QueueCounts::default(),
        }
    }

    /// Puts `item`; where there is no place for it, it waits if there is a `caller` to call it by.
    pub fn put(&mut self, item: T, caller: Option<C>) -> Attempt<(), C> {
        if self.has_place() {
            let called = self.place(item);
            return Attempt::Done((), called);
        }
        match caller {
            Some(caller) if !self.is_crowded() => {
                let number = self.number();
                self.putters.insert(number, (item, caller));
                Attempt::Waits(number)
            }
            _ => Attempt::Refused,
        }
    }

    /// Takes the first item; where there is none, it waits if there is a `caller` to call it by.
    pub fn take(&mut self, caller: Option<C>) -> Attempt<T, C> {
        if let Some((_, item)) = self.items.pop_first() {
            self.counts.taken += 1;
            return Attempt::Done(item, self.admit());
        }
        match caller {
            Some(caller) if !self.is_crowded() => {
                let number = self.number();
                self.takers.insert(number, caller);
                Attempt::Waits(number)
            }
            _ => Attempt::Refused,
        }
    }

    /// What was handed over to taker `number`, once. If nothing was yet, `caller` is called from now on.
    pub fn pick_up(&mut self, number: Number, caller: C) -> Option<T> {
        if let Some((_, item)) = self.handed.remove(&number) {
            self.counts.taken += 1;
            return Some(item);
        }
        if let Some(known) = self.takers.get_mut(&number) {
            *known = caller;
        }
        None
    }

    /// Whether what putter `number` brings has got its place. If not, `caller` is called from now on.
    pub fn is_placed(&mut self, number: Number, caller: C) -> bool {
        match self.putters.get_mut(&number) {
            Some((_, known)) => {
                *known = caller;
                false
            }
            None => true,
        }
    }

    /// Taker or putter `number` waits no more, and will pick nothing up.
    ///
    /// # Returns
    /// Who is to be called instead.
    pub fn leave(&mut self, number: Number) -> Option<C> {
        if let Some((item_number, item)) = self.handed.remove(&number) {
            self.counts.given_back += 1;
            return self.give(item_number, item);
        }
        let has_waited = self.takers.remove(&number).is_some() || self.putters.remove(&number).is_some();
        self.counts.left += u64::from(has_waited);
        None
    }

    /// All who wait, by what they are called.
    pub fn everybody(&self) -> impl Iterator<Item = &C> {
        self.takers.values().chain(self.putters.values().map(|(_, caller)| caller))
    }

    /// Items that have a place. What came back may be there besides, so there may be more than places.
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// Those who wait for an item.
    pub fn takers(&self) -> usize {
        self.takers.len()
    }

    /// Those who wait for a place.
    pub fn putters(&self) -> usize {
        self.putters.len()
    }

    /// Items that were handed over and not picked up yet.
    pub fn handed(&self) -> usize {
        self.handed.len()
    }

    /// Places for items.
    pub fn places(&self) -> usize {
        self.places
    }

    /// What has happened so far.
    pub fn counts(&self) -> QueueCounts {
        self.counts
    }

    fn number(&mut self) -> Number {
        self.last += 1;
        self.last
    }

    fn has_place(&self) -> bool {
        self.items.len() < self.places
    }

    fn is_crowded(&self) -> bool {
        self.takers.len() + self.putters.len() >= self.most_waiting
    }

    fn place(&mut self, item: T) -> Option<C> {
        self.counts.put += 1;
        let number = self.number();
        self.give(number, item)
    }

    /// Hands an item over to who has waited longest; if nobody waits, it gets its place.
    fn give(&mut self, number: Number, item: T) -> Option<C> {
        match self.takers.pop_first() {
            Some((taker, caller)) => {
                self.handed.insert(taker, (number, item));
                Some(caller)
            }
            None => {
                self.items.insert(number, item);
                None
            }
        }
    }

    /// Gives a place that has become free to who has waited longest for one.
    fn admit(&mut self) -> Option<C> {
        if !self.has_place() {
            return None;
        }
        let (_, (item, caller)) = self.putters.pop_first()?;
        self.place(item);
        Some(caller)
    }
}
