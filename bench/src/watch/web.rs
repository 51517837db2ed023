//! The server of the page: files, events, orders.
//!
//! | request | answer |
//! |---|---|
//! | `GET /`, and the files that it names | the page |
//! | `GET /events?token=T` | what happens, as server-sent events (HTML standard, 9.2), until the watcher leaves |
//! | `POST /orders`, with `Dyno-Token: T` | an order of a watcher: `{"watcher":1,"order":"burst"}` |

use std::convert::Infallible;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::director::WatchOrder;
use super::guard::{self, Token, WatchRefusal};
use super::hub::{Hub, WatcherFeed};
use super::page::{self, POLICY};
use crate::limits::{WATCH_CONNECTIONS, WATCH_HEAD, WATCH_ORDER_BYTES};

/// What the server needs.
#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) hub: Arc<Hub>,
    pub(crate) token: Token,
    pub(crate) orders: SyncSender<WatchOrder>,
}

/// An order, and the watcher who gives it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    watcher: u64,
    /// Whether it takes the control from whoever has it.
    #[serde(default)]
    takes: bool,
    /// What is to be done; nothing where only the control is taken.
    #[serde(default)]
    order: Option<WatchOrder>,
}

/// The body of an answer: a text, or events.
enum Told {
    Text(Option<Bytes>),
    Events(WatcherFeed),
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Told::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Told::Events(feed) => feed.poll(context).map(|told| told.map(|told| Ok(Frame::data(told)))),
        }
    }
}

/// Serves the page until the process ends.
///
/// # Errors
/// When the runtime or the listener is refused.
pub(crate) fn serve(listener: TcpListener, web: Web) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let places = Arc::new(Semaphore::new(WATCH_CONNECTIONS));
        loop {
            // Who finds no place waits in the accept queue. The semaphore is never closed.
            let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
            let Ok((stream, _)) = listener.accept().await else {
                // Too many descriptors: those that are served close some.
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            };
            let web = web.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| {
                    let web = web.clone();
                    async move { Ok::<_, Infallible>(answer(&web, request).await) }
                });
                let mut connection = hyper::server::conn::http1::Builder::new();
                connection.timer(TokioTimer::new()).header_read_timeout(WATCH_HEAD).keep_alive(true);
                // A connection that breaks is its browser's affair.
                let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
                drop(place);
            });
        }
    })
}

async fn answer(web: &Web, request: Request<Incoming>) -> Response<Told> {
    let path = request.uri().path().to_string();
    let method = request.method().clone();
    match (method, path.as_str()) {
        (Method::GET, "/events") => events(web, &request),
        (Method::POST, "/orders") => order(web, request).await,
        (Method::GET | Method::HEAD, _) => match guard::may_read(request.headers()) {
            Ok(()) => page::file(&path).map_or_else(
                || text(StatusCode::NOT_FOUND, "there is no such page\n"),
                |(kind, content)| with_kind(StatusCode::OK, kind, content),
            ),
            Err(refusal) => refused(refusal),
        },
        _ => text(
            StatusCode::METHOD_NOT_ALLOWED,
            "the page is read with GET, and orders are given with POST\n",
        ),
    }
}

fn events(web: &Web, request: &Request<Incoming>) -> Response<Told> {
    let query = request.uri().query().unwrap_or_default();
    let shown = query.split('&').find_map(|pair| pair.strip_prefix("token="));
    if let Err(refusal) = guard::may_watch(request.headers(), &web.token, shown) {
        return refused(refusal);
    }
    match web.hub.join() {
        Ok(feed) => dressed(StatusCode::OK, "text/event-stream", Told::Events(feed)),
        Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "there are as many watchers as there may be\n"),
    }
}

async fn order(web: &Web, request: Request<Incoming>) -> Response<Told> {
    if let Err(refusal) = guard::may_watch(request.headers(), &web.token, None) {
        return refused(refusal);
    }
    let Ok(octets) = Limited::new(request.into_body(), WATCH_ORDER_BYTES).collect().await else {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "this is too long for an order\n");
    };
    let given: Given = match serde_json::from_slice(&octets.to_bytes()) {
        Ok(given) => given,
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("this is no order: {error}\n")),
    };
    if let Some(Err(error)) = given.order.as_ref().map(WatchOrder::check) {
        return text(StatusCode::BAD_REQUEST, format!("{error}\n"));
    }
    if !web.hub.may_order(given.watcher, given.takes) {
        return text(StatusCode::CONFLICT, "somebody else has the control: take it first\n");
    }
    let Some(order) = given.order else { return text(StatusCode::OK, "the control is yours\n") };
    match web.orders.try_send(order) {
        Ok(()) => text(StatusCode::OK, "ordered\n"),
        Err(TrySendError::Full(_)) => {
            text(StatusCode::TOO_MANY_REQUESTS, "more orders wait than can be carried out: try again\n")
        }
        Err(TrySendError::Disconnected(_)) => {
            text(StatusCode::SERVICE_UNAVAILABLE, "`dyno watch` ends: start it again\n")
        }
    }
}

fn refused(refusal: WatchRefusal) -> Response<Told> {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::FORBIDDEN);
    text(status, refusal.words())
}

fn text(status: StatusCode, words: impl Into<String>) -> Response<Told> {
    with_kind(status, "text/plain; charset=utf-8", words.into())
}

fn with_kind(status: StatusCode, kind: &'static str, content: String) -> Response<Told> {
    dressed(status, kind, Told::Text(Some(Bytes::from(content))))
}

/// An answer with the fields that every answer has.
fn dressed(status: StatusCode, kind: &'static str, body: Told) -> Response<Told> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [
        ("content-type", kind),
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
