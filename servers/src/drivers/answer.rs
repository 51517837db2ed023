//! A body of our services in the form that an HTTP implementation takes that is not ours: piece by piece, and each
//! piece only when the one before has gone to the kernel.
//!
//! hyper copies what a body gives it into its own buffer until that is full, whether or not the client reads. With the
//! [`Outlet`] between its two ends a connection holds one piece.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use dyno_http::response::{Body, Source};
use hyper::body::{Bytes, Frame, SizeHint};

use super::exchange::UnderWay;
use crate::kit::memory::Lease;
use crate::limits::HYPER_PIECE_BYTES;

/// What the wire and the bodies of one connection know of each other. Clones are one outlet; all of them belong to the
/// task of the connection.
#[derive(Debug, Clone, Default)]
pub struct Outlet(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// A piece was given and has not gone out.
    is_full: AtomicBool,
    /// A body waits until it has.
    is_awaited: AtomicBool,
}

impl Outlet {
    /// Everything has gone out. Wakes the task if a body waits for that.
    pub fn emptied(&self, context: &Context<'_>) {
        self.0.is_full.store(false, Relaxed);
        if self.0.is_awaited.swap(false, Relaxed) {
            context.waker().wake_by_ref();
        }
    }

    /// Gives the next piece, unless one is on its way.
    fn give(&self) -> bool {
        let is_full = self.0.is_full.swap(true, Relaxed);
        self.0.is_awaited.store(is_full, Relaxed);
        !is_full
    }
}

/// A body on its way out.
pub struct Answer {
    octets: Octets,
    outlet: Outlet,
    _under_way: UnderWay,
}

enum Octets {
    Memory(Bytes),
    Source(Box<dyn Source>),
}

/// Octets with the lease on their memory.
struct Leased {
    octets: Vec<u8>,
    _lease: Lease<'static>,
}

impl AsRef<[u8]> for Leased {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl Answer {
    /// `body`, to go out through `outlet`; `lease` is that of a body with memory of its own. The exchange ends with the
    /// body.
    pub fn new(body: Body, outlet: Outlet, lease: Lease<'static>, under_way: UnderWay) -> Self {
        let octets = match body {
            // Its length stands in the head.
            Body::Empty | Body::Withheld(_) => Octets::Memory(Bytes::new()),
            Body::Static(octets) => Octets::Memory(Bytes::from_static(octets)),
            Body::Owned(octets) if lease.octets() == 0 => Octets::Memory(octets.into()),
            Body::Owned(octets) => Octets::Memory(Bytes::from_owner(Leased { octets, _lease: lease })),
            Body::Shared(octets, range) => Octets::Memory(Bytes::from_owner(octets).slice(range)),
            Body::Source(source) => Octets::Source(source),
        };
        Answer { octets, outlet, _under_way: under_way }
    }

    fn remaining(&self) -> u64 {
        match &self.octets {
            Octets::Memory(octets) => octets.len() as u64,
            Octets::Source(source) => source.remaining(),
        }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let answer = self.get_mut();
        if answer.remaining() == 0 {
            return Poll::Ready(None);
        }
        if !answer.outlet.give() {
            return Poll::Pending;
        }
        let frame = match &mut answer.octets {
            Octets::Memory(octets) => Ok(octets.split_to(octets.len().min(HYPER_PIECE_BYTES))),
            Octets::Source(source) => {
                let mut piece = vec![0; HYPER_PIECE_BYTES];
                match source.read(&mut piece) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => {
                        piece.truncate(count);
                        Ok(Bytes::from(piece))
                    }
                    Err(error) => Err(error),
                }
            }
        };
        Poll::Ready(Some(frame.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
