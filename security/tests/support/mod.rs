//! What the integration tests share: two pipes back to back, without a socket.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub(crate) mod forger;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;
use std::time::Instant;

/// A client that pins the server and a server that pins the client.
pub(crate) fn mutual() -> (ChannelClient, ChannelServer) {
    mutual_with(|_| {}, |_| {})
}

/// The same, with a last word on both configurations.
pub(crate) fn mutual_with(
    client: impl FnOnce(&mut Config),
    server: impl FnOnce(&mut Config),
) -> (ChannelClient, ChannelServer) {
    let (client_key, server_key) = (SigningKey::generate().0, SigningKey::generate().0);
    let (client_public, server_public) = (*client_key.public(), *server_key.public());
    let mut client_config = Config::new(Identity::bare(client_key), Trust::pinned(server_public));
    let mut server_config = Config::new(Identity::bare(server_key), Trust::pinned(client_public));
    client(&mut client_config);
    server(&mut server_config);
    (ChannelClient::new(client_config), ChannelServer::new(server_config))
}

/// Takes everything that waits for the wire.
pub(crate) fn drain(pipe: &mut dyn Pipe) -> Vec<u8> {
    let octets = pipe.pending().to_vec();
    pipe.advance(octets.len());
    octets
}

/// Moves octets both ways until both are silent. Gives what each received in plain.
pub(crate) fn settle(
    left: &mut dyn Pipe,
    right: &mut dyn Pipe,
    now: Instant,
) -> Result<(Vec<u8>, Vec<u8>), PipeError> {
    let (mut at_left, mut at_right) = (Vec::new(), Vec::new());
    loop {
        let (to_right, to_left) = (drain(left), drain(right));
        if to_right.is_empty() && to_left.is_empty() {
            return Ok((at_left, at_right));
        }
        right.receive(&to_right, &mut at_right, now)?;
        left.receive(&to_left, &mut at_left, now)?;
    }
}
