//! The control port: what is under way, and the orders for it, as services of a small server of its own.
//!
//! | request | answer |
//! |---|---|
//! | `GET /requests` | the requests that are under way, the oldest first, as JSON |
//! | `POST /requests/N/hold` | request N goes no further until it is resumed; after a minute it is cancelled |
//! | `POST /requests/N/resume` | it goes on |
//! | `POST /requests/N/cancel` | it ends with a 503, and its connection with it; if it has not come whole, without |
//!
//! Whoever can connect may do all of that. A page in somebody's browser can send requests to this machine too, so what
//! a browser sends for a page of another site (with Origin), and what was asked of another name than this machine's,
//! is refused.

use std::net::IpAddr;

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;
use serde_json::json;

use crate::limits::CONTROL_LISTED_REQUESTS;
use crate::services::service::{Call, Needs, Reply, Service, Services, allow, text};
use crate::under_way::entry::RequestOrder;
use crate::under_way::register::{OrderError, Register};

/// The services of the port.
pub const TABLE: &[&Service] = &[&REQUESTS];

const REQUESTS: Service = Service {
    segment: "requests",
    path: "/requests or /requests/N/hold, resume or cancel",
    idea: "the requests that are under way, and the orders for them",
    answer: "JSON",
    methods: &["GET", "HEAD", "POST"],
    needs: Needs::Nothing,
    is_long: false,
    call: |services, call, rest| Reply::Now(answer(services, call, rest)),
};

fn answer(services: &Services, call: &Call<'_>, rest: &str) -> Response {
    let Some(register) = services.register else { return text(404, "nothing is registered here\n") };
    if call.fields.get("origin").is_some() {
        return text(403, "not for pages of a browser\n");
    }
    if !is_this_machine(call.fields.host()) {
        return text(421, "ask for localhost, or by a number\n");
    }
    if rest.is_empty() {
        return if call.method == "POST" { allow(405, &["GET", "HEAD"]) } else { list(register) };
    }
    let Some((number, order)) = rest.split_once('/').and_then(|(number, order)| {
        let is_number = number.bytes().all(|octet| octet.is_ascii_digit());
        Some((number.parse::<u64>().ok().filter(|_| is_number)?, named(order)?))
    }) else {
        return text(404, "an order is /requests/N/hold, /requests/N/resume or /requests/N/cancel\n");
    };
    if call.method != "POST" {
        return allow(405, &["POST"]);
    }
    match register.order(number, order) {
        Ok(stands) => as_json(&json!({ "id": number, "order": stands.name() })),
        Err(OrderError::NotUnderWay) => text(404, format!("no request {number} is under way\n")),
        Err(error @ OrderError::Receiving) => text(409, format!("{error}\n")),
    }
}

fn named(order: &str) -> Option<RequestOrder> {
    match order {
        "hold" => Some(RequestOrder::Hold),
        "resume" => Some(RequestOrder::Go),
        "cancel" => Some(RequestOrder::Cancel),
        _ => None,
    }
}

/// Whether `host`, which may have a port, names no machine but this one, whatever a name server says.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, ""),
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_name = name.is_empty() || name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
    is_name && port.bytes().all(|octet| octet.is_ascii_digit())
}

fn list(register: &Register) -> Response {
    let all = register.list();
    let more = all.len().saturating_sub(CONTROL_LISTED_REQUESTS);
    let listed = all.iter().take(CONTROL_LISTED_REQUESTS).map(|request| {
        json!({
            "id": request.number,
            "process": request.process,
            "client": request.client.map(|client| client.to_string()),
            "age_ms": u64::try_from(request.age.as_millis()).unwrap_or(u64::MAX),
            "stage": request.stage.name(),
            "order": request.order.name(),
            "request": request.text,
        })
    });
    let listed: Vec<_> = listed.collect();
    as_json(&json!({ "requests": listed, "more": more, "unlisted_so_far": register.unlisted() }))
}

fn as_json(value: &serde_json::Value) -> Response {
    Response::new(Status::OK, "application/json", Body::Owned(format!("{value}\n").into_bytes()))
        .with("Cache-Control", "no-store")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered_to() {
        for host in ["localhost", "LOCALHOST:9901", "127.0.0.1", "127.0.0.1:9901", "[::1]:9901", "[::1]", ""]
        {
            assert!(is_this_machine(host), "{host}");
        }
        for host in
            ["rebind.example", "rebind.example:9901", "localhost.example", "127.0.0.1.example:80", "a:b"]
        {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
