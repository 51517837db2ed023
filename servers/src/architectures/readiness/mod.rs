//! # Idea
//! One thread serves many connections. It asks the kernel which of them are ready, and carries each of those as far
//! as it gets without waiting. [`select`], [`poll`] and [`epoll`] are three ways to ask; every design that has such a
//! loop inside runs this one.
//!
//! # Picture
//! ```text
//!       +--> wait: who is ready?  (select, poll, epoll)
//!       |      |
//!       |      +-- the listener ----> accept
//!       |      +-- a connection ----> read -> answer -> write --+
//!       |      +-- workers -------> take their answer -> write --+
//!       |                                                        |
//!       +----- re-arm: what does it wait for now? <--------------+
//! ```
//!
//! # Price
//! A call to learn who is ready, beside the read and the write of each request; bookkeeping that a thread's stack
//! would do for free.
//!
//! # Shines
//! Where connections are many and mostly idle: a waiting one costs a place in a table, and no stack, no thread, no
//! switch.
//!
//! # Breaks
//! As soon as anything waits or computes for long between two calls: all connections of the loop wait with it.
//!
//! # Lineage
//! select(2) in 4.2BSD (1983); Schmidt's *Reactor* (1994); Flash (Pai, Druschel, Zwaenepoel, 1999); libevent, nginx,
//! Redis.

pub mod epoll;
pub mod poll;
pub mod select;

use std::io;
use std::net::TcpListener;

use crate::drivers::readiness::{ConnectionTable, EventSource, TurnEnd};
use crate::drivers::selector::{Interest, Ready, Selector};
use crate::drivers::session::DriverStep;
use crate::drivers::workers::Workers;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{EVENTS_PER_WAIT, READS_PER_TURN};

/// Accepts from `listener` and serves until the site is stopped. The selector is made before: where several loops
/// start, the clients of the first must not use up the descriptors that the last one needs.
///
/// # Errors
/// What made the listener or the selector unusable.
pub fn run<S: Selector>(
    selector: S,
    site: &Site,
    listener: &TcpListener,
    tally: &Tally,
    workers: &mut impl Workers,
) -> io::Result<()> {
    // SAFETY: the workers, and their wakeup with them, outlive this function.
    let mut table = unsafe { ConnectionTable::watching(selector, site, listener, tally, workers.wakeup())? };
    let mut ready = Vec::with_capacity(EVENTS_PER_WAIT);
    while !site.stop.is_requested() {
        table.wait(None, &mut ready)?;
        dispatch(&mut table, &ready, workers);
        table.accept()?;
    }
    // Nobody is accepted any more, idle connections end, busy ones end with their next answer, and at the deadline
    // all do.
    let (everybody, deadline) = table.begin_to_drain();
    everybody.into_iter().for_each(|index| carry(&mut table, index, workers));
    while let Some(left) = table.left_until(deadline) {
        table.wait(Some(left), &mut ready)?;
        dispatch(&mut table, &ready, workers);
    }
    Ok(())
}

/// Gives a turn to each connection for which something has happened.
fn dispatch<S: Selector>(table: &mut ConnectionTable<'_, S>, ready: &[Ready], workers: &mut impl Workers) {
    for ticket in table.unfinished() {
        if let Some(index) = table.find(ticket) {
            carry(table, index, workers);
        }
    }
    for event in ready {
        match table.note(*event) {
            Some(EventSource::Connection(index)) => carry(table, index, workers),
            Some(EventSource::Wakeup) => {
                while let Some((ticket, reply)) = workers.finished() {
                    if let Some(index) = table.answer(ticket, reply) {
                        carry(table, index, workers);
                    }
                }
            }
            // The loop looks at the listener and at the stop switch by itself.
            Some(EventSource::Listener | EventSource::Stop) | None => {}
        }
    }
    while let Some(index) = table.due() {
        carry(table, index, workers);
    }
}

/// Carries one connection as far as it gets without waiting, and re-arms it.
fn carry<S: Selector>(table: &mut ConnectionTable<'_, S>, index: usize, workers: &mut impl Workers) {
    let next = turn(table, index, workers);
    table.rearm(index, next);
}

/// One connection's turn: have its requests answered, write, read; what it waits for then.
fn turn<S: Selector>(
    table: &mut ConnectionTable<'_, S>,
    index: usize,
    workers: &mut impl Workers,
) -> TurnEnd {
    let (connection, ticket, shared) = table.at(index);
    let now = shared.clock.now();
    for _ in 0..READS_PER_TURN {
        while let Some(request) = connection.timed.session.next_request() {
            match workers.call(ticket, &request) {
                Some(reply) => connection.timed.take_reply(reply, &shared.clock),
                None => break,
            }
        }
        let waits = match connection.timed.session.next_step(now) {
            DriverStep::Close => Some(TurnEnd::Close),
            DriverStep::Respond => Some(TurnEnd::Wait(Interest::Nothing)),
            DriverStep::Write => connection.write(now),
            DriverStep::Shut => {
                connection.shut();
                None
            }
            DriverStep::Read if connection.is_readable() => {
                connection.timed.session.borrow_memory(&mut shared.buffers);
                connection.read(now)
            }
            DriverStep::Read => {
                if connection.timed.session.is_idle() {
                    connection.timed.session.return_memory(&mut shared.buffers);
                }
                Some(TurnEnd::Wait(Interest::Read))
            }
        };
        if let Some(next) = waits {
            return next;
        }
    }
    TurnEnd::Again
}
