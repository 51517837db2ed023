//! The memory of a run does not grow with its length: a run of a quarter of an hour needs what one of a minute and a
//! half needs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering::Relaxed};

use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::split::Split;
use dyno_clients::books::tally::RunTally;
use dyno_clients::plan::dispatch::{Dispatcher, Next, RequestSource};
use dyno_clients::plan::pacer::{Arrivals, Pacer};
use dyno_clients::plan::profile::parse;

/// Octets that are allocated and not freed.
static LIVE_OCTETS: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: everything is handed on to the system's allocator; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_OCTETS.fetch_add(layout.size().cast_signed(), Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE_OCTETS.fetch_sub(layout.size().cast_signed(), Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const S: u64 = 1_000_000_000;

/// Octets that a run of `seconds` at a thousand requests a second holds at its end: one connection, answers that take
/// from 10 us to 10 ms, so that there is always somebody who waits.
fn held(seconds: u64) -> isize {
    let before = LIVE_OCTETS.load(Relaxed);
    let end_ns = seconds * S;
    let stretches = parse("1k", end_ns).unwrap();
    let sample = Sample::new(&stretches, 0, end_ns);
    let pacer = Pacer::new(Arrivals::Poisson, stretches, 1, 0, 1);
    let mut dispatcher = Dispatcher::new(RequestSource::Open(Box::new(pacer)), 1_000_000, 0, end_ns, None);
    let mut tally = RunTally::new(0, end_ns, sample);
    dispatcher.release(0, 0);
    let (mut now_ns, mut number) = (0, 0u64);
    loop {
        match dispatcher.next(now_ns) {
            Next::Send(order) => {
                number += 1;
                tally.sent(order.intended_ns, now_ns, 40);
                tally.in_system(now_ns, 1 + dispatcher.backlog() as u64);
                let done_ns =
                    now_ns + 10_000 + if number % 1_000 == 0 { 10_000_000 } else { number % 997 * 500 };
                let split = Split::new(order.intended_ns, order.free_ns, now_ns, done_ns);
                tally.completed(order.intended_ns, &split, done_ns);
                now_ns = done_ns;
                dispatcher.release(0, now_ns);
            }
            Next::Wait(due_ns) => now_ns = due_ns,
            Next::Over => break,
            Next::Overflow | Next::GiveUp(_) => panic!("one connection is enough here"),
        }
    }
    assert!(tally.counts.completed > seconds * 990, "{}", tally.counts.completed);
    LIVE_OCTETS.load(Relaxed) - before
}

#[test]
fn memory_is_flat_in_the_length_of_the_run() {
    let (short, long) = (held(90), held(900));
    assert!(short > 1 << 20, "the histograms are counted: {short}");
    // How full the series is depends on the length by a factor of two, as intervals are merged in pairs.
    assert!(long < short * 3 / 2, "{short} octets after 90 s, {long} after 900 s");
    assert!(long < 16 << 20, "{long}");
}
