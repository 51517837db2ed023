//! A request on its way to a backend, and its answer on the way back.

use std::io;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;
use dyno_proxy::answer::{AnswerReader, OriginAnswer};
use dyno_proxy::farm::Backends;
use dyno_proxy::health::{self, HealthSign};
use dyno_proxy::retry::{self, SendProgress};

use super::group::{BackendGroup, Turn};
use super::link::Link;
use crate::limits::{
    FORWARD_CONNECT_TIME, FORWARD_FRESH_TIME, FORWARD_IDLE_TIME, FORWARD_READ_BYTES, FORWARD_TIME,
};
use crate::services::job::{For, JobSide, JobStep, WaitingJob};
use crate::services::service::text;

/// A request that a backend is to answer. Dropped, it ends its connection to the backend: its client has left.
pub(super) struct ForwardJob {
    group: Arc<BackendGroup>,
    octets: Vec<u8>,
    is_head: bool,
    is_idempotent: bool,
    key: u64,
    /// The backends that have failed it.
    asked: Backends,
    /// Whether it goes by a connection of its own: one that had been idle has failed it.
    wants_fresh: bool,
    /// Why the last backend has failed it.
    why: String,
    stage: Stage,
    until: Option<Instant>,
}

enum Stage {
    /// It has no backend.
    Choose,
    /// Its connection is not there yet, and is waited for until then.
    Connect(Turn, Link, Instant),
    /// So many octets of it are sent.
    Send(Turn, Link, usize),
    /// Its answer comes. The backend may have taken only a part of the request.
    Receive(Turn, Link, Box<AnswerReader>),
    Over,
}

/// What is said of a backend that was down and is tried again.
const SLOW_TRIAL: &str = "no answer in time since it was down";

/// How far a step has come.
enum Moved {
    On(Stage),
    Waits(Stage, JobSide),
    Done(Response),
}

impl ForwardJob {
    pub(super) fn new(group: Arc<BackendGroup>, octets: Vec<u8>, method: &str, key: u64) -> ForwardJob {
        ForwardJob {
            group,
            octets,
            is_head: method == "HEAD",
            is_idempotent: retry::is_idempotent(method),
            key,
            asked: Backends::default(),
            wants_fresh: false,
            why: String::new(),
            stage: Stage::Choose,
            until: None,
        }
    }

    fn choose(&mut self, now: Instant) -> Moved {
        let Some(turn) = self.group.choose(self.asked, self.key, now) else {
            return Moved::Done(if self.why.is_empty() {
                self.all_down(now)
            } else {
                bad_gateway(&self.why)
            });
        };
        if !self.wants_fresh {
            // One that may be sent only once goes by a connection that its backend has hardly begun to give up.
            let age = if self.is_idempotent { FORWARD_IDLE_TIME } else { FORWARD_FRESH_TIME };
            if let Some(link) = self.group.pool.take(turn.backend, age, now) {
                return Moved::On(Stage::Send(turn, link, 0));
            }
        }
        match Link::open(self.group.address(turn.backend)) {
            Ok(link) => Moved::On(Stage::Connect(turn, link, now + FORWARD_CONNECT_TIME)),
            Err(error) if is_own(&error) => Moved::Done(
                text(503, format!("no connection to a backend: {error}\n")).with("Retry-After", "1"),
            ),
            Err(error) => self.failed(turn, false, SendProgress::Unsent, &error.to_string(), now),
        }
    }

    fn all_down(&self, now: Instant) -> Response {
        let seconds = health::seconds_until_trial(&self.group.farm(), self.group.ns(now));
        text(503, "all backends are down\n").with("Retry-After", seconds.to_string())
    }

    /// The backend has failed the request: it goes elsewhere, or its client is told.
    fn failed(
        &mut self,
        turn: Turn,
        is_reused: bool,
        progress: SendProgress,
        why: &str,
        now: Instant,
    ) -> Moved {
        self.why = format!("the backend {} failed: {why}", self.group.address(turn.backend));
        if is_reused {
            // An idle connection may end at any time, which says nothing about the backend.
            self.wants_fresh = true;
        } else {
            turn.note(HealthSign::Failure, now);
            self.asked = self.asked.with(turn.backend);
        }
        let may = retry::may_repeat(&self.group.farm(), self.is_idempotent, progress, self.group.ns(now));
        if may { Moved::On(Stage::Choose) } else { Moved::Done(bad_gateway(&self.why)) }
    }

    fn connect(&mut self, turn: Turn, link: Link, until: Instant, now: Instant) -> Moved {
        match link.is_connected() {
            Ok(true) => Moved::On(Stage::Send(turn, link, 0)),
            Ok(false) if now < until => Moved::Waits(Stage::Connect(turn, link, until), JobSide::Write),
            Ok(false) => self.failed(turn, false, SendProgress::Unsent, "no connection in time", now),
            Err(error) => self.failed(turn, false, SendProgress::Unsent, &error.to_string(), now),
        }
    }

    fn send(&mut self, turn: Turn, link: Link, sent: usize, now: Instant) -> Moved {
        match link.send(&self.octets[sent..]) {
            Ok(count) if sent + count < self.octets.len() => Moved::On(Stage::Send(turn, link, sent + count)),
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock
                    && turn.until().is_some_and(|until| until <= now) =>
            {
                self.failed(
                    turn,
                    false,
                    if sent == 0 { SendProgress::Unsent } else { SendProgress::Sent },
                    SLOW_TRIAL,
                    now,
                )
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Moved::Waits(Stage::Send(turn, link, sent), JobSide::Write)
            }
            Err(error) if sent == 0 => {
                self.failed(turn, link.is_reused, SendProgress::Unsent, &error.to_string(), now)
            }
            // The answer is not there yet, so nobody looks for it now.
            Ok(_) => {
                let reader = Box::new(AnswerReader::new(self.is_head));
                Moved::Waits(Stage::Receive(turn, link, reader), JobSide::Read)
            }
            // A backend that takes no more may have said why.
            Err(_) => Moved::On(Stage::Receive(turn, link, Box::new(AnswerReader::new(self.is_head)))),
        }
    }

    fn receive(&mut self, turn: Turn, link: Link, mut reader: Box<AnswerReader>, now: Instant) -> Moved {
        let mut piece = [0; FORWARD_READ_BYTES];
        loop {
            let ended = match link.receive(&mut piece) {
                Ok(0) => reader.receive_eof().map(Some),
                Ok(count) => reader.receive(&piece[..count], &self.group.own),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if turn.until().is_some_and(|until| until <= now) {
                        return self.failed(turn, false, SendProgress::Sent, SLOW_TRIAL, now);
                    }
                    return Moved::Waits(Stage::Receive(turn, link, reader), JobSide::Read);
                }
                Err(error) => {
                    let is_stale = link.is_reused && reader.is_untouched();
                    return self.failed(turn, is_stale, SendProgress::Sent, &error.to_string(), now);
                }
            };
            match ended {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    turn.note(HealthSign::Success, now);
                    if answer.persists {
                        self.group.pool.put(turn.backend, link, now);
                    }
                    return Moved::Done(pass_on(answer, self.is_head));
                }
                Err(fault) if fault.is_end() => {
                    let is_stale = link.is_reused && reader.is_untouched();
                    return self.failed(turn, is_stale, SendProgress::Sent, &fault.to_string(), now);
                }
                // It would be the same anywhere, and the backend is there.
                Err(fault) => {
                    turn.note(HealthSign::Success, now);
                    let address = self.group.address(turn.backend);
                    return Moved::Done(bad_gateway(&format!(
                        "the backend {address} answered wrongly: {fault}"
                    )));
                }
            }
        }
    }

    /// The time for the answer is over.
    fn late(&mut self, now: Instant) -> Response {
        let why = match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Connect(turn, ..) | Stage::Send(turn, ..) | Stage::Receive(turn, ..) => {
                turn.note(HealthSign::Failure, now);
                format!("the backend {}", self.group.address(turn.backend))
            }
            Stage::Choose | Stage::Over => "no backend".to_owned(),
        };
        text(504, format!("{why} did not answer within {} s\n", FORWARD_TIME.as_secs()))
    }
}

impl WaitingJob for ForwardJob {
    fn go_on(&mut self, now: Instant, _waker: &Waker) -> JobStep {
        let until = *self.until.get_or_insert_with(|| {
            retry::earn(&self.group.farm(), self.group.ns(now));
            now + FORWARD_TIME
        });
        if now >= until {
            return JobStep::Done(self.late(now));
        }
        loop {
            let moved = match mem::replace(&mut self.stage, Stage::Over) {
                Stage::Choose => self.choose(now),
                Stage::Connect(turn, link, until) => self.connect(turn, link, until, now),
                Stage::Send(turn, link, sent) => self.send(turn, link, sent, now),
                Stage::Receive(turn, link, reader) => self.receive(turn, link, reader, now),
                Stage::Over => Moved::Done(text(500, "this request was answered before\n")),
            };
            match moved {
                Moved::On(stage) => self.stage = stage,
                Moved::Done(response) => return JobStep::Done(response),
                Moved::Waits(stage, side) => {
                    let (descriptor, until) = match &stage {
                        Stage::Connect(_, link, connected) => (link.descriptor(), until.min(*connected)),
                        Stage::Send(turn, link, _) | Stage::Receive(turn, link, _) => {
                            (link.descriptor(), turn.until().map_or(until, |trial| until.min(trial)))
                        }
                        Stage::Choose | Stage::Over => unreachable!("these do not wait"),
                    };
                    self.stage = stage;
                    return JobStep::Wait(For::Descriptor(descriptor, side), Some(until));
                }
            }
        }
    }
}

/// Whether a connection fails for want of something of our own, so that no backend is to blame.
fn is_own(error: &io::Error) -> bool {
    let own = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|number| own.contains(&number))
}

fn bad_gateway(why: &str) -> Response {
    text(502, format!("{why}\n"))
}

fn pass_on(answer: OriginAnswer, is_head: bool) -> Response {
    let body = if is_head { Body::Withheld(answer.length) } else { Body::Owned(answer.body) };
    let mut response = Response::new(Status(answer.status), "", body);
    response.lines = Some(Box::new(answer.lines));
    response
}
