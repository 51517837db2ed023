//! The write limit of a connection whose HTTP has none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// Limits the time in which the kernel takes no byte of what is to be written, because the client does not read.
#[derive(Debug)]
pub struct WriteLimit {
    time: Duration,
    /// Runs while the kernel takes nothing.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl WriteLimit {
    /// A limit of `time` from the last byte that the kernel took.
    pub fn new(time: Duration) -> Self {
        WriteLimit { time, alarm: None }
    }

    /// Writes to `stream`; an error of the kind [`TimedOut`](io::ErrorKind::TimedOut) when the time has passed.
    pub fn poll_write(
        &mut self,
        stream: &mut TcpStream,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(result) = Pin::new(stream).poll_write(context, octets) {
            self.alarm = None;
            return Poll::Ready(result);
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(self.time)));
        ready!(alarm.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}
