//! `dyno control ADDRESS`: asks a running server what is under way, and gives orders for it.

use dyno_servers::kit::listen::{ListenAddress, NoAddress};
use dyno_units::show;

use super::CommandResult;
use crate::control::{Listed, ask, not_under_way, stranger};
use crate::exit::{Exit, Failure};
use crate::print::outln;

/// List the requests that a server works on; hold, resume or cancel one.
///
/// The server was started with `dyno serve NAME --control ADDRESS`, and answers on a thread of its own, whatever it is
/// busy with. A request that waits ends at once when it is cancelled: its client gets a 503. One that computes, or
/// stands in a queue, looks for orders when its handler begins and returns; nothing is stopped in between. A request
/// that is held keeps its place and goes no further; after a minute it is cancelled. An upload that has not come whole
/// can be cancelled, and not held: its connection ends.
///
/// The port speaks HTTP: GET /requests, POST /requests/ID/hold, /resume, /cancel.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno serve prefork --control 127.0.0.1:9901\n  \
                        curl http://127.0.0.1:8080/wait/60000000\n  \
                        dyno control 127.0.0.1:9901\n  dyno control 127.0.0.1:9901 cancel 1\n\n\
                        Exit codes: 0 done, 1 no server or no such request, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// Where the server listens for orders: an address and a port, or unix:PATH.
    #[arg(value_name = "ADDRESS", value_parser = address)]
    address: ListenAddress,
    /// What to do.
    #[arg(value_enum, default_value_t = Action::List)]
    action: Action,
    /// The request, by the number that `list` shows.
    #[arg(value_name = "ID")]
    id: Option<u64>,
    /// The server's own answer, as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Show what is under way, the oldest first.
    List,
    /// Let a request go no further.
    Hold,
    /// Let a request that is held go on.
    Resume,
    /// End a request, and its connection.
    Cancel,
}

impl Action {
    /// Its name on the command line, and in the path of the order.
    fn name(self) -> &'static str {
        match self {
            Action::List => "list",
            Action::Hold => "hold",
            Action::Resume => "resume",
            Action::Cancel => "cancel",
        }
    }
}

fn address(text: &str) -> Result<ListenAddress, NoAddress> {
    text.parse()
}

/// Asks, or gives the order.
///
/// # Errors
/// Usage (2) for an order without a request; failed (1) where nobody answers, or there is no such request.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let (method, path) = match (arguments.action, arguments.id) {
        (Action::List, None) => ("GET", "/requests".to_owned()),
        (Action::List, Some(_)) => {
            return Err(Failure::usage("list shows all requests", "leave the number out"));
        }
        (action, Some(id)) => ("POST", format!("/requests/{id}/{}", action.name())),
        (action, None) => {
            return Err(Failure::usage(
                format!("{} wants the number of a request", action.name()),
                format!("`dyno control {}` lists them", arguments.address),
            ));
        }
    };
    let answer = ask(&arguments.address, method, &path)?;
    let body = String::from_utf8_lossy(&answer.body);
    match (answer.status, arguments.id) {
        (200, _) if arguments.json => outln!("{}", body.trim_end()),
        (200, Some(id)) => outln!("{}", done(arguments.action, id)),
        (200, None) => {
            tell(&serde_json::from_str(&body).map_err(|_| stranger(&arguments.address))?);
        }
        (404, Some(id)) if body.starts_with("no request") => {
            return Err(not_under_way(&arguments.address, id));
        }
        (409, Some(id)) => {
            return Err(Failure::failed(
                format!("request {id} has not come whole, so there is nothing to hold"),
                "cancel it, or wait until it has come",
            ));
        }
        _ => return Err(stranger(&arguments.address)),
    }
    Ok(Exit::Success)
}

fn done(action: Action, id: u64) -> String {
    match action {
        Action::List => String::new(),
        Action::Hold => format!("request {id} is held; `resume {id}` lets it go on, and a minute cancels it"),
        Action::Resume => format!("request {id} goes on"),
        Action::Cancel => format!("request {id} is cancelled"),
    }
}

fn tell(listed: &Listed) {
    if listed.requests.is_empty() {
        outln!("no request is under way");
    } else {
        outln!(
            "{:>6} {:>10} {:<8} {:<7} {:>8} {:<21} request",
            "id",
            "age",
            "stage",
            "order",
            "process",
            "client"
        );
    }
    for one in &listed.requests {
        let order = if one.order == "go" { "" } else { &one.order };
        outln!(
            "{:>6} {:>10} {:<8} {order:<7} {:>8} {:<21} {}",
            one.id,
            show::time(one.age_ms as f64 * 1e6),
            one.stage,
            one.process,
            one.client.as_deref().unwrap_or("unix"),
            one.request.escape_debug(),
        );
    }
    if listed.more > 0 {
        outln!("and {} more", listed.more);
    }
    if listed.unlisted_so_far > 0 {
        outln!("{} so far found no place in the list", show::many(listed.unlisted_so_far, "request"));
    }
}
