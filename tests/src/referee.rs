//! Plays a case on a real connection and judges what came of it.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::cases::{Case, Delivery, Outcome, Step, Then, covers, octets};
use crate::limits::{ANSWER, MAYBE, WAITING};
use crate::response::Response;
use crate::wire::{Client, get_and_close};

/// What came of a case.
#[derive(Debug)]
pub struct Seen {
    /// The final responses.
    pub finals: Vec<Response>,
    /// How many interim ones came.
    pub interims: usize,
    /// What became of the connection.
    pub fate: Fate,
}

/// What became of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// A probe got a 2xx and then the end.
    Open,
    /// It ended, with no octet beyond the responses.
    Closed,
    /// Neither an octet nor the end came.
    Silent,
    /// Nobody asked.
    Unknown,
    /// Anything else.
    Odd(String),
}

/// Plays `case` against the server at `address`.
///
/// # Errors
/// What made it impossible: no connection, a rule of the protocol broken by a response.
pub fn play(case: &Case, address: SocketAddr) -> Result<Seen, String> {
    let mut client = Client::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    let mut player = Player { case, client: &mut client, finals: Vec::new(), interims: 0 };
    player.send()?;
    player.collect()?;
    let fate = player.fate()?;
    Ok(Seen { finals: player.finals, interims: player.interims, fate })
}

/// Judges `seen` by `outcomes` and by what the case asks of every outcome.
///
/// # Errors
/// What is wrong.
pub fn judge(case: &Case, outcomes: &[Outcome], seen: &Seen) -> Result<(), String> {
    if !outcomes
        .iter()
        .any(|outcome| fits_statuses(outcome, &seen.finals) && fits_fate(outcome.then, &seen.fate))
    {
        let statuses: Vec<_> = seen.finals.iter().map(|response| response.status).collect();
        return Err(format!(
            "got {statuses:?}, then {:?}; permitted {outcomes:?}\n{} ({}): {}",
            seen.fate, case.name, case.rfc, case.why
        ));
    }
    if case.no_interim && seen.interims > 0 {
        return Err("an interim response".into());
    }
    for response in &seen.finals {
        // A server that speaks 1.1 says so (RFC 9110, 2.5: SHOULD); to a client of 1.0 some answer in its own version.
        if response.version != 1 && !case.http10 {
            return Err("the version of a response is not HTTP/1.1 (RFC 9110, 2.5)".into());
        }
        if let Some(name) = case.require_headers.iter().find(|name| response.field(name).is_none()) {
            return Err(format!("a {} without {name}", response.status));
        }
        if case.http10 && response.field("transfer-encoding").is_some() {
            return Err("Transfer-Encoding to an HTTP/1.0 client (RFC 9112, 6.1)".into());
        }
        if case.body_excludes.as_ref().is_some_and(|text| response.text().contains(text)) {
            return Err(format!("the body says what it must not: {:?}", response.text()));
        }
    }
    match (&case.echo, seen.finals.first()) {
        (Some(echo), Some(first)) if first.status < 300 && first.body != octets(echo) => {
            Err(format!("echoed {:?} instead of {echo:?}", first.text()))
        }
        _ => Ok(()),
    }
}

struct Player<'a> {
    case: &'a Case,
    client: &'a mut Client,
    finals: Vec<Response>,
    interims: usize,
}

impl Player<'_> {
    fn send(&mut self) -> Result<(), String> {
        for step in &self.case.send {
            let sent = match step {
                Step::Text(text) => self.deliver(&octets(text)),
                Step::Repeat { repeat, times } => self.deliver(&octets(repeat).repeat(*times)),
                Step::Pause { pause_ms } => {
                    thread::sleep(Duration::from_millis(*pause_ms));
                    true
                }
                Step::Shutdown { .. } => {
                    self.client.shut_write();
                    true
                }
                Step::WaitResponse { wait_response_ms } => {
                    // Three times what the case asks, because the machine may be busy; no case is decided by it.
                    let timeout = Duration::from_millis(3 * wait_response_ms);
                    if !self.take(Instant::now() + timeout)? {
                        return Err(format!("no response within {timeout:?}"));
                    }
                    self.finals.is_empty()
                }
            };
            // The server has ended the connection, or has answered already.
            if !sent {
                break;
            }
        }
        Ok(())
    }

    fn deliver(&mut self, octets: &[u8]) -> bool {
        match self.case.delivery {
            None => self.client.send(octets),
            Some(Delivery::Byte) => octets.chunks(1).all(|octet| self.client.send(octet)),
        }
    }

    /// Takes the responses that some outcome promises.
    fn collect(&mut self) -> Result<(), String> {
        let outcomes = || self.case.accept.iter().chain(self.case.strict.iter().flatten());
        let counts = || outcomes().map(|outcome| outcome.responses.len());
        let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        while self.finals.len() < most {
            let sure = self.finals.len() < least;
            if !self.take(Instant::now() + if sure { ANSWER } else { MAYBE })? {
                break;
            }
        }
        Ok(())
    }

    /// Takes one response, if it comes in time.
    fn take(&mut self, deadline: Instant) -> Result<bool, String> {
        let method = self.case.methods.get(self.finals.len()).map_or("GET", String::as_str);
        match self.client.response_by(method, deadline)? {
            None => return Ok(false),
            Some(response) if response.is_interim() => self.interims += 1,
            Some(response) => self.finals.push(response),
        }
        Ok(true)
    }

    /// Finds out as much about the connection as the outcomes in question ask for.
    fn fate(&mut self) -> Result<Fate, String> {
        let case = self.case;
        let outcomes = case.accept.iter().chain(case.strict.iter().flatten());
        let thens: Vec<_> = outcomes
            .filter(|outcome| fits_statuses(outcome, &self.finals))
            .map(|outcome| outcome.then)
            .collect();
        if thens.contains(&Then::Waiting) {
            let news = !self.client.inbox.is_empty() || self.client.receive(Instant::now() + WAITING);
            return Ok(if news { self.describe("expected silence") } else { Fate::Silent });
        }
        let probes = self.client.end.is_none()
            && thens.iter().any(|then| matches!(then, Then::Open | Then::Any))
            && !self.client.receive(Instant::now());
        if probes {
            return self.probe();
        }
        if thens.contains(&Then::Either) && thens.len() == 1 {
            return Ok(Fate::Unknown);
        }
        self.client.read_to_end(ANSWER);
        let closed = self.client.end.is_some() && self.client.inbox.is_empty();
        Ok(if closed { Fate::Closed } else { self.describe("expected the end") })
    }

    fn probe(&mut self) -> Result<Fate, String> {
        self.client.send(get_and_close("/"));
        let answer = self.client.response_by("GET", Instant::now() + ANSWER)?;
        self.client.read_to_end(ANSWER);
        let silent = self.client.inbox.is_empty();
        Ok(match (answer, self.client.end) {
            (Some(answer), Some(_)) if silent && (200..300).contains(&answer.status) => Fate::Open,
            (None, Some(_)) if silent => Fate::Closed,
            (answer, _) => self.describe(&format!("the probe got {answer:?}")),
        })
    }

    fn describe(&self, what: &str) -> Fate {
        let text = String::from_utf8_lossy(&self.client.inbox[..self.client.inbox.len().min(200)]);
        Fate::Odd(format!("{what}; end {:?}, octets {text:?}", self.client.end))
    }
}

fn fits_statuses(outcome: &Outcome, finals: &[Response]) -> bool {
    let permitted = |(response, permitted): (&Response, &Vec<String>)| {
        permitted.iter().any(|permitted| covers(permitted, response.status))
    };
    finals.len() == outcome.responses.len() && finals.iter().zip(&outcome.responses).all(permitted)
}

fn fits_fate(then: Then, fate: &Fate) -> bool {
    match then {
        Then::Open => *fate == Fate::Open,
        Then::Closed => *fate == Fate::Closed,
        Then::Any => matches!(fate, Fate::Open | Fate::Closed),
        Then::Either => true,
        Then::Waiting => *fate == Fate::Silent,
    }
}
