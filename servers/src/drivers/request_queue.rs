//! The queue by which a loop hands requests to a pool: in the order of their coming, but for those that come last.

use crossbeam::channel::{Receiver, TryRecvError};
use crossbeam::queue::SegQueue;

/// The workers' end of the queue.
#[derive(Debug)]
pub struct RequestQueue<W> {
    first: Receiver<W>,
    /// What was put off until nothing else waits. It is no more than there are connections.
    last: SegQueue<W>,
}

impl<W> RequestQueue<W> {
    /// The end of a queue from which workers take.
    pub fn new(first: Receiver<W>) -> Self {
        RequestQueue { first, last: SegQueue::new() }
    }

    /// Waits for something to do: what `comes_last` only when nothing else waits. `None`: there will be nothing more.
    ///
    /// A worker that sleeps is not woken for what another one puts off; that one takes it itself when it is done.
    pub fn next(&self, comes_last: impl Fn(&W) -> bool) -> Option<W> {
        loop {
            let work = match self.first.try_recv() {
                Ok(work) => work,
                Err(TryRecvError::Disconnected) => return self.last.pop(),
                Err(TryRecvError::Empty) => match self.last.pop() {
                    Some(work) => return Some(work),
                    None => self.first.recv().ok()?,
                },
            };
            if self.first.is_empty() || !comes_last(&work) {
                return Some(work);
            }
            self.last.push(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam::channel::unbounded;

    use super::*;

    #[test]
    fn what_comes_last_is_taken_when_nothing_else_waits() {
        let (hand, work) = unbounded();
        let queue = RequestQueue::new(work);
        (1..=5).for_each(|number| hand.send(number).unwrap());
        let mut taken = Vec::new();
        // Half of them come last. One that comes meanwhile is taken before those.
        for _ in 0..3 {
            taken.extend(queue.next(|number| number % 2 == 1));
        }
        assert_eq!(taken, [2, 4, 5], "the last of all finds nobody behind it");
        hand.send(6).unwrap();
        taken.extend(queue.next(|number| number % 2 == 1));
        drop(hand);
        while let Some(number) = queue.next(|_| true) {
            taken.push(number);
        }
        assert_eq!(taken, [2, 4, 5, 6, 1, 3]);
    }
}
