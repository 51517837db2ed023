//! A peer without a protocol: one epoll loop that answers each read with the same octets, whatever was asked.
//!
//! It is the floor under every server and the fastest thing that a generator can be held against on loopback. It parses
//! nothing, so it is right only for clients that send one request, and send it in one piece, before they read.
//!
//! With `spin` it never sleeps, and wants a core for itself. A server that sleeps makes whoever sends to it pay for
//! waking it up: an interrupt to another core, which in a virtual machine costs as much as the rest of the request.
//! That price depends on how often the server happens to be asleep, so a comparison of generators is better without
//! it.
//!
//! `cargo run --release -p dyno-bench --example canned_epoll [ADDRESS [spin]]` prints the ready line of a contestant.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: canned\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!";
const LISTENER: Token = Token(usize::MAX - 1);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".into());
    let address =
        address.parse().map_err(|e| io::Error::new(ErrorKind::InvalidInput, format!("{address}: {e}")))?;
    let patience = (std::env::args().nth(2).as_deref() == Some("spin")).then_some(Duration::ZERO);
    let mut listener = TcpListener::bind(address)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!(
        "{{\"ready\":true,\"address\":\"{}\",\"pid\":{},\"name\":\"canned-epoll\",\"settings\":{{}}}}",
        listener.local_addr()?,
        std::process::id()
    );
    let mut events = Events::with_capacity(256);
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match poll.poll(&mut events, patience) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let index = free.pop().unwrap_or_else(|| {
                        connections.push(None);
                        connections.len() - 1
                    });
                    poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
                    connections[index] = Some(stream);
                }
                continue;
            }
            let index = event.token().0;
            if !serve(&mut connections[index], &mut buffer, event.is_read_closed()) {
                connections[index] = None;
                free.push(index);
            }
        }
    }
}

/// Answers what there is to read; `false` when the connection is done for.
fn serve(connection: &mut Option<TcpStream>, buffer: &mut [u8], closing: bool) -> bool {
    let Some(stream) = connection else { return false };
    loop {
        match stream.read(buffer) {
            Ok(0) => return false,
            // An answer is small against a socket's buffer: it fits, or the client does not read.
            Ok(_) if stream.write(ANSWER).ok() != Some(ANSWER.len()) => return false,
            Ok(count) if count < buffer.len() && !closing => return true,
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}
