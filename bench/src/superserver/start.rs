//! Starts the program of a service: with its socket as descriptors 0, 1 and 2, as its user.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use nix::unistd::Pid;

use super::table::TableEntry;

/// Starts the program of `entry` with `socket`.
///
/// # Errors
/// When the system has no room for a process, or does not run the program.
pub(super) fn start(entry: &TableEntry, socket: BorrowedFd<'_>) -> io::Result<Pid> {
    let copy = || socket.as_fd().try_clone_to_owned().map(Stdio::from);
    let mut command = Command::new(&entry.program);
    let (name, rest) =
        entry.arguments.split_first().map_or((None, &[][..]), |(name, rest)| (Some(name), rest));
    if let Some(name) = name {
        command.arg0(name);
    }
    command.args(rest).stdin(copy()?).stdout(copy()?).stderr(copy()?);
    // What another superserver has told this one is not for the programs.
    command.env_remove("LISTEN_FDS").env_remove("LISTEN_PID").env_remove("LISTEN_FDNAMES");
    // Whoever interrupts this program at a terminal does not interrupt what it has started.
    command.process_group(0);
    let user = entry.user.clone();
    // SAFETY: between fork and exec only system calls are made: nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(move || user.become_it()) };
    // The loop waits for all children, by their numbers.
    let child = command.spawn()?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}
