//! The generator of a cell: a process of its own, which tells how far it is and holds its connections until it is
//! let go.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::limits::GENERATOR_GRACE;
use crate::probe::pace::Watch;
use crate::rig::slow::SlowClients;
use dyno_record::cell::Cell;
use dyno_record::contract::{OVER, STARTED};

/// A line by which a generator tells how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Its connections are open.
    Started,
    /// Its last request is answered or given up.
    Over,
}

/// A running generator.
#[derive(Debug)]
pub struct RunningGenerator {
    pub(super) child: Child,
    /// Its connections stay open until this is closed.
    pub(super) hold: Option<ChildStdin>,
    pub(super) signs: Receiver<Sign>,
    pub(super) output: Option<JoinHandle<String>>,
    pub(super) complaints: Option<JoinHandle<String>>,
    /// When the generator was started; later, when its load began.
    pub(super) began: Instant,
    /// Connections without requests.
    pub(super) idle: Vec<TcpStream>,
    /// Clients that send a request slowly.
    pub(super) slow: SlowClients,
    /// Samples the cores of both sides during the load.
    pub(super) pace: Watch,
}

impl Drop for RunningGenerator {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// When the generator has to have ended.
pub(super) fn deadline(generator: &RunningGenerator, cell: &Cell) -> Instant {
    let planned = Duration::from_millis(cell.load.warm_up_ms + cell.load.duration_ms);
    generator.began + planned + GENERATOR_GRACE
}

/// Reads a stream to its end.
pub(super) fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        let _ = from.read_to_string(&mut text);
        text
    })
}

/// As `drain`, but lines by which a generator tells how far it is are passed on at once.
pub(super) fn drain_signs(from: impl Read + Send + 'static, signs: Sender<Sign>) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let sign = match line.as_str() {
                STARTED => Sign::Started,
                OVER => Sign::Over,
                _ => {
                    text += &line;
                    text.push('\n');
                    continue;
                }
            };
            // Nobody receives it if the caller has already given up the generator.
            let _ = signs.send(sign);
        }
        text
    })
}
