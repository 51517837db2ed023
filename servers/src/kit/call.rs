//! Calls a service, and survives its panic.

use std::os::fd::BorrowedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dyno_http::request::Request;
use dyno_http::response::Response;

use super::client::Client;
use super::site::Site;
use super::tally::Tally;
use crate::services::service::{Call, Reply, come_back, text};

/// Lets the site's services answer `request`. A panic costs this connection (a 500, then the end) and nothing else:
/// no thread and no place in a pool.
///
/// `client`: its connection, so that nothing long is done for one that has left; `None`: it is looked after elsewhere.
pub fn call(site: &Site, request: &Request<'_>, tally: &Tally, client: Option<BorrowedFd<'_>>) -> Reply {
    let has_left = || client.is_some_and(has_left);
    guard(site, tally, || site.services.call(&Call::new(request, &has_left)))
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
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
        Tally::add(&tally.faults, 1);
        let mut response = text(500, "the service failed\n");
        response.close = true;
        Reply::Now(response)
    })
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
