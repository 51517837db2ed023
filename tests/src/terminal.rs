//! The program on a terminal: a pseudo-terminal that nobody types on.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};

use crate::limits::LOAD;
use crate::process::ends;
use crate::suite::program;

/// Which of the program's outputs are a terminal; the others are pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
    /// Both, as a user has it.
    Both,
}

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// The exit code.
    pub code: i32,
    /// What the terminal got, its line ends made single.
    pub terminal: String,
    /// What the pipe got, if one of the outputs is no terminal.
    pub pipe: String,
}

/// Runs `dyno` with arguments that stand between spaces, and with these variables of the environment beside
/// `TERM=xterm-256color`.
///
/// # Errors
/// In words, when it cannot be started or does not end by itself.
pub fn run(terminal: Terminal, arguments: &str, environment: &[(&str, &str)]) -> Result<Seen, String> {
    let (master, slave) = open().map_err(|error| format!("a pseudo-terminal: {error}"))?;
    let mut command = Command::new(program());
    command.args(arguments.split_whitespace()).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env("TERM", "xterm-256color").envs(environment.iter().copied());
    match terminal {
        Terminal::Out => command.stdout(slave).stderr(Stdio::piped()),
        Terminal::Err => command.stdout(Stdio::piped()).stderr(slave),
        Terminal::Both => command.stdout(slave.try_clone().map_err(|error| error.to_string())?).stderr(slave),
    };
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    // With our copies of its end of the terminal: reading ends when the program does.
    drop(command);
    let screen = std::thread::spawn(move || read(master));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let pipe = std::thread::spawn(move || out.map(read).or(err.map(read)).unwrap_or_default());
    ends(&mut child, LOAD, &format!("dyno {arguments}"))?;
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok(Seen {
        code: status.code().unwrap_or(128),
        terminal: screen.join().map_err(|_| "reading panicked")?.replace("\r\n", "\n"),
        pipe: pipe.join().map_err(|_| "reading panicked")?,
    })
}

/// Both sides of a pseudo-terminal. Neither goes on to programs that other trials start meanwhile, as those of
/// openpty(3) would: a terminal ends when the last process that holds it does.
fn open() -> io::Result<(PtyMaster, File)> {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags((OFlag::O_NOCTTY | OFlag::O_CLOEXEC).bits());
    let slave = options.open(ptsname_r(&master)?)?;
    Ok((master, slave))
}

/// Everything until the end, which is an error (EIO) on a terminal whose other side was closed.
fn read(mut from: impl Read) -> String {
    let (mut octets, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = from.read(&mut piece) {
        octets.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&octets).into_owned()
}

/// The text without colours (SGR sequences); `None` when there is another escape code in it.
pub fn without_colours(text: &str) -> Option<String> {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next()?.to_string();
    for part in parts {
        let (code, rest) = part.split_once('m')?;
        if !code.chars().all(|c| c.is_ascii_digit() || c == ';') {
            return None;
        }
        plain.push_str(rest);
    }
    (!plain.contains('\x1b')).then_some(plain)
}
