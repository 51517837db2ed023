//! A measurement in a process of its own, so that what it leaves behind (stacks, arenas) makes no fork of a later one
//! dearer.

use std::fs::File;
use std::io::{self, Read, Write};

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, pipe};

/// Figures in an answer: what a unit cost is made of.
const FIGURES: usize = 3;

/// Does `work` in a child and gives what it gave.
///
/// # Errors
/// When there is no room for a process or `work` failed there.
pub fn apart(work: impl FnOnce() -> io::Result<[f64; FIGURES]>) -> io::Result<[f64; FIGURES]> {
    let (answer, to) = pipe()?;
    // SAFETY: of what a fork of a program with threads may leave locked the child uses the memory allocator alone,
    // which the C library keeps usable, and ends.
    match unsafe { fork() }? {
        ForkResult::Child => {
            drop(answer);
            let octets = work().map(|figures| figures.map(f64::to_le_bytes).concat());
            let told = octets.and_then(|octets| File::from(to).write_all(&octets));
            // SAFETY: _exit runs no handler of this program and touches no memory of it.
            unsafe { libc::_exit(i32::from(told.is_err())) }
        }
        ForkResult::Parent { child } => {
            drop(to);
            let mut octets = [0; FIGURES * size_of::<f64>()];
            let told = File::from(answer).read_exact(&mut octets);
            waitpid(child, None)?;
            told.map_err(|_| io::Error::other("it could not be measured"))?;
            let mut figures = [0.0; FIGURES];
            for (figure, octets) in figures.iter_mut().zip(octets.chunks_exact(size_of::<f64>())) {
                *figure = f64::from_le_bytes(octets.try_into().unwrap_or_default());
            }
            Ok(figures)
        }
    }
}
