//! What a thread writes down.

use crate::books::absence::Absence;
use crate::books::bursts::BurstSide;
use crate::books::requests::RequestTimes;
use crate::books::tally::RunTally;
use crate::engine::usage::Meter;
use crate::engine::worker::attention::Attention;
use crate::failure::RequestFailure;
use crate::outcome::{Connections, Partial};
use crate::plan::Plan;
use crate::plan::bursts::SIDES;

/// A thread's account of its part of the run: requests, connections, its own needs, and how it ended.
pub(crate) struct Books {
    pub(crate) tally: RunTally,
    pub(crate) meter: Meter,
    pub(crate) connections: Connections,
    /// Why the first connection that failed did so.
    pub(crate) first_failure: Option<RequestFailure>,
    pub(crate) partial: Option<Partial>,
    pub(crate) absence: Absence,
    /// What became of the requests of each of two servers that take turns; `None`: there is one server.
    pub(crate) sides: Option<Box<[BurstSide; SIDES]>>,
    /// Answered requests that were not told of yet; `None`: nobody wants to know.
    pub(super) requests: Option<Vec<RequestTimes>>,
    /// Connections that are open now.
    open: u64,
    /// Time with work so far.
    busy_ns: u64,
}

impl Books {
    /// A request of that number in the mix was answered rightly.
    #[inline]
    pub(super) fn answered_on(&mut self, request: u16) {
        if let Some(side) = self.sides.as_mut().and_then(|sides| sides.get_mut(usize::from(request))) {
            side.answered += 1;
        }
    }

    /// A request of that number in the mix has failed.
    #[cold]
    pub(super) fn failed_on(&mut self, request: u16, failure: &RequestFailure) {
        if let Some(side) = self.sides.as_mut().and_then(|sides| sides.get_mut(usize::from(request))) {
            side.failed(failure);
        }
    }

    pub(super) fn new(tally: RunTally, planned: u32) -> Self {
        Books {
            tally,
            meter: Meter::default(),
            connections: Connections { planned: u64::from(planned), ..Connections::default() },
            first_failure: None,
            partial: None,
            absence: Absence::default(),
            sides: None,
            requests: None,
            open: 0,
            busy_ns: 0,
        }
    }

    /// The same; whether each answered request is remembered.
    pub(super) fn with_requests(self, wanted: bool) -> Self {
        Books { requests: wanted.then(Vec::new), ..self }
    }

    /// A connection is ready for requests, after so much time and, behind a transport, after a handshake of so many
    /// octets, which has resumed a session or not.
    pub(super) fn established(&mut self, connect_ns: u64, handshake: Option<(u64, bool)>) {
        self.tally.connect.record(connect_ns);
        self.open += 1;
        self.connections.opened += 1;
        if let Some((octets, is_resumed)) = handshake {
            self.connections.handshake_octets += octets;
            self.connections.resumed += u64::from(is_resumed);
        }
        self.connections.open_max = self.connections.open_max.max(self.open);
    }

    /// A connection that was ready is no more.
    pub(super) fn parted(&mut self) {
        self.open -= 1;
    }

    /// A connection could not be made.
    pub(super) fn not_connected(&mut self, failure: RequestFailure) {
        self.connections.failed += 1;
        self.first_failure.get_or_insert(failure);
    }

    /// The thread stood still so, although it had something to do.
    pub(super) fn paused(&mut self, attention: &Attention) {
        let Attention { pauses, stopped_ns, .. } = attention;
        self.absence =
            Absence { sum_ns: pauses.sum_ns(), longest_ns: pauses.longest_ns(), stopped_ns: *stopped_ns };
    }

    /// The last request of the plan was due.
    pub(super) fn note_open_at_end(&mut self) {
        self.connections.open_at_end = self.open;
    }

    /// The thread had work for so much longer.
    pub(super) fn worked(&mut self, ns: u64) {
        self.busy_ns += ns;
    }

    /// Time with work so far, ns.
    pub(super) fn busy_ns(&self) -> u64 {
        self.busy_ns
    }

    /// Reads the meter, if the window has begun or ended by `now_ns`.
    pub(super) fn read_meter(&mut self, now_ns: u64, plan: &Plan) {
        self.meter.read(now_ns, self.busy_ns, plan.warmup_ns, plan.end_ns());
    }

    /// Reads the meter for the last time: the window ends here at the latest.
    pub(super) fn read_meter_at_end(&mut self, now_ns: u64, plan: &Plan) {
        self.meter.read(now_ns, self.busy_ns, plan.warmup_ns, 0);
    }
}
