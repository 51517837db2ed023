//! The gate stands between hyper and the services, and applies the rules of RFC 9110 and 9112 that bare hyper leaves
//! to its user.
//!
//! | rule | bare hyper |
//! |---|---|
//! | exactly one well-formed Host in HTTP/1.1 (RFC 9112, 3.2) | accepts none, or several |
//! | the forms of targets: `*` only for OPTIONS, no CONNECT (3.2) | accepts all |
//! | `chunked` once and last (6.1) | accepts it repeated |
//! | a body that breaks its framing gets an answer, and ends the connection | drops the connection |
//! | a bound on the body (413), a least rate (408) | has none |
//! | idle time and head time are two limits ([`head_limit`](super::head_limit)) | has one for both |
//! | a bound on the target (414) that is not the bound on the head (431) | has one for both |
//! | unknown expectations (RFC 9110, 10.1.1) | ignores them |

mod parts;

use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use dyno_http::response::{Body, Response};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, Request, Version};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, Outlet};
use super::async_wire::{AsyncWire, SharedNames, SharedTurn, lock};
use super::attendance::Attendance;
use super::awaiting::{self, Awaited};
use super::exchange::{HyperExchange, UnderWay};
use super::head_limit::RequestCount;
use super::held::Held;
use super::sentry::Sentry;
use super::share::TurnShare;
use super::wire_memory::WireMemory;
use crate::kit::access::Judge;
use crate::kit::call::{self, busy, has_left};
use crate::kit::marks::Mark;
use crate::kit::memory::{Lease, Purpose};
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::kit::watched::cancelled;
use crate::limits::{HYPER_PIECE_BYTES, LEASE_STEP_BYTES};
use crate::services::owner::Asker;
use crate::services::service::{Call, FieldLookup, text};
use crate::services::upload::Upload;
use crate::trace::connection::ConnectionTrace;
use crate::under_way::entry::{RequestLine, RequestOrder, RequestStage};

/// The gate of one connection.
pub struct Gate {
    site: &'static Site,
    attendance: Attendance,
    share: SharedTurn,
    requests: RequestCount,
    memory: WireMemory,
    outlet: Outlet,
    exchange: HyperExchange,
    sentry: Sentry,
    names: SharedNames,
    source: Option<IpAddr>,
    /// Judges requests. One task has it, so nobody waits for the lock.
    judge: Option<Mutex<Judge<'static>>>,
    tally: fn(&'static Site) -> &'static Tally,
    has_ended: AtomicBool,
    left: AtomicBool,
}

impl Gate {
    /// The gate of the connection on `wire`. It adds to the counts that `tally` returns at the time.
    pub fn new(site: &'static Site, wire: &AsyncWire, tally: fn(&'static Site) -> &'static Tally) -> Self {
        let (attendance, share, requests) = (wire.attendance(), wire.share(), wire.requests());
        let (memory, outlet, exchange) = (wire.memory(), wire.outlet(), wire.exchange());
        let (sentry, names) = (wire.sentry(), wire.names());
        let source = wire.source();
        let judge = site.judge(source).map(Mutex::new);
        let (has_ended, left) = (AtomicBool::new(false), AtomicBool::new(false));
        Gate {
            site,
            attendance,
            share,
            requests,
            memory,
            outlet,
            exchange,
            sentry,
            names,
            source,
            judge,
            tally,
            has_ended,
            left,
        }
    }

    /// Answers a request, valid or not. The exchange begins with the call.
    ///
    /// # Errors
    /// Never: the answer itself tells what is wrong with a request.
    pub fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<hyper::Response<Answer>, Infallible>> {
        let under_way = self.exchange.begin(!request.body().is_end_stream());
        self.answer_under_way(request, under_way)
    }

    async fn answer_under_way(
        &self,
        request: Request<Incoming>,
        under_way: UnderWay,
    ) -> Result<hyper::Response<Answer>, Infallible> {
        self.attendance.mark(Mark::Busy);
        self.requests.turn();
        if lock(&self.share).is_used_up() {
            // A client that pipelines must not keep the thread from other tasks.
            yield_now().await;
            *lock(&self.share) = TurnShare::new();
        }
        lock(&self.share).serve();
        let (parts, body) = request.into_parts();
        let mut response = match check(&parts).and_then(|()| self.check_sizes(&parts)) {
            Ok(()) => match self.receive(&parts, body).await {
                Ok(received) => {
                    under_way.is_whole();
                    self.serve(&parts, received).await
                }
                Err(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        under_way.is_whole();
        let mut lease = self.site.memory.nothing();
        if !self.has_memory(&response.body, &mut lease) {
            response = self.busy();
        }
        if self.attendance.is_stopping() && !response.close {
            // What has arrived is answered before the connection ends.
            response.close = !under_way.has_more().await;
        }
        self.has_ended.fetch_or(response.close, Relaxed);
        self.attendance.mark(Mark::Idle);
        self.requests.turn();
        if let Some(trace) = self.exchange.trace() {
            trace.answered(response.status.0);
        }
        Ok(self.translate(response, lease, under_way))
    }

    /// Answers a request, of which the body may not have come yet, that something in front of this has refused.
    pub fn turn_away(&self, has_body: bool) -> hyper::Response<Answer> {
        let under_way = self.exchange.begin(has_body);
        self.requests.turn();
        let mut response = busy((self.tally)(self.site));
        response.close |= has_body || self.attendance.is_stopping();
        self.has_ended.fetch_or(response.close, Relaxed);
        under_way.is_whole();
        self.requests.turn();
        self.translate(response, self.site.memory.nothing(), under_way)
    }

    /// Whether a response of ours has ended the connection although the client may still be sending.
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Relaxed)
    }

    /// Whether the client has left while its request waited. Nothing is to be done for the connection any more.
    pub fn has_lost_client(&self) -> bool {
        self.left.load(Relaxed)
    }

    async fn serve(&self, parts: &Parts, received: Received) -> Response {
        let reply = {
            let (method, path, query) = (parts.method.as_str(), parts.uri.path(), parts.uri.query());
            let asker = match self.judge(method, path) {
                Ok(asker) => asker,
                Err(refusal) => return refusal,
            };
            let has_left = || has_left(self.attendance.connection());
            let (fields, asker) = (&HostAndFields(parts), &asker);
            let (body, upload) = (&received.body[..], received.upload.as_deref());
            let peer = self.names.get().map_or(&[][..], Vec::as_slice);
            let trace = self.exchange.trace().map(ConnectionTrace::request);
            let (source, version) = (self.source, version_of(parts));
            let has_left = &has_left;
            let call = Call {
                method,
                path,
                query,
                version,
                body,
                fields,
                has_left,
                asker,
                peer,
                source,
                upload,
                trace,
            };
            let client = Some(self.attendance.connection());
            call::serve(self.site, &call, (self.tally)(self.site), client, std::time::Instant::now())
        };
        drop(received);
        let mut held = match Held::of(reply, std::time::Instant::now) {
            Ok(held) => held,
            Err(response) => return response,
        };
        if let Some(trace) = self.exchange.trace() {
            trace.waits();
        }
        let mut sentry = self.sentry.stand(self.attendance.connection());
        let mut has_ended = false;
        loop {
            match awaiting::attend(&mut held, &mut sentry, has_ended, (self.tally)(self.site)).await {
                Awaited::Response(response) => return response,
                Awaited::Left => {
                    self.left.store(true, Relaxed);
                    // The connection is dropped in this poll of its task, and this with it.
                    return pending().await;
                }
                Awaited::Ended => {
                    has_ended = true;
                    if parts.version == Version::HTTP_11 {
                        sentry.reassure().await;
                    }
                }
            }
        }
    }

    fn judge(&self, method: &str, path: &str) -> Result<Asker, Response> {
        let Some(judge) = &self.judge else { return Ok(Asker::UNASKED) };
        let names = self.names.get().map_or(&[][..], Vec::as_slice);
        let mut judge = judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.judge((self.tally)(self.site), names, method, path)
    }

    /// The bounds of the head, as our own core has them; [`HYPER_HEAD_BYTES`](crate::limits::HYPER_HEAD_BYTES)
    /// explains why hyper itself has others.
    fn check_sizes(&self, parts: &Parts) -> Result<(), Response> {
        let limits = &self.site.limits;
        let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > limits.target_octets {
            return Err(text(414, "the target is too long\n").closing());
        }
        let fields = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        if target + fields.sum::<usize>() > limits.head_octets {
            return Err(text(431, "the head is too large\n").closing());
        }
        Ok(())
    }

    /// Whether there is memory for an answer with `body`, which takes `lease` if it is held by itself.
    fn has_memory(&self, body: &Body, lease: &mut Lease<'static>) -> bool {
        let own = if let Body::Owned(octets) = body { octets.capacity() } else { 0 };
        let is_large = body.len() > HYPER_PIECE_BYTES as u64 / 2;
        (!is_large || self.memory.write_large())
            && (own < LEASE_STEP_BYTES || lease.cover(own, Purpose::Body))
    }

    /// The answer where the budget of memory is spent.
    fn busy(&self) -> Response {
        busy((self.tally)(self.site)).closing()
    }

    /// The body. Until it has come whole, the request can be cancelled.
    async fn receive(&self, parts: &Parts, body: Incoming) -> Result<Received, Response> {
        let (method, path, query) = (parts.method.as_str(), parts.uri.path(), parts.uri.query());
        let line = RequestLine { method, path, query };
        let client = self.attendance.connection();
        let arrives = self.site.register.filter(|_| !body.is_end_stream());
        let seat = arrives.and_then(|register| register.enter(RequestStage::Receiving, line, Some(client)));
        let mut collected = pin!(self.take_in(parts, body));
        poll_fn(|context| {
            if let Some(seat) = &seat {
                seat.called_by(context.waker());
                if seat.order() == RequestOrder::Cancel {
                    return Poll::Ready(Err(cancelled()));
                }
            }
            collected.as_mut().poll(context)
        })
        .await
    }

    /// The body, held whole.
    async fn collect(&self, mut body: Incoming) -> Result<Received, Response> {
        let limits = &self.site.limits;
        let announced = hyper::body::Body::size_hint(&body).lower();
        if announced > limits.body_octets as u64 {
            return Err(text(413, "the body is too large\n").closing());
        }
        let (start, mut octets) = (Instant::now(), Vec::new());
        let mut lease = self.site.memory.nothing();
        loop {
            // A client that keeps the least rate is never late.
            let earned = Duration::from_secs(octets.len() as u64 / limits.body_octets_per_s);
            match timeout_at(start + limits.body_grace + earned, body.frame()).await {
                Ok(None) => return Ok(Received { body: octets, upload: None, _lease: lease }),
                Ok(Some(Ok(frame))) => {
                    let data: &[u8] = frame.data_ref().map_or(&[], |data| data);
                    let needed = octets.len() + data.len();
                    // While a vector doubles, the old memory is there beside the new.
                    let doubled = if needed > octets.capacity() { 3 * needed } else { 0 };
                    if doubled > lease.octets() && !lease.cover(doubled, Purpose::Body) {
                        return Err(self.busy());
                    }
                    octets.extend_from_slice(data);
                }
                Ok(Some(Err(_))) => return Err(text(400, "the body breaks its framing\n").closing()),
                Err(_) => return Err(text(408, "the body is too slow\n").closing()),
            }
            if octets.len() > limits.body_octets {
                return Err(text(413, "the body is too large\n").closing());
            }
        }
    }

    fn translate(
        &self,
        response: Response,
        lease: Lease<'static>,
        under_way: UnderWay,
    ) -> hyper::Response<Answer> {
        let withheld = if let Body::Withheld(length) = response.body { length } else { None };
        let mut translated =
            hyper::Response::new(Answer::new(response.body, self.outlet.clone(), lease, under_way));
        if let Ok(status) = hyper::StatusCode::from_u16(response.status.0) {
            *translated.status_mut() = status;
        }
        let headers = translated.headers_mut();
        if !response.content_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(response.content_type));
        }
        for (name, value) in response.fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(name, value);
            }
        }
        for (name, value) in response.lines.iter().flat_map(|lines| lines.iter()) {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        if let Some(length) = withheld {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        if response.close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        translated
    }
}

/// A body that has come whole: in memory with the lease on that, or in a file.
struct Received {
    body: Vec<u8>,
    upload: Option<Arc<Upload>>,
    _lease: Lease<'static>,
}

fn check(parts: &Parts) -> Result<(), Response> {
    let refuse = |rule: &'static str| Err(text(400, rule).closing());
    let mut hosts = parts.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if parts.version == Version::HTTP_11 => return refuse("Host is missing\n"),
        (Some(_), Some(_)) => return refuse("Host is given twice\n"),
        (Some(host), None) if !is_host(host.as_bytes()) => return refuse("Host is malformed\n"),
        _ => {}
    }
    if parts.method == Method::CONNECT {
        return Err(text(501, "this server is no proxy\n").closing());
    }
    if parts.uri.path() == "*" && parts.method != Method::OPTIONS {
        return refuse("* is a target for OPTIONS only\n");
    }
    if parts.uri.scheme().is_none() && parts.uri.authority().is_some() {
        return refuse("this target is for CONNECT only\n");
    }
    let codings: Vec<_> = parts.headers.get_all(TRANSFER_ENCODING).iter().collect();
    match codings.as_slice() {
        [] => {}
        [only] if only.as_bytes().eq_ignore_ascii_case(b"chunked") => {}
        _ => return refuse("the transfer coding must be chunked, once\n"),
    }
    let expectation = parts.headers.get(EXPECT).filter(|_| parts.version == Version::HTTP_11);
    if expectation.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(text(417, "this expectation is not known here\n").closing());
    }
    Ok(())
}

fn version_of(parts: &Parts) -> dyno_http::head::Version {
    use dyno_http::head::Version::{Http10, Http11};
    if parts.version == Version::HTTP_10 { Http10 } else { Http11 }
}

/// `uri-host [ ":" port ]` (RFC 9110, 7.2; RFC 3986, 3.2.2); may be empty.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().rposition(|&octet| octet == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => {
            (&host[..colon], &host[colon + 1..])
        }
        _ => (host, &host[..0]),
    };
    let literal = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]"));
    let plain = |octet: &u8| octet.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(octet);
    let inside = |octet: &u8| plain(octet) || *octet == b':';
    port.len() <= 5 && literal.map_or_else(|| name.iter().all(plain), |literal| literal.iter().all(inside))
}

/// The head of a request, as services look into it.
struct HostAndFields<'a>(&'a Parts);

impl FieldLookup for HostAndFields<'_> {
    fn all(&self, name: &str) -> Vec<&str> {
        self.0.headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect()
    }

    fn each(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.0.headers.iter().for_each(|(name, value)| take(name.as_str(), value.as_bytes()));
    }

    fn host(&self) -> &str {
        let field = || self.0.headers.get(HOST).and_then(|host| host.to_str().ok());
        self.0.uri.authority().map(Authority::as_str).or_else(field).unwrap_or_default()
    }
}
