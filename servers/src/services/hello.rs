//! `/`: the smallest useful answer, so that the server is measured and not the service.

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::service::{Needs, Reply, Service};

/// The body: 13 bytes.
pub const BODY: &[u8] = b"Hello, World!";

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "",
    path: "/",
    idea: "the smallest useful answer",
    answer: "Hello, World!",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: false,
    call: |_, _, _| Reply::Now(Response::new(Status::OK, "text/plain", Body::Static(BODY))),
};
