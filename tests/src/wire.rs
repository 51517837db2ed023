//! A raw client: octets in, octets out, and a deadline on everything.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockRef, Socket, Type};

use crate::limits::ANSWER;
use crate::response::{Response, Scan};

/// How the server ended its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It sent a FIN: the end of the stream, in order.
    Eof,
    /// With a reset, or another error of the connection.
    Reset,
}

/// One connection. It reads while it writes, so that neither side can wait for the other for ever.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// What has come and was not taken.
    pub inbox: Vec<u8>,
    /// How the server's side ended, once it has.
    pub end: Option<End>,
    /// Octets that went out.
    pub sent: u64,
    /// Octets that came in.
    pub received: u64,
}

impl Client {
    /// Opens a connection to `address`.
    ///
    /// # Errors
    /// The error of connect(2).
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        Client::over(TcpStream::connect_timeout(&address, ANSWER)?)
    }

    /// Connects from another address of this machine: 127.0.0.0/8 has enough for any number of connections.
    ///
    /// # Errors
    /// What bind(2) and connect(2) say.
    pub fn connect_from(source: IpAddr, address: SocketAddr) -> io::Result<Client> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
        socket.connect_timeout(&address.into(), ANSWER)?;
        Client::over(socket.into())
    }

    /// Connects with a receive buffer of about `octets`, so that a reader that does not read is soon felt.
    ///
    /// # Errors
    /// The error of connect(2).
    pub fn connect_narrow(octets: usize, address: SocketAddr) -> io::Result<Client> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_recv_buffer_size(octets)?;
        socket.connect_timeout(&address.into(), ANSWER)?;
        Client::over(socket.into())
    }

    fn over(stream: TcpStream) -> io::Result<Client> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Client { stream, inbox: Vec::new(), end: None, sent: 0, received: 0 })
    }

    /// Sends all of `octets`, at most for [`ANSWER`].
    ///
    /// # Returns
    /// Whether all of it went out; otherwise the server has ended the connection or does not read.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> bool {
        let octets = octets.as_ref();
        self.send_within(octets, ANSWER) == octets.len()
    }

    /// Sends what can be sent within `timeout`.
    ///
    /// # Returns
    /// How many octets went out.
    pub fn send_within(&mut self, octets: &[u8], timeout: Duration) -> usize {
        let deadline = Instant::now() + timeout;
        let mut done = 0;
        while done < octets.len() {
            match self.stream.write(&octets[done..]) {
                Ok(count) => {
                    done += count;
                    self.sent += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let want = if self.end.is_none() {
                        PollFlags::POLLIN | PollFlags::POLLOUT
                    } else {
                        PollFlags::POLLOUT
                    };
                    if !self.wait(want, deadline) {
                        break;
                    }
                    self.read_some();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        done
    }

    /// Sends one octet of urgent data, beside the stream.
    ///
    /// # Errors
    /// What send(2) says.
    pub fn send_urgent(&self) -> io::Result<()> {
        SockRef::from(&self.stream).send_out_of_band(b"!").map(|_| ())
    }

    /// Sends what the socket takes at once, and reads nothing.
    pub fn push(&mut self, octets: &[u8]) -> usize {
        let count = self.stream.write(octets).unwrap_or(0);
        self.sent += count as u64;
        count
    }

    /// Ends the sending side.
    pub fn shut_write(&self) {
        // A connection that is gone already shows when it is read.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Ends the connection with a reset.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn reset(self) -> io::Result<()> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))
    }

    /// Reads until something new has come, the server has ended, or `deadline` has passed.
    ///
    /// # Returns
    /// Whether anything, the end included, is new.
    pub fn receive(&mut self, deadline: Instant) -> bool {
        while self.end.is_none() {
            if self.read_some() {
                return true;
            }
            if !self.wait(PollFlags::POLLIN, deadline) {
                return false;
            }
        }
        false
    }

    /// Waits at most `timeout` for the end, keeping what comes before it.
    pub fn read_to_end(&mut self, timeout: Duration) -> Option<End> {
        let deadline = Instant::now() + timeout;
        while self.receive(deadline) {}
        self.end
    }

    /// The next response, final or interim; `None` when it is not complete at `deadline` or at the end.
    ///
    /// # Errors
    /// The first rule that the response breaks.
    pub fn response_by(&mut self, method: &str, deadline: Instant) -> Result<Option<Response>, String> {
        loop {
            match Response::scan(&self.inbox, method, self.end.is_some())? {
                Scan::Complete(response, octets) => {
                    self.inbox.drain(..octets);
                    return Ok(Some(response));
                }
                Scan::Partial => {}
            }
            if !self.receive(deadline) {
                return Ok(None);
            }
        }
    }

    /// The next final response, which must come within [`ANSWER`].
    ///
    /// # Errors
    /// In words: the rule that it breaks, or what came instead.
    pub fn response(&mut self, method: &str) -> Result<Response, String> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match self.response_by(method, deadline)? {
                Some(response) if response.is_interim() => {}
                Some(response) => return Ok(response),
                None => {
                    let text = String::from_utf8_lossy(&self.inbox[..self.inbox.len().min(200)]);
                    return Err(format!("no response; end {:?}, received {text:?}", self.end));
                }
            }
        }
    }

    /// GET on this connection, which is kept.
    ///
    /// # Errors
    /// As [`Client::response`].
    pub fn get(&mut self, path: &str) -> Result<Response, String> {
        self.send(get(path));
        self.response("GET")
    }

    fn read_some(&mut self) -> bool {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => self.end = Some(End::Eof),
            Ok(count) => {
                self.inbox.extend_from_slice(&piece[..count]);
                self.received += count as u64;
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return false;
            }
            Err(_) => self.end = Some(End::Reset),
        }
        true
    }

    fn wait(&self, want: PollFlags, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let millis = PollTimeout::try_from(left.as_millis()).unwrap_or(PollTimeout::MAX);
            let mut watched = [PollFd::new(self.stream.as_fd(), want)];
            match poll(&mut watched, millis) {
                Ok(count) => return count > 0,
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
    }
}

/// A GET that leaves the connection open, as HTTP/1.1 does by default.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A GET that asks for the end of the connection.
pub fn get_and_close(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// GET on a connection of its own.
///
/// # Errors
/// In words, when there is no connection or no response.
pub fn get_once(address: SocketAddr, path: &str) -> Result<Response, String> {
    let mut client = Client::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    client.send(get_and_close(path));
    client.response("GET")
}
