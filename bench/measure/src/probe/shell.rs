//! Processes for the tests of the probes.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A shell that runs `script`; its standard input and output are pipes.
pub(crate) fn shell(script: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until the shell has written a line.
pub(crate) fn await_line(shell: &mut Child) {
    let mut line = String::new();
    BufReader::new(shell.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
}
