//! What cannot be adopted.

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use dyno_tests::limits::STOP;
use dyno_tests::process::ends;
use dyno_tests::rows::rows;
use dyno_tests::spawner::{Confines, spawn};
use dyno_tests::suite::{Outcome, ensure, program};
use socket2::{Domain, Socket, Type};

/// One case: how the server is started, and what it says.
#[derive(Clone, Copy)]
pub(crate) struct Refused {
    /// Runs under sh(1) with the program and its arguments as `"$@"`.
    script: &'static str,
    arguments: &'static [&'static str],
    /// Descriptor 0.
    socket: fn() -> Result<OwnedFd, String>,
    code: i32,
    says: &'static [&'static str],
}

const ADOPT: &[&str] = &["--listen", "adopt"];
const PLAIN: &str = "exec \"$@\"";

pub(crate) const REFUSED: [(&str, Refused); 13] = [
    (
        "a-file",
        Refused {
            script: PLAIN,
            arguments: ADOPT,
            socket: file,
            code: 2,
            says: &["descriptor 0", "it is no socket", "systemd-socket-activate"],
        },
    ),
    ("datagrams", Refused { script: PLAIN, arguments: ADOPT, socket: udp, code: 2, says: &["datagrams"] }),
    (
        "unix-datagrams",
        Refused { script: PLAIN, arguments: ADOPT, socket: unix_datagrams, code: 2, says: &["datagrams"] },
    ),
    (
        "neither-listens-nor-is-connected",
        Refused {
            script: PLAIN,
            arguments: ADOPT,
            socket: unconnected,
            code: 2,
            says: &["neither listens nor is connected"],
        },
    ),
    (
        "closed",
        Refused {
            script: "exec \"$@\" <&-",
            arguments: ADOPT,
            socket: file,
            code: 2,
            says: &["descriptor 0", "no socket"],
        },
    ),
    (
        "systemd-and-an-address",
        Refused {
            script: "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"",
            arguments: &["--listen", "127.0.0.1:0"],
            socket: file,
            code: 2,
            says: &["LISTEN_FDS=1", "--listen 127.0.0.1:0", "--listen adopt"],
        },
    ),
    (
        "systemd-and-a-path",
        Refused {
            script: "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"",
            arguments: &["--listen", "unix:/nowhere/s"],
            socket: file,
            code: 2,
            says: &["LISTEN_FDS=1", "--listen unix:/nowhere/s"],
        },
    ),
    (
        "systemd-and-a-predecessor",
        Refused {
            script: "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"",
            arguments: &["--take-over", "1"],
            socket: file,
            code: 2,
            says: &["LISTEN_FDS=1", "--take-over process 1"],
        },
    ),
    (
        "two-of-systemd",
        Refused {
            script: "LISTEN_FDS=2 LISTEN_PID=$$ exec \"$@\"",
            arguments: &[],
            socket: file,
            code: 2,
            says: &["LISTEN_FDS=2", "one"],
        },
    ),
    (
        "of-another-process",
        Refused {
            script: "LISTEN_FDS=1 LISTEN_PID=1 exec \"$@\"",
            arguments: ADOPT,
            socket: file,
            code: 2,
            says: &["LISTEN_PID", "another process"],
        },
    ),
    (
        "no-number",
        Refused {
            script: "LISTEN_FDS=some LISTEN_PID=$$ exec \"$@\"",
            arguments: ADOPT,
            socket: file,
            code: 2,
            says: &["no numbers"],
        },
    ),
    (
        "descriptor-3-is-closed",
        Refused {
            script: "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3<&-",
            arguments: ADOPT,
            socket: file,
            code: 2,
            says: &["descriptor 3"],
        },
    ),
    (
        "descriptor-3-is-a-file",
        Refused {
            script: "LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\" 3</dev/null",
            arguments: &[],
            socket: file,
            code: 2,
            says: &["descriptor 3", "it is no socket"],
        },
    ),
];

pub(crate) fn refused(case: Refused) -> Outcome {
    for row in rows().iter().filter(|row| row.name == "epoll" || row.name == "prefork") {
        let mut command = Command::new("sh");
        command.args(["-c", case.script, "sh"]).arg(program()).arg("serve").args(&row.arguments);
        command.args(case.arguments).stdin((case.socket)()?).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command, Confines::default())?;
        ends(&mut child, STOP, "the server")?;
        let ended = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        ensure(ended.status.code() == Some(case.code), || format!("{}: {said}", ended.status))?;
        let missing: Vec<_> = case.says.iter().filter(|word| !said.contains(**word)).collect();
        ensure(missing.is_empty(), || format!("{missing:?} is missing in {said}"))?;
    }
    Ok(())
}

fn file() -> Result<OwnedFd, String> {
    std::fs::File::open("/dev/null").map(Into::into).map_err(|error| error.to_string())
}

fn udp() -> Result<OwnedFd, String> {
    UdpSocket::bind("127.0.0.1:0").map(Into::into).map_err(|error| error.to_string())
}

fn unix_datagrams() -> Result<OwnedFd, String> {
    UnixDatagram::unbound().map(Into::into).map_err(|error| error.to_string())
}

fn unconnected() -> Result<OwnedFd, String> {
    Socket::new(Domain::IPV4, Type::STREAM, None).map(Into::into).map_err(|error| error.to_string())
}
