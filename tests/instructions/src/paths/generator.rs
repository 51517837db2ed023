//! What the load generator does for a request, its system calls left out: the schedule gives an order, the request is
//! booked as sent, the answer is read and compared with the expected one, and its latency is split and recorded.

use std::hint::black_box;
use std::sync::Arc;

use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::histogram::Recorder;
use dyno_clients::books::split::Split;
use dyno_clients::books::tally::RunTally;
use dyno_clients::plan::as_run::Stretch;
use dyno_clients::plan::dispatch::{Dispatcher, Next, Order, RequestSource};
use dyno_clients::plan::pacer::{Arrivals, Pacer};
use dyno_clients::plan::request::{Expect, ExpectedBody, Request, RequestParts};
use dyno_clients::response::{Memo, Progress, Reader};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n\
Content-Length: 13\r\n\r\nHello, World!";

/// The schedule asks for no more than this, so that no run reaches its end.
const END_NS: u64 = 3_600_000_000_000;
const SEED: u64 = 7;

/// A request whose start the last answer decides.
pub(super) fn closed() -> Box<dyn FnMut()> {
    requests(RequestSource::Closed(0), &[])
}

/// A request of a Poisson process.
pub(super) fn open() -> Box<dyn FnMut()> {
    let stretches = [Stretch { from_per_s: 10_000.0, to_per_s: 10_000.0, length_ns: END_NS }];
    let pacer = Pacer::new(Arrivals::Poisson, stretches.to_vec(), SEED, 0, 1);
    requests(RequestSource::Open(Box::new(pacer)), &stretches)
}

/// One value into a histogram: latencies between 20 us and 80 ms, spread over their logarithm.
pub(super) fn histogram() -> Box<dyn FnMut()> {
    let mut recorder = Recorder::default();
    let mut state = SEED;
    Box::new(move || {
        // Knuth's multiplier for a linear congruence modulo 2^64: cheap, and the same in every run.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        recorder.record(black_box(20_000 << (state >> 60) | state >> 50));
    })
}

fn requests(source: RequestSource, stretches: &[Stretch]) -> Box<dyn FnMut()> {
    let body: Arc<[u8]> = b"Hello, World!".as_slice().into();
    let expect = Expect { status: None, body: ExpectedBody::Exactly(body) };
    let parts = RequestParts {
        target: "/".into(),
        authority: "localhost".into(),
        weight: 1.0,
        expect,
        ..RequestParts::default()
    };
    let request = parts.prepare().expect("a request");
    let mut generator = Generator {
        dispatcher: Dispatcher::new(source, 1000, 0, END_NS, None),
        tally: RunTally::new(0, END_NS, Sample::new(stretches, 0, END_NS)),
        reader: Reader::default(),
        memo: Memo::default(),
        request,
        now_ns: 0,
    };
    generator.dispatcher.release(0, 0);
    Box::new(move || generator.round())
}

struct Generator {
    dispatcher: Dispatcher,
    tally: RunTally,
    reader: Reader,
    memo: Memo,
    request: Request,
    now_ns: u64,
}

impl Generator {
    fn round(&mut self) {
        const LAG_NS: u64 = 700;
        const RESPONSE_NS: u64 = 40_000;
        let order = loop {
            match self.dispatcher.next(self.now_ns) {
                Next::Send(order) => break order,
                Next::Wait(due_ns) => self.now_ns = due_ns + LAG_NS,
                other => panic!("the schedule gives requests: {other:?}"),
            }
        };
        let sent_ns = self.now_ns;
        self.tally.in_system(sent_ns, 1);
        self.tally.sent(order.intended_ns, sent_ns, self.request.wire.len() as u64);
        self.now_ns += RESPONSE_NS;
        self.answered(&order, sent_ns, black_box(ANSWER));
        self.dispatcher.release(order.slot, self.now_ns);
        self.tally.in_system(self.now_ns, self.dispatcher.backlog() as u64);
    }

    fn answered(&mut self, order: &Order, sent_ns: u64, octets: &[u8]) {
        self.tally.received(self.now_ns, octets.len());
        let (mut at, mut fits) = (0, true);
        let progress = self.reader.feed(octets, self.request.is_head(), &mut self.memo, |piece| {
            if let ExpectedBody::Exactly(expected) = &self.request.expect.body {
                fits = fits && expected.get(at..at + piece.len()) == Some(piece);
            }
            at += piece.len();
        });
        let Ok(Progress::Done { head, taken }) = progress else { panic!("a whole answer: {progress:?}") };
        assert!(fits && taken == octets.len() && self.request.expect.accepts_status(head.status));
        let split = Split::new(order.intended_ns, order.free_ns, sent_ns, self.now_ns);
        self.tally.completed(order.intended_ns, &split, self.now_ns);
    }
}
