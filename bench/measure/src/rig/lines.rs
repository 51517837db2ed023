//! What a contestant prints: read to the end of its streams, so that none of its writes fails or blocks, and kept only
//! as far as the contract needs it, so that a server that prints much takes no memory here.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use dyno_record::contract::{ReadyLine, TallyLine, WorkerCount};
use serde_json::Value;

use crate::limits::{LINE_LIMIT_BYTES, WORDS_LIMIT_BYTES, WORDS_LIMIT_LINES};

/// What a contestant has printed so far, as far as it is of use.
#[derive(Debug, Default)]
struct Told {
    ready: Option<SocketAddr>,
    /// The path of the memory into which it writes a trace.
    trace: Option<String>,
    crew: Option<WorkerCount>,
    requests_by_worker: Vec<u64>,
    last_words: VecDeque<String>,
    /// Whether its standard output has ended.
    ended: bool,
}

/// The streams of a contestant, read by threads of their own.
#[derive(Debug, Default, Clone)]
pub(crate) struct Listener {
    told: Arc<(Mutex<Told>, Condvar)>,
}

impl Listener {
    /// Reads both streams from now on, to their ends.
    pub(crate) fn of(
        stdout: Option<impl Read + Send + 'static>,
        stderr: Option<impl Read + Send + 'static>,
    ) -> Self {
        let listener = Listener::default();
        if let Some(stdout) = stdout {
            let out = listener.clone();
            thread::spawn(move || {
                each_line(stdout, |line| out.hear(line));
                out.told().ended = true;
                out.told.1.notify_all();
            });
        }
        if let Some(stderr) = stderr {
            let err = listener.clone();
            thread::spawn(move || each_line(stderr, |line| err.keep(line)));
        }
        listener
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line of standard output: one of the contract, or words.
    fn hear(&self, line: &str) {
        if let Ok(ReadyLine::<Value> { ready: true, address, details }) = serde_json::from_str(line) {
            let mut told = self.told();
            told.ready.get_or_insert(address);
            told.crew = WorkerCount::of(&details);
            told.trace = details.get("trace").and_then(Value::as_str).map(String::from);
        } else if let Ok(TallyLine { workers }) = serde_json::from_str(line) {
            self.told().requests_by_worker = workers.iter().map(|tally| tally.requests).collect();
        } else {
            self.keep(line);
        }
        self.told.1.notify_all();
    }

    fn keep(&self, line: &str) {
        let mut end = line.len().min(WORDS_LIMIT_BYTES);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        let mut told = self.told();
        told.last_words.push_back(line[..end].to_string());
        if told.last_words.len() > WORDS_LIMIT_LINES {
            told.last_words.pop_front();
        }
    }

    /// The address of the ready line, if one comes within `time`.
    pub(crate) fn ready(&self, time: Duration) -> Option<SocketAddr> {
        self.wait(time, |told| told.ready.is_some()).ready
    }

    /// The path of the memory into which it writes a trace, if the ready line has named one.
    pub(crate) fn trace(&self) -> Option<String> {
        self.told().trace.clone()
    }

    /// What the ready line has said of the workers.
    pub(crate) fn crew(&self) -> Option<WorkerCount> {
        self.told().crew
    }

    /// Requests of each worker as they were told last, when the output has ended or `time` is over.
    pub(crate) fn requests_by_worker(&self, time: Duration) -> Vec<u64> {
        self.wait(time, |told| told.ended).requests_by_worker.clone()
    }

    /// The last lines of both streams that are not of the contract.
    pub(crate) fn last_words(&self) -> Vec<String> {
        self.told().last_words.iter().cloned().collect()
    }

    fn wait(&self, time: Duration, until: impl Fn(&Told) -> bool) -> MutexGuard<'_, Told> {
        let deadline = Instant::now() + time;
        let mut told = self.told();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || until(&told) {
                return told;
            }
            told = self.told.1.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Calls `take` with each line up to the end of the stream. Octets that are no UTF-8 are replaced, and what a line
/// has beyond the limit is left out.
pub(crate) fn each_line(from: impl Read, mut take: impl FnMut(&str)) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        let octets = match reader.fill_buf() {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => &[],
        };
        if octets.is_empty() {
            if !line.is_empty() {
                take(&String::from_utf8_lossy(&line));
            }
            return;
        }
        let end = octets.iter().position(|octet| *octet == b'\n');
        let part = &octets[..end.unwrap_or(octets.len())];
        line.extend_from_slice(&part[..part.len().min(LINE_LIMIT_BYTES - line.len())]);
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            take(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(octets: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        each_line(octets, |line| found.push(line.to_string()));
        found
    }

    #[test]
    fn lines_are_octets_up_to_the_end_of_the_stream() {
        assert_eq!(
            lines(b"a\npr\xe9t\n\xff\xfe\n\nlast"),
            ["a", "pr\u{fffd}t", "\u{fffd}\u{fffd}", "", "last"]
        );
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_limit() {
        let long = [vec![b'x'; 3 * LINE_LIMIT_BYTES], b"\nnext\n".to_vec()].concat();
        let found = lines(&long);
        assert_eq!((found[0].len(), found[1].as_str(), found.len()), (LINE_LIMIT_BYTES, "next", 2));
    }

    #[test]
    fn of_much_output_the_last_words_and_the_contract_are_kept() {
        let chatter = "{\"workers\":[{\"requests\":1}]}\nnoise\n".repeat(100_000);
        let text = format!(
            "{{\"ready\":true,\"address\":\"127.0.0.1:7\"}}\n{chatter}{{\"workers\":[{{\"requests\":9}}]}}\n"
        );
        let listener = Listener::of(Some(io::Cursor::new(text)), None::<io::Empty>);
        assert_eq!(listener.requests_by_worker(Duration::from_secs(60)), [9]);
        assert_eq!(listener.ready(Duration::ZERO).map(|address| address.port()), Some(7));
        assert_eq!(listener.last_words(), vec!["noise"; WORDS_LIMIT_LINES]);
    }
}
