//! Servers that are started for a claim, and clients who ask them.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use dyno_servers::architecture::{Anatomy, Architecture, HandOvers, ServedBy, Shares, Started, WaitsBy};
use dyno_servers::architectures::ALL;

use super::claim::{Effort, TrialError};
use crate::contestant::options::{ServeOption, words};
use crate::contestant::{Contestant, own};
use crate::rig::process::Running;

/// How long an answer may take that is certain to come: what a claim waits for takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// A design as the texts name it; the first architecture whose facts are these plays it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Design {
    /// One thread, one connection after the other.
    Iterative,
    /// A process for each connection.
    ForkEach,
    /// Processes that were there before.
    Preforked,
    /// A thread for each connection.
    ThreadEach,
    /// A dispatcher with a pool of threads.
    ThreadPool,
    /// One loop over ready descriptors.
    OneLoop,
}

impl Design {
    fn is(self, facts: Anatomy) -> bool {
        let nothing_started = facts.started == Started::Nothing;
        match self {
            Design::Iterative => facts.served_by == ServedBy::OnlyThread,
            Design::ForkEach => facts.started == Started::Process,
            Design::Preforked => facts.served_by == ServedBy::Processes && nothing_started,
            Design::ThreadEach => facts.started == Started::Thread,
            Design::ThreadPool => {
                facts.served_by == ServedBy::Threads && facts.hand_overs == HandOvers::PerConnection
            }
            Design::OneLoop => {
                facts.served_by == ServedBy::Loops
                    && facts.waits_by == WaitsBy::Epoll
                    && facts.shares == Shares::Nothing
            }
        }
    }

    /// The architecture that plays it.
    pub(super) fn architecture(self) -> Result<&'static Architecture, TrialError> {
        let found = ALL.into_iter().find(|architecture| self.is(architecture.anatomy));
        found.ok_or_else(|| io::Error::other(format!("no architecture is {self:?}")).into())
    }

    /// It as a contestant.
    pub(super) fn contestant(self) -> Result<Contestant, TrialError> {
        Ok(own::named(self.architecture()?.name)?)
    }

    /// It as a running server.
    pub(super) fn serve(self, effort: &Effort, options: &[ServeOption]) -> Result<Running, TrialError> {
        Ok(Running::start(&self.contestant()?, &words(options), &[], false, &effort.directory)?)
    }
}

/// Sends a request on a new connection, whose answer somebody reads later.
pub(super) fn send(address: SocketAddr, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// Reads to the end; whether it was the answer 200.
pub(super) fn is_answered(mut stream: TcpStream) -> bool {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).is_ok() && answer.starts_with(b"HTTP/1.1 200 ")
}

/// Asks on a new connection; the time until the whole answer is there.
pub(super) fn ask(address: SocketAddr, path: &str) -> io::Result<Duration> {
    let began = Instant::now();
    if is_answered(send(address, path)?) {
        Ok(began.elapsed())
    } else {
        Err(io::Error::other(format!("{path} was not answered")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_plays_each_design_and_only_one() {
        let mut names = Vec::new();
        for design in [
            Design::Iterative,
            Design::ForkEach,
            Design::Preforked,
            Design::ThreadEach,
            Design::ThreadPool,
            Design::OneLoop,
        ] {
            names.push(design.architecture().unwrap().name);
        }
        let expected = ["iterative", "fork", "prefork", "thread-per-connection", "thread-pool", "epoll"];
        assert_eq!(names, expected);
    }
}
