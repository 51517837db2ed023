//! What a connection allocates, counted by the allocator itself.

mod support;

use dyno_http::connection::{Connection, Want};
use dyno_http::fault::Fault;
use dyno_http::response::{Body, Response};
use dyno_http::status::Status;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use support::{base, call, date, limits};

/// Counts per thread, so that tests do not disturb each other.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static HELD_OCTETS: Cell<isize> = const { Cell::new(0) };
    static PEAK_OCTETS: Cell<isize> = const { Cell::new(0) };
}

fn note(allocations: usize, octets: isize) {
    ALLOCATIONS.with(|count| count.set(count.get() + allocations));
    HELD_OCTETS.with(|held| {
        held.set(held.get() + octets);
        PEAK_OCTETS.with(|peak| peak.set(peak.get().max(held.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; the counters allocate nothing, being constants of the
// thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, -(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most octets that were held at a time during `work`, above those held before.
fn peak_during(work: impl FnOnce()) -> usize {
    let before = HELD_OCTETS.with(Cell::get);
    PEAK_OCTETS.with(|peak| peak.set(before));
    work();
    usize::try_from(PEAK_OCTETS.with(Cell::get) - before).expect("the peak is not below the start")
}

/// Feeds through the spare space, answers, and throws the output away.
fn exchange(connection: &mut Connection, request: &[u8]) {
    let spare = connection.spare();
    spare[..request.len()].copy_from_slice(request);
    connection.received(request.len(), base());
    while let Some(request) = connection.next_request() {
        let response = call(&request);
        connection.respond(response, &date(), base());
    }
    while connection.want() == Want::Write {
        connection.advance(connection.pending().len(), base());
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";

#[test]
fn a_warm_plain_request_allocates_nothing() {
    let mut connection = Connection::new(Arc::new(limits()), base());
    exchange(&mut connection, GET);
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..1_000 {
        exchange(&mut connection, GET);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

#[test]
fn a_warm_pipelining_connection_allocates_nothing() {
    let mut connection = Connection::new(Arc::new(limits()), base());
    let many = GET.repeat(10);
    exchange(&mut connection, &many);
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..100 {
        exchange(&mut connection, &many);
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

#[test]
fn a_warm_plain_request_with_lent_memory_allocates_nothing() {
    let mut connection = Connection::new(Arc::new(limits()), base());
    let (mut receive, mut send) = (vec![0; 4_096], Vec::with_capacity(4_096));
    let before = ALLOCATIONS.with(Cell::get);
    for _ in 0..1_000 {
        connection.lend(receive);
        connection.lend_send(send);
        assert!(!connection.wants_memory() && !connection.wants_send_memory());
        exchange(&mut connection, GET);
        receive = connection.reclaim().expect("nothing is left in the receive buffer");
        send = connection.reclaim_send().expect("nothing is left in the send buffer");
        assert!(connection.wants_memory() && connection.wants_send_memory());
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}

#[test]
fn crossing_threads_costs_one_allocation() {
    let mut connection = Connection::new(Arc::new(limits()), base());
    connection.receive(GET, base());
    let request = connection.next_request().expect("a complete request");
    let before = ALLOCATIONS.with(Cell::get);
    let owned = request.to_owned();
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 1);
    assert_eq!(owned.borrow().header("user-agent"), Some("test"));
}

#[test]
fn what_the_peer_announces_allocates_nothing() {
    let heads = [
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n",
    ];
    for head in heads {
        let peak = peak_during(|| {
            let mut connection = Connection::new(Arc::new(limits()), base());
            connection.receive(head.as_bytes(), base());
        });
        assert!(peak < 8_192, "{peak} octets held for {head:?}");
    }
}

#[test]
fn memory_stays_within_a_small_multiple_of_what_came() {
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for size in [10_000, 100_000, 1_000_000] {
        let body = format!("{head}{size:x}\r\n{}", "b".repeat(size));
        let peak = peak_during(|| {
            let mut connection = Connection::new(Arc::new(limits()), base());
            body.as_bytes().chunks(1_000).for_each(|octets| connection.receive(octets, base()));
        });
        // While a buffer doubles, the old one and the new one exist side by side.
        assert!(peak <= 3 * body.len() + 8_192, "{peak} octets held for {} received", body.len());
    }
}

#[test]
fn a_large_request_does_not_leave_its_memory_behind() {
    let mut connection = Connection::new(Arc::new(limits()), base());
    let before = HELD_OCTETS.with(Cell::get);
    let request =
        format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{}", "b".repeat(1_000_000));
    connection.receive(request.as_bytes(), base());
    drop(request);
    exchange(&mut connection, b"");
    let held = HELD_OCTETS.with(Cell::get) - before;
    assert!(connection.is_idle() && held <= 2 * limits().keep_octets as isize, "{held} octets held");
}

/// What the allocator has given out in this thread, above `base`.
fn held_above(base: isize) -> usize {
    usize::try_from(HELD_OCTETS.with(Cell::get) - base).expect("nothing of the test's own is freed")
}

#[test]
fn a_connection_never_holds_more_than_it_has_said() {
    let body = "b".repeat(300_000);
    let post = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let streams = [GET.repeat(300), post.repeat(2).into_bytes(), [GET, post.as_bytes(), GET].concat()];
    for (number, stream) in streams.iter().enumerate() {
        for piece in [1_000, 4_096, 70_000] {
            let mut connection = Connection::new(Arc::new(limits()), base());
            let before = HELD_OCTETS.with(Cell::get);
            let what = || format!("stream {number} in pieces of {piece}");
            for octets in stream.chunks(piece) {
                let (said, start) = (connection.octets_to_receive(octets.len()), held_above(before));
                let peak = start + peak_during(|| connection.receive(octets, base()));
                assert!(peak <= said, "{}: {said} said, {peak} held to receive", what());
                loop {
                    while connection.want() == Want::Write {
                        connection.advance(connection.pending().len(), base());
                    }
                    let Some(request) = connection.next_request() else { break };
                    let response = Response::new(Status::OK, "", Body::Owned(request.body().to_vec()));
                    let said = connection.octets_to_respond(&response);
                    let start = held_above(before);
                    let peak = start + peak_during(|| connection.respond(response, &date(), base()));
                    assert!(peak <= said, "{}: {said} said, {peak} held to answer", what());
                }
                assert_eq!(connection.held_octets(), held_above(before), "{}", what());
                let (said, start) = (connection.octets_to_read(), held_above(before));
                let peak = start + peak_during(|| assert!(!connection.spare().is_empty()));
                assert!(peak <= said, "{}: {said} said, {peak} held to read", what());
            }
        }
    }
}

#[test]
fn a_request_that_is_shed_leaves_no_memory_and_one_503() {
    for is_complete in [false, true] {
        let mut connection = Connection::new(Arc::new(limits()), base());
        let body = "b".repeat(if is_complete { 500_000 } else { 400_000 });
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n";
        connection.receive(format!("{head}{body}").as_bytes(), base());
        assert_eq!(connection.body_octets(), if is_complete { 500_000 } else { 0 });
        connection.shed(base());
        assert!(connection.held_octets() <= 4_096, "{} octets held", connection.held_octets());
        assert!(connection.next_request().is_none() && connection.fault() == Some(Fault::NoMemory));
        let answer = String::from_utf8_lossy(connection.pending()).into_owned();
        assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
        assert!(answer.contains("\r\nRetry-After: 1\r\n") && answer.contains("\r\nConnection: close\r\n"));
        connection.advance(answer.len(), base());
        assert_eq!(connection.want(), Want::Linger);
        connection.receive(&[b'b'; 100_000], base());
        assert!(connection.held_octets() <= 8_192, "{} octets held", connection.held_octets());
    }
}

#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Connection>();
    assert!(size <= 400, "{size} octets");
}
