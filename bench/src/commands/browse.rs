//! `dyno browse URL`: a page and all that belongs to it, fetched by threads.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use dyno_clients::browser::fetch::{Fetched, visit};
use dyno_clients::browser::waterfall;
use dyno_clients::plan::place::Place;
use dyno_clients::plan::request::RequestParts;
use dyno_units::show;
use serde_json::json;
use url::Url;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::load::calls::Calls;
use crate::load::options::PlaceOptions;
use crate::load::plan::check_headers;
use crate::load::route::{self, Routes};
use crate::load::spread::SpreadOptions;
use crate::load::write::{put, try_place};
use crate::print::PAINT;
use crate::remedy;

/// Fetch a page like a browser: find its images, scripts, styles and frames, and fetch each by a thread with a blocking
/// request.
///
/// The page is visited twice, by one thread and by K. The speed-up shows how threads hide latency: on a page whose
/// images wait for a back end (`/pages/16/50000` of `dyno serve`) it is near K.
///
/// With --to the URL alone is fetched, from several servers: by one thread after the other, and by a thread for
/// each, and the speed-up is told against their number.
///
/// Every request is a GET without a body. Header fields go to the server of the page, and to no other that it leads to.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    target: PlaceOptions,
    /// Threads that fetch at the same time.
    #[arg(long, value_name = "K", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=256), conflicts_with = "to", help_heading = "Load")]
    threads: u32,
    #[command(flatten)]
    spread: SpreadOptions,
    /// Write the waterfall as SVG, too.
    #[arg(long, value_name = "FILE", help_heading = "Result", conflicts_with = "to")]
    svg: Option<PathBuf>,
    /// JSON instead of text.
    #[arg(long, help_heading = "Result")]
    json: bool,
}

/// Visits the page by one thread and by many, and shows both.
///
/// # Errors
/// A [`Failure`]: usage (2), no page (1). Fetches that fail are shown, and end with code 1.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let target = &arguments.target;
    let place = route::place(target, "a URL is such as http://127.0.0.1:8080/pages/8/20000")?;
    check_headers(target, &place)?;
    if let Some(path) = &arguments.svg {
        try_place(path)?;
    }
    if !arguments.spread.to.is_empty() {
        return calls(arguments, &place);
    }
    let routes = Routes::new(target, &place)?;
    let find = |url: &Url| routes.find(url);
    let one = visit(&place.url, &find, 1, target.timeout);
    // Without a page there is nothing to find, and nothing to compare.
    if let Some(Fetched { status: 0, error: Some(why), cause, .. }) = one.fetches.first() {
        let usual = "`dyno probe URL` shows one request and what comes of it";
        let remedy = cause.and_then(|cause| remedy::of(cause, routes.of_page().transport()));
        return Err(Failure::failed(why, remedy.unwrap_or(usual)));
    }
    let many = visit(&place.url, &find, arguments.threads, target.timeout);
    let speed_up = one.elapsed_ns as f64 / many.elapsed_ns.max(1) as f64;
    if let Some(path) = &arguments.svg {
        put(&waterfall::svg(&many), path)?;
    }
    // The reader may have gone after the first line: what was fetched decides the exit code all the same.
    let mut out = String::new();
    if arguments.json {
        let value =
            json!({"url": place.shown(), "speed_up": speed_up, "one_thread": one, "many_threads": many});
        let _ = writeln!(out, "{value:#}");
    } else {
        let paint = PAINT;
        let _ = writeln!(out, "{} {}\n", paint.bold("dyno browse"), place.shown());
        out.push_str(&waterfall::text(&many, paint));
        let fetches = many.fetches.len();
        let _ = writeln!(out, "\n{fetches} fetch{}", if fetches == 1 { "" } else { "es" });
        for (name, visit) in
            [("1 thread".to_string(), &one), (show::many(u64::from(many.threads), "thread"), &many)]
        {
            let _ = writeln!(
                out,
                "{name:<12} {:>9}  parallelism {:.2}",
                show::time(visit.elapsed_ns as f64),
                visit.parallelism
            );
        }
        let _ = writeln!(out, "{}", paint.bold(&format!("speed-up     {speed_up:>8.2}x")));
    }
    let failed = one.fetches.iter().chain(&many.fetches).any(|f| f.error.is_some());
    put(&out, Path::new("-"))?;
    Ok(if failed { Exit::Failed } else { Exit::Success })
}

/// Calls the service on several servers.
fn calls(arguments: &Arguments, place: &Place) -> CommandResult {
    let target = &arguments.target;
    let servers = arguments.spread.servers(place, target.timeout)?;
    let mut headers = target.headers.clone();
    place.authorize(&mut headers);
    let parts = RequestParts {
        target: place.target.clone(),
        authority: place.authority.clone(),
        headers,
        close: true,
        ..RequestParts::default()
    };
    let request =
        parts.prepare().map_err(|error| Failure::usage(error.to_string(), "leave the field out"))?;
    let calls = Calls {
        url: &place.shown(),
        servers: &servers,
        transport: &route::transport(target, place)?,
        wire: &request.wire,
        timeout_ns: target.timeout,
    };
    calls.run(arguments.json)
}
