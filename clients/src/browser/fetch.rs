//! Fetching a page and what belongs to it with K threads.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use serde::Serialize;
use url::Url;

use crate::browser::links::{Kind, find};
use crate::exchange::{Exchange, ExchangeError, exchange};
use crate::failure::Cause;
use crate::limits::{FRAMES_DEPTH_MAX, RESOURCES_MAX};
use crate::plan::Carrier;
use crate::plan::error::PlanError;
use crate::plan::place::Place;
use crate::plan::request::RequestParts;

/// One fetch. Times are ns from the begin of the whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fetched {
    /// What it is.
    pub kind: Kind,
    /// Its address.
    pub url: String,
    /// The thread that fetched it.
    pub thread: u32,
    /// Begin of the connect.
    pub begin_ns: u64,
    /// Request written.
    pub sent_ns: u64,
    /// First octet of the answer.
    pub first_octet_ns: u64,
    /// Answer complete, or given up.
    pub end_ns: u64,
    /// Status; 0 when no answer came.
    pub status: u16,
    /// Octets of the body.
    pub octets: u64,
    /// What went wrong, if something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What caused that.
    #[serde(skip)]
    pub cause: Option<Cause>,
}

/// A page with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Visit {
    /// Threads that fetched.
    pub threads: u32,
    /// From the begin to the last answer, ns.
    pub elapsed_ns: u64,
    /// Thread-level parallelism: fetches under way on average, over the time in which any was (Flautner et al., 2000).
    pub parallelism: f64,
    /// In the order of their begins.
    pub fetches: Vec<Fetched>,
}

struct Task {
    kind: Kind,
    url: Url,
    depth: u32,
}

#[derive(Default)]
struct Board {
    open: VecDeque<Task>,
    seen: HashSet<Url>,
    under_way: usize,
    fetched: Vec<Fetched>,
}

/// The way to a resource.
#[derive(Debug, Clone)]
pub struct ResourceRoute {
    /// Where its address leads.
    pub place: Place,
    /// By which transport.
    pub transport: Carrier,
    /// Header fields that are sent there besides.
    pub headers: Vec<(String, String)>,
}

/// Finds the way to the address of a resource; the text says why it leads nowhere.
pub type Route<'a> = dyn Fn(&Url) -> Result<ResourceRoute, String> + Sync + 'a;

/// Visits `page` with `threads` threads; each takes the next resource, sends a blocking request, and waits for the
/// answer. A single fetch that fails is told in its row.
///
/// # Panics
/// When a thread of it does.
pub fn visit(page: &Url, route: &Route<'_>, threads: u32, timeout_ns: u64) -> Visit {
    let board = Mutex::new(Board::default());
    let news = Condvar::new();
    if let Ok(mut board) = board.lock() {
        board.seen.insert(page.clone());
        board.open.push_back(Task { kind: Kind::Page, url: page.clone(), depth: 0 });
    }
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (board, news) = (&board, &news);
            scope.spawn(move || {
                while let Some(task) = next(board, news) {
                    let (fetched, body) = fetch(&task, route, thread, begin, timeout_ns);
                    let mut links = Vec::new();
                    if matches!(task.kind, Kind::Page | Kind::Frame) && task.depth < FRAMES_DEPTH_MAX {
                        links = find(&task.url, &body);
                    }
                    let mut board = board.lock().expect("no thread panics while it holds the board");
                    board.under_way -= 1;
                    board.fetched.push(fetched);
                    for (kind, url) in links {
                        if board.seen.len() < RESOURCES_MAX && board.seen.insert(url.clone()) {
                            board.open.push_back(Task { kind, url, depth: task.depth + 1 });
                        }
                    }
                    drop(board);
                    news.notify_all();
                }
            });
        }
    });
    let elapsed_ns = begin.elapsed().as_nanos() as u64;
    let mut fetches = board.into_inner().map(|b| b.fetched).unwrap_or_default();
    fetches.sort_by_key(|f| f.begin_ns);
    Visit { threads, elapsed_ns, parallelism: parallelism(&fetches), fetches }
}

/// The next task; waits while others may still find some; `None` when all is done.
fn next(board: &Mutex<Board>, news: &Condvar) -> Option<Task> {
    let mut board = board.lock().expect("no thread panics while it holds the board");
    loop {
        if let Some(task) = board.open.pop_front() {
            board.under_way += 1;
            return Some(task);
        }
        if board.under_way == 0 {
            return None;
        }
        board = news.wait(board).expect("no thread panics while it holds the board");
    }
}

fn fetch(task: &Task, route: &Route<'_>, thread: u32, begin: Instant, timeout_ns: u64) -> (Fetched, Vec<u8>) {
    let begin_ns = begin.elapsed().as_nanos() as u64;
    let mut fetched = Fetched {
        kind: task.kind,
        url: task.url.to_string(),
        thread,
        begin_ns,
        sent_ns: begin_ns,
        first_octet_ns: begin_ns,
        end_ns: begin_ns,
        status: 0,
        octets: 0,
        error: None,
        cause: None,
    };
    let answer = get(&task.url, route, timeout_ns);
    fetched.end_ns = begin.elapsed().as_nanos() as u64;
    match answer {
        Ok(answer) => {
            fetched.sent_ns = begin_ns + answer.sent_ns;
            fetched.first_octet_ns = begin_ns + answer.first_octet_ns;
            // The goodbye after it is no part of the fetch.
            fetched.end_ns = begin_ns + answer.done_ns;
            fetched.status = answer.status;
            fetched.octets = answer.body.len() as u64;
            if !(200..300).contains(&answer.status) {
                fetched.error = Some(format!("status {}", answer.status));
                fetched.cause = Some(Cause::Other);
            }
            (fetched, answer.body)
        }
        Err(error) => {
            fetched.first_octet_ns = fetched.end_ns;
            fetched.error = Some(error.to_string());
            fetched.cause = Some(error.cause());
            (fetched, Vec::new())
        }
    }
}

/// Why a resource has no answer.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    /// Its address leads nowhere.
    #[error("{0}")]
    Route(String),
    /// It cannot be asked for, or nobody is there.
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl FetchError {
    fn cause(&self) -> Cause {
        match self {
            FetchError::Route(_) | FetchError::Plan(_) => Cause::Other,
            FetchError::Exchange(error) => error.cause(),
        }
    }
}

fn get(url: &Url, route: &Route<'_>, timeout_ns: u64) -> Result<Exchange, FetchError> {
    let ResourceRoute { place, transport, mut headers } = route(url).map_err(FetchError::Route)?;
    let address = place.reachable(timeout_ns)?;
    place.authorize(&mut headers);
    let parts = RequestParts {
        headers,
        target: place.target,
        authority: place.authority,
        close: true,
        ..RequestParts::default()
    };
    let request = parts.prepare()?;
    Ok(exchange(&address, &transport, &request.wire, false, timeout_ns)?)
}

/// Sum of the fetches' lengths over the length of their union.
fn parallelism(by_begin: &[Fetched]) -> f64 {
    let (mut sum, mut union, mut covered_to) = (0, 0, 0);
    for fetch in by_begin {
        sum += fetch.end_ns - fetch.begin_ns;
        union += fetch.end_ns.saturating_sub(fetch.begin_ns.max(covered_to));
        covered_to = covered_to.max(fetch.end_ns);
    }
    if union == 0 { 0.0 } else { sum as f64 / union as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallelism_is_counted_over_the_busy_time() {
        let fetch = |begin_ns, end_ns| Fetched {
            kind: Kind::Image,
            url: String::new(),
            thread: 0,
            begin_ns,
            sent_ns: begin_ns,
            first_octet_ns: end_ns,
            end_ns,
            status: 200,
            octets: 0,
            error: None,
            cause: None,
        };
        assert_eq!(parallelism(&[]), 0.0);
        assert_eq!(parallelism(&[fetch(0, 10), fetch(20, 30)]), 1.0);
        assert_eq!(parallelism(&[fetch(0, 10), fetch(0, 10), fetch(5, 10)]), 2.5);
    }
}
