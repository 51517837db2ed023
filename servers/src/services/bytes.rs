//! `/bytes/N`: a body of any length, cut from one pattern that the whole process shares.

use std::sync::{Arc, OnceLock};

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::service::{Reply, Service, number};
use crate::limits::BYTES_MAX;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "bytes",
    path: "/bytes/N",
    idea: "N octets",
    answer: "octet number i is the letter a + i mod 26",
    methods: &["GET", "HEAD"],
    hidden: false,
    call: |_, _, rest| {
        let length = match number(rest, BYTES_MAX) {
            Ok(length) => length as usize,
            Err(refusal) => return Reply::now(refusal),
        };
        Reply::now(Response::new(Status::OK, "text/plain", Body::Shared(pattern(length), 0..length)))
    },
};

/// The first `length` octets of the pattern, at least. What is small is made once; what is large is made for the
/// request, because a server should not keep 64 MiB for a rare guest.
fn pattern(length: usize) -> Arc<[u8]> {
    static COMMON: OnceLock<Arc<[u8]>> = OnceLock::new();
    const COMMON_BYTES: usize = 1024 * 1024;
    if length > COMMON_BYTES {
        return make(length);
    }
    Arc::clone(COMMON.get_or_init(|| make(COMMON_BYTES)))
}

fn make(length: usize) -> Arc<[u8]> {
    (b'a'..=b'z').cycle().take(length).collect()
}
