//! `/echo`: gives back the bytes of the request's body.

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::service::{Needs, Reply, Service};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "echo",
    path: "/echo",
    idea: "gives back the body of a POST",
    answer: "the octets of the request's body",
    methods: &["POST"],
    needs: Needs::Nothing,
    is_long: false,
    call: |_, call, _| {
        Reply::Now(Response::new(Status::OK, "application/octet-stream", Body::Owned(call.body.to_vec())))
    },
};
