//! Waits for a reply by calls that wait: whoever serves the connection is occupied meanwhile, and learns that its
//! client has left.

use std::io;
use std::task::Waker;
use std::time::{Duration, Instant};

use dyno_http::response::Response;

use super::held::Held;
use super::parking::{Happened, Known};
use super::session::Session;
use super::wire::Wire;
use crate::kit::call::busy;
use crate::kit::client::Client;
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::LAST_WORD;
use crate::services::job::JobStep;
use crate::services::service::Reply;

/// Waits for the response to the request that was taken; `None`: its client has left.
///
/// # Errors
/// When the connection breaks.
pub fn attend(
    wire: &mut impl Wire,
    session: &mut Session<'_>,
    reply: Reply,
    site: &Site,
    tally: &Tally,
    clock: &mut Clock,
) -> io::Result<Option<Response>> {
    let mut held = match Held::of(reply, || clock.now()) {
        Ok(held) => held,
        Err(response) => return Ok(Some(response)),
    };
    session.waits();
    let mut known = Known::default();
    let waker = match held.is_job().then(|| wire.waker()) {
        None => Waker::noop().clone(),
        Some(Ok(waker)) => waker,
        Some(Err(_)) => return Ok(Some(busy(tally))),
    };
    let mut is_limited = false;
    loop {
        if site.stop.is_requested() && !is_limited {
            is_limited = true;
            site.services.stop();
            held.end_by(last_moment(site, held.is_job(), clock.tick()));
        }
        // What is handed over to a client that has left is lost to the others.
        if held.is_job() {
            match wire.connection().map(Client::of) {
                Some(Client::Left) => return Ok(None),
                Some(Client::Ended) if !known.ended => {
                    known.ended = true;
                    session.reassure_by(clock.tick(), |octets| wire.write(octets, Duration::ZERO))?;
                    continue;
                }
                Some(Client::Ended | Client::Stays) | None => {}
            }
        }
        let (on, until) = match held.go_on(clock.tick(), &waker, tally) {
            JobStep::Done(response) => return Ok(Some(response)),
            JobStep::Wait(on, until) => (on, until),
        };
        match wire.wait_for(on, until, site.stop, known)? {
            Happened::GoOn => {}
            Happened::Client(Client::Ended) => {
                known.ended = true;
                session.reassure_by(clock.tick(), |octets| wire.write(octets, Duration::ZERO))?;
            }
            Happened::Client(Client::Left) => return Ok(None),
            Happened::Client(Client::Stays) => {}
            // Forked workers see the switch of their parent, who tells them soon; then a signal ends the wait.
            Happened::Stopping => known.stopping = true,
        }
    }
}

/// When what is waited for ends in a server that stops: at its drain limit, or somewhat before, so that who waits can
/// still be told.
fn last_moment(site: &Site, is_job: bool, now: Instant) -> Instant {
    let end = site.stop.deadline().unwrap_or(now);
    if is_job { end.checked_sub(LAST_WORD).unwrap_or(now) } else { end }
}
