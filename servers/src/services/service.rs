//! What a service is, and how the service for a request is found.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dyno_http::head::Version;
use dyno_http::request::Request;
use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::job::WaitingJob;
use super::owner::Asker;
use super::queue_table::Queues;
use super::upload::{Upload, Uploads};
use super::work::WorkRounds;
use crate::limits::RETRY_AFTER;
use crate::shared::Shared;
use crate::trace::connection::RequestTrace;
use crate::under_way::entry::RequestLine;
use crate::under_way::register::Register;

/// The file that stands for a directory.
pub(super) const INDEX: &str = "index.html";

/// What a client is told that may not have what it asks for, be it by the policy or by the owner.
pub(crate) const NOT_FOR_YOU: &str = "not for you\n";

/// What a service needs to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: every server has it.
    Nothing,
    /// A directory to serve.
    Directory,
    /// A server that was asked for planted faults.
    Faults,
    /// A directory that takes uploads.
    Uploads,
    /// Workers that share their memory, which processes do not.
    SharedMemory,
}

/// One service: a row of the table.
pub struct Service {
    /// The first segment of its path, without the slash; empty for `/`.
    pub segment: &'static str,
    /// How its address is written, with the parameters in capitals.
    pub path: &'static str,
    /// What it does, in one line.
    pub idea: &'static str,
    /// The answer that it must give, in a form that the load generator can check.
    pub answer: &'static str,
    /// The methods that it accepts, in addition to OPTIONS.
    pub methods: &'static [&'static str],
    /// What it needs in order to be available.
    pub needs: Needs,
    /// Whether it may compute or wait for long. It is not called for a client that has left, which is looked at before;
    /// what takes less than that look is done without it.
    pub is_long: bool,
    /// The function itself. `rest` is the path after the first segment and its slash.
    pub call: fn(services: &Services, call: &Call<'_>, rest: &str) -> Reply,
}

/// The services of one server, with their configuration.
pub struct Services {
    /// The table of services.
    pub table: &'static [&'static Service],
    /// Rounds of the work loop that make a microsecond.
    pub rounds: WorkRounds,
    /// The directory behind `/files/`; `None`: there are no files.
    pub files: Option<PathBuf>,
    /// The same directory, held open for processes that lose the right to open it by its path.
    pub files_held: Option<File>,
    /// Whether rules speak of paths. Then an object has one name: links in the directory are not followed.
    pub has_rules: bool,
    /// Whether `/fault/...` is available.
    pub faults: bool,
    /// The directory behind `/uploads/`; `None`: nobody may store anything.
    pub uploads: Option<Uploads>,
    /// The queues behind `/queues/`; `None`: the workers share no memory.
    pub queues: Option<Queues>,
    /// What the services of a control port read and change; `None`: this server has no such services.
    pub register: Option<&'static Register>,
    /// What is asked of other servers; `None`: nothing.
    pub forward: Option<Box<dyn Forward>>,
    /// Requests for `/mix` so far, all workers together; the next one's place in the seeded sequence.
    pub mixed: Shared<AtomicU64>,
}

/// What a service sees of a request, whichever HTTP implementation parsed it.
pub struct Call<'a> {
    /// The method, in the case in which it came.
    pub method: &'a str,
    /// The path, still percent-encoded; `*` for OPTIONS of the whole server.
    pub path: &'a str,
    /// What follows the first `?` of the target, still percent-encoded.
    pub query: Option<&'a str>,
    /// The version of HTTP in which it came.
    pub version: Version,
    /// The whole body.
    pub body: &'a [u8],
    /// The header fields.
    pub fields: &'a dyn FieldLookup,
    /// Looks whether the client has left.
    pub has_left: &'a dyn Fn() -> bool,
    /// Whose rights count where the owner of a file decides.
    pub asker: &'a Asker,
    /// The names that the peer has proved to the transport; none in plaintext.
    pub peer: &'a [String],
    /// The address of the client, where somebody [wants to know](crate::kit::site::Site::origin_of).
    pub source: Option<IpAddr>,
    /// What the body was stored in where it was taken in parts; `body` is empty then.
    pub upload: Option<&'a Upload>,
    /// Where it is written down what becomes of it; `None`: it is not traced.
    pub trace: Option<RequestTrace>,
}

/// A request that was judged, and whose rights count where the owner of a file is asked as well.
pub struct Asked<'a> {
    /// The request.
    pub request: Request<'a>,
    /// Who asks.
    pub asker: Asker,
    /// The names that the peer has proved to the transport.
    pub peer: &'a [String],
    /// The address of the client, where somebody wants to know.
    pub source: Option<IpAddr>,
    /// What the body was stored in where it was taken in parts.
    pub upload: Option<Arc<Upload>>,
    /// Where it is written down what becomes of it; `None`: it is not traced.
    pub trace: Option<RequestTrace>,
}

/// Has other servers answer requests.
pub trait Forward: Send + Sync {
    /// What becomes of a request; `None`: it is for the services of this server.
    fn forward(&self, call: &Call<'_>) -> Option<Reply>;
}

/// Header fields to look into.
pub trait FieldLookup {
    /// The values of the fields of that name, in order and whatever the case; `""` for one that is no text, which
    /// keeps its place without a meaning.
    fn all(&self, name: &str) -> Vec<&str>;

    /// The value of the first field of that name.
    fn get(&self, name: &str) -> Option<&str> {
        self.all(name).into_iter().next()
    }

    /// Gives each field to `take`, in order.
    fn each(&self, take: &mut dyn FnMut(&str, &[u8]));

    /// The host that was asked, with the port if one was given: from the target if that is absolute, else from the
    /// Host field. Empty when HTTP/1.0 gave none.
    fn host(&self) -> &str;
}

impl FieldLookup for Request<'_> {
    fn all(&self, name: &str) -> Vec<&str> {
        let named = self.headers().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
        named.map(|(_, value)| std::str::from_utf8(value).unwrap_or_default()).collect()
    }

    fn each(&self, take: &mut dyn FnMut(&str, &[u8])) {
        self.headers().for_each(|(name, value)| take(name, value));
    }

    fn host(&self) -> &str {
        Request::host(self)
    }
}

/// No header field at all.
struct NoFields;

impl FieldLookup for NoFields {
    fn all(&self, _name: &str) -> Vec<&str> {
        Vec::new()
    }

    fn each(&self, _take: &mut dyn FnMut(&str, &[u8])) {}

    fn host(&self) -> &str {
        ""
    }
}

impl<'a> Call<'a> {
    /// One without fields and without a body, of a client that stays and has proved no name: what it may do is the
    /// asker's.
    pub fn bare(method: &'a str, path: &'a str, asker: &'a Asker) -> Self {
        Call {
            method,
            path,
            query: None,
            version: Version::Http11,
            body: b"",
            fields: &NoFields,
            has_left: &|| false,
            asker,
            peer: &[],
            source: None,
            upload: None,
            trace: None,
        }
    }

    /// What identifies it to people.
    pub fn line(&self) -> RequestLine<'a> {
        RequestLine { method: self.method, path: self.path, query: self.query }
    }

    /// The view of a request that our own core has parsed.
    pub fn new(asked: &'a Asked<'a>, has_left: &'a dyn Fn() -> bool) -> Self {
        let Asked { request, asker, peer, source, upload, trace } = asked;
        let (upload, trace) = (upload.as_deref(), *trace);
        let target = request.target();
        let (method, path, query, body) = (request.method(), target.path, target.query, request.body());
        let (version, fields, source) = (request.version(), request, *source);
        Call { method, path, query, version, body, fields, has_left, asker, peer, source, upload, trace }
    }
}

/// What a service gives back. Where it is not an answer that is ready, the architecture decides which thread or loop
/// waits.
pub enum Reply {
    /// An answer that is ready.
    Now(Response),
    /// An answer that is due after the time that a modelled back end takes.
    After(Duration, Response),
    /// An answer that depends on something else: another request, another server.
    Later(Box<dyn WaitingJob>),
}

impl Services {
    /// All services, with neither files nor planted faults. `rounds_per_us` is for [`WorkRounds::new`].
    ///
    /// # Errors
    /// When the kernel refuses the memory that workers share.
    pub fn new(table: &'static [&'static Service], rounds_per_us: Option<u64>) -> io::Result<Services> {
        let (rounds, mixed) = (WorkRounds::new(rounds_per_us)?, Shared::new(1)?);
        let (queues, files, files_held) = (Some(Queues::new()), None, None);
        let (has_rules, faults, uploads, register, forward) = (false, false, None, None, None);
        Ok(Services {
            table,
            rounds,
            files,
            files_held,
            has_rules,
            faults,
            uploads,
            queues,
            register,
            forward,
            mixed,
        })
    }

    /// The server stops: whoever waits for another request is told so now, because that may never come.
    pub fn stop(&self) {
        if let Some(queues) = &self.queues {
            queues.stop();
        }
    }

    /// A process that served has died: removes what is left of an upload that it was storing.
    pub fn sweep(&self) {
        if let Some(uploads) = &self.uploads {
            // What cannot be removed now may be at the next start.
            let _ = uploads.sweep();
        }
    }

    /// Answers a request: finds the service, checks the method, calls it.
    pub fn call(&self, call: &Call<'_>) -> Reply {
        if let Some(reply) = self.forward.as_ref().and_then(|forward| forward.forward(call)) {
            return reply;
        }
        if call.method == "OPTIONS" && call.path == "*" {
            let all = ["GET", "HEAD", "POST", "PUT"];
            return Reply::Now(allow(204, if self.uploads.is_some() { &all } else { &all[..3] }));
        }
        let Some((service, rest)) = self.find(call.path) else {
            return Reply::Now(text(404, "no such service; see `dyno list`\n"));
        };
        if service.is_long && (call.has_left)() {
            return Reply::Now(text(503, "nobody waits for the answer\n").closing());
        }
        if service.methods.contains(&call.method) {
            return (service.call)(self, call, rest);
        }
        Reply::Now(match call.method {
            "OPTIONS" => allow(204, service.methods),
            "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "PATCH" | "TRACE" => allow(405, service.methods),
            _ => text(501, "this server does not know that method\n"),
        })
    }

    fn find<'a>(&self, path: &'a str) -> Option<(&'static Service, &'a str)> {
        let path = path.strip_prefix('/')?;
        let slash = path.bytes().position(|octet| octet == b'/');
        let (segment, rest) = slash.map_or((path, ""), |at| (&path[..at], &path[at + 1..]));
        let service = self.table.iter().find(|service| service.segment == segment)?;
        // A service without parameters has one path and no other.
        let is_whole = slash.is_none() || service.path.bytes().any(|octet| octet.is_ascii_uppercase());
        (is_whole && (self.faults || service.needs != Needs::Faults)).then_some((service, rest))
    }

    /// The path of the file that is opened in place of a directory; `None`: the path means what it says.
    pub fn opened(&self, path: &str) -> Option<String> {
        let (service, rest) = self.find(path)?;
        let is_index = service.needs == Needs::Directory && (rest.is_empty() || rest.ends_with('/'));
        is_index.then(|| format!("/{}/{rest}{INDEX}", service.segment))
    }
}

/// An answer without content that names the methods (RFC 9110, 10.2.1).
pub fn allow(status: u16, methods: &[&str]) -> Response {
    Response::new(Status(status), "", Body::Empty).with("Allow", format!("{}, OPTIONS", methods.join(", ")))
}

/// An answer of one line of text.
pub fn text(status: u16, line: impl Into<Cow<'static, str>>) -> Response {
    let body = match line.into() {
        Cow::Borrowed(line) => Body::Static(line.as_bytes()),
        Cow::Owned(line) => Body::Owned(line.into_bytes()),
    };
    Response::new(Status(status), "text/plain; charset=utf-8", body)
}

/// A 503 that asks the client to come back soon.
pub fn come_back(reason: &'static str) -> Response {
    text(503, reason).with("Retry-After", RETRY_AFTER)
}

/// Parses the whole of `rest` as a number that is at most `most`.
///
/// # Errors
/// The answer for the client: 404 when `rest` is not a number, 400 when the number is beyond the limit.
pub fn number(rest: &str, most: u64) -> Result<u64, Response> {
    let digits = !rest.is_empty() && rest.bytes().all(|octet| octet.is_ascii_digit());
    if !digits {
        return Err(text(404, "a number belongs at the end of this path\n"));
    }
    match rest.parse() {
        Ok(number) if number <= most => Ok(number),
        _ => Err(text(400, format!("at most {most} here\n"))),
    }
}
