//! Six requests, of which the first waits: on one connection, one behind the other, or on six.
//!
//! A pipeline sends all at once, and HTTP/1.1 answers them in their order (RFC 9112, 9.3.2): the five short answers
//! wait behind the long one, whatever the server does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::limits::{WATCH_PIPELINE_LIMIT, WATCH_PIPELINE_WAIT};

/// Requests behind the long one.
const SHORT: usize = 5;

/// Sends the six on one connection.
///
/// # Returns
/// When the last short answer was there.
///
/// # Errors
/// When the server does not answer them.
pub(crate) fn on_one(address: SocketAddr) -> io::Result<Duration> {
    let began = Instant::now();
    let requests = long() + &"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(SHORT);
    await_answers(connect(address, requests.as_bytes())?, SHORT + 1)?;
    Ok(began.elapsed())
}

/// Sends the six on a connection each.
///
/// # Returns
/// When the last short answer was there.
///
/// # Errors
/// When the server does not answer them.
pub(crate) fn on_six(address: SocketAddr) -> io::Result<Duration> {
    let began = Instant::now();
    let first = connect(address, long().as_bytes())?;
    let others: Vec<TcpStream> = (0..SHORT)
        .map(|_| connect(address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .collect::<io::Result<_>>()?;
    others.into_iter().try_for_each(|other| await_answers(other, 1))?;
    let short = began.elapsed();
    await_answers(first, 1)?;
    Ok(short)
}

/// Both ways against two servers, at the same time, in words.
pub(crate) fn compare(piped: SocketAddr, apart: SocketAddr) -> String {
    let (one, six) = thread::scope(|scope| {
        let one = scope.spawn(|| on_one(piped));
        let six = on_six(apart);
        (one.join().unwrap_or_else(|_| Err(ErrorKind::Other.into())), six)
    });
    let told = |result: io::Result<Duration>| match result {
        Ok(time) => format!("after {}", dyno_units::show::time(time.as_nanos() as f64)),
        Err(error) => format!("never ({error})"),
    };
    format!(
        "six requests, the first waits {} ms. On one connection the last short answer came {}, on six {}",
        WATCH_PIPELINE_WAIT.as_millis(),
        told(one),
        told(six)
    )
}

fn long() -> String {
    format!("GET /wait/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", WATCH_PIPELINE_WAIT.as_micros())
}

fn connect(address: SocketAddr, requests: &[u8]) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, WATCH_PIPELINE_LIMIT)?;
    stream.set_read_timeout(Some(WATCH_PIPELINE_LIMIT))?;
    stream.write_all(requests)?;
    Ok(stream)
}

/// Reads until so many heads with a status of 200 have come, and with the last its body, which is small.
fn await_answers(mut stream: TcpStream, count: usize) -> io::Result<()> {
    const HEAD: &[u8] = b"HTTP/1.1 200 ";
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while all.windows(HEAD.len()).filter(|window| *window == HEAD).count() < count {
        match stream.read(&mut piece)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            octets => all.extend_from_slice(&piece[..octets]),
        }
    }
    Ok(())
}
