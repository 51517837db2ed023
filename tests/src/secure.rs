//! A client behind a transport: the security crate's own end of the pipe, over the raw client of [`crate::wire`].
//!
//! The credentials are made once for each test program: one directory for the server under test and its friends, one
//! for strangers who trust somebody else.

use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Instant;

use dyno_security::credentials::{self, Files, SERVER_NAME};
use dyno_security::pipe::Pipe;
use dyno_security::transport::Transport;
use tempfile::TempDir;

use crate::limits::ANSWER;
use crate::response::{Response, Scan};
use crate::rows::Row;
use crate::server::Server;
use crate::wire::Client;

static CREDENTIALS: OnceLock<(String, String)> = OnceLock::new();

/// Makes the credentials of this program below a directory that is removed when the returned value is dropped.
///
/// # Panics
/// When they cannot be made, or when it is called twice.
pub fn make_credentials() -> TempDir {
    let place = tempfile::tempdir().expect("a directory for the credentials");
    let make = |name: &str| {
        let directory = place.path().join(name);
        credentials::create(&directory).expect("credentials");
        directory.to_str().expect("a plain path").to_owned()
    };
    CREDENTIALS.set((make("friends"), make("strangers"))).expect("the credentials are made once");
    place
}

/// The directory of the server under test and of those who trust it.
///
/// # Panics
/// Before [`make_credentials`].
pub fn friends() -> &'static str {
    &CREDENTIALS.get().expect("made before the trials").0
}

/// A directory of the same shape, whose keys nobody of the other one trusts.
///
/// # Panics
/// Before [`make_credentials`].
pub fn strangers() -> &'static str {
    &CREDENTIALS.get().expect("made before the trials").1
}

/// Starts `row` behind `transport`, with `more` arguments.
///
/// # Errors
/// In words, when no ready line comes.
pub fn serve(row: &Row, transport: Transport, more: &[&'static str]) -> Result<Server, String> {
    let mut arguments = row.with(more);
    arguments.extend(over(transport));
    Server::start_with(&arguments, None)
}

/// The client's end of a new pipe, with the credentials in `directory`.
fn pipe(transport: Transport, directory: &str) -> Result<Box<dyn Pipe>, String> {
    let files = Files::in_directory(Path::new(directory));
    let connector = credentials::connector(transport, &files, &SERVER_NAME.into());
    let connector = connector.map_err(|error| error.to_string())?.ok_or("plain has no pipe")?;
    Ok(connector.connect(Instant::now()))
}

/// What a client says first.
///
/// # Errors
/// In words, when there are no credentials.
pub fn first_message(transport: Transport, directory: &str) -> Result<Vec<u8>, String> {
    Ok(pipe(transport, directory)?.pending().to_vec())
}

/// The options that put a server behind `transport`.
pub fn over(transport: Transport) -> Vec<&'static str> {
    match transport {
        Transport::Plain => Vec::new(),
        _ => vec!["--transport", transport.name(), "--credentials", friends()],
    }
}

/// One connection behind a transport.
pub struct Secure {
    /// The connection below the transport, on which sealed octets travel.
    pub client: Client,
    pipe: Box<dyn Pipe>,
    plain: Vec<u8>,
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secure").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Secure {
    /// Connects with the credentials in `directory` and shakes hands.
    ///
    /// # Errors
    /// In words: what the pipe says, or that nothing came.
    pub fn connect(server: &Server, transport: Transport, directory: &str) -> Result<Secure, String> {
        let client = Client::connect(server.address).map_err(|error: io::Error| error.to_string())?;
        Secure::over(client, transport, directory)
    }

    /// Opens the pipe over a connection, as the one whose credentials lie in `directory`.
    ///
    /// # Errors
    /// As [`Secure::connect`].
    pub fn over(client: Client, transport: Transport, directory: &str) -> Result<Secure, String> {
        let mut secure = Secure { client, pipe: pipe(transport, directory)?, plain: Vec::new() };
        let deadline = Instant::now() + ANSWER;
        secure.flush()?;
        while !secure.pipe.is_established() {
            secure.receive(deadline)?;
        }
        Ok(secure)
    }

    /// Sends `octets` and waits for the final response to `method`.
    ///
    /// # Errors
    /// In words: the rule that a response breaks, what the pipe says, or that nothing came.
    pub fn exchange(&mut self, octets: impl AsRef<[u8]>, method: &str) -> Result<Response, String> {
        self.send(octets)?;
        self.response(method)
    }

    /// Waits for the next final response, to `method`.
    ///
    /// # Errors
    /// As [`Secure::exchange`].
    pub fn response(&mut self, method: &str) -> Result<Response, String> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match Response::scan(&self.plain, method, false)? {
                Scan::Complete(response, octets) => {
                    self.plain.drain(..octets);
                    if !response.is_interim() {
                        return Ok(response);
                    }
                }
                Scan::Partial => self.receive(deadline)?,
            }
        }
    }

    /// Sends `octets`, and waits for nothing.
    ///
    /// # Errors
    /// In words: what the pipe says, or that the connection has ended.
    pub fn send(&mut self, octets: impl AsRef<[u8]>) -> Result<(), String> {
        self.pipe.send(octets.as_ref()).map_err(|failure| failure.to_string())?;
        self.flush()
    }

    /// What has arrived and was opened until now, without waiting for more.
    ///
    /// # Errors
    /// In words: what the pipe says.
    pub fn arrived(&mut self) -> Result<&[u8], String> {
        while self.client.receive(Instant::now()) {}
        let octets = std::mem::take(&mut self.client.inbox);
        let result = self.pipe.receive(&octets, &mut self.plain, Instant::now());
        result.map_err(|failure| failure.to_string())?;
        Ok(&self.plain)
    }

    /// Says goodbye, if that was not done, and waits for the server's own and for the end of the connection.
    ///
    /// # Errors
    /// In words, when the connection ends without the authenticated close, or with octets that nobody asked for.
    pub fn part(mut self) -> Result<(), String> {
        let deadline = Instant::now() + ANSWER;
        while !self.pipe.is_closed_by_peer() {
            self.receive(deadline)?;
        }
        self.pipe.close();
        self.flush()?;
        self.client.shut_write();
        let end = self.client.read_to_end(ANSWER).ok_or("the connection is open still")?;
        if self.plain.is_empty() {
            Ok(())
        } else {
            Err(format!("octets after the last answer, then {end:?}"))
        }
    }

    /// Says goodbye first, as a client does that has no more to ask.
    pub fn say_goodbye(&mut self) -> Result<(), String> {
        self.pipe.close();
        self.flush()
    }

    fn flush(&mut self) -> Result<(), String> {
        let octets = self.pipe.pending().to_vec();
        self.pipe.advance(octets.len());
        if self.client.send(&octets) { Ok(()) } else { Err(format!("unsent; end {:?}", self.client.end)) }
    }

    fn receive(&mut self, deadline: Instant) -> Result<(), String> {
        if self.client.inbox.is_empty() && !self.client.receive(deadline) {
            return Err(format!("nothing came; end {:?}", self.client.end));
        }
        if self.client.inbox.is_empty() {
            return self.pipe.receive_eof().map_err(|failure| failure.to_string());
        }
        let octets = std::mem::take(&mut self.client.inbox);
        let result = self.pipe.receive(&octets, &mut self.plain, Instant::now());
        result.map_err(|failure| failure.to_string())?;
        self.flush()
    }
}
