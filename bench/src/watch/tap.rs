//! What somebody between client and server sees: one exchange, by a way that writes down what goes over it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use dyno_measure::rig::process::tame;
use serde::Serialize;

use super::generator::{Tools, transport};
use super::settings::WatchedDesign;
use crate::limits::{WATCH_PIPELINE_LIMIT, WATCH_TAP_LINES};

/// What went over the wire, in lines as a hexadecimal editor shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct TappedWire {
    /// From the client.
    pub(crate) sent: Vec<String>,
    /// From the server.
    pub(crate) received: Vec<String>,
    /// Octets in both directions.
    pub(crate) octets: [usize; 2],
}

/// Asks the server at `address` for `/json`, with a relay between that listens.
///
/// # Errors
/// When client or relay cannot be started.
pub(crate) fn listen_in(
    tools: &Tools,
    design: &WatchedDesign,
    address: SocketAddr,
) -> io::Result<TappedWire> {
    let relay = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/json", relay.local_addr()?);
    let mut command = Command::new(&tools.program);
    command.args(["probe", &url, "--timeout", "5s"]).args(transport(design.transport, &tools.credentials));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    tame(&mut command, &[], None);
    let mut client = command.spawn()?;
    let heard = accept(&relay).and_then(|from| pass_on(from, address));
    // It has its answer, or its timeout.
    let _ = client.wait();
    let [sent, received] = heard?;
    let octets = [sent.len(), received.len()];
    Ok(TappedWire { sent: lines(&sent), received: lines(&received), octets })
}

/// The client's connection. A client that was refused something before it connects leaves nobody waiting for ever.
fn accept(relay: &TcpListener) -> io::Result<TcpStream> {
    relay.set_nonblocking(true)?;
    let until = std::time::Instant::now() + WATCH_PIPELINE_LIMIT;
    loop {
        match relay.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && std::time::Instant::now() < until => {
                thread::sleep(std::time::Duration::from_millis(2));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Passes everything on in both directions, until both have ended.
///
/// # Returns
/// What the client sent, and what the server did.
fn pass_on(client: TcpStream, server: SocketAddr) -> io::Result<[Vec<u8>; 2]> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(WATCH_PIPELINE_LIMIT))?;
    }
    thread::scope(|scope| {
        let there = scope.spawn(|| copy(&client, &server));
        let back = copy(&server, &client);
        Ok([there.join().unwrap_or_default(), back])
    })
}

/// Copies until the end, and passes the end on.
fn copy(mut from: &TcpStream, mut to: &TcpStream) -> Vec<u8> {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(octets @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..octets]).is_err() {
            break;
        }
        all.extend_from_slice(&piece[..octets]);
    }
    let _ = to.shutdown(Shutdown::Write);
    all
}

/// Sixteen octets a line, in digits and as text.
fn lines(octets: &[u8]) -> Vec<String> {
    let line = |octets: &[u8]| {
        let digits: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let text = octets
            .iter()
            .map(|&octet| if octet.is_ascii_graphic() || octet == b' ' { octet as char } else { '.' });
        format!("{:<47}  {}", digits.join(" "), text.collect::<String>())
    };
    octets.chunks(16).take(WATCH_TAP_LINES).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_shown_as_digits_and_text() {
        let shown = lines(b"GET /json HTTP/1.1\r\n");
        assert_eq!(shown[0], "47 45 54 20 2f 6a 73 6f 6e 20 48 54 54 50 2f 31  GET /json HTTP/1");
        assert_eq!(shown[1].trim_end(), "2e 31 0d 0a                                      .1..");
        assert_eq!(lines(&[0; 100_000]).len(), WATCH_TAP_LINES);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn what_is_passed_on_arrives_and_is_written_down() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(relay.local_addr().unwrap()).unwrap();
        let address = server.local_addr().unwrap();
        let passing = thread::spawn(move || pass_on(accept(&relay).unwrap(), address).unwrap());
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (mut asked, mut question) = (server.accept().unwrap().0, String::new());
        asked.read_to_string(&mut question).unwrap();
        asked.write_all(b"answer").unwrap();
        drop(asked);
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!((question.as_str(), answer.as_str()), ("question", "answer"));
        assert_eq!(passing.join().unwrap(), [b"question".to_vec(), b"answer".to_vec()]);
    }
}
