//! Carries one connection as a task: as [`blocking`](super::blocking) does, with an await where that waits.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::pin;
use std::task::{Context, Poll};

use dyno_http::response::Response;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use super::alarm::within;
use super::awaiting::{self, Awaited, ClientWatch};
use super::held::Held;
use super::session::{DriverStep, Session};
use super::share::TurnShare;
use crate::kit::call::call;
use crate::kit::clock::Clock;
use crate::kit::marks::Mark;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{DRAIN_LOOK, KEEP_BUFFERS};
use crate::services::service::Reply;

/// Serves one connection until it ends. A task may move between threads, so `tally` is called anew for each count.
///
/// # Errors
/// When the connection breaks, which concerns only its peer.
pub async fn serve(
    mut stream: TcpStream,
    site: &'static Site,
    tally: fn(&'static Site) -> &'static Tally,
) -> io::Result<()> {
    let mut clock = Clock::new();
    let mut session = Session::new(site, tally(site), site.origin_of(&stream), clock.now());
    let mut alarm = pin!(sleep_until(Instant::now() + site.limits.idle_time));
    let mut share = TurnShare::new();
    // An idle connection holds no buffers, be it new or one that has been idle for a while.
    let mut is_asleep = true;
    loop {
        if share.is_used_up() {
            yield_now().await;
            share = TurnShare::new();
        }
        while !share.is_used_up()
            && let Some(request) = session.next_request()
        {
            share.serve();
            let reply = call(site, &request, tally(site), Some(stream.as_fd()), clock.now());
            clock.tick();
            let Some(response) = attend(&stream, &mut session, reply, &mut clock).await? else {
                return Ok(());
            };
            session.look_behind(stream.as_fd(), clock.now());
            session.respond(response, &clock);
        }
        if site.stop.is_requested() {
            session.finish(clock.now());
        }
        share.carry();
        let now = clock.now();
        let step = session.next_step(now);
        let deadline = session.deadline();
        let mut room = 0;
        let moved = match step {
            DriverStep::Close => return Ok(()),
            DriverStep::Shut => {
                stream.shutdown().await?;
                continue;
            }
            DriverStep::Store => {
                session.store(now);
                clock.tick();
                continue;
            }
            DriverStep::Write => {
                let octets = share.part(session.pending());
                within(deadline, alarm.as_mut(), stream.write(octets)).await
            }
            DriverStep::Read if is_asleep => {
                site.stop.mark(stream.as_fd(), Mark::Idle);
                let woken = within(deadline, alarm.as_mut(), stream.readable()).await;
                site.stop.mark(stream.as_fd(), Mark::Busy);
                is_asleep = woken?.is_none();
                if is_asleep {
                    session.handle_deadline(clock.tick());
                } else {
                    session.hold_memory();
                }
                continue;
            }
            DriverStep::Read | DriverStep::Respond if !session.make_room(now) => continue,
            DriverStep::Read | DriverStep::Respond => {
                let keeps_until = session.is_idle().then(|| now + KEEP_BUFFERS);
                let mark = if keeps_until.is_some() { Mark::Idle } else { Mark::Busy };
                site.stop.mark(stream.as_fd(), mark);
                let spare = share.space(session.spare());
                room = spare.len();
                let until = deadline.into_iter().chain(keeps_until).min();
                let read = within(until, alarm.as_mut(), stream.read(spare)).await;
                site.stop.mark(stream.as_fd(), Mark::Busy);
                read
            }
        };
        clock.tick();
        match moved? {
            // The stop switch has ended the wait. A request may be on its way until the grace is over.
            Some(0) if step == DriverStep::Read && session.is_idle() && site.stop.is_requested() => {
                session.finish(clock.now());
                sleep(DRAIN_LOOK).await;
                session.handle_deadline(clock.tick());
            }
            Some(count) if step == DriverStep::Write => {
                share.wrote(count);
                session.advance(count, clock.now());
            }
            Some(count) => {
                share.read(count, room);
                session.received(count, clock.now());
            }
            None => {
                session.handle_deadline(clock.now());
                if session.is_idle() {
                    session.drop_memory();
                    is_asleep = true;
                }
            }
        }
    }
}

/// Awaits the response to the request that was taken; `None`: its client has left.
async fn attend(
    stream: &TcpStream,
    session: &mut Session<'_>,
    reply: Reply,
    clock: &mut Clock,
) -> io::Result<Option<Response>> {
    let mut held = match Held::of(reply, || clock.now()) {
        Ok(held) => held,
        Err(response) => return Ok(Some(response)),
    };
    session.waits();
    let mut has_ended = false;
    loop {
        let awaited = awaiting::attend(&mut held, &mut Watched(stream), has_ended, session.tally()).await;
        let now = clock.tick();
        match awaited {
            Awaited::Response(response) => return Ok(Some(response)),
            Awaited::Left => return Ok(None),
            Awaited::Ended => has_ended = true,
        }
        session.reassure_by(now, |octets| stream.try_write(octets))?;
    }
}

struct Watched<'a>(&'a TcpStream);

impl ClientWatch for Watched<'_> {
    fn connection(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn poll_news(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Errors are news.
        self.0.poll_read_ready(context).map(|_| ())
    }
}
