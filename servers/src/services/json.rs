//! `/json`: an object that is built and written for each request.

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;
use serde::Serialize;

use super::service::{Needs, Reply, Service, text};

/// The object that is serialized.
#[derive(Debug, Serialize)]
struct Message {
    message: &'static str,
}

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "json",
    path: "/json",
    idea: "an object serialized for each request",
    answer: r#"{"message":"Hello, World!"}"#,
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: false,
    call: |_, _, _| {
        let body = serde_json::to_vec(&Message { message: "Hello, World!" });
        Reply::Now(match body {
            Ok(body) => Response::new(Status::OK, "application/json", Body::Owned(body)),
            Err(error) => text(500, format!("{error}\n")),
        })
    },
};
