//! What is wrong with a table.

use std::io;
use std::path::PathBuf;

use dyno_servers::kit::listen::ListenAddress;

use super::user::NoUser;
use crate::limits::INETD_ARGUMENTS;

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineFault {
    #[error("it has {0} of the seven fields: service, type, protocol, wait, user, program, arguments")]
    Fields(usize),
    #[error("{0:?} is no socket type that is served here: write stream")]
    Type(String),
    #[error("{0:?} is no protocol: write tcp, tcp4, tcp6 or unix, perhaps with ,sndbuf=SIZE or ,rcvbuf=SIZE")]
    Protocol(String),
    #[error("services of Sun RPC are not served here")]
    Rpc,
    #[error("{0:?} is no way to start: write wait or nowait, perhaps with .N starts in a minute")]
    Wait(String),
    #[error("{0:?} is no port up to 65535, and no name of one in /etc/services")]
    Service(String),
    #[error("no address of the host {0:?} is known for this protocol")]
    Host(String),
    #[error("{0}")]
    User(#[from] NoUser),
    #[error("services inside the superserver are not offered: name a program")]
    Internal,
    #[error("{} cannot be run: {error}", program.display())]
    Program { program: PathBuf, error: io::Error },
    #[error("it has {0} arguments, and inetd passes no more than {INETD_ARGUMENTS}")]
    Arguments(usize),
    #[error("line {0} listens at {1} already")]
    Twice(usize, ListenAddress),
}

/// A line and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub(crate) struct LineError {
    pub(crate) line: usize,
    pub(crate) fault: LineFault,
}
