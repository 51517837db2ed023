//! A file for ui.perfetto.dev and chrome://tracing, in the Trace Event Format (Duman and Sinclair, Google, 2016), JSON
//! object form.
//!
//! Processes are the server's processes and, for each design, the generator; its threads are connections. A request is
//! a slice on its connection, a slice of its service on the thread that serves it, an arrow from the one to the other
//! and back, and a track of its own with all parts of its latency. Times are microseconds from the first request.

use std::collections::BTreeSet;
use std::io::{self, Write};

use dyno_analysis::timeline::TimePart;
use dyno_measure::traced::join::{LaneWorker, TracedRequest};
use dyno_measure::traced::segment::segments;
use dyno_servers::trace::event::TracePoint;
use serde_json::{Value, json};

use super::TracedDesign;
use super::json::parts_of;

/// The number of the first generator among the processes: above those that Linux gives out (proc(5), `pid_max`).
const GENERATORS_FROM: u64 = 1 << 23;

/// Writes the last `most` requests of each design. Gives how many were left out, the oldest first.
///
/// # Errors
/// What `out` says.
pub(crate) fn write(out: &mut impl Write, designs: &[TracedDesign], most: usize) -> io::Result<u64> {
    let mut file = Events { out, is_first: true, begin_ns: begin_ns(designs) };
    let mut left_out = 0;
    file.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n")?;
    for (place, design) in designs.iter().enumerate() {
        let mut requests: Vec<&TracedRequest> = design.run.joined.requests.iter().collect();
        requests.sort_by_key(|request| request.times.sent_ns);
        let too_many = requests.len().saturating_sub(most);
        left_out += too_many as u64;
        file.design(place as u64, design, &requests[too_many..])?;
    }
    file.out.write_all(b"\n]}\n")?;
    Ok(left_out)
}

fn begin_ns(designs: &[TracedDesign]) -> u64 {
    let all = designs.iter().flat_map(|design| &design.run.joined.requests);
    all.map(|request| request.times.intended_ns).min().unwrap_or_default()
}

struct Events<'a, W> {
    out: &'a mut W,
    is_first: bool,
    begin_ns: u64,
}

/// Who has written into a lane at a time.
fn worker_at(workers: &[LaneWorker], lane: u16, time_ns: u64) -> Option<&LaneWorker> {
    workers.iter().rev().find(|worker| worker.lane == lane && worker.born_ns <= time_ns)
}

impl<W: Write> Events<'_, W> {
    fn put(&mut self, event: &Value) -> io::Result<()> {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_all(b",\n")?;
        }
        serde_json::to_writer(&mut *self.out, event).map_err(io::Error::from)
    }

    /// Microseconds from the first request; a birth before it is negative.
    fn us(&self, time_ns: u64) -> f64 {
        (i128::from(time_ns) - i128::from(self.begin_ns)) as f64 / 1e3
    }

    fn name(&mut self, kind: &str, process: u64, thread: u64, name: &str) -> io::Result<()> {
        self.put(&json!({ "ph": "M", "name": kind, "pid": process, "tid": thread, "args": { "name": name } }))
    }

    fn design(&mut self, place: u64, design: &TracedDesign, requests: &[&TracedRequest]) -> io::Result<()> {
        let (generator, workers) = (GENERATORS_FROM + place, &design.run.joined.workers);
        self.name("process_name", generator, 0, &format!("generator for {}", design.label))?;
        let processes: BTreeSet<u32> = workers.iter().map(|worker| worker.process).collect();
        for process in processes {
            self.name("process_name", process.into(), 0, &format!("{} server", design.label))?;
        }
        for worker in workers {
            let name = format!("lane {}", worker.lane);
            self.name("thread_name", worker.process.into(), worker.thread.into(), &name)?;
        }
        let connections: BTreeSet<u32> = requests.iter().map(|request| request.connection).collect();
        for connection in connections {
            self.name("thread_name", generator, connection.into(), &format!("connection {connection}"))?;
        }
        for request in requests {
            self.request(place, generator, workers, request)?;
        }
        self.queue(workers, requests)
    }

    fn request(
        &mut self,
        place: u64,
        generator: u64,
        workers: &[LaneWorker],
        request: &TracedRequest,
    ) -> io::Result<()> {
        let (times, connection) = (&request.times, u64::from(request.connection));
        let (sent, received) = (self.us(times.sent_ns), self.us(times.received_ns));
        let id = format!("{place}-{connection}-{}", times.number);
        self.put(&json!({
            "ph": "X", "name": "request", "cat": "request", "pid": generator, "tid": connection,
            "ts": sent, "dur": received - sent,
            "args": { "number": times.number, "status": times.status, "parts_ns": parts_of(&request.parts) },
        }))?;
        self.stretch(
            generator,
            connection,
            &id,
            "request",
            [times.intended_ns, times.received_ns],
            |events| {
                let free_ns = times.intended_ns + times.split.wait_ns;
                let before = [
                    (TimePart::Connection, times.intended_ns, free_ns),
                    (TimePart::Generator, free_ns, times.sent_ns),
                ];
                let after = segments(times, &request.marks);
                let after = after.iter().map(|segment| (segment.part, segment.from_ns, segment.to_ns));
                for (part, from_ns, to_ns) in
                    before.into_iter().chain(after).filter(|(_, from, to)| from < to)
                {
                    events.stretch(generator, connection, &id, part.name(), [from_ns, to_ns], |_| Ok(()))?;
                }
                Ok(())
            },
        )?;
        let (Some(begins), Some(served)) =
            (request.passed(TracePoint::Begins), request.passed(TracePoint::Served))
        else {
            return Ok(());
        };
        let Some(worker) = worker_at(workers, begins.lane, begins.time_ns) else { return Ok(()) };
        let (process, thread) = (u64::from(worker.process), u64::from(worker.thread));
        let begin = self.us(begins.time_ns);
        self.put(&json!({
            "ph": "X", "name": "service", "cat": "service", "pid": process, "tid": thread,
            "ts": begin, "dur": self.us(served.time_ns) - begin, "args": { "request": id },
        }))?;
        let mut arrow = |phase: &str, process: u64, thread: u64, at: f64| {
            self.put(&json!({
                "ph": phase, "bp": "e", "id": id, "name": "request", "cat": "way", "pid": process, "tid": thread, "ts": at,
            }))
        };
        arrow("s", generator, connection, sent)?;
        arrow("t", process, thread, begin)?;
        // An arrow ends in the slice that encloses its time.
        arrow("f", generator, connection, received.max(sent + 0.001) - 0.001)
    }

    /// A stretch on the track of a request, with what lies in it.
    fn stretch(
        &mut self,
        process: u64,
        thread: u64,
        id: &str,
        name: &str,
        [from_ns, to_ns]: [u64; 2],
        inside: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let (from, to) = (self.us(from_ns), self.us(to_ns));
        let event = |phase: &str, at: f64| json!({ "ph": phase, "cat": "part", "id": id, "name": name, "pid": process, "tid": thread, "ts": at });
        self.put(&event("b", from))?;
        inside(self)?;
        self.put(&event("e", to))
    }

    /// How many requests stand in the queue before the workers.
    fn queue(&mut self, workers: &[LaneWorker], requests: &[&TracedRequest]) -> io::Result<()> {
        let Some(process) = workers.first().map(|worker| worker.process) else { return Ok(()) };
        let marks = requests.iter().flat_map(|request| &request.marks);
        let mut steps: Vec<(u64, i64)> = Vec::new();
        let has_queue = marks.clone().any(|mark| mark.point == TracePoint::Queued);
        for request in requests.iter().filter(|_| has_queue) {
            let mut is_queued = false;
            for mark in &request.marks {
                match (mark.point, is_queued) {
                    (TracePoint::Queued, false) => steps.push((mark.time_ns, 1)),
                    (TracePoint::Taken, true) => steps.push((mark.time_ns, -1)),
                    _ => continue,
                }
                is_queued = !is_queued;
            }
        }
        steps.sort_unstable();
        let mut waiting = 0;
        for (time_ns, step) in steps {
            waiting += step;
            let at = self.us(time_ns);
            self.put(&json!({
                "ph": "C", "name": "queue", "pid": process, "tid": 0, "ts": at, "args": { "waiting": waiting },
            }))?;
        }
        Ok(())
    }
}
