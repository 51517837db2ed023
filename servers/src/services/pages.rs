//! `/pages/COUNT/MICROS`: a page for a browser-like client. Each of its images waits for a back end.

use std::fmt::Write;

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::service::{Needs, Reply, Service, number, text};
use crate::limits::{MICROS_MAX, PAGE_IMAGES_MAX};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "pages",
    path: "/pages/COUNT/MICROS",
    idea: "a page with COUNT images, each of them a /wait/MICROS",
    answer: "HTML with COUNT images inside nested elements",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: false,
    call: |_, _, rest| Reply::Now(page(rest).unwrap_or_else(|refusal| refusal)),
};

fn page(rest: &str) -> Result<Response, Response> {
    let (count, micros) = rest.split_once('/').ok_or_else(|| text(404, "a page is /pages/COUNT/MICROS\n"))?;
    let count = number(count, PAGE_IMAGES_MAX)?;
    let micros = number(micros, MICROS_MAX)?;
    let mut html =
        format!("<!doctype html>\n<html lang=\"en\"><head><title>{count} images</title></head><body>\n");
    for image in 1..=count {
        // Writing to a String cannot fail.
        let _ =
            writeln!(html, "<div><p><img alt=\"{image}\" src=\"/wait/{micros}?image={image}\"></p></div>");
    }
    html.push_str("</body></html>\n");
    Ok(Response::new(Status(200), "text/html; charset=utf-8", Body::Owned(html.into_bytes())))
}
