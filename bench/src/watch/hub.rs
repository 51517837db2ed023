//! Who watches, and what each is still to be told.
//!
//! Each watcher has a queue of its own, with an end. A browser that does not read loses the oldest messages and is told
//! how many; nobody else waits for it. One watcher at a time has the control.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use hyper::body::Bytes;
use serde::Serialize;
use serde_json::json;

use crate::limits::{WATCH_QUEUE_MESSAGES, WATCH_STALL, WATCHERS};

/// All watchers.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    inner: Mutex<Watching>,
}

#[derive(Debug, Default)]
struct Watching {
    watchers: BTreeMap<u64, Watcher>,
    /// Watchers so far.
    count: u64,
    /// Who has the control.
    controller: Option<u64>,
    /// The latest message of each kind that tells how things stand.
    standing: BTreeMap<&'static str, Bytes>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Watcher {
    queue: VecDeque<Bytes>,
    /// Messages that were dropped and not told of.
    dropped: u64,
    /// Since when its queue has been full.
    full_since: Option<Instant>,
    is_cut: bool,
    waker: Option<Waker>,
}

impl Watcher {
    fn push(&mut self, message: Bytes, now: Instant) {
        self.queue.push_back(message);
        if self.queue.len() > WATCH_QUEUE_MESSAGES {
            self.queue.pop_front();
            self.dropped += 1;
            let since = *self.full_since.get_or_insert(now);
            self.is_cut |= now.duration_since(since) >= WATCH_STALL;
        }
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A message as a stream of events has it.
fn message(kind: &str, value: &impl Serialize) -> Bytes {
    // Values that are told are structures of numbers and texts, which JSON always has words for.
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".into());
    Bytes::from(format!("event: {kind}\ndata: {text}\n\n"))
}

/// Why there is no place for a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Hub {
    fn inner(&self) -> MutexGuard<'_, Watching> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every watcher something that passes.
    pub(crate) fn tell(&self, kind: &'static str, value: &impl Serialize) {
        self.send(kind, value, false);
    }

    /// Tells every watcher how things stand; who comes later is told as well.
    pub(crate) fn stand(&self, kind: &'static str, value: &impl Serialize) {
        self.send(kind, value, true);
    }

    fn send(&self, kind: &'static str, value: &impl Serialize, stands: bool) {
        let (message, now) = (message(kind, value), Instant::now());
        let mut inner = self.inner();
        if stands {
            inner.standing.insert(kind, message.clone());
        }
        for watcher in inner.watchers.values_mut() {
            watcher.push(message.clone(), now);
        }
    }

    /// Whether anybody watches.
    pub(crate) fn is_watched(&self) -> bool {
        !self.inner().watchers.is_empty()
    }

    /// A watcher comes.
    ///
    /// # Errors
    /// When there are as many as there may be.
    pub(crate) fn join(self: &Arc<Self>) -> Result<WatcherFeed, Full> {
        let mut inner = self.inner();
        // Whoever was cut off has no place any more, even if its connection still hangs.
        inner.watchers.retain(|_, watcher| !watcher.is_cut);
        if inner.watchers.len() >= WATCHERS {
            return Err(Full);
        }
        inner.count += 1;
        let id = inner.count;
        let mut queue = VecDeque::from([message("hello", &json!({ "watcher": id }))]);
        queue.extend(inner.standing.values().cloned());
        inner.watchers.insert(id, Watcher { queue, ..Watcher::default() });
        let controller = inner.controller;
        drop(inner);
        self.stand("control", &json!({ "controller": controller }));
        Ok(WatcherFeed { hub: self.clone(), id })
    }

    /// Whether a watcher may give orders. The first who does has the control until it leaves, or somebody takes it.
    pub(crate) fn may_order(&self, id: u64, takes: bool) -> bool {
        let mut inner = self.inner();
        if !inner.watchers.contains_key(&id) {
            return false;
        }
        let before = inner.controller;
        if takes || before.is_none() {
            inner.controller = Some(id);
        }
        let (now, may) = (inner.controller, inner.controller == Some(id));
        drop(inner);
        if before != now {
            self.stand("control", &json!({ "controller": now }));
        }
        may
    }

    fn leave(&self, id: u64) {
        let mut inner = self.inner();
        inner.watchers.remove(&id);
        if inner.controller == Some(id) {
            inner.controller = None;
            drop(inner);
            self.stand("control", &json!({ "controller": null }));
        }
    }

    /// Lets every watcher go when it has read what waits for it.
    pub(crate) fn end(&self) {
        let mut inner = self.inner();
        inner.is_over = true;
        for waker in inner.watchers.values_mut().filter_map(|watcher| watcher.waker.take()) {
            waker.wake();
        }
    }
}

/// What one watcher is told, in order; it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct WatcherFeed {
    hub: Arc<Hub>,
    id: u64,
}

impl WatcherFeed {
    /// All that waits; `None`: there will be no more.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut inner = self.hub.inner();
        let (is_over, standing) = (inner.is_over, inner.standing.clone());
        let Some(watcher) = inner.watchers.get_mut(&self.id).filter(|watcher| !watcher.is_cut) else {
            return Poll::Ready(None);
        };
        if watcher.queue.is_empty() {
            watcher.waker = Some(context.waker().clone());
            return if is_over { Poll::Ready(None) } else { Poll::Pending };
        }
        watcher.full_since = None;
        let dropped = std::mem::take(&mut watcher.dropped);
        let mut told: Vec<Bytes> = watcher.queue.drain(..).collect();
        if dropped > 0 {
            // What was dropped may have told how things stand.
            told.push(message("dropped", &json!({ "messages": dropped })));
            told.extend(standing.into_values());
        }
        Poll::Ready(Some(Bytes::from(told.concat())))
    }
}

impl Drop for WatcherFeed {
    fn drop(&mut self) {
        self.hub.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(feed: &mut WatcherFeed) -> String {
        match feed.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(octets)) => String::from_utf8(octets.to_vec()).unwrap(),
            Poll::Ready(None) => "(end)".into(),
            Poll::Pending => String::new(),
        }
    }

    #[test]
    fn who_comes_later_learns_how_things_stand_and_not_what_has_passed() {
        let hub = Arc::new(Hub::default());
        hub.stand("state", &1);
        hub.tell("news", &2);
        let mut feed = hub.join().unwrap();
        let told = read(&mut feed);
        assert!(told.starts_with("event: hello\ndata: {\"watcher\":1}\n\n"), "{told}");
        assert!(told.contains("event: state\ndata: 1\n\n") && !told.contains("news"), "{told}");
        hub.tell("news", &3);
        assert_eq!(read(&mut feed), "event: news\ndata: 3\n\n");
        assert_eq!(read(&mut feed), "");
    }

    #[test]
    fn who_does_not_read_loses_the_oldest_and_is_told_and_nobody_else_loses_any() {
        let hub = Arc::new(Hub::default());
        let (mut slow, mut quick) = (hub.join().unwrap(), hub.join().unwrap());
        hub.stand("state", &"how it stands");
        for number in 0..10 * WATCH_QUEUE_MESSAGES {
            hub.tell("news", &number);
            assert!(read(&mut quick).ends_with(&format!("data: {number}\n\n")));
        }
        let told = read(&mut slow);
        assert_eq!(told.matches("event: news").count(), WATCH_QUEUE_MESSAGES);
        assert!(told.contains(&format!("data: {}\n", 10 * WATCH_QUEUE_MESSAGES - 1)), "the latest is there");
        assert!(told.contains("event: dropped") && told.contains("how it stands"), "{told}");
        assert_eq!(read(&mut slow), "");
    }

    #[test]
    fn one_watcher_has_the_control_until_it_leaves_or_somebody_takes_it() {
        let hub = Arc::new(Hub::default());
        let (first, second) = (hub.join().unwrap(), hub.join().unwrap());
        assert!(hub.may_order(first.id, false) && !hub.may_order(second.id, false));
        assert!(hub.may_order(second.id, true) && !hub.may_order(first.id, false));
        drop(second);
        assert!(hub.may_order(first.id, false), "it is free again");
        assert!(!hub.may_order(99, true), "nobody orders who does not watch");
        assert!(hub.is_watched());
        drop(first);
        assert!(!hub.is_watched());
    }

    #[test]
    fn there_is_an_end_to_watchers_and_to_watching() {
        let hub = Arc::new(Hub::default());
        let mut all: Vec<WatcherFeed> = (0..WATCHERS).map(|_| hub.join().unwrap()).collect();
        assert_eq!(hub.join().err(), Some(Full));
        all.pop();
        let mut last = hub.join().unwrap();
        hub.end();
        assert!(read(&mut last).contains("hello"));
        assert_eq!(read(&mut last), "(end)");
    }
}
