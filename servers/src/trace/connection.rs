//! What a traced connection remembers: its number, and how far its request has come.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU8, AtomicU16, Ordering::Relaxed};

use super::event::TracePoint;
use super::tracer::Tracer;

/// The trace of a connection. One thread at a time uses it; the atomics only let it lie where several have a
/// reference.
#[derive(Debug)]
pub struct ConnectionTrace {
    tracer: &'static Tracer,
    connection: u32,
    /// The request that arrives next, or is under way.
    request: AtomicU16,
    /// The last one whose answer has gone out.
    written: AtomicU16,
    stage: AtomicU8,
}

/// Nothing of the request has come.
const IDLE: u8 = 0;
/// A part of it has.
const ARRIVES: u8 = 1;
/// All of it has.
const WHOLE: u8 = 2;
/// It waits for something.
const WAITS: u8 = 3;

/// A traced request, for whoever serves it.
#[derive(Debug, Clone, Copy)]
pub struct RequestTrace {
    tracer: &'static Tracer,
    connection: u32,
    request: u16,
}

impl RequestTrace {
    /// The request passes a point.
    pub fn note(self, point: TracePoint) {
        self.tracer.note(point, self.connection, self.request, 0);
    }
}

impl ConnectionTrace {
    /// The trace of a connection that `tracer` was told of; `None`: it is not traced.
    pub fn of(tracer: &'static Tracer, descriptor: RawFd) -> Option<Self> {
        let connection = tracer.number_of(descriptor)?;
        let (request, written, stage) = (AtomicU16::new(1), AtomicU16::new(0), AtomicU8::new(IDLE));
        Some(ConnectionTrace { tracer, connection, request, written, stage })
    }

    /// The request that arrives next, or is under way.
    pub fn request(&self) -> RequestTrace {
        RequestTrace { tracer: self.tracer, connection: self.connection, request: self.request.load(Relaxed) }
    }

    /// The connection, or the request that is under way on it, passes a point.
    pub fn note(&self, point: TracePoint) {
        self.request().note(point);
    }

    /// A part of a request has come.
    pub fn arrives(&self) {
        if self.stage.load(Relaxed) == IDLE {
            self.stage.store(ARRIVES, Relaxed);
            self.note(TracePoint::FirstOctets);
        }
    }

    /// The request has come whole.
    pub fn is_whole(&self) {
        if self.stage.load(Relaxed) < WHOLE {
            self.stage.store(WHOLE, Relaxed);
            self.note(TracePoint::Whole);
        }
    }

    /// The request is taken up, to be answered. What has come together with the one before is whole only now.
    pub fn taken_up(&self) -> RequestTrace {
        self.is_whole();
        self.request()
    }

    /// The request waits for something.
    pub fn waits(&self) {
        self.stage.store(WAITS, Relaxed);
        self.note(TracePoint::Waits);
    }

    /// The request that is under way has its answer, and the next one may come.
    pub fn answered(&self, status: u16) {
        if self.stage.swap(IDLE, Relaxed) == WAITS {
            self.note(TracePoint::Resumes);
        }
        let request = self.request.load(Relaxed);
        self.tracer.note(TracePoint::Answered, self.connection, request, status);
        self.request.store(request.wrapping_add(1), Relaxed);
    }

    /// The kernel has taken all that there is to write.
    pub fn emptied(&self) {
        let answered = self.request.load(Relaxed).wrapping_sub(1);
        let mut written = self.written.load(Relaxed);
        while written != answered {
            written = written.wrapping_add(1);
            self.tracer.note(TracePoint::Written, self.connection, written, 0);
        }
        self.written.store(written, Relaxed);
    }
}
