//! `/files/...`: a directory, with types, ranges and conditional requests (RFC 9110, sections 13 and 14).
//!
//! No path can leave the directory: the kernel itself resolves it beneath the directory's descriptor (openat2(2) with
//! `RESOLVE_BENEATH`), symbolic links included. Where rules speak of paths, links are not followed at all: a rule about
//! `/files/payroll` must not be walked around by a link to it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dyno_http::date::HttpDate;
use dyno_http::response::{Body, Response, Source};
use dyno_http::status::Status;
use dyno_security::access::object::percent_decoded;
use nix::errno::Errno;

use super::owner::{Asker, FILE, Rights, open_as, open_beneath};
use super::preconditions::{self, Precondition, Validators};
use super::ranges::{self, Selection};
use super::service::{Call, INDEX, NOT_FOR_YOU, Needs, Reply, Service, Services, text};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "files",
    path: "/files/PATH",
    idea: "a directory, with types, ranges and conditional requests",
    answer: "the octets of the file",
    methods: &["GET", "HEAD"],
    needs: Needs::Directory,
    is_long: false,
    call: serve,
};

fn serve(services: &Services, call: &Call<'_>, rest: &str) -> Reply {
    let Some(root) = &services.files else {
        return Reply::Now(text(404, "no directory is served\n"));
    };
    let Some(path) = decode(rest) else {
        return Reply::Now(text(400, "the path is not well encoded\n"));
    };
    let path = file_of(path);
    let found = open(services, root, &path, call.asker).and_then(look);
    Reply::Now(found.and_then(|found| answer(call, found, &path)).unwrap_or_else(refusal))
}

/// A file to be served.
struct Found {
    file: File,
    length: u64,
    modified: SystemTime,
    etag: String,
}

/// The file that a path means: an empty path, or one that ends in a slash, means the index of a directory.
fn file_of(path: String) -> String {
    if path.is_empty() || path.ends_with('/') { path + INDEX } else { path }
}

fn open(services: &Services, root: &Path, path: &str, asker: &Asker) -> io::Result<File> {
    let opened;
    let directory = match &services.files_held {
        Some(held) => held.as_fd(),
        None => {
            opened = File::open(root)?;
            opened.as_fd()
        }
    };
    match asker.rights() {
        Some(Rights::None) => Err(Errno::EACCES.into()),
        Some(Rights::OfUser(user)) => open_as(directory.try_clone_to_owned()?.into(), path, user),
        Some(Rights::OfProcess(_)) | None => open_beneath(directory, path, FILE, !services.has_rules),
    }
}

fn look(file: File) -> io::Result<Found> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    // HTTP dates have whole seconds; the tag also contains nanoseconds.
    let modified = UNIX_EPOCH + Duration::from_secs(metadata.mtime().max(0).cast_unsigned());
    let etag = preconditions::entity_tag(metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    Ok(Found { file, length: metadata.len(), modified, etag })
}

fn answer(call: &Call<'_>, found: Found, path: &str) -> io::Result<Response> {
    let validators = Validators { etag: &found.etag, modified: found.modified };
    let mut response = match preconditions::evaluate(call.fields, validators) {
        Precondition::NotModified => Response::new(Status::NOT_MODIFIED, "", Body::Empty),
        Precondition::Failed => return Ok(text(412, "the file is not in the state that you know\n")),
        Precondition::Holds => {
            let wanted = call
                .fields
                .get("range")
                .filter(|_| call.method == "GET" && preconditions::may_be_partial(call.fields, validators));
            match ranges::select(wanted, found.length) {
                Selection::Whole => body(200, found.file.try_clone()?, path, 0, found.length),
                Selection::Part { first, last } => {
                    let range = format!("bytes {first}-{last}/{}", found.length);
                    body(206, found.file.try_clone()?, path, first, last + 1 - first)
                        .with("Content-Range", range)
                }
                Selection::Unsatisfiable => {
                    let range = format!("bytes */{}", found.length);
                    return Ok(text(416, "the file is shorter than that\n").with("Content-Range", range));
                }
            }
        }
    };
    response.fields.push(("ETag", found.etag.into()));
    response.fields.push(("Last-Modified", last_modified(found.modified, SystemTime::now()).into()));
    response.fields.push(("Accept-Ranges", "bytes".into()));
    Ok(response)
}

/// A date for Last-Modified. A file that claims to be of the future was changed now at the latest (RFC 9110, 8.8.2.1),
/// which also keeps the date within the four digits of a year.
fn last_modified(modified: SystemTime, now: SystemTime) -> String {
    let shown = modified.min(now).duration_since(UNIX_EPOCH).unwrap_or_default();
    HttpDate::from_unix_seconds(shown.as_secs()).as_str().to_owned()
}

fn body(status: u16, file: File, path: &str, first: u64, length: u64) -> Response {
    let part = FilePart { file, next: first, remaining: length };
    Response::new(Status(status), content_type(path), Body::Source(Box::new(part)))
}

fn refusal(error: io::Error) -> Response {
    match error.raw_os_error().map(Errno::from_raw) {
        // RESOLVE_BENEATH reports EXDEV for a path that would leave the directory; the client is told that there is
        // no such file.
        Some(Errno::EACCES | Errno::EPERM) => text(403, NOT_FOR_YOU),
        Some(Errno::EMFILE | Errno::ENFILE) => text(503, "no descriptors left\n"),
        _ => text(404, "no such file\n"),
    }
}

/// The decoded path. `None` for a broken escape, for text that is not UTF-8, and for NUL.
fn decode(path: &str) -> Option<String> {
    let octets = percent_decoded(path)?;
    if octets.contains(&0) { None } else { String::from_utf8(octets).ok() }
}

/// Media types by the ending of the file's own name, in any case; what is unknown is a stream of octets.
fn content_type(path: &str) -> &'static str {
    let ending = Path::new(path).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
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
    fn the_type_is_that_of_the_files_own_name() {
        let cases = [
            ("", "text/html; charset=utf-8"),
            ("v1.2/", "text/html; charset=utf-8"),
            ("v1.2/LICENSE", "application/octet-stream"),
            ("LICENSE", "application/octet-stream"),
            ("UP.HTML", "text/html; charset=utf-8"),
            ("photo.jpeg/x.Png", "image/png"),
            (".html", "application/octet-stream"),
            ("a.tar.gz", "application/octet-stream"),
            ("name.", "application/octet-stream"),
            ("caf\u{e9}.TXT", "text/plain; charset=utf-8"),
        ];
        for (path, expected) in cases {
            assert_eq!(content_type(&file_of(path.to_owned())), expected, "{path:?}");
        }
    }

    #[test]
    fn no_file_was_changed_in_the_future() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let now = at(1_000_000_000);
        for (modified, expected) in [
            (at(0), "Thu, 01 Jan 1970 00:00:00 GMT"),
            (at(999_999_999), "Sun, 09 Sep 2001 01:46:39 GMT"),
            (at(1_000_000_001), "Sun, 09 Sep 2001 01:46:40 GMT"),
            (at(253_402_300_900), "Sun, 09 Sep 2001 01:46:40 GMT"),
        ] {
            assert_eq!(last_modified(modified, now), expected);
        }
        // The machine's own clock may be past the year 9999; a date has four digits there.
        assert_eq!(last_modified(at(300_000_000_000), at(300_000_000_000)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn no_path_leaves_the_directory() {
        let outside = tempfile::tempdir().expect("a directory");
        let root = outside.path().join("root");
        std::fs::create_dir(&root).expect("a directory");
        std::fs::write(outside.path().join("secret"), "secret").expect("a file");
        std::fs::write(root.join("public"), "public").expect("a file");
        std::os::unix::fs::symlink("../secret", root.join("link")).expect("a link");
        std::os::unix::fs::symlink("public", root.join("alias")).expect("a link");
        let mut services = Services::new(&[], None).expect("services");
        for has_rules in [false, true] {
            services.has_rules = has_rules;
            let open = |path| open(&services, &root, path, &Asker::UNASKED);
            assert!(open("public").is_ok());
            assert_eq!(open("alias").is_ok(), !has_rules, "a second name for the same");
            for path in ["../secret", "/etc/passwd", "x/../../secret", "link", "..", "root/../../secret"] {
                assert!(open(path).is_err(), "{path} left the directory");
            }
        }
    }
}
