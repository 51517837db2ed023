//! Calls a service, and survives its panic.

use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::Instant;

use dyno_http::response::Response;

use super::access::Denial;
use super::client::Client;
use super::complaint;
use super::identity::become_user;
use super::site::Site;
use super::tally::Tally;
use crate::admission::Pass;
use crate::kit::watched::watch;
use crate::services::job::{JobStep, WaitingJob};
use crate::services::owner::Rights;
use crate::services::service::{Asked, Call, Reply, come_back, text};
use crate::trace::event::TracePoint;
use crate::under_way::entry::RequestStage;

/// Lets the site's services answer a request that was judged. A panic costs this connection (a 500, then the end) and
/// nothing else: no thread and no place in a pool.
///
/// `client`: its connection, so that nothing long is done for one that has left; `None`: it is looked after elsewhere.
/// `took_up`: since when the request has waited here, see [`admit`].
pub fn call(
    site: &Site,
    request: &Asked<'_>,
    tally: &Tally,
    client: Option<BorrowedFd<'_>>,
    took_up: Instant,
) -> Reply {
    let has_left = || client.is_some_and(has_left);
    serve(site, &Call::new(request, &has_left), tally, client, took_up)
}

/// The same for a request that was [admitted](admit) before and has stood in a queue since. One that has become too old
/// there is refused.
pub fn call_admitted(site: &Site, request: &Asked<'_>, tally: &Tally, pass: Option<Pass<'_>>) -> Reply {
    let call = Call::new(request, &|| false);
    match pass {
        None => answer(site, &call, tally),
        Some(pass) if pass.is_stale() => Reply::Now(busy(tally)),
        Some(pass) => pass.serve(|| answer(site, &call, tally)),
    }
}

/// Asks whether a request may be served, or join the queue of those that will be: a switch that is off admits all.
///
/// `took_up`: when the server learned of it. A loop is told of many requests at once, so that is the begin of the turn;
/// of a request that came with its connection it is when that was accepted.
///
/// # Errors
/// The answer for a request that is refused.
pub fn admit<'a>(
    site: &'a Site,
    call: &Call<'_>,
    tally: &Tally,
    client: Option<BorrowedFd<'_>>,
    took_up: Instant,
) -> Result<Option<Pass<'a>>, Reply> {
    let Some(admission) = &site.admission else { return Ok(None) };
    match admission.ask(took_up, client, call.fields) {
        Some(pass) => Ok(Some(pass)),
        None => Err(Reply::Now(busy(tally))),
    }
}

/// As [`call`], for a request that another HTTP implementation has parsed.
pub fn serve(
    site: &Site,
    call: &Call<'_>,
    tally: &Tally,
    client: Option<BorrowedFd<'_>>,
    took_up: Instant,
) -> Reply {
    match site.register {
        None => serve_admitted(site, call, tally, client, took_up),
        Some(register) => watch(register.enter(RequestStage::Running, call.line(), client), || {
            serve_admitted(site, call, tally, client, took_up)
        }),
    }
}

fn serve_admitted(
    site: &Site,
    call: &Call<'_>,
    tally: &Tally,
    client: Option<BorrowedFd<'_>>,
    took_up: Instant,
) -> Reply {
    match admit(site, call, tally, client, took_up) {
        Ok(None) => answer(site, call, tally),
        Ok(Some(pass)) => pass.serve(|| answer(site, call, tally)),
        Err(refusal) => refusal,
    }
}

/// Lets the services answer. Where owners of files are asked, their refusals are counted and explained; and where the
/// process is to become the user who asks, it does before.
fn answer(site: &Site, call: &Call<'_>, tally: &Tally) -> Reply {
    if let Some(Rights::OfProcess(user)) = call.asker.rights()
        && become_user(user).is_err()
    {
        return Reply::Now(text(500, "this server cannot serve you\n").closing());
    }
    if let Some(trace) = call.trace {
        trace.note(TracePoint::Begins);
    }
    let reply = guard(site, tally, || site.services.call(call));
    if let Some(trace) = call.trace {
        trace.note(TracePoint::Served);
    }
    if let Some(who) = call.asker.who()
        && let Reply::Now(response) = &reply
        && response.status.0 == 403
    {
        complaint::denied(tally, None, &who, call.method, call.path, &Denial::Owner);
    }
    reply
}

/// Whether the client of this connection can read no answer any more: it has reset the connection, or the connection
/// is closed both ways. One that has only ended its own side (shutdown(2)) waits for its answer.
pub fn has_left(client: BorrowedFd<'_>) -> bool {
    Client::of(client) == Client::Left
}

/// Runs `answer`; a panic becomes a 500 that ends its connection. Past the drain limit nothing is run, because nobody
/// would get the answer: what stands in a queue then must not keep the server from its end.
pub fn guard(site: &Site, tally: &Tally, answer: impl FnOnce() -> Reply) -> Reply {
    if site.stop.is_over() {
        return Reply::Now(busy(tally));
    }
    Tally::add(&tally.requests, 1);
    // A call that is interrupted by a panic leaves nothing shared in a broken state: services are functions of the
    // request.
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| Reply::Now(failed(tally)))
}

/// Lets a job go on, and survives its panic as that of a call: the thread that runs it is a driver's, and serves others
/// as well. A job that has panicked is done, so whatever it left half done is only dropped.
pub fn go_on(job: &mut Box<dyn WaitingJob>, now: Instant, waker: &Waker, tally: &Tally) -> JobStep {
    let step = catch_unwind(AssertUnwindSafe(|| job.go_on(now, waker)));
    step.unwrap_or_else(|_| JobStep::Done(failed(tally)))
}

/// The answer of a service that panicked; its connection ends.
fn failed(tally: &Tally) -> Response {
    Tally::add(&tally.faults, 1);
    text(500, "the service failed\n").closing()
}

/// The answer when there is no place for the request: a 503 that asks the client to come back soon (RFC 9110,
/// 15.6.4).
pub fn busy(tally: &Tally) -> Response {
    Tally::add(&tally.refused, 1);
    come_back("too busy\n")
}

/// The answer to who has waited and waits no longer, because the server stops or the time for it is over.
pub fn later() -> Response {
    come_back("waited as long as there was time\n")
}
