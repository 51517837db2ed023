//! What reading a chunked body allocates, counted by the allocator itself: nothing for a chunk, however it is cut.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dyno_clients::response::{Memo, Progress, Reader};

/// Counts per thread, so that nobody else is counted.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter allocates nothing, being a constant of the
// thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CHUNKS: usize = 2_000;

/// An answer in chunks of one octet, with what may stand in a size line and a trailer.
fn answer() -> Vec<u8> {
    let mut octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for i in 0..CHUNKS {
        octets.extend_from_slice([&b"1\r\nx\r\n"[..], b"001;name=value\r\nx\r\n", b"1 \r\nx\r\n"][i % 3]);
    }
    octets.extend_from_slice(b"0\r\nX-Trailer: a\r\n\r\n");
    octets
}

#[test]
fn a_chunk_costs_no_allocation() {
    let octets = answer();
    let (mut reader, mut memo) = (Reader::default(), Memo::default());
    for piece in [octets.len(), 4096, 1000, 7, 2, 1] {
        // The first answer takes what memory is kept for a head and for a line that come in parts.
        for again in [false, true] {
            let before = ALLOCATIONS.with(Cell::get);
            let (mut body, mut done) = (0, false);
            for part in octets.chunks(piece) {
                match reader.feed(part, false, &mut memo, |piece| body += piece.len()).unwrap() {
                    Progress::More => {}
                    Progress::Done { taken, .. } => {
                        assert_eq!(taken, part.len());
                        done = true;
                    }
                }
            }
            let allocated = ALLOCATIONS.with(Cell::get) - before;
            assert!(done && body == CHUNKS, "{piece} at a time: {body} octets");
            assert!(allocated <= if again { 0 } else { 16 }, "{piece} at a time: {allocated} allocations");
        }
    }
}
