//! From options to a plan for the generator.

use dyno_clients::plan::address::ServerAddress;
use dyno_clients::plan::as_run::Stretch;
use dyno_clients::plan::error::PlanError;
use dyno_clients::plan::mixfile;
use dyno_clients::plan::pacer::{Arrivals, parse_trace};
use dyno_clients::plan::place::Place;
use dyno_clients::plan::placement::{self, Placement, PlacementReason};
use dyno_clients::plan::profile;
use dyno_clients::plan::request::{Expect, Request, RequestParts};
use dyno_clients::plan::share::PlanShare;
use dyno_clients::plan::{Length, Pace, Plan};

use nix::unistd::{SysconfVar, sysconf};

use crate::exit::Failure;
use crate::limits::{BACKLOG_REQUESTS, LOAD_DURATION_NS};
use crate::load::options::{How, OptionError, PlaceOptions, TargetOptions};
use crate::load::{route, serving};
use dyno_measure::probe::machine::online_cores;

/// Builds the plan; `errors_max` is the share of failed requests that makes the run void. Its address is the first of
/// the place that is returned beside it; no address has been tried.
///
/// # Errors
/// A usage failure that names the options that do not go together.
pub(crate) fn build(target: &TargetOptions, how: &How, errors_max: f64) -> Result<(Plan, Place), Failure> {
    let place = route::place(&target.place, "a URL is such as http://127.0.0.1:8080/")?;
    let (pace, length) =
        pace(how).map_err(|error| Failure::usage(error.to_string(), "see `dyno load --help`"))?;
    let mut plan = Plan {
        url: place.shown(),
        address: place.addresses[0].clone(),
        transport: route::transport(&target.place, &place)?,
        pace,
        connections: how.connections,
        threads: how.threads,
        length,
        warmup_ns: how.warmup,
        requests_per_connection: how.requests_per_connection,
        timeout_ns: target.place.timeout,
        impatience: how.patience.impatience(),
        seed: how.seed,
        backlog: how.backlog.unwrap_or(BACKLOG_REQUESTS),
        spin_ns: how.spin,
        placement: named(how),
        errors_max,
        mix: mix(target, &place, how.requests_per_connection == Some(1))
            .map_err(|error| refused(&error, "see `dyno load --help`"))?,
        rival: None,
        others: Vec::new(),
        share: PlanShare::WHOLE,
    };
    if plan.impatience.tells_due {
        plan.mix = plan.mix.into_iter().map(Request::telling_due).collect();
    }
    check_cpus(&how.cpu)?;
    Ok((plan, place))
}

/// Names the option whose value is wrong.
fn of(option: &'static str) -> impl FnOnce(PlanError) -> OptionError {
    move |error| OptionError::Of { option, error }
}

/// Names the option that a request cannot hold. The target and the host of a request are the URL's.
fn of_request(error: PlanError) -> OptionError {
    match error {
        PlanError::Method(_) => of("--method")(error),
        PlanError::FieldName(_)
        | PlanError::FieldValue(_)
        | PlanError::OwnLength { .. }
        | PlanError::OwnEncoding => of("--header")(error),
        other => other.into(),
    }
}

/// Options that make no request, as a failure of their command; `usual` is what to do where nothing better is known.
pub(crate) fn refused(error: &OptionError, usual: &str) -> Failure {
    let remedy = match error {
        OptionError::Of { error: PlanError::OwnLength { .. } | PlanError::OwnEncoding, .. } => {
            "leave the field out: the length of --body or --body-file is sent with it"
        }
        _ => usual,
    };
    Failure::usage(error.to_string(), remedy)
}

/// The placement that the options ask for; the plan is given another by [`place`] where they ask for none.
fn named(how: &How) -> Placement {
    let because = if how.cpu.is_empty() { PlacementReason::Left } else { PlacementReason::Named };
    Placement { cores: how.cpu.clone(), because }
}

/// Places the threads of a plan beside the servers of this machine, unless the options say where they run.
pub(crate) fn place(plan: &mut Plan, how: &How, servers: &[ServerAddress]) {
    if how.cpu.is_empty() && !how.no_pin {
        let server = serving::cores_of(servers);
        plan.placement = placement::choose(&online_cores(), all_cores(), &server, plan.threads);
    }
}

/// How many cores the machine has on line, whoever may use them.
fn all_cores() -> usize {
    let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten().unwrap_or(1);
    usize::try_from(online).unwrap_or(1)
}

fn check_cpus(cpus: &[usize]) -> Result<(), Failure> {
    let allowed = online_cores();
    match cpus.iter().find(|cpu| !allowed.contains(cpu)) {
        None => Ok(()),
        Some(cpu) => Err(Failure::usage(
            format!("--cpu: this process may not run on CPU {cpu}"),
            "see `taskset -p $$`",
        )),
    }
}

/// The request of the URL, or those of the mix.
///
/// # Errors
/// Why a request cannot be sent, or an answer cannot be expected.
pub(crate) fn mix(target: &TargetOptions, place: &Place, close: bool) -> Result<Vec<Request>, OptionError> {
    if let Some(path) = &target.mix {
        let text = mixfile::read_bounded(path).map_err(of("--mix"))?;
        let path = path.display().to_string();
        let Ok(text) = String::from_utf8(text) else { return Err(OptionError::NotText(path)) };
        return mixfile::parse(&text, place, close).map_err(|error| OptionError::Content { path, error });
    }
    let body = match (&target.body, &target.body_file) {
        (Some(text), _) => Some(text.clone().into_bytes()),
        (None, Some(path)) => Some(mixfile::read_bounded(path).map_err(of("--body-file"))?),
        (None, None) => None,
    };
    let expect = Expect {
        status: target.expect_status,
        body: mixfile::expected_body(&target.expect, &place.target, body.as_deref().unwrap_or_default())
            .map_err(of("--expect"))?,
    };
    let mut headers = target.place.headers.clone();
    place.authorize(&mut headers);
    let parts = RequestParts {
        method: target.method.clone(),
        target: place.target.clone(),
        authority: place.authority.clone(),
        headers,
        body,
        weight: 1.0,
        expect,
        close,
    };
    Ok(vec![parts.prepare().map_err(of_request)?])
}

/// Refuses header fields that no request can hold, before any is sent.
///
/// # Errors
/// A usage failure that names the field.
pub(crate) fn check_headers(target: &PlaceOptions, place: &Place) -> Result<(), Failure> {
    let parts = RequestParts {
        target: place.target.clone(),
        authority: place.authority.clone(),
        headers: target.headers.clone(),
        ..RequestParts::default()
    };
    let prepared = parts.prepare().map_err(of_request);
    prepared.map(|_| ()).map_err(|error| Failure::usage(error.to_string(), "leave the field out"))
}

fn pace(how: &How) -> Result<(Pace, Length), OptionError> {
    let arrivals = how.arrivals.as_deref().unwrap_or("poisson");
    if let Some(path) = arrivals.strip_prefix("trace:") {
        if how.rate.is_some() {
            return Err(OptionError::TraceWithRate);
        }
        if how.think > 0 {
            return Err(OptionError::TraceWithThink);
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| OptionError::File { path: path.into(), error })?;
        let times = parse_trace(&text).map_err(|error| OptionError::Content { path: path.into(), error })?;
        let end_ns = times.last().copied().unwrap_or(0) + 1;
        let length = length(how, Some(end_ns.saturating_sub(how.warmup)));
        let pace = Pace::Open { arrivals: Arrivals::Trace(times.into()), stretches: Vec::new() };
        return Ok((pace, length));
    }
    let arrivals = match arrivals {
        "constant" => Arrivals::Constant,
        "poisson" => Arrivals::Poisson,
        other => return Err(OptionError::NoProcess(other.into())),
    };
    let Some(rate) = &how.rate else {
        let of_open_loops = [
            ("--arrivals", how.arrivals.is_some()),
            ("--backlog", how.backlog.is_some()),
            ("--retry", how.patience.retry > 0),
            ("--backoff", how.patience.backoff.is_some()),
        ];
        return match of_open_loops.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) => Err(OptionError::ClosedLoop(option)),
            None => Ok((Pace::Closed { think_ns: how.think }, length(how, None))),
        };
    };
    if how.patience.backoff.is_some() && how.patience.retry == 0 {
        return Err(OptionError::BackoffAlone);
    }
    let shaped = rate.contains([',', '/']) && !rate.ends_with("/s") || rate.contains("..");
    if shaped && (how.duration.is_some() || how.requests.is_some()) {
        return Err(OptionError::ShapeWithLength);
    }
    let own_length = how.duration.unwrap_or(LOAD_DURATION_NS);
    let mut stretches = profile::parse(rate, own_length).map_err(of("--rate"))?;
    let (from_per_s, shape_ns) = (stretches[0].from_per_s, profile::length_ns(&stretches));
    let length = length(how, shaped.then_some(shape_ns));
    if let (Length::Requests(n), [only]) = (length, stretches.as_mut_slice()) {
        // The time of Poisson arrivals is random: the number ends the run, and the schedule must not end before it.
        only.length_ns = ((n as f64 / only.from_per_s * 2.0 + 60.0) * 1e9) as u64;
    }
    if how.warmup > 0 {
        stretches.insert(0, Stretch { from_per_s, to_per_s: from_per_s, length_ns: how.warmup });
    }
    // One rate from the warm-up on is one stretch; two steps without a warm-up are two.
    if how.warmup > 0
        && let [warmup, only] = stretches.as_slice()
        && only.from_per_s == only.to_per_s
    {
        let length_ns = warmup.length_ns + only.length_ns;
        stretches = vec![Stretch { from_per_s, to_per_s: from_per_s, length_ns }];
    }
    Ok((Pace::Open { arrivals, stretches }, length))
}

fn length(how: &How, own_ns: Option<u64>) -> Length {
    match (how.requests, how.duration) {
        (Some(n), _) => Length::Requests(n),
        (None, Some(ns)) => Length::Duration(ns),
        (None, None) => Length::Duration(own_ns.unwrap_or(LOAD_DURATION_NS)),
    }
}
