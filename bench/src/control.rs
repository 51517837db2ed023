//! Asks a control port, and gives it orders: for the command and for a demonstration.

use dyno_clients::exchange::{Exchange, exchange};
use dyno_clients::plan::Carrier;
use dyno_clients::plan::address::ServerAddress;
use dyno_servers::kit::listen::ListenAddress;
use serde::Deserialize;

use crate::exit::Failure;
use crate::limits::CONTROL_TIMEOUT_NS;

/// What the port tells.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    pub(crate) requests: Vec<ListedRequest>,
    pub(crate) more: u64,
    pub(crate) unlisted_so_far: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ListedRequest {
    pub(crate) id: u64,
    pub(crate) process: u32,
    pub(crate) client: Option<String>,
    pub(crate) age_ms: u64,
    pub(crate) stage: String,
    pub(crate) order: String,
    pub(crate) request: String,
}

/// What is under way there.
///
/// # Errors
/// Failed (1), when nobody answers as a control port does.
pub(crate) fn list(address: &ListenAddress) -> Result<Listed, Failure> {
    let answer = ask(address, "GET", "/requests")?;
    serde_json::from_slice(&answer.body).map_err(|_| stranger(address))
}

/// Gives an order.
///
/// # Errors
/// Failed (1), when nobody answers, or there is no such request.
pub(crate) fn order(address: &ListenAddress, id: u64, order: &str) -> Result<(), Failure> {
    let answer = ask(address, "POST", &format!("/requests/{id}/{order}"))?;
    if answer.status == 200 { Ok(()) } else { Err(not_under_way(address, id)) }
}

/// There is no such request.
pub(crate) fn not_under_way(address: &ListenAddress, id: u64) -> Failure {
    let remedy = format!("it may have ended; `dyno control {address}` lists those under way");
    Failure::failed(format!("no request {id} is under way"), remedy)
}

/// Sends a request.
///
/// # Errors
/// Failed (1), when nobody answers.
pub(crate) fn ask(address: &ListenAddress, method: &str, path: &str) -> Result<Exchange, Failure> {
    let server = match address {
        ListenAddress::Tcp(address) => ServerAddress::from(*address),
        ListenAddress::Unix(path) => ServerAddress::Unix(path.clone()),
    };
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{length}Connection: close\r\n\r\n");
    exchange(&server, &Carrier::Plain, request.as_bytes(), false, CONTROL_TIMEOUT_NS).map_err(|error| {
        Failure::failed(
            error.to_string(),
            "start the server with --control ADDRESS; its first line on standard error says where it listens",
        )
    })
}

/// Whatever answers there is not ours.
pub(crate) fn stranger(address: &ListenAddress) -> Failure {
    Failure::failed(
        format!("{address} does not answer as a control port does"),
        "give the address of --control, and not that of --listen",
    )
}
