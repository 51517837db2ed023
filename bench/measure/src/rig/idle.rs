//! Connections beside those of the generator, which carry no whole request.

use std::io;
use std::net::{SocketAddr, TcpStream};

use dyno_clients::engine::socket::allow_descriptors;
use dyno_record::audit::Law;

use crate::limits::IDLE_CONNECT_LIMIT;
use crate::rig::CellFault;

/// Opens connections that will carry no requests. The generator's connections queue behind them, so all of these are
/// accepted before the generator is served.
pub(super) fn open_idle(address: SocketAddr, count: u32) -> Result<Vec<TcpStream>, CellFault> {
    // The server does not inherit the new limit: it was started before.
    let _ = allow_descriptors(u64::from(count) + 256);
    (0..count)
        .map(|number| {
            let connection = TcpStream::connect_timeout(&address, IDLE_CONNECT_LIMIT);
            connection.and_then(|connection| connection.set_nonblocking(true).map(|()| connection)).map_err(
                |error| CellFault {
                    law: Law::ConnectionsOpen,
                    words: format!("the idle connection {} of {count} was not made: {error}", number + 1),
                },
            )
        })
        .collect()
}

/// Whether a connection without requests is still open: then there is nothing to read on it.
pub(super) fn is_open(connection: &TcpStream) -> bool {
    matches!(connection.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}
