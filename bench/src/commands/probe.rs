//! `dyno probe URL`: one request, and what went over the wire.

use std::fmt::Write;
use std::path::Path;

use clap::Args;
use dyno_clients::exchange::exchange;
use dyno_units::show;
use serde_json::json;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::load::options::TargetOptions;
use crate::load::plan::{mix, refused};
use crate::load::route;
use crate::load::write::put;
use crate::print::PAINT;
use crate::remedy;

/// Send one request and show what went over the wire: request, answer, and when each part of it came.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the answer is as expected, 1 there was none or another, 2 wrong usage."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: TargetOptions,
    /// JSON instead of text.
    #[arg(long, help_heading = "Result")]
    json: bool,
    /// Most octets of the body that are shown.
    #[arg(long, value_name = "SIZE", default_value = "1k", value_parser = dyno_units::read::size_bytes, help_heading = "Result")]
    show: u64,
}

/// Sends the request and shows the exchange.
///
/// # Errors
/// A [`Failure`]: usage (2), no answer (1).
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let target = &arguments.target;
    let place = route::place(&target.place, "a URL is such as http://127.0.0.1:8080/")?;
    let requests = mix(target, &place, true).map_err(|error| refused(&error, "see `dyno probe --help`"))?;
    let Some(request) = requests.first() else { return Err(Failure::usage("the mix holds no request", "")) };
    let transport = route::transport(&target.place, &place)?;
    let address = route::reachable(&place, target.place.timeout)?;
    let answer = exchange(&address, &transport, &request.wire, request.is_head(), target.place.timeout)
        .map_err(|error| {
            let usual = "is the server running there, and does it speak this transport?";
            let remedy = remedy::of(error.cause(), transport.transport());
            Failure::failed(error.to_string(), remedy.unwrap_or(usual))
        })?;
    let fits = request.expect.accepts(answer.status, &answer.body, request.is_head());
    let stages = [
        ("connected", answer.connected_ns),
        ("transport ready", answer.established_ns),
        ("request sent", answer.sent_ns),
        ("first octet", answer.first_octet_ns),
        ("answer complete", answer.done_ns),
    ];
    // The reader may have gone after the first line: what the server answered decides the exit code all the same.
    let mut out = String::new();
    let shown = &answer.body[..answer.body.len().min(arguments.show as usize)];
    if arguments.json {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let times: serde_json::Map<String, serde_json::Value> =
            stages.iter().map(|(name, ns)| (name.replace(' ', "_") + "_ns", (*ns).into())).collect();
        let value = json!({
            "address": address.to_string(),
            "local": answer.local.map(|local| local.to_string()),
            "server_checked": transport.checks_server(),
            "transport": transport.name(),
            "request": text(&request.wire),
            "status": answer.status,
            "head": text(&answer.head),
            "body": text(shown),
            "body_octets": answer.body.len(),
            "wire_octets": answer.wire_octets,
            "times": times,
            "as_expected": fits,
        });
        let _ = writeln!(out, "{value:#}");
    } else {
        let paint = PAINT;
        let local = answer.local.map_or("-".into(), |local| local.to_string());
        let _ = writeln!(out, "{} {local} -> {address} ({})\n", paint.bold("dyno probe"), transport.name());
        for line in String::from_utf8_lossy(&request.wire).lines() {
            let _ = writeln!(out, "{} {}", paint.dim(">"), visible(line));
        }
        let _ = writeln!(out);
        for line in String::from_utf8_lossy(&answer.head).lines() {
            let _ = writeln!(out, "{} {}", paint.dim("<"), visible(line));
        }
        for line in String::from_utf8_lossy(shown).lines() {
            let _ = writeln!(out, "{} {}", paint.dim("<"), visible(line));
        }
        let (all, wire) = (show::bytes(answer.body.len() as f64), show::bytes(answer.wire_octets as f64));
        let _ = writeln!(out, "\n{}", paint.dim(&format!("body {all}, {wire} over the wire")));
        let mut before = 0;
        for (name, ns) in stages {
            let _ = writeln!(
                out,
                "{name:<16} {:>9}  {}",
                show::time(ns as f64),
                paint.dim(&format!("+{}", show::time((ns - before) as f64)))
            );
            before = ns;
        }
        if !fits {
            let _ = writeln!(out, "\nthe answer is not the expected one");
        }
    }
    put(&out, Path::new("-"))?;
    Ok(if fits { Exit::Success } else { Exit::Failed })
}

/// The line without control characters: a server must not be able to steer the terminal.
fn visible(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
