//! Where a server waits for its successor.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use socket2::SockAddr;

/// Where a server waits for its successor: at a Unix socket, which has a path, or a name made of the server's process
/// number in the abstract namespace (unix(7)), which leaves no file behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoorPlace {
    /// By the number of the process.
    Process(u32),
    /// By the path of the socket.
    Path(PathBuf),
}

/// The text names no such place.
#[derive(Debug, thiserror::Error)]
#[error("write the number of a process, or unix:PATH")]
pub struct NoPlace;

impl FromStr for DoorPlace {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        match text.strip_prefix("unix:") {
            Some("") => Err(NoPlace),
            Some(path) => Ok(DoorPlace::Path(path.into())),
            None if text.bytes().all(|octet| octet.is_ascii_digit()) => {
                // The kernel's numbers have a sign.
                text.parse::<i32>()
                    .ok()
                    .filter(|process| *process > 0)
                    .map(|process| DoorPlace::Process(process.cast_unsigned()))
                    .ok_or(NoPlace)
            }
            None => Err(NoPlace),
        }
    }
}

impl fmt::Display for DoorPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DoorPlace::Process(process) => write!(f, "process {process}"),
            DoorPlace::Path(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl DoorPlace {
    /// The address of the socket.
    ///
    /// # Errors
    /// When the path is too long for one.
    pub(super) fn address(&self) -> io::Result<SockAddr> {
        match self {
            DoorPlace::Process(process) => {
                let name = format!("dyno-take-over-{process}");
                SockAddr::unix(format!("\0{name}"))
            }
            DoorPlace::Path(path) => SockAddr::unix(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_process_or_a_path() {
        for (text, place) in [
            ("17", Some("process 17")),
            ("unix:/run/a", Some("unix:/run/a")),
            ("unix:17", Some("unix:17")),
            ("0", None),
            ("-3", None),
            ("+3", None),
            ("4294967295", None),
            ("unix:", None),
            ("/run/a", None),
            ("", None),
        ] {
            let read = text.parse::<DoorPlace>().ok().map(|place| place.to_string());
            assert_eq!(read.as_deref(), place, "{text}");
        }
    }
}
