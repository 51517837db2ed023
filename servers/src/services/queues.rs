//! `/queues/N`: producers and consumers. `POST` puts, or waits while the queue is full; `POST .../take` takes, or waits
//! while it is empty. Who waits is told by a waker, and the architecture decides who waits for that.
//!
//! A [`queue`](super::queue) has one lock, which is held for the steps of one attempt and never while anybody waits. So
//! there is one wake-up for each hand-over, and it goes to the one whose turn it is.
//!
//! What is handed over is taken at most once: it is gone when its answer is given to the connection. A client that has
//! left before that gets nothing, and the item goes to the next.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::job::{For, JobStep, WaitingJob};
use super::queue::{Attempt, Number};
use super::queue_table::{Line, Queues, State};
use super::service::{Call, Needs, Reply, Service, Services, allow, come_back, text};
use crate::limits::{QUEUE_ITEM_OCTETS, QUEUE_WAIT, QUEUE_WAIT_MAX, QUEUES};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "queues",
    path: "/queues/N(/take)",
    idea: "producers and consumers: POST puts, take takes, and either may wait",
    answer: "what was put, in order, each once",
    methods: &["GET", "HEAD", "POST"],
    needs: Needs::SharedMemory,
    is_long: true,
    call,
};

fn call(services: &Services, call: &Call<'_>, rest: &str) -> Reply {
    let Some(queues) = &services.queues else {
        return Reply::Now(text(
            501,
            "the workers of this server are processes, which share no memory, so it has no queues; architectures of \
             threads, loops and tasks have them (dyno list)\n",
        ));
    };
    let (name, action) = rest.split_once('/').map_or((rest, None), |(name, action)| (name, Some(action)));
    let Some(line) = find(queues, name) else {
        return Reply::Now(text(404, format!("the queues are 0 to {}, and cokes\n", QUEUES - 1)));
    };
    match (call.method, action) {
        ("GET" | "HEAD", None) => Reply::Now(counts(&line.lock())),
        ("POST", None) => wait_of(call).map_or_else(Reply::Now, |wait| put(line, call.body, wait)),
        ("POST", Some("take")) => wait_of(call).map_or_else(Reply::Now, |wait| take(line, wait)),
        (_, Some("take")) => Reply::Now(allow(405, &["POST"])),
        _ => Reply::Now(text(404, "what can be done with a queue is to take from it\n")),
    }
}

/// The queue of that name. The machine of the textbooks is the first.
fn find<'a>(queues: &'a Queues, name: &str) -> Option<&'a Arc<Line>> {
    let is_number = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_digit());
    match name {
        "cokes" => queues.line(0),
        _ if is_number => queues.line(name.parse().ok()?),
        _ => None,
    }
}

fn counts(state: &State) -> Response {
    let queue = &state.queue;
    let (items, places, handed) = (queue.items(), queue.places(), queue.handed());
    let (takers, putters, counts) = (queue.takers(), queue.putters(), queue.counts());
    let json = serde_json::json!({
        "items": items, "places": places, "handed_over": handed, "waiting_takers": takers,
        "waiting_putters": putters, "put": counts.put, "taken": counts.taken,
        "given_back": counts.given_back, "left": counts.left,
    });
    Response::new(Status::OK, "application/json", Body::Owned(format!("{json}\n").into_bytes()))
}

fn put(line: &Arc<Line>, item: &[u8], wait: Duration) -> Reply {
    if item.len() > QUEUE_ITEM_OCTETS {
        return Reply::Now(text(413, format!("an item has at most {QUEUE_ITEM_OCTETS} octets\n")));
    }
    Reply::Later(Box::new(Put { line: Arc::clone(line), item: Some(item.to_vec()), stay: Stay::new(wait) }))
}

fn take(line: &Arc<Line>, wait: Duration) -> Reply {
    Reply::Later(Box::new(Take { line: Arc::clone(line), stay: Stay::new(wait) }))
}

/// How long the client is ready to wait.
///
/// # Errors
/// The answer for one that does not say it right.
fn wait_of(call: &Call<'_>) -> Result<Duration, Response> {
    let mut given = call.query.unwrap_or_default().split('&').filter_map(|part| part.strip_prefix("wait="));
    let wait = match (given.next(), given.next()) {
        (None, _) => QUEUE_WAIT,
        (Some(wait), None) => parse(wait).ok_or_else(|| text(400, "wait is a number of ms, s or m\n"))?,
        (Some(_), Some(_)) => return Err(text(400, "wait is given twice\n")),
    };
    if wait > QUEUE_WAIT_MAX {
        return Err(text(400, format!("wait at most {} s\n", QUEUE_WAIT_MAX.as_secs())));
    }
    Ok(wait)
}

/// A whole number and its unit; without one they are seconds.
fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let ms_per_unit = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" | "min" => 60_000,
        _ => return None,
    };
    // A number beyond all bounds is a wait beyond the bound.
    let number = if digits == 0 { return None } else { number.parse::<u64>().unwrap_or(u64::MAX) };
    Some(Duration::from_millis(number.saturating_mul(ms_per_unit)))
}

/// How long a request stays, and under which number it waits.
struct Stay {
    wait: Duration,
    until: Option<Instant>,
    number: Option<Number>,
}

impl Stay {
    fn new(wait: Duration) -> Self {
        Stay { wait, until: None, number: None }
    }

    /// From now on it waits under `number`.
    fn begin(&mut self, number: Number, now: Instant) -> JobStep {
        self.number = Some(number);
        self.until = Some(now + self.wait);
        self.go_on()
    }

    fn go_on(&self) -> JobStep {
        JobStep::Wait(For::Waker, self.until)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whom to call by, if it may wait at all.
    fn caller(&self, waker: &Waker) -> Option<Waker> {
        (!self.wait.is_zero()).then(|| waker.clone())
    }

    /// It waits no more, if it has waited.
    fn end(&mut self, line: &Line) {
        if let Some(number) = self.number.take() {
            let called = line.lock().queue.leave(number);
            called.into_iter().for_each(Waker::wake);
        }
    }
}

/// A request for an item.
struct Take {
    line: Arc<Line>,
    stay: Stay,
}

impl WaitingJob for Take {
    fn go_on(&mut self, now: Instant, waker: &Waker) -> JobStep {
        let mut state = self.line.lock();
        let Some(number) = self.stay.number else {
            let caller = if state.is_stopping { None } else { self.stay.caller(waker) };
            let may_wait = caller.is_some();
            let attempt = state.queue.take(caller);
            let is_stopping = state.is_stopping;
            drop(state);
            return match attempt {
                Attempt::Done(item, called) => {
                    called.into_iter().for_each(Waker::wake);
                    JobStep::Done(taken(item))
                }
                Attempt::Waits(number) => self.stay.begin(number, now),
                Attempt::Refused if is_stopping => JobStep::Done(come_back(STOPS)),
                Attempt::Refused if may_wait => JobStep::Done(come_back(CROWDED)),
                Attempt::Refused => JobStep::Done(nothing()),
            };
        };
        if let Some(item) = state.queue.pick_up(number, waker.clone()) {
            self.stay.number = None;
            return JobStep::Done(taken(item));
        }
        if !state.is_stopping && !self.stay.is_over(now) {
            return self.stay.go_on();
        }
        self.stay.number = None;
        state.queue.leave(number);
        JobStep::Done(if state.is_stopping { come_back(STOPS) } else { nothing() })
    }
}

impl Drop for Take {
    fn drop(&mut self) {
        self.stay.end(&self.line);
    }
}

/// A request to put an item.
struct Put {
    line: Arc<Line>,
    /// `None` once it is the queue's.
    item: Option<Vec<u8>>,
    stay: Stay,
}

impl WaitingJob for Put {
    fn go_on(&mut self, now: Instant, waker: &Waker) -> JobStep {
        let mut state = self.line.lock();
        let Some(number) = self.stay.number else {
            if state.is_stopping {
                return JobStep::Done(come_back(STOPS));
            }
            let caller = self.stay.caller(waker);
            let may_wait = caller.is_some();
            let attempt = state.queue.put(self.item.take().unwrap_or_default(), caller);
            drop(state);
            return match attempt {
                Attempt::Done((), called) => {
                    called.into_iter().for_each(Waker::wake);
                    JobStep::Done(put_well())
                }
                Attempt::Waits(number) => self.stay.begin(number, now),
                Attempt::Refused if may_wait => JobStep::Done(come_back(CROWDED)),
                Attempt::Refused => JobStep::Done(come_back(FULL)),
            };
        };
        if state.queue.is_placed(number, waker.clone()) {
            self.stay.number = None;
            return JobStep::Done(put_well());
        }
        if !state.is_stopping && !self.stay.is_over(now) {
            return self.stay.go_on();
        }
        self.stay.number = None;
        state.queue.leave(number);
        JobStep::Done(come_back(if state.is_stopping { STOPS } else { FULL }))
    }
}

impl Drop for Put {
    fn drop(&mut self) {
        self.stay.end(&self.line);
    }
}

const STOPS: &str = "the server stops\n";
const CROWDED: &str = "too many wait already\n";
const FULL: &str = "the queue is full\n";

fn put_well() -> Response {
    text(201, "put\n")
}

fn taken(item: Vec<u8>) -> Response {
    Response::new(Status::OK, "application/octet-stream", Body::Owned(item))
}

fn nothing() -> Response {
    Response::new(Status(204), "", Body::Empty)
}
