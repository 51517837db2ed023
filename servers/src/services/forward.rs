//! # Idea
//! The server answers by asking another one: it is the first tier, and dispatches to backends. What is decided,
//! [`dyno_proxy`] decides; here are the sockets. A request that is forwarded is a [job](super::job::WaitingJob) that
//! waits for a descriptor, so each architecture waits for a backend as it waits for anything else.
//!
//! # Picture
//! ```text
//!              first tier                          backends
//!                 |   policy: which one?
//!   client ---> job ------ connection from the pool ---> 0
//!                 |  \---- it is gone: another one -----> 1
//!                 |        (if it may be sent again)
//!   client <--- answer <-- read strictly, whole <-------- 1
//! ```
//!
//! # Price
//! Each request is read twice, written twice and waits twice; on one machine the first tier takes more CPU than a
//! backend that says hello. A body is held whole, so that a client that reads slowly holds no backend.
//!
//! # Shines
//! Where backends serve few connections each, or fail: the clients of a loop in front of a pool of four threads are
//! as many as there are descriptors, and a backend that is killed costs them no GET.
//!
//! # Breaks
//! Where the first tier itself waits: an iterative one, or a pool whose workers all wait for backends, stands still
//! with the slowest of them. Several first tiers know only their own requests, so their policies choose worse than
//! one would; forked workers of one server share what they know. A path that needs more than [`ANSWER_BODY_OCTETS`]
//! cannot be forwarded.
//!
//! # Lineage
//! The gateways of HTTP/1.1 (RFC 2616 to RFC 9110); Squid, HAProxy, nginx; LARD (Pai et al., 1998); the power of two
//! choices (Mitzenmacher, 2001); Finagle's budgets; the hash with bounded loads (2016).
//!
//! # Question
//! A backend dies when a POST has been sent to it, before it has answered. Why is the client told 502, where a GET is
//! quietly sent to another backend?
//!
//! <details><summary>Answer</summary>
//!
//! Nobody knows whether the backend has done what the POST asks for. To do it twice may be another thing than to do
//! it once (RFC 9110, 9.2.2), so only the client can decide. A request of which no octet was sent goes elsewhere
//! whatever its method.
//!
//! </details>
//!
//! [`ANSWER_BODY_OCTETS`]: dyno_proxy::limits::ANSWER_BODY_OCTETS

use std::hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState};
use std::io;
use std::sync::Arc;

use dyno_proxy::names::PolicyName;
use dyno_proxy::rewrite::{NotPassed, Passed, Pseudonym, write_request};
use dyno_security::access::object::Object;

use self::address::ForwardRoute;
use self::group::BackendGroup;
use self::job::ForwardJob;
use super::service::{Call, Forward, Reply, allow, text};

pub mod address;
mod group;
mod job;
mod link;
mod pool;
mod probe;

/// Which paths are answered by which servers.
pub struct Forwarding {
    /// Longer prefixes come first.
    groups: Vec<Arc<BackendGroup>>,
    own: Pseudonym,
    is_secure: bool,
}

impl Forwarding {
    /// Forwards by these routes. `is_secure`: clients come over an encrypted transport.
    ///
    /// # Errors
    /// When the kernel refuses the memory that workers share.
    pub fn new(mut routes: Vec<ForwardRoute>, policy: PolicyName, is_secure: bool) -> io::Result<Forwarding> {
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        // Keys of a hash that nobody foresees are random numbers.
        let random = || RandomState::new().build_hasher().finish();
        let own = Pseudonym::new(random());
        let groups = routes
            .into_iter()
            .map(|route| BackendGroup::new(route, policy, own.clone(), random()).map(Arc::new));
        Ok(Forwarding { groups: groups.collect::<io::Result<_>>()?, own, is_secure })
    }
}

impl Forwarding {
    /// From now on each backend is asked for `path` now and then, and is down while it does not answer well. Call it
    /// before anything forks.
    ///
    /// # Errors
    /// When the system refuses the thread that asks.
    pub fn probe(&self, path: &str) -> io::Result<()> {
        probe::begin(&self.groups, path)
    }
}

impl Forward for Forwarding {
    fn forward(&self, call: &Call<'_>) -> Option<Reply> {
        let group = self.groups.iter().find(|group| group.serves(call.path))?;
        if !group.is_everything() && Object::parse(call.path).is_err() {
            // Behind the prefix `/a`, the path `/a/../b` may be `/b` for the backend, which nobody was to reach.
            return Some(Reply::Now(text(400, "the path is not canonical\n")));
        }
        let request = Passed {
            method: call.method,
            path: call.path,
            query: call.query,
            host: call.fields.host(),
            version: call.version,
            body: call.body,
            client: call.source,
            is_secure: self.is_secure,
        };
        let mut octets = Vec::with_capacity(512 + call.body.len());
        let fields = |take: &mut dyn FnMut(&str, &[u8])| call.fields.each(take);
        match write_request(&mut octets, &request, &fields, &self.own, &group.authority()) {
            Ok(()) => Some(Reply::Later(Box::new(ForwardJob::new(
                Arc::clone(group),
                octets,
                call.method,
                key(call),
            )))),
            Err(NotPassed::Loop) => Some(Reply::Now(text(508, format!("{}\n", NotPassed::Loop)))),
            Err(NotPassed::NoForwardsLeft) if call.method == "TRACE" => {
                Some(Reply::Now(allow(405, &["GET", "HEAD", "POST", "PUT", "DELETE"])))
            }
            Err(NotPassed::NoForwardsLeft) => {
                Some(Reply::Now(allow(204, &["GET", "HEAD", "POST", "PUT", "DELETE"])))
            }
        }
    }
}

/// What a policy takes as the same.
fn key(call: &Call<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (call.path, call.query).hash(&mut hasher);
    hasher.finish()
}
