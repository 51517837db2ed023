//! A server that takes uploads, and the directory that takes them.

use std::fs;
use std::path::PathBuf;

use dyno_tests::limits::ANSWER;
use dyno_tests::noise::Noise;
use dyno_tests::process::wait_until;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{Outcome, ensure};
use dyno_tests::wire::Client;
use tempfile::TempDir;

/// The directory.
pub(crate) struct Stand {
    directory: TempDir,
}

impl Stand {
    /// An empty one.
    pub(crate) fn new() -> Result<Stand, String> {
        let directory = tempfile::tempdir().map_err(|error| format!("no directory: {error}"))?;
        Ok(Stand { directory })
    }

    /// Starts `row` with that directory, and `more` arguments.
    pub(crate) fn serve(&self, row: &Row, more: &[&str]) -> Result<Server, String> {
        let path = self.directory.path().to_str().ok_or("a plain path")?;
        let mut arguments: Vec<&str> = row.arguments.clone();
        arguments.extend(["--uploads", path]);
        arguments.extend(more);
        Server::start_with(&arguments, None)
    }

    /// The path of the file called `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The names of all files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).expect("the directory is there");
        let mut names: Vec<_> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Whether there are exactly these files, soon.
    pub(crate) fn has_only(&self, names: &[&str]) -> Outcome {
        wait_until(ANSWER, || self.names() == names);
        ensure(self.names() == names, || format!("left: {:?}", self.names()))
    }

    /// Waits until the server has begun to store something.
    pub(crate) fn has_begun(&self) -> Outcome {
        let begun = wait_until(ANSWER, || self.names().iter().any(|name| name.ends_with(".part")));
        ensure(begun.is_some(), || format!("nothing was begun: {:?}", self.names()))
    }

    /// Whether `name` has this content.
    pub(crate) fn has(&self, name: &str, content: &[u8]) -> Outcome {
        let stored = fs::read(self.path(name)).map_err(|error| format!("{name}: {error}"))?;
        let at = stored.iter().zip(content).position(|(stored, sent)| stored != sent);
        ensure(stored == content, || {
            format!("{name}: {} of {} octets; they differ at {at:?}", stored.len(), content.len())
        })
    }
}

/// A connection.
pub(crate) fn connect(server: &Server) -> Result<Client, String> {
    Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"))
}

/// The head of an upload.
pub(crate) fn put(name: &str, fields: &str) -> String {
    format!("PUT /uploads/{name} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
}

/// The head of one whose length is told.
pub(crate) fn put_octets(name: &str, octets: usize) -> String {
    put(name, &format!("Content-Length: {octets}\r\n"))
}

/// So many octets that look like nothing else.
pub(crate) fn content(octets: usize) -> Vec<u8> {
    Noise::new(octets as u64).octets(octets)
}

/// `content` in chunks of all sizes.
pub(crate) fn in_chunks(content: &[u8]) -> Vec<u8> {
    let mut noise = Noise::new(1);
    let (mut rest, mut wire) = (content, Vec::new());
    while !rest.is_empty() {
        let most = [3, 300, 5_000, 70_000][noise.below(4)];
        let (chunk, after) = rest.split_at(rest.len().min(1 + noise.below(most)));
        wire.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
        rest = after;
    }
    wire.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    wire
}
