//! # Idea
//! One thread serves many connections. It asks the kernel which of them are ready, and works on each of those until
//! it would have to wait. [`select`], [`poll`] and [`epoll`] are three ways to ask; every design that contains such a
//! loop runs this one. The loop decides in which order they are served; the table of connections below it is a
//! [driver](crate#glossary).
//!
//! # Picture
//! ```text
//!       +--> wait: which ready?   (select, poll, epoll)
//!       |      |
//!       |      +-- the listener ----> accept
//!       |      +-- a connection ----> read -> answer -> write --+
//!       |      +-- workers -------> take their answer -> write --+
//!       |                                                        |
//!       +----- re-arm: watch for the next event <----------------+
//! ```
//!
//! # Price
//! A call to learn which connections are ready, beside the read and the write of each request. The loop must also
//! keep in a table what a thread would keep on its stack.
//!
//! # Shines
//! Where connections are many and mostly idle: an idle connection costs an entry in a table, but no stack, no thread
//! and no switch.
//!
//! # Breaks
//! As soon as anything waits or computes for long between two calls: all connections of the loop wait with it, and an
//! [order](crate::under_way) to cancel what computes is not seen before it returns.
//! Under overload control a request is as old as its turn of the loop, or its arrival in the kernel if earlier.
//!
//! # Lineage
//! select(2) in 4.2BSD (1983); Schmidt's *Reactor* (1994); Flash (Pai, Druschel, Zwaenepoel, 1999); libevent, nginx,
//! Redis.
//!
//! # Question
//! One connection always has another request ready. What keeps the loop from serving it alone?
//!
//! <details><summary>Answer</summary>
//!
//! A turn of a connection has a bound. When it has used its share it goes to the end of those that are ready, and
//! the others have their turn. A thread for each connection gets this from the kernel; a loop has to do it itself.
//!
//! </details>

pub mod epoll;
pub mod poll;
pub mod select;

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;

use crate::drivers::readiness::{ConnectionTable, EventSource, TurnEnd};
use crate::drivers::selector::{Interest, Ready, Selector};
use crate::drivers::session::DriverStep;
use crate::drivers::share::TurnShare;
use crate::drivers::workers::Workers;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{EVENTS_PER_WAIT, READS_PER_TURN};

/// Accepts from `listener` and serves until the site is stopped. The caller makes the selector: where several loops
/// start, all selectors must exist before the first loop accepts, or its clients could use up the descriptors that
/// the last selector needs. `ready` is called when the loop is about to accept its first connection.
///
/// # Errors
/// The error that made the listener or the selector unusable.
pub fn run<S: Selector>(
    selector: S,
    site: &Site,
    listener: &TcpListener,
    tally: &Tally,
    workers: &mut impl Workers,
    ready: impl FnOnce(),
) -> io::Result<()> {
    // SAFETY: the workers, and their wakeup with them, outlive this function.
    let mut table = unsafe { ConnectionTable::watching(selector, site, listener, tally, workers.wakeup())? };
    ready();
    let mut events = Vec::with_capacity(EVENTS_PER_WAIT);
    while !site.stop.is_requested() {
        table.wait(None, &mut events)?;
        dispatch(&mut table, &events, workers)?;
        table.accept()?;
    }
    // No connection is accepted any more. Idle connections are closed after a grace, busy ones after their next
    // response, and all of them at the deadline.
    let (everybody, deadline) = table.begin_to_drain()?;
    everybody.into_iter().for_each(|index| carry(&mut table, index, workers));
    dispatch(&mut table, &[], workers)?;
    while let Some(left) = table.left_until(deadline) {
        table.wait(Some(left), &mut events)?;
        dispatch(&mut table, &events, workers)?;
    }
    Ok(())
}

/// Gives a turn to each connection for which something has happened.
fn dispatch<S: Selector>(
    table: &mut ConnectionTable<'_, S>,
    ready: &[Ready],
    workers: &mut impl Workers,
) -> io::Result<()> {
    for index in table.unfinished() {
        carry(table, index, workers);
    }
    for event in ready {
        match table.note(*event) {
            Some(EventSource::Connection(index)) => carry(table, index, workers),
            Some(EventSource::Wakeup) => {
                while let Some((ticket, news)) = workers.news() {
                    if let Some(index) = table.take_news(ticket, news) {
                        carry(table, index, workers);
                    }
                }
            }
            Some(EventSource::Room) => table.listen()?,
            // The loop itself checks the stop switch and accepts, once a turn.
            Some(EventSource::Listener | EventSource::Stop) | None => {}
        }
    }
    // Requests that wait may wake each other, so the deadlines come first.
    while let Some(index) = table.due() {
        carry(table, index, workers);
    }
    while let Some(index) = table.called() {
        carry(table, index, workers);
    }
    Ok(())
}

/// Works on one connection until it would have to wait, and tells the selector what it waits for.
fn carry<S: Selector>(table: &mut ConnectionTable<'_, S>, index: usize, workers: &mut impl Workers) {
    let next = turn(table, index, workers);
    if next == TurnEnd::Close {
        workers.left(table.at(index).1);
    }
    table.rearm(index, next);
}

/// One connection's turn: its requests are answered, responses are written, bytes are read. Returns what the
/// connection waits for after that.
fn turn<S: Selector>(
    table: &mut ConnectionTable<'_, S>,
    index: usize,
    workers: &mut impl Workers,
) -> TurnEnd {
    let (connection, ticket, shared) = table.at(index);
    let now = shared.clock.now();
    if connection.is_gone() {
        return TurnEnd::Close;
    }
    let mut share = TurnShare::new();
    for _ in 0..READS_PER_TURN {
        while !share.is_used_up()
            && let Some(request) = connection.timed.session.next_request()
        {
            share.serve();
            match workers.call(ticket, &request, connection.stream.as_fd(), now) {
                Some(reply) => {
                    connection.look_behind(now);
                    connection.timed.take_reply(reply, &shared.clock, &shared.room, ticket);
                }
                None => break,
            }
        }
        share.carry();
        let waits = match connection.timed.session.next_step(now) {
            DriverStep::Respond if connection.timed.session.has_request() => Some(TurnEnd::Again),
            DriverStep::Read if connection.is_readable() && share.is_used_up() => Some(TurnEnd::Again),
            DriverStep::Close => Some(TurnEnd::Close),
            DriverStep::Respond
                if connection.has_ended() && connection.reassure(now, workers.ended(ticket)) =>
            {
                None
            }
            DriverStep::Respond => Some(connection.until_answered()),
            DriverStep::Write if share.is_moved() => Some(TurnEnd::Again),
            DriverStep::Write => connection.write(now, &mut share),
            DriverStep::Shut => {
                connection.shut();
                None
            }
            DriverStep::Store => connection.store(now),
            DriverStep::Read if connection.is_readable() => {
                connection.timed.session.borrow_memory(&mut shared.buffers);
                if connection.timed.session.make_room(now) { connection.read(now, &mut share) } else { None }
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
