//! `/uploads/NAME`: puts a file into a directory. Its body goes to the disk as it comes, so its size costs no memory.
//!
//! A file is always "ready": neither poll(2) nor a timeout helps against a disk that is slow, and whoever
//! writes stands still meanwhile. Who that is follows from the architecture, as for any service:
//!
//! | architectures | who waits for the disk |
//! |---|---|
//! | a process or a thread for each connection, or a pool of them | that one, and nobody else |
//! | loops, coroutines, rings and tasks | the loop, or a thread of the runtime, with all its connections |
//! | a loop with a pool | the loop for the parts; a worker for the last step, which gives the file its name |
//!
//! So that the others have their turn, one turn of a connection writes no more than
//! [`BYTES_PER_TURN`](crate::limits::BYTES_PER_TURN) (over io_uring: what the kernel has received into the
//! ring's buffers), and usually that goes to the kernel's cache, as fast as memory.

use std::time::{Duration, UNIX_EPOCH};

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::owner::Asker;
use super::preconditions::{Validators, allow_change, entity_tag, wants_new};
use super::service::{Call, FieldLookup, NOT_FOR_YOU, Needs, Reply, Service, Services, come_back, text};
use super::upload::{NotStored, Upload, Uploads};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "uploads",
    path: "/uploads/NAME",
    idea: "takes a file, part by part as it comes, and names it when it is whole",
    answer: "201 for a new file, 204 for one that was replaced",
    methods: &["PUT"],
    needs: Needs::Uploads,
    is_long: false,
    call,
};

fn call(services: &Services, call: &Call<'_>, rest: &str) -> Reply {
    let Some(uploads) = &services.uploads else {
        return Reply::Now(text(404, "no uploads are taken here\n"));
    };
    if let Some(upload) = call.upload {
        // The file may have changed since the head came.
        let conditions = check(uploads, call.fields, rest);
        return Reply::Now(conditions.map_or_else(|failed| failed, |()| place(upload, call.fields)));
    }
    // A body that was not taken in parts: there is none, or the driver takes bodies whole.
    let stored = begin(uploads, call.fields, call.asker, rest, Some(call.body.len() as u64));
    let stored = stored.and_then(|upload| keep(&upload, call.body).map(|()| place(&upload, call.fields)));
    Reply::Now(stored.unwrap_or_else(|refusal| refusal))
}

/// Where the body of this request goes, and under which name, if it is to be taken in parts.
pub fn destination<'s, 'p>(
    services: &'s Services,
    method: &str,
    path: &'p str,
) -> Option<(&'s Uploads, &'p str)> {
    let uploads = services.uploads.as_ref()?;
    let name = path.strip_prefix("/uploads/").filter(|_| method == "PUT")?;
    Some((uploads, name))
}

/// Begins an upload.
///
/// # Errors
/// The answer for the client, before any of it is taken.
pub fn begin(
    uploads: &Uploads,
    fields: &dyn FieldLookup,
    asker: &Asker,
    name: &str,
    announced_bytes: Option<u64>,
) -> Result<Upload, Response> {
    // Files are made by the server and in its own name, so nobody's rights can be looked up for them.
    if asker.rights().is_some() {
        return Err(text(403, NOT_FOR_YOU));
    }
    // To store a part as if it were the whole would lose the rest (RFC 9110, 14.4).
    if fields.get("content-range").is_some() {
        return Err(text(400, "a part of a file cannot be put here\n"));
    }
    let upload = uploads.begin(name, announced_bytes).map_err(refusal)?;
    check(uploads, fields, name)?;
    Ok(upload)
}

/// Looks whether the file is in the state that the client means.
fn check(uploads: &Uploads, fields: &dyn FieldLookup, name: &str) -> Result<(), Response> {
    let standing = uploads.standing(name).map(|(length, seconds, nanos)| {
        let modified = UNIX_EPOCH + Duration::from_secs(seconds.max(0).cast_unsigned());
        (entity_tag(length, seconds, nanos), modified)
    });
    let file = standing.as_ref().map(|(etag, modified)| Validators { etag, modified: *modified });
    if allow_change(fields, file) {
        Ok(())
    } else {
        Err(text(412, "the file is not in the state that you know\n"))
    }
}

/// Keeps the next part.
///
/// # Errors
/// The answer for the client, when the disk takes no more.
pub fn keep(upload: &Upload, octets: &[u8]) -> Result<(), Response> {
    upload.keep(octets).map_err(refusal)
}

/// All of it has come.
fn place(upload: &Upload, fields: &dyn FieldLookup) -> Response {
    match upload.place(wants_new(fields)) {
        Ok(true) => text(201, "stored\n"),
        Ok(false) => Response::new(Status::NO_CONTENT, "", Body::Empty),
        Err(error) => refusal(error),
    }
}

/// What a client is told whose upload is not stored.
fn refusal(error: NotStored) -> Response {
    let line = format!("{error}\n");
    match error {
        NotStored::BadName => text(400, line),
        NotStored::TooLarge(_) => text(413, line),
        NotStored::IsDirectory => text(409, line),
        NotStored::Exists => text(412, line),
        NotStored::NoRoom => text(507, line),
        NotStored::NoDescriptors => come_back("no descriptors left\n"),
        NotStored::Failed(_) => text(500, line),
    }
}
