//! A connection with tokio's I/O traits, for an HTTP implementation that is not ours. It counts bytes and can have a
//! secure pipe underneath, as every [`super::session`] can.

use std::error::Error as _;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, sleep_until, timeout};

use super::answer::Outlet;
use super::attendance::Attendance;
use super::exchange::HyperExchange;
use super::head_limit::{HeadLimit, Late, RequestCount};
use super::sentry::Sentry;
use super::share::TurnShare;
use super::wire_memory::WireMemory;
use super::write_limit::WriteLimit;
use crate::kit::complaint;
use crate::kit::marks::Mark;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{DRAIN_LOOK, RECORD_BYTES, WIRE_BYTES};

/// A connection behind its transport.
pub struct AsyncWire {
    stream: TcpStream,
    tally: &'static Tally,
    attendance: Attendance,
    /// When a client that does not read is given up.
    write_limit: WriteLimit,
    /// Limits the time between requests, and that of a head.
    head_limit: HeadLimit,
    share: SharedTurn,
    drain_grace: Duration,
    /// While the server stops: when the connection ends, and when to look again for a request that is on its way.
    drain: Option<(Instant, Pin<Box<Sleep>>)>,
    secure: Option<Box<Secure>>,
    memory: WireMemory,
    /// Octets of the head under way.
    head_bytes: usize,
    outlet: Outlet,
    exchange: HyperExchange,
    sentry: Sentry,
    source: Option<IpAddr>,
    names: SharedNames,
}

/// What a client is told whose head took too long. hyper would tell it nothing.
const HEAD_TIMEOUT_ANSWER: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What a client is told that has ended its side and may wait for its answer, or may have left.
const REASSURANCE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What a client is told for whose head there is no memory.
const NO_MEMORY_ANSWER: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The share of the connection's turn, which the wire and the gate in front of the services use together.
pub type SharedTurn = Arc<Mutex<TurnShare>>;

/// The names that the peer has proved, told to the gate by the wire.
pub type SharedNames = Arc<OnceLock<Vec<String>>>;

struct Secure {
    pipe: Box<dyn Pipe>,
    /// Runs until the deadline of the pipe, of which hyper does not know.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Secure {
    /// Tells the pipe when its deadline has passed; until then the alarm is set to wake this task.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        // Who waits holds no buffer.
        self.pipe.relax();
        let Some(deadline) = self.pipe.deadline().map(tokio::time::Instant::from) else {
            return Poll::Pending;
        };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() != deadline {
            alarm.as_mut().reset(deadline);
        }
        ready!(alarm.as_mut().poll(context));
        self.alarm = None;
        Poll::Ready(self.pipe.handle_deadline(Instant::now()))
    }
}

/// The share. Wire and gate belong to one task, so nobody waits for this lock.
pub fn lock(share: &SharedTurn) -> MutexGuard<'_, TurnShare> {
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the error comes from a secure pipe, whose failures the wire has counted, and not from HTTP.
pub fn is_of_the_pipe(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

/// Closes without losing the last answer: says that nothing more will come, then reads and discards what the client
/// still sends, within bounds (RFC 9112, 9.6).
///
/// # Errors
/// When the connection is broken, which also ends it.
pub async fn linger(mut stream: TcpStream, most_time: Duration, most_octets: u64) -> io::Result<()> {
    stream.shutdown().await?;
    let discard = async {
        let mut sink = [0; 4096];
        let mut left = most_octets;
        while left > 0 {
            match stream.read(&mut sink).await? {
                0 => break,
                count => left = left.saturating_sub(count as u64),
            }
        }
        Ok(())
    };
    timeout(most_time, discard).await.unwrap_or(Ok(()))
}

impl AsyncWire {
    /// The wire of a connection that was just accepted.
    pub fn new(site: &'static Site, stream: TcpStream, tally: &'static Tally, memory: WireMemory) -> Self {
        let attendance = Attendance::new(site.stop, stream.as_fd());
        attendance.mark(Mark::Idle);
        let origin = site.origin_of(&stream);
        let secure = site.transport.as_ref().map(|transport| {
            let pipe = transport.accept_from(origin.source, Instant::now());
            Box::new(Secure { pipe, alarm: None })
        });
        AsyncWire {
            stream,
            tally,
            attendance,
            write_limit: WriteLimit::new(site.limits.write_time),
            head_limit: HeadLimit::new(&site.limits),
            share: SharedTurn::default(),
            drain_grace: site.limits.drain_grace,
            drain: None,
            secure,
            memory,
            head_bytes: 0,
            outlet: Outlet::default(),
            exchange: HyperExchange::new(site.trace_of(origin)),
            sentry: Sentry::default(),
            source: origin.source,
            names: SharedNames::default(),
        }
    }

    /// What the connection holds of the server's memory.
    pub fn memory(&self) -> WireMemory {
        self.memory.clone()
    }

    /// For bodies, which go out piece by piece.
    pub fn outlet(&self) -> Outlet {
        self.outlet.clone()
    }

    /// For code that knows how far an exchange has come.
    pub fn exchange(&self) -> HyperExchange {
        self.exchange.clone()
    }

    /// For whoever waits, and wants to know whether the client has left.
    pub fn sentry(&self) -> Sentry {
        self.sentry.clone()
    }

    /// Where the connection comes from, if its transport or the policy wants to know.
    pub fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// For code that judges requests, which come when the names are known.
    pub fn names(&self) -> SharedNames {
        Arc::clone(&self.names)
    }

    /// The share of the connection's turn. Whoever polls the connection renews it before, and the wire whenever the
    /// connection waits for bytes.
    pub fn share(&self) -> SharedTurn {
        Arc::clone(&self.share)
    }

    /// For code that knows when a request begins and ends.
    pub fn requests(&self) -> RequestCount {
        self.head_limit.requests()
    }

    /// For code that knows whether a request is under way.
    pub fn attendance(&self) -> Attendance {
        self.attendance
    }

    /// Reads bytes from the socket, encrypted or not. Where there are none, the connection's turn is over.
    fn poll_receive(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let before = into.filled().len();
            let read = self.poll_part(context, into);
            if read.is_pending() {
                lock(&self.share).wait_to_read();
            }
            let ended = matches!(read, Poll::Ready(Ok(()))) && into.filled().len() == before;
            if ended && self.exchange.is_answering() {
                self.exchange.owe(context);
                return Poll::Pending;
            }
            if !ended || !self.attendance.is_stopping() {
                return read;
            }
            // The stop switch has ended the wait. A request may be on its way until the grace is over.
            let now = Instant::now();
            let (end, look) =
                self.drain.get_or_insert_with(|| (now + self.drain_grace, Box::pin(sleep(DRAIN_LOOK))));
            if now >= *end {
                return read;
            }
            ready!(look.as_mut().poll(context));
            look.as_mut().reset(tokio::time::Instant::now() + DRAIN_LOOK);
        }
    }

    /// Reads from the socket no more than is left of this turn.
    fn poll_part(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = lock(&self.share).bytes_left();
        if into.remaining() <= left {
            return Pin::new(&mut self.stream).poll_read(context, into);
        }
        let mut part = ReadBuf::new(into.initialize_unfilled_to(left));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        let count = part.filled().len();
        into.advance(count);
        Poll::Ready(Ok(()))
    }

    /// Lets others have their turn when this connection has moved its share of bytes. The next turn begins with the
    /// next poll of the task, which gives it a whole share.
    fn poll_turn(&self, context: &mut Context<'_>) -> Poll<()> {
        if !lock(&self.share).is_moved() {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what the pipe has sealed.
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(secure) = &mut self.secure else { return Poll::Ready(Ok(())) };
        while !secure.pipe.pending().is_empty() {
            let written = self.write_limit.poll_write(&mut self.stream, context, secure.pipe.pending());
            let count = ready!(written)?;
            Tally::add(&self.tally.sent_bytes, count as u64);
            secure.pipe.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    /// The pipe has failed: the operator is told why, and what the pipe still says to the peer is tried once.
    fn give_up(&mut self, failure: &PipeError, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shown = self.secure.as_ref().and_then(|secure| secure.pipe.peer_shown());
        complaint::explain(self.tally, failure, self.source, shown.as_deref());
        // The failure is counted here, because hyper does not report failures before the first request.
        Tally::add(&self.tally.peer_faults, 1);
        let _ = self.poll_pending(context)?;
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }

    fn poll_opened(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            // The handshake produces answers by itself. What cannot be written now is written with the next answer.
            let blocked = self.poll_pending(context)?.is_pending();
            let Some(secure) = &mut self.secure else { return Poll::Ready(Ok(())) };
            if blocked && secure.pipe.plain().is_empty() {
                // The time of a handshake runs out as well while its answer cannot be written.
                match ready!(secure.poll_deadline(context)) {
                    Ok(()) => continue,
                    Err(failure) => return self.give_up(&failure, context),
                }
            }
            let waiting = secure.pipe.plain();
            if !waiting.is_empty() {
                let count = waiting.len().min(into.remaining());
                into.put_slice(&waiting[..count]);
                secure.pipe.take_plain(count);
                return Poll::Ready(Ok(()));
            }
            if secure.pipe.is_closed_by_peer() {
                return Poll::Ready(Ok(()));
            }
            // A peer can send records without a request (key updates) for ever; others must have their turn.
            if lock(&self.share).is_used_up() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            lock(&self.share).carry();
            // The socket is read into the pipe's own memory, so the pipe is put aside meanwhile.
            let Some(mut secure) = self.secure.take() else { return Poll::Ready(Ok(())) };
            let mut wire = ReadBuf::new(secure.pipe.room(WIRE_BYTES));
            let read = self.poll_receive(context, &mut wire);
            let count = wire.filled().len();
            let (secure, read) = (self.secure.insert(secure), read?);
            let opened = match count {
                _ if read.is_pending() => ready!(secure.poll_deadline(context)),
                0 => secure.pipe.receive_eof(),
                count => secure.pipe.received(count, Instant::now()),
            };
            Tally::add(&self.tally.received_bytes, count as u64);
            if secure.pipe.is_established() && self.names.get().is_none() {
                let _ = self.names.set(secure.pipe.peer_names().to_vec());
            }
            if let Err(failure) = opened {
                return self.give_up(&failure, context);
            }
            if read.is_ready() && count == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Reads octets of HTTP, and counts them.
    fn poll_octets(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let before = into.filled().len();
        // hyper's buffer doubles when a read has filled it, and a head that goes on makes it grow besides.
        if !self.memory.read(into.remaining() + self.head_bytes) {
            Tally::add(&self.tally.refused, 1);
            let _ = Pin::new(&mut *self).poll_write(context, NO_MEMORY_ANSWER)?;
            return Poll::Ready(Err(io::ErrorKind::OutOfMemory.into()));
        }
        let read = if self.secure.is_some() {
            self.poll_opened(context, into)?
        } else {
            let read = self.poll_receive(context, into)?;
            Tally::add(&self.tally.received_bytes, (into.filled().len() - before) as u64);
            read
        };
        let count = into.filled().len() - before;
        if count > 0 {
            self.exchange.note_read();
            lock(&self.share).read(count, count);
            self.head_bytes = self.head_limit.received(count);
        }
        read.map(|()| Ok(count))
    }

    /// hyper looks for what stands behind the request that is being answered, because it holds nothing of that.
    fn poll_behind(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // What the turn or the memory does not allow now can wait, and so can the end of what the client sends.
        if lock(&self.share).is_moved() || !self.memory.read(into.remaining() + self.head_bytes) {
            self.exchange.owe(context);
            return Poll::Pending;
        }
        if matches!(self.poll_octets(context, into)?, Poll::Ready(count) if count > 0) {
            return Poll::Ready(Ok(()));
        }
        // hyper would not read again of itself when the answer is out, and the idle time begins with that read.
        self.exchange.owe(context);
        self.exchange.note_empty();
        Poll::Pending
    }
}

impl AsyncRead for AsyncWire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.exchange.is_answering() {
            return self.poll_behind(context, into);
        }
        ready!(self.poll_turn(context));
        let read = self.poll_octets(context, into)?;
        if read == Poll::Ready(0) && self.exchange.withholds_end() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if read.is_ready() {
            return Poll::Ready(Ok(()));
        }
        if ready!(self.head_limit.poll_late(context)) == Late::Head {
            // The client may not read at all, so the answer is tried once.
            let _ = self.as_mut().poll_write(context, HEAD_TIMEOUT_ANSWER)?;
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for AsyncWire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context));
        if self.secure.is_some() {
            // One sealed piece at a time: the piece before must be written before more is taken.
            ready!(self.poll_pending(context))?;
            let count = octets.len().min(RECORD_BYTES);
            let secure = self.secure.as_mut().expect("looked at above");
            secure.pipe.send(&octets[..count]).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            lock(&self.share).wrote(count);
            let _ = self.poll_pending(context)?;
            return Poll::Ready(Ok(count));
        }
        let octets = lock(&self.share).part(octets);
        let wire = &mut *self;
        let count = ready!(wire.write_limit.poll_write(&mut wire.stream, context, octets))?;
        lock(&wire.share).wrote(count);
        Tally::add(&self.tally.sent_bytes, count as u64);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(context))?;
        self.outlet.emptied(context);
        self.exchange.note_written();
        if self.sentry.is_to_reassure() {
            // The client may not read at all, so it is tried once.
            let _ = self.as_mut().poll_write(context, REASSURANCE)?;
            self.sentry.has_reassured();
        }
        self.sentry.poll(&self.stream, context);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(secure) = &mut self.secure {
            secure.pipe.close();
        }
        ready!(self.poll_pending(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Drop for AsyncWire {
    fn drop(&mut self) {
        self.attendance.mark(Mark::Free);
    }
}
