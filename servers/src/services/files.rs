//! `/files/...`: a directory, with types, ranges and conditional requests (RFC 9110, sections 13 and 14).
//!
//! No path can leave the directory: the kernel itself resolves it beneath the directory's descriptor (openat2(2) with
//! `RESOLVE_BENEATH`), symbolic links included.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dyno_http::response::{Body, Response, Source};
use dyno_http::status::Status;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::ranges::{self, Selection};
use super::service::{Call, FieldLookup, Needs, Reply, Service, Services, text};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "files",
    path: "/files/PATH",
    idea: "a directory, with types, ranges and conditional requests",
    answer: "the octets of the file",
    methods: &["GET", "HEAD"],
    needs: Needs::Directory,
    call: serve,
};

fn serve(services: &Services, call: &Call<'_>, rest: &str) -> Reply {
    let Some(root) = &services.files else {
        return Reply::now(text(404, "no directory is served\n"));
    };
    let Some(path) = decode(rest) else {
        return Reply::now(text(400, "the path is not well encoded\n"));
    };
    Reply::now(open(root, &path).and_then(|found| answer(call, found, &path)).unwrap_or_else(refusal))
}

/// A file to be served.
struct Found {
    file: File,
    length: u64,
    modified: SystemTime,
    etag: String,
}

fn open(root: &Path, path: &str) -> io::Result<Found> {
    let directory = File::open(root)?;
    // An empty path, or one that ends in a slash, means the index of a directory.
    let path =
        if path.is_empty() || path.ends_with('/') { format!("{path}index.html") } else { path.to_owned() };
    let how = OpenHow::new()
        // A FIFO in the directory must not block the server.
        .flags(OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS);
    let file = File::from(openat2(directory.as_fd(), path.as_str(), how)?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    // HTTP dates have whole seconds; the tag also contains nanoseconds.
    let modified = UNIX_EPOCH + Duration::from_secs(metadata.mtime().max(0).cast_unsigned());
    let etag = format!("\"{:x}-{:x}-{:x}\"", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    Ok(Found { file, length: metadata.len(), modified, etag })
}

fn answer(call: &Call<'_>, found: Found, path: &str) -> io::Result<Response> {
    let mut response = if is_unchanged(call.fields, &found) {
        Response::new(Status::NOT_MODIFIED, "", Body::Empty)
    } else {
        let wanted =
            call.fields.get("range").filter(|_| call.method == "GET" && may_be_partial(call.fields, &found));
        match ranges::select(wanted, found.length) {
            Selection::Whole => body(200, found.file.try_clone()?, path, 0, found.length),
            Selection::Part { first, last } => {
                let mut response = body(206, found.file.try_clone()?, path, first, last + 1 - first);
                let range = format!("bytes {first}-{last}/{}", found.length);
                response.fields.push(("Content-Range", range.into()));
                response
            }
            Selection::Unsatisfiable => {
                let mut response = text(416, "the file is shorter than that\n");
                response.fields.push(("Content-Range", format!("bytes */{}", found.length).into()));
                return Ok(response);
            }
        }
    };
    response.fields.push(("ETag", found.etag.into()));
    response.fields.push(("Last-Modified", httpdate::fmt_http_date(found.modified).into()));
    response.fields.push(("Accept-Ranges", "bytes".into()));
    Ok(response)
}

fn body(status: u16, file: File, path: &str, first: u64, length: u64) -> Response {
    let part = FilePart { file, next: first, remaining: length };
    Response::new(Status(status), content_type(path), Body::Source(Box::new(part)))
}

/// If-None-Match, or, where that is absent, If-Modified-Since (RFC 9110, 13.2.2).
fn is_unchanged(fields: &dyn FieldLookup, found: &Found) -> bool {
    if let Some(tags) = fields.get("if-none-match") {
        return tags
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == found.etag);
    }
    let since = fields.get("if-modified-since").and_then(|date| httpdate::parse_http_date(date).ok());
    since.is_some_and(|since| found.modified <= since)
}

/// If-Range (RFC 9110, 13.1.5): a part is only useful to a client whose other parts come from the same version of the
/// file.
fn may_be_partial(fields: &dyn FieldLookup, found: &Found) -> bool {
    let Some(condition) = fields.get("if-range") else { return true };
    condition == found.etag || httpdate::parse_http_date(condition).is_ok_and(|date| date == found.modified)
}

fn refusal(error: io::Error) -> Response {
    match error.raw_os_error().map(nix::errno::Errno::from_raw) {
        // RESOLVE_BENEATH reports EXDEV for a path that would leave the directory; the client is told that there is
        // no such file.
        Some(nix::errno::Errno::EACCES | nix::errno::Errno::EPERM) => text(403, "not for you\n"),
        Some(nix::errno::Errno::EMFILE | nix::errno::Errno::ENFILE) => text(503, "no descriptors left\n"),
        _ => text(404, "no such file\n"),
    }
}

/// Percent-decoding (RFC 3986, 2.1). `None` for a broken escape, for text that is not UTF-8, and for NUL.
fn decode(path: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let &[high, low, ref tail @ ..] = rest else { return None };
        let digit = |octet: u8| char::from(octet).to_digit(16);
        octets.push((digit(high)? * 16 + digit(low)?) as u8);
        rest = tail;
    }
    if octets.contains(&0) { None } else { String::from_utf8(octets).ok() }
}

/// Media types by file name extension; an unknown extension means a stream of bytes.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("html", |(_, ending)| ending) {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// A part of an open file, read as the connection needs it.
struct FilePart {
    file: File,
    next: u64,
    remaining: u64,
}

impl Source for FilePart {
    fn remaining(&self) -> u64 {
        self.remaining
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(into.len());
        let count = self.file.read_at(&mut into[..most], self.next)?;
        self.next += count as u64;
        self.remaining -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoding_refuses_what_is_no_path() {
        assert_eq!(decode("a%20b/c").as_deref(), Some("a b/c"));
        for broken in ["%", "%2", "%zz", "%+1", "%00", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }

    #[test]
    fn no_path_leaves_the_directory() {
        let outside = tempfile::tempdir().expect("a directory");
        let root = outside.path().join("root");
        std::fs::create_dir(&root).expect("a directory");
        std::fs::write(outside.path().join("secret"), "secret").expect("a file");
        std::fs::write(root.join("public"), "public").expect("a file");
        std::os::unix::fs::symlink("../secret", root.join("link")).expect("a link");
        assert!(open(&root, "public").is_ok());
        for path in ["../secret", "/etc/passwd", "x/../../secret", "link", "..", "root/../../secret"] {
            assert!(open(&root, path).is_err(), "{path} left the directory");
        }
    }
}
