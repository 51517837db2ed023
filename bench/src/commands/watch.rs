//! `dyno watch`: a page that shows a server at work.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;

use dyno_servers::architectures::ALL;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::limits::{WATCH_ORDERS, WATCH_PORT};
use crate::load::progress;
use crate::meant::{NameKind, meant};
use crate::print::{errln, outln};
use crate::scratch::Scratch;
use crate::watch::director::{Director, WatchOrder};
use crate::watch::guard::Token;
use crate::watch::hub::Hub;
use crate::watch::scenes::{self, SCENES};
use crate::watch::settings::{WatchSettings, WatchedDesign, WatchedLoad};
use crate::watch::web::{self, Web};

/// Watch a server at work on a page: its requests as dots on their way through the design, and its figures.
///
/// It starts the server and a load, prints the address of a page, and serves it until Ctrl-C. On the page
/// everything can be changed while it runs: the architecture, what is asked for, rate, connections, slow clients, a
/// request that crashes its handler. Each dot is a real request; the page says which share of them is seen.
///
/// The teacher's mode has twelve prepared scenes with captions: the digits of the keyboard start them, F fills the
/// screen. Server, load, browser and this program share the machine, so what is shown is no measurement: `dyno
/// compare` measures.
///
/// The page is for this machine, and only for who has its address: the token in it lets in. One browser at a time
/// has the control, others watch.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The architecture, as `dyno list` names it [default: a pool of threads]
    name: Option<String>,
    /// A second architecture under the same arrivals, side by side.
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// Begin with a scene, by its number, in the teacher's mode.
    #[arg(long, value_name = "N", conflicts_with_all = ["name", "against", "service", "rate", "connections"], value_parser = clap::value_parser!(u32).range(1..=SCENES.len() as i64))]
    scene: Option<u32>,
    /// What is asked for.
    #[arg(long, value_name = "PATH", default_value = "/mix")]
    service: String,
    /// Requests a second.
    #[arg(long, value_name = "RATE", default_value = "200", value_parser = rate)]
    rate: u32,
    /// Connections.
    #[arg(short, long, value_name = "N", default_value_t = 32)]
    connections: u32,
    /// Where the page is: a loopback address and a port; port 0 takes a free one [default: 127.0.0.1:5665]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Open the page in the browser of this desktop.
    #[arg(long)]
    open: bool,
}

const AFTER_HELP: &str = "\
Examples:
  dyno watch                              a page to play with
  dyno watch thread-pool --against epoll  two designs, the same arrivals
  dyno watch --scene 1 --open             one blocking call stops the loop

From another machine: `ssh -L 5665:127.0.0.1:5665 HOST` leads there.";

/// Shows the page until the user ends it.
///
/// # Errors
/// Usage (2) for names and values that make no sense; failed (1) when the port is taken or nothing can be started.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let settings = settings(arguments)?;
    let (first, path) = match arguments.scene {
        Some(number) => (WatchOrder::Scene(number as usize - 1), "?teach"),
        None => (WatchOrder::Settings(settings.clone()), ""),
    };
    let listener = listen(arguments.listen)?;
    let refused = |error: io::Error| Failure::failed(format!("cannot serve the page: {error}"), "");
    let address = listener.local_addr().map_err(refused)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("cannot find this program's own file: {error}"), ""))?;
    let scratch = Scratch::make("watch")?;
    progress::stop_on_signals()?;
    let (hub, token) = (Arc::new(Hub::default()), Token::new());
    let (orders, ordered) = mpsc::sync_channel(WATCH_ORDERS);
    let web = Web { hub: hub.clone(), token: token.clone(), orders };
    thread::spawn(move || {
        if let Err(error) = web::serve(listener, web) {
            errln!("dyno: cannot serve the page: {error}");
        }
    });
    let url = format!("http://{address}/{path}#{}", token.text());
    outln!("{url}");
    errln!("open it in a browser; Ctrl-C ends it");
    let opener = if arguments.open { open(&url) } else { None };
    // Children end with the thread that has started them: this one stays to the end.
    let director = Director::start(&first, settings, hub.clone(), &program, scratch.path());
    director.map_err(|error| Failure::usage(error.to_string(), ""))?.run(&ordered);
    hub.end();
    if let Some(mut opener) = opener {
        let _ = opener.try_wait();
    }
    Ok(Exit::Success)
}

fn settings(arguments: &Arguments) -> Result<WatchSettings, Failure> {
    let first = arguments.name.clone().unwrap_or_else(|| scenes::usual().to_string());
    let names = [Some(&first), arguments.against.as_ref()];
    for name in names.into_iter().flatten() {
        if !ALL.iter().any(|architecture| architecture.name == name) {
            let guess = meant(name, NameKind::Architecture);
            let remedy = format!("{guess}`dyno list` shows them all");
            return Err(Failure::usage(format!("there is no architecture called {name:?}"), remedy));
        }
    }
    let settings = WatchSettings {
        designs: names.into_iter().flatten().map(|name| WatchedDesign::named(name)).collect(),
        load: WatchedLoad {
            path: arguments.service.clone(),
            rate_per_s: Some(arguments.rate),
            connections: arguments.connections,
            fresh: false,
            slow_clients: 0,
        },
    };
    settings.check().map_err(|error| Failure::usage(error.to_string(), "see `dyno watch --help`"))?;
    Ok(settings)
}

/// Not a rate of a watched load.
#[derive(Debug, thiserror::Error)]
enum NoRate {
    #[error(transparent)]
    Unread(#[from] dyno_units::read::ReadError),
    #[error("a watched load has a whole number of requests a second, 1 at least")]
    Size,
}

fn rate(text: &str) -> Result<u32, NoRate> {
    let rate = dyno_units::read::rate(text)?;
    if rate >= 1.0 && rate <= f64::from(u32::MAX) { Ok(rate.round() as u32) } else { Err(NoRate::Size) }
}

fn listen(wanted: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    let address = wanted.unwrap_or_else(|| ([127, 0, 0, 1], WATCH_PORT).into());
    if !address.ip().to_canonical().is_loopback() {
        return Err(Failure::usage(
            format!(
                "whoever connects to {address} and has the token could crash what is watched, unencrypted"
            ),
            "listen on 127.0.0.1 or [::1]; from elsewhere, `ssh -L 5665:127.0.0.1:5665 HOST` leads there",
        ));
    }
    TcpListener::bind(address).map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "another program has this port, maybe another `dyno watch`: --listen 127.0.0.1:0 takes a free one",
            io::ErrorKind::PermissionDenied => "ports below 1024 need privilege: choose a higher one",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address: try 127.0.0.1",
            _ => "",
        };
        Failure::failed(format!("cannot listen on {address}: {error}"), remedy)
    })
}

/// Asks the desktop to open the page. Without a desktop the address is there to be typed.
fn open(url: &str) -> Option<std::process::Child> {
    let mut command = Command::new("xdg-open");
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|_| errln!("there is no xdg-open here: open the address by hand")).ok()
}
