//! `/fault/...`: planted faults, to see what a crash costs under each architecture. They exist only in a server that
//! was started with them.

use std::time::Instant;

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::service::{Needs, Reply, Service, text};
use super::work::work;
use crate::limits::FAULT_SPIN;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "fault",
    path: "/fault/KIND",
    idea: "panic, abort, exit or spin, to see what it costs",
    answer: "none, or 500 for a panic",
    methods: &["GET"],
    needs: Needs::Faults,
    is_long: false,
    call: |services, _, rest| match rest {
        "panic" => panic!("a planted fault"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(1),
        "spin" => {
            let start = Instant::now();
            while start.elapsed() < FAULT_SPIN {
                work(1000 * services.rounds.per_us());
            }
            Reply::Now(Response::new(Status::OK, "text/plain", Body::Static(b"spun\n")))
        }
        _ => Reply::Now(text(404, "the faults are panic, abort, exit and spin\n")),
    },
};
