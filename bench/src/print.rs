//! The output of the program: results on standard output, progress and errors on standard error.
//!
//! Colours are always written, and `anstream` removes them where they cannot be seen: in a file, in a pipe, with
//! `NO_COLOR` (no-color.org), on a terminal that has none.
//!
//! The reader may go away, as in `dyno compare 2>&1 | head`. The standard library's macros then panic with a text.
//! The macros here unwind with a value instead, [`Unwritten`], by which `main` knows what happened: the command ends
//! as after any failure, and the servers that it has started end with it. Restoring the default action of SIGPIPE
//! would be no solution, since it would kill a server whose client has gone.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::panic::resume_unwind;

use dyno_units::paint::Paint;

use crate::exit::Exit;

/// Colours for text that goes through this file.
pub(crate) const PAINT: Paint = Paint(true);

/// The payload of the unwinding that begins when output cannot be written.
#[derive(Debug)]
pub(crate) struct Unwritten {
    /// Where to: `standard output` or `standard error`.
    stream: &'static str,
    error: io::Error,
}

impl Unwritten {
    /// How the program ends. A reader that has gone is no fault to report; a full disk is, if standard error can
    /// still be written.
    pub(crate) fn exit(&self) -> Exit {
        if self.error.kind() != io::ErrorKind::BrokenPipe {
            let _ = writeln!(io::stderr(), "dyno: cannot write {}: {}", self.stream, self.error);
        }
        Exit::Failed
    }
}

/// Makes sure that a terminal without colours gets none. `anstream` decides everything else; but on a machine that
/// sets `CI` it would colour even here.
pub(crate) fn settle_colours() {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let forced = std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    if dumb && !forced {
        anstream::ColorChoice::Never.write_global();
    }
}

/// Writes to standard output.
///
/// # Panics
/// Unwinds with [`Unwritten`] when standard output cannot be written.
pub(crate) fn to_stdout(text: Arguments<'_>) {
    written("standard output", flushed(text));
}

/// Writes to standard error.
///
/// # Panics
/// Unwinds with [`Unwritten`] when standard error cannot be written.
pub(crate) fn to_stderr(text: Arguments<'_>) {
    written("standard error", anstream::stderr().lock().write_fmt(text));
}

/// Writes to standard output and releases it before anybody unwinds. What would stay in the buffer could fail when
/// nobody looks any more.
fn flushed(text: Arguments<'_>) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_fmt(text)?;
    out.flush()
}

/// Writes bytes that are no text to standard output, as they are.
///
/// # Panics
/// Unwinds with [`Unwritten`] when standard output cannot be written.
pub(crate) fn bytes_to_stdout(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    written("standard output", out.write_all(bytes).and_then(|()| out.flush()));
}

/// Ends the command where a stream cannot be written.
///
/// # Panics
/// Unwinds with [`Unwritten`].
fn written(stream: &'static str, result: io::Result<()>) {
    if let Err(error) = result {
        // The panic hook is bypassed, because `main` prints the message.
        resume_unwind(Box::new(Unwritten { stream, error }));
    }
}

/// Writes to standard output for a command that goes on when its reader has gone.
///
/// # Panics
/// Unwinds with [`Unwritten`] when standard output cannot be written for another reason.
pub(crate) fn to_stdout_if_read(text: Arguments<'_>) {
    let result = flushed(text);
    if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::BrokenPipe) {
        written("standard output", result);
    }
}

/// Prints to standard output, as `print!` does.
macro_rules! out {
    ($($argument:tt)*) => { $crate::print::to_stdout(format_args!($($argument)*)) };
}

/// Prints a line to standard output, as `println!` does.
macro_rules! outln {
    () => { $crate::print::to_stdout(format_args!("\n")) };
    ($($argument:tt)*) => { $crate::print::to_stdout(format_args!("{}\n", format_args!($($argument)*))) };
}

/// Prints a line to standard error, as `eprintln!` does.
macro_rules! errln {
    ($($argument:tt)*) => { $crate::print::to_stderr(format_args!("{}\n", format_args!($($argument)*))) };
}

pub(crate) use {errln, out, outln};
