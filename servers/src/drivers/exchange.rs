//! What the wire and the gate of a connection know of the exchange that hyper is in the middle of.
//!
//! A stopping server answers what has arrived, and says with the last of these answers that the connection ends. hyper
//! does not tell whether requests stand behind the one that is being answered: it holds them in a buffer of its own.
//! But where it may not take a client's end for an ordinary thing (its option `half_close` is off), it reads while an
//! answer is awaited, to notice that end, and it does so only when its buffer is empty. That read is the sign. The
//! client's end itself is withheld until the answer is out, because a client that has ended only its own side is
//! answered here as on the other architectures.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use tokio::task::yield_now;

use crate::trace::connection::ConnectionTrace;
use crate::trace::event::TracePoint;

/// The exchange of one connection. Clones are the same one; all of them belong to the task of the connection.
#[derive(Debug, Clone)]
pub struct HyperExchange(Arc<State>);

#[derive(Debug)]
struct State {
    /// Writes down what becomes of requests; `None`: the connection is not traced.
    trace: Option<ConnectionTrace>,
    stage: AtomicU8,
    /// hyper has looked for octets, and has none.
    has_looked: AtomicBool,
    /// The client's end was withheld once, because it may stand behind a body that has come whole.
    has_withheld: AtomicBool,
    /// To be woken when the answer is out, if hyper has looked for octets before that.
    owed: Mutex<Option<Waker>>,
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(trace) = &self.trace {
            trace.note(TracePoint::Closed);
        }
    }
}

/// No request, or only a part of its head, has come.
const NOTHING: u8 = 0;
/// A head has come, and not the whole of its body.
const BODY: u8 = 1;
/// The request has come whole, and its answer is not out.
const ANSWERING: u8 = 2;

/// An exchange under way; it ends when this is dropped.
#[derive(Debug)]
pub struct UnderWay(HyperExchange);

impl HyperExchange {
    /// The exchange of a connection with this trace, which is taken up now and closed when the last clone is dropped.
    pub fn new(trace: Option<ConnectionTrace>) -> Self {
        if let Some(trace) = &trace {
            trace.note(TracePoint::Taken);
        }
        let (stage, owed) = (AtomicU8::new(NOTHING), Mutex::new(None));
        let (has_looked, has_withheld) = (AtomicBool::new(false), AtomicBool::new(false));
        HyperExchange(Arc::new(State { trace, stage, has_looked, has_withheld, owed }))
    }

    /// Where it is written down what becomes of requests; `None`: the connection is not traced.
    pub fn trace(&self) -> Option<&ConnectionTrace> {
        self.0.trace.as_ref()
    }

    /// hyper has read octets.
    pub fn note_read(&self) {
        if let Some(trace) = self.trace()
            && !self.is_answering()
        {
            trace.arrives();
        }
    }

    /// hyper has written all that it had.
    pub fn note_written(&self) {
        if let Some(trace) = self.trace()
            && !self.is_answering()
        {
            trace.emptied();
        }
    }

    /// hyper has read a head.
    pub fn begin(&self, has_body: bool) -> UnderWay {
        self.0.stage.store(if has_body { BODY } else { ANSWERING }, Relaxed);
        self.0.has_withheld.store(false, Relaxed);
        UnderWay(self.clone())
    }

    /// Whether the request has come whole and its answer is not out: what hyper reads now stands behind it.
    pub fn is_answering(&self) -> bool {
        self.0.stage.load(Relaxed) == ANSWERING
    }

    /// hyper has looked for octets behind the request, and there are none.
    pub fn note_empty(&self) {
        self.0.has_looked.store(true, Relaxed);
    }

    /// hyper waits for octets, and is to read again when the answer is out: there may be something that it is not given
    /// before, and the time limits of the connection run only while it reads.
    pub fn owe(&self, context: &Context<'_>) {
        *self.0.owed.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
    }

    /// Whether to withhold the client's end until hyper has been able to pass on what came before it: it may be the
    /// end of the body, or stand behind it. True once for each request with a body.
    pub fn withholds_end(&self) -> bool {
        self.0.stage.load(Relaxed) == BODY && !self.0.has_withheld.swap(true, Relaxed)
    }
}

impl UnderWay {
    /// The request has come whole, or the rest of it is refused.
    pub fn is_whole(&self) {
        self.0.0.stage.store(ANSWERING, Relaxed);
        if let Some(trace) = self.0.trace() {
            trace.is_whole();
        }
    }

    /// Whether more has arrived behind the request. In doubt it has: then the connection ends without notice when
    /// nothing comes.
    pub async fn has_more(&self) -> bool {
        self.0.0.has_looked.store(false, Relaxed);
        // hyper looks before it asks for the answer again.
        yield_now().await;
        !self.0.0.has_looked.load(Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.0.stage.store(NOTHING, Relaxed);
        let owed = self.0.0.owed.lock().unwrap_or_else(PoisonError::into_inner).take();
        owed.into_iter().for_each(Waker::wake);
    }
}
