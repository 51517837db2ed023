//! The monitor of the textbooks beside the queue that `/queues/N` uses: both hand items from one producer to threads
//! that wait for them.
//!
//! The monitor has a lock and a condition; whoever puts wakes all who wait (signal-and-continue, notify all), and each
//! looks again. The queue hands the item to the one who has waited longest and wakes only him. Told are the time from
//! put to taken, how many threads were woken for each item, and overtakings: items that went to somebody before whom
//! another had begun to wait.
//!
//! `cargo run --release -p dyno-servers --example monitors [CONSUMERS] [ITEMS]`

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use dyno_servers::services::queue::{Attempt, Queue};

/// A place where threads meet.
trait Machine: Sync {
    /// Puts an item.
    fn put(&self, item: Instant);
    /// Takes one, and waits for it. `None`: there will be none.
    fn take(&self) -> Option<Instant>;
    /// There will be no more items.
    fn close(&self);
    /// How many wait now.
    fn waiting(&self) -> usize;
    /// Threads that were woken, and overtakings.
    fn counts(&self) -> (u64, u64);
}

/// As a textbook has it.
#[derive(Default)]
struct Monitor {
    state: Mutex<Inside>,
    changed: Condvar,
    woken: AtomicU64,
    overtakings: AtomicU64,
}

#[derive(Default)]
struct Inside {
    items: VecDeque<Instant>,
    /// Numbers of those who wait, in the order in which they came.
    waiting: VecDeque<u64>,
    last: u64,
    is_closed: bool,
}

impl Machine for Monitor {
    fn put(&self, item: Instant) {
        self.state.lock().expect("no panic").items.push_back(item);
        self.changed.notify_all();
    }

    fn take(&self) -> Option<Instant> {
        let mut state = self.state.lock().expect("no panic");
        state.last += 1;
        let number = state.last;
        state.waiting.push_back(number);
        while state.items.is_empty() && !state.is_closed {
            state = self.changed.wait(state).expect("no panic");
            self.woken.fetch_add(1, Relaxed);
        }
        let is_first = state.waiting.front() == Some(&number);
        state.waiting.retain(|waiting| *waiting != number);
        let item = state.items.pop_front();
        self.overtakings.fetch_add(u64::from(item.is_some() && !is_first), Relaxed);
        item
    }

    fn close(&self) {
        self.state.lock().expect("no panic").is_closed = true;
        self.changed.notify_all();
    }

    fn waiting(&self) -> usize {
        self.state.lock().expect("no panic").waiting.len()
    }

    fn counts(&self) -> (u64, u64) {
        (self.woken.load(Relaxed), self.overtakings.load(Relaxed))
    }
}

/// The queue, with threads that are unparked.
struct HandOver {
    queue: Mutex<(Queue<Instant, Thread>, bool)>,
    woken: AtomicU64,
}

impl Machine for HandOver {
    fn put(&self, item: Instant) {
        let attempt = self.queue.lock().expect("no panic").0.put(item, None);
        if let Attempt::Done((), Some(thread)) = attempt {
            thread.unpark();
        }
    }

    fn take(&self) -> Option<Instant> {
        let mut state = self.queue.lock().expect("no panic");
        if state.1 {
            return None;
        }
        let number = match state.0.take(Some(thread::current())) {
            Attempt::Done(item, _) => return Some(item),
            Attempt::Waits(number) => number,
            Attempt::Refused => return None,
        };
        loop {
            if let Some(item) = state.0.pick_up(number, thread::current()) {
                return Some(item);
            }
            if state.1 {
                return None;
            }
            drop(state);
            thread::park();
            self.woken.fetch_add(1, Relaxed);
            state = self.queue.lock().expect("no panic");
        }
    }

    fn close(&self) {
        let mut state = self.queue.lock().expect("no panic");
        state.1 = true;
        state.0.everybody().for_each(Thread::unpark);
    }

    fn waiting(&self) -> usize {
        self.queue.lock().expect("no panic").0.takers()
    }

    fn counts(&self) -> (u64, u64) {
        // An item goes to the first, or the tests of the queue would fail.
        (self.woken.load(Relaxed), 0)
    }
}

fn main() {
    let mut numbers = std::env::args().skip(1).map_while(|number| number.parse().ok());
    let (consumers, items) = (numbers.next().unwrap_or(16), numbers.next().unwrap_or(5_000));
    let queue = Mutex::new((Queue::new(items, consumers), false));
    println!("{consumers} consumers, {items} items");
    println!("{:<22}  {:>7}  {:>7}  {:>13}  {:>11}", "", "p50 us", "p99 us", "woken an item", "overtakings");
    run("lock, notify all", &Monitor::default(), consumers, items);
    run("queue, hand-over", &HandOver { queue, woken: AtomicU64::new(0) }, consumers, items);
}

fn run(name: &str, machine: &impl Machine, consumers: usize, items: usize) {
    let latencies_us = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..consumers {
            scope.spawn(|| {
                while let Some(put) = machine.take() {
                    let latency = put.elapsed();
                    latencies_us.lock().expect("no panic").push(latency.as_nanos() as f64 / 1_000.0);
                }
            });
        }
        for _ in 0..items {
            // Everybody waits, or nearly.
            let start = Instant::now();
            while machine.waiting() < consumers && start.elapsed() < Duration::from_millis(5) {
                thread::yield_now();
            }
            machine.put(Instant::now());
        }
        while machine.waiting() < consumers {
            thread::yield_now();
        }
        machine.close();
    });
    let (woken, overtakings) = machine.counts();
    let mut latencies_us = latencies_us.into_inner().expect("no panic");
    latencies_us.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| latencies_us[(share * (latencies_us.len() - 1) as f64) as usize];
    let woken = woken as f64 / items as f64;
    println!("{name:<22}  {:>7.1}  {:>7.1}  {woken:>13.2}  {overtakings:>11}", at(0.5), at(0.99));
}
