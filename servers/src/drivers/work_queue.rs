//! The bounded queue between a dispatcher and its workers: first come, first served, or newest first where overload
//! control wants that.
//!
//! Under pressure the newest request is the one whose client has most of its patience left, and the oldest is the one
//! whose client has most likely gone. So the newest is given out first; those that have waited for too long are given
//! out before it all the same, because refusing them is quick and makes room.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded};

use crate::admission::Admission;
use crate::kit::site::Site;
use crate::limits::CODEL_TARGET;

/// After so long in a queue that gives out the newest first, an entry is given out next: from then on its request is
/// refused while the delay stands.
const TOO_LONG: Duration = CODEL_TARGET.saturating_mul(2);

/// The dispatcher's end. When it is dropped, workers get what is left and then nothing more.
pub struct WorkSender<T>(SenderKind<T>);

enum SenderKind<T> {
    Channel(Sender<T>),
    Stack(Arc<Stack<T>>),
}

/// A worker's end.
pub struct WorkReceiver<T>(ReceiverKind<T>);

enum ReceiverKind<T> {
    Channel(Receiver<T>),
    Stack(Arc<Stack<T>>),
}

/// A queue of so many places, in the order that the site's overload control wants.
pub fn work_queue<T>(site: &Site, places: usize) -> (WorkSender<T>, WorkReceiver<T>) {
    if site.admission.as_ref().is_some_and(Admission::prefers_newest) {
        let stack = Arc::new(Stack::new(places));
        return (WorkSender(SenderKind::Stack(stack.clone())), WorkReceiver(ReceiverKind::Stack(stack)));
    }
    let (sender, receiver) = bounded(places);
    (WorkSender(SenderKind::Channel(sender)), WorkReceiver(ReceiverKind::Channel(receiver)))
}

impl<T> WorkSender<T> {
    /// Puts an entry in, and waits for a place if there is none.
    ///
    /// # Returns
    /// Whether any worker is left to take it.
    pub fn send(&self, entry: T) -> bool {
        match &self.0 {
            SenderKind::Channel(sender) => sender.send(entry).is_ok(),
            SenderKind::Stack(stack) => {
                stack.put(entry);
                true
            }
        }
    }

    /// Puts an entry in, if there is a place.
    pub fn try_send(&self, entry: T) -> bool {
        match &self.0 {
            SenderKind::Channel(sender) => sender.try_send(entry).is_ok(),
            SenderKind::Stack(stack) => stack.try_put(entry),
        }
    }
}

impl<T> Drop for WorkSender<T> {
    fn drop(&mut self) {
        if let SenderKind::Stack(stack) = &self.0 {
            stack.close();
        }
    }
}

impl<T> Clone for WorkReceiver<T> {
    fn clone(&self) -> Self {
        WorkReceiver(match &self.0 {
            ReceiverKind::Channel(receiver) => ReceiverKind::Channel(receiver.clone()),
            ReceiverKind::Stack(stack) => ReceiverKind::Stack(stack.clone()),
        })
    }
}

impl<T> Iterator for WorkReceiver<T> {
    type Item = T;

    /// Waits for the next entry; `None` when the dispatcher has ended and nothing is left.
    fn next(&mut self) -> Option<T> {
        match &self.0 {
            ReceiverKind::Channel(receiver) => receiver.recv().ok(),
            ReceiverKind::Stack(stack) => stack.take(),
        }
    }
}

/// A queue that gives out the newest first.
struct Stack<T> {
    state: Mutex<StackState<T>>,
    places: usize,
    has_entry: Condvar,
    has_place: Condvar,
}

struct StackState<T> {
    /// The oldest first, and when each came.
    entries: VecDeque<(Instant, T)>,
    is_closed: bool,
}

impl<T> Stack<T> {
    fn new(places: usize) -> Self {
        let state = Mutex::new(StackState { entries: VecDeque::new(), is_closed: false });
        Stack { state, places: places.max(1), has_entry: Condvar::new(), has_place: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, StackState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, entry: T) {
        let is_full = |state: &mut StackState<T>| state.entries.len() >= self.places;
        let waited = self.has_place.wait_while(self.lock(), is_full);
        waited.unwrap_or_else(PoisonError::into_inner).entries.push_back((Instant::now(), entry));
        self.has_entry.notify_one();
    }

    fn try_put(&self, entry: T) -> bool {
        let mut state = self.lock();
        if state.entries.len() >= self.places {
            return false;
        }
        state.entries.push_back((Instant::now(), entry));
        drop(state);
        self.has_entry.notify_one();
        true
    }

    fn take(&self) -> Option<T> {
        let is_idle = |state: &mut StackState<T>| state.entries.is_empty() && !state.is_closed;
        let waited = self.has_entry.wait_while(self.lock(), is_idle);
        let entry = take_at(&mut waited.unwrap_or_else(PoisonError::into_inner).entries, Instant::now());
        self.has_place.notify_one();
        entry
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.has_entry.notify_all();
    }
}

/// The entry that is given out at `now`: the oldest if it has waited for too long, else the newest.
fn take_at<T>(entries: &mut VecDeque<(Instant, T)>, now: Instant) -> Option<T> {
    let is_late = |oldest: &(Instant, T)| now.saturating_duration_since(oldest.0) > TOO_LONG;
    let next = if entries.front().is_some_and(is_late) { entries.pop_front() } else { entries.pop_back() };
    next.map(|(_, entry)| entry)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_newest_is_given_out_first_and_who_has_waited_too_long_before_it() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut entries = VecDeque::from([(at(0), 'a'), (at(4), 'b'), (at(8), 'c'), (at(12), 'd')]);
        let order: Vec<_> = [11, 12, 12, 15].map(|ms| take_at(&mut entries, at(ms)).unwrap()).into();
        assert_eq!(order, ['a', 'd', 'c', 'b'], "b has not waited for more than 10 ms at 12 ms");
        assert_eq!(take_at(&mut entries, at(99)), None);
    }

    #[test]
    fn a_stack_hands_over_everything_and_ends_with_its_sender() {
        let stack = Arc::new(Stack::new(3));
        let taken: usize = thread::scope(|scope| {
            let workers: Vec<_> = (0..3)
                .map(|_| {
                    let stack = stack.clone();
                    scope.spawn(move || std::iter::from_fn(|| stack.take()).count())
                })
                .collect();
            (0..1_000).for_each(|number| stack.put(number));
            stack.close();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!(taken, 1_000);
        assert!(
            stack.try_put(1) && stack.try_put(2) && stack.try_put(3) && !stack.try_put(4),
            "three places"
        );
    }
}
