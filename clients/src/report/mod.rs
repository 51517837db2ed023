//! Writing an outcome down: one format, one file. JSON needs none: it is the outcome itself.

pub mod csv;
pub mod hlog;
pub mod markdown;
pub mod text;

use crate::outcome::{Distribution, Latency};

/// The parts of the latency in the order in which they are shown.
pub fn parts(latency: &Latency) -> [(&'static str, &Distribution); 5] {
    [
        ("total", &latency.total),
        ("response", &latency.response),
        ("wait", &latency.wait),
        ("lag", &latency.lag),
        ("connect", &latency.connect),
    ]
}
