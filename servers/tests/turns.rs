//! What a connection moves in one turn, counted: no driver reads or writes more than its share before others have
//! their turn, however much the client sends and takes.

use std::future::{Future, poll_fn};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::BorrowedFd;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dyno_servers::architectures::readiness::{self, epoll::Epoll, poll::Poll, select::Select};
use dyno_servers::architectures::{hyper, tokio as own_tasks};
use dyno_servers::drivers::blocking::{self, Wire};
use dyno_servers::drivers::completion::RingConnections;
use dyno_servers::drivers::ring::{Operation, Ring};
use dyno_servers::drivers::selector::{Interest, Ready, Selector};
use dyno_servers::drivers::workers::Alone;
use dyno_servers::kit::site::{Arm, Settings, Site};
use dyno_servers::kit::tally::Tally;
use dyno_servers::limits::BYTES_PER_TURN;

/// One site for all tests, because a process has one stop switch.
fn site() -> &'static Site {
    static SITE: OnceLock<&'static Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let settings = Settings {
            workers: 8,
            queue_places: 0,
            max_connections: 100,
            arm: Arm::Plain,
            drain: Duration::from_secs(1),
            memory_bytes: 64 << 20,
        };
        Site::open(SocketAddr::from(([127, 0, 0, 1], 0)), settings).expect("a site")
    })
}

fn moved(tally: &Tally) -> u64 {
    tally.sent_bytes.load(Relaxed) + tally.received_bytes.load(Relaxed)
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("an address")
}

/// Octets of the large answer, and of the large body.
const ANSWER: usize = 20_000_000;
const BODY: usize = 1_000_000;

/// A client that takes a large answer and sends a large body, both as fast as it can.
fn greedy(address: SocketAddr) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let get = format!("GET /bytes/{ANSWER} HTTP/1.1\r\nHost: a\r\n\r\n");
        stream.write_all(get.as_bytes()).expect("sent");
        take(&mut stream, ANSWER);
        let head = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), &vec![b'b'; BODY]].concat()).expect("sent");
        take(&mut stream, BODY);
    })
}

/// Reads one answer with so many octets of body.
fn take(stream: &mut TcpStream, body: usize) {
    let mut octets = Vec::new();
    let mut piece = vec![0; 1 << 20];
    let end = |octets: &[u8]| octets.windows(4).take(2_000).position(|window| window == b"\r\n\r\n");
    while end(&octets).is_none_or(|end| octets.len() < end + 4 + body) {
        let count = stream.read(&mut piece).expect("a connection that works");
        assert!(count > 0, "the answer ends after {} octets", octets.len());
        octets.extend_from_slice(&piece[..count]);
    }
}

/// The most that the loop which adds to this tally has moved between two waits.
static MOST: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];

/// A selector that counts what its loop, which adds to tally `N`, moves between two waits.
struct Counting<S, const N: usize> {
    inner: S,
    before: u64,
}

impl<S: Selector, const N: usize> Selector for Counting<S, N> {
    fn new() -> io::Result<Self> {
        Ok(Counting { inner: S::new()?, before: 0 })
    }

    unsafe fn add(&mut self, descriptor: BorrowedFd<'_>, token: usize) -> io::Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.inner.add(descriptor, token) }
    }

    unsafe fn change(&mut self, fd: BorrowedFd<'_>, token: usize, interest: Interest) -> io::Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.inner.change(fd, token, interest) }
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) {
        self.inner.remove(descriptor);
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let now = moved(site().tallies.of(N));
        MOST[N].fetch_max(now - self.before, Relaxed);
        self.before = now;
        self.inner.wait(timeout, ready)
    }
}

fn a_loop_keeps_to_the_share<S: Selector, const N: usize>() {
    let listener = listener();
    let client = greedy(listener.local_addr().expect("an address"));
    // The loop has no end but that of the process.
    thread::spawn(move || {
        let tally = site().tallies.of(N);
        let selector = Counting::<S, N>::new().expect("a selector");
        readiness::run(selector, site(), &listener, tally, &mut Alone { site: site(), tally }, || {})
    });
    client.join().expect("all answers");
    // In one round a connection may have a turn because it was not finished, and one because of an event.
    let most = MOST[N].load(Relaxed);
    assert!(most > 0 && most <= 2 * BYTES_PER_TURN as u64, "{most} bytes between two waits");
}

#[test]
fn epoll_and_all_that_wait_by_it_keep_to_the_share() {
    a_loop_keeps_to_the_share::<Epoll, 6>();
}

#[test]
fn poll_keeps_to_the_share() {
    a_loop_keeps_to_the_share::<Poll, 1>();
}

#[test]
fn select_keeps_to_the_share() {
    a_loop_keeps_to_the_share::<Select, 2>();
}

/// A wire whose client sends and takes everything at once.
struct Endless {
    unread: Vec<u8>,
    /// Moved in this turn.
    moved: usize,
    most: usize,
    turns: usize,
}

impl Wire for Endless {
    fn read(&mut self, into: &mut [u8], _timeout: Duration, _idle: bool) -> io::Result<usize> {
        let count = into.len().min(self.unread.len());
        into[..count].copy_from_slice(&self.unread[..count]);
        self.unread.drain(..count);
        self.moved += count;
        self.most = self.most.max(self.moved);
        Ok(count)
    }

    fn write(&mut self, octets: &[u8], _timeout: Duration) -> io::Result<usize> {
        self.moved += octets.len();
        self.most = self.most.max(self.moved);
        Ok(octets.len())
    }

    fn sleep(&mut self, _wait: Duration) {}

    fn shut(&mut self) {}

    fn let_others_run(&mut self) {
        self.moved = 0;
        self.turns += 1;
    }
}

#[test]
fn coroutines_keep_to_the_share() {
    let get = format!("GET /bytes/{ANSWER} HTTP/1.1\r\nHost: a\r\n\r\n");
    let post = format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n");
    let unread = [get.as_bytes(), post.as_bytes(), &vec![b'b'; BODY]].concat();
    let mut wire = Endless { unread, moved: 0, most: 0, turns: 0 };
    blocking::serve(&mut wire, site(), site().tallies.of(3));
    assert!(wire.most <= BYTES_PER_TURN, "{} bytes in a turn", wire.most);
    assert!(wire.turns >= (ANSWER + 2 * BODY) / BYTES_PER_TURN, "{} turns", wire.turns);
}

/// Polls `serve` to its end; the most that it moves in one poll.
fn most_in_a_poll<F>(serve: fn(&'static Site, tokio::net::TcpStream) -> F) -> u64
where
    F: Future<Output = io::Result<()>>,
{
    let listener = listener();
    let client = greedy(listener.local_addr().expect("an address"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let most = runtime.block_on(async {
        let (stream, _) = listener.accept().expect("a client");
        stream.set_nonblocking(true).expect("a socket");
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
        let tally = own_tasks::tally_here(site());
        let mut task = pin!(serve(site(), stream));
        let mut most = 0;
        poll_fn(|context| {
            let before = moved(tally);
            let polled = task.as_mut().poll(context);
            most = most.max(moved(tally) - before);
            polled
        })
        .await
        .expect("the client ends the connection");
        most
    });
    client.join().expect("all answers");
    most
}

#[test]
fn tasks_keep_to_the_share() {
    own_tasks::work_as(4);
    let most = most_in_a_poll(own_tasks::serve);
    assert!(most > 0 && most <= BYTES_PER_TURN as u64, "{most} bytes in a turn");
}

#[test]
fn tasks_of_hyper_keep_to_the_share() {
    own_tasks::work_as(5);
    let most = most_in_a_poll(hyper::converse);
    assert!(most > 0 && most <= BYTES_PER_TURN as u64, "{most} bytes in a turn");
}

#[test]
fn completions_keep_to_the_share() {
    let Ok(mut ring) = Ring::new(Arm::Plain) else {
        eprintln!("skipped: there is no io_uring here");
        return;
    };
    let listener = listener();
    let client = greedy(listener.local_addr().expect("an address"));
    // They add to the tally of the first worker.
    let mut connections = RingConnections::new(site()).expect("descriptors");
    let (stream, _) = listener.accept().expect("a client");
    connections.admit(&mut ring, stream).expect("a place");
    let mut done = Vec::new();
    while !connections.is_empty() {
        ring.wait(connections.idle_for(), &mut done).expect("completions");
        connections.tick();
        for completion in &done {
            let index = completion.index;
            match (completion.operation, completion.result, completion.buffer) {
                (Operation::Send, sent, _) => {
                    let count = sent.unwrap_or(0) as usize;
                    assert!(count <= BYTES_PER_TURN, "{count} bytes in one send");
                    connections.sent(&mut ring, index, sent).expect("a place in the queue");
                }
                (Operation::Receive, received, buffer) => {
                    match (received, buffer) {
                        (Ok(count), Some(buffer)) => {
                            connections.take(index, ring.buffer(buffer, count));
                            ring.give_back(buffer);
                        }
                        (Ok(_), None) => connections.end(index),
                        (Err(_), _) => {}
                    }
                    let goes_on = completion.goes_on;
                    connections.received(&mut ring, index, goes_on).expect("a place in the queue");
                }
                _ => {}
            }
        }
    }
    client.join().expect("all answers");
}
