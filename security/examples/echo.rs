//! An echo over the secure channel on a loopback socket: `cargo run -p dyno-security --example echo`.
//!
//! The crate knows no socket. Both ends therefore use one driver, [`Line`]: it moves octets between a socket and a
//! [`Pipe`], and shows how little a program has to add.

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::{Acceptor, Connector, Pipe};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A socket with a pipe on it.
struct Line {
    socket: TcpStream,
    pipe: Box<dyn Pipe>,
}

impl Line {
    /// Writes what the pipe has for the peer.
    fn flush(&mut self) -> Result<()> {
        self.socket.write_all(self.pipe.pending())?;
        self.pipe.advance(self.pipe.pending().len());
        Ok(())
    }

    /// Waits for plaintext, and does the handshake on the way; empty at the peer's authenticated close.
    fn receive(&mut self) -> Result<Vec<u8>> {
        let (mut plain, mut wire) = (Vec::new(), [0; 4096]);
        while plain.is_empty() && !self.pipe.is_closed_by_peer() {
            self.flush()?;
            match self.socket.read(&mut wire)? {
                0 => self.pipe.receive_eof()?,
                count => self.pipe.receive(&wire[..count], &mut plain, Instant::now())?,
            }
        }
        Ok(plain)
    }

    /// Sends `plain`. Until the handshake is done, the pipe keeps it.
    fn send(&mut self, plain: &[u8]) -> Result<()> {
        self.pipe.send(plain)?;
        self.flush()
    }

    /// Tells the peer that nothing more will come.
    fn close(&mut self) -> Result<()> {
        self.pipe.close();
        self.flush()
    }
}

fn main() -> Result<()> {
    let server = ChannelServer::new(Config::new(Identity::throw_away(), Trust::anyone()));
    // The client must know the server's key beforehand, or anybody could answer in its place.
    let client = ChannelClient::new(Config::new(Identity::throw_away(), Trust::pinned(*server.public())));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;

    let echo = thread::spawn(move || {
        let mut line = Line { socket: listener.accept()?.0, pipe: server.accept(Instant::now()) };
        loop {
            let plain = line.receive()?;
            if plain.is_empty() {
                return line.close();
            }
            line.send(&plain)?;
        }
    });

    let mut line = Line { socket: TcpStream::connect(address)?, pipe: client.connect(Instant::now()) };
    line.send(b"Is anybody there?")?;
    println!("{}", String::from_utf8(line.receive()?)?);
    line.close()?;
    echo.join().expect("the server does not panic")
}
