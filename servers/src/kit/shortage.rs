//! What a refused wait means. The kernel has no memory now and then, and a server that ends for that reason would end
//! when it is needed most: it pauses and goes on.

use std::io;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;

use crate::limits::EXHAUSTED_PAUSE;

/// Whether waiting cures the error: memory or places in the kernel have run out.
pub fn is_shortage(error: Errno) -> bool {
    matches!(error, Errno::ENOMEM | Errno::EAGAIN | Errno::EBUSY | Errno::ENOBUFS)
}

/// Looks at the error of a wait that was to take at most `timeout`. A signal has ended it early, which is no error.
/// After a shortage this pauses, because the next wait would be refused at once as well.
///
/// # Errors
/// Any other error.
pub fn get_over(error: Errno, timeout: Option<Duration>) -> io::Result<()> {
    match error {
        Errno::EINTR => Ok(()),
        error if is_shortage(error) => {
            thread::sleep(timeout.map_or(EXHAUSTED_PAUSE, |timeout| timeout.min(EXHAUSTED_PAUSE)));
            Ok(())
        }
        error => Err(error.into()),
    }
}

/// As [`get_over`], for an error that came through a library.
///
/// # Errors
/// As there.
pub fn get_over_io(error: io::Error, timeout: Option<Duration>) -> io::Result<()> {
    match error.raw_os_error() {
        Some(number) => get_over(Errno::from_raw(number), timeout),
        None => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_and_a_signal_end_no_server_and_a_broken_descriptor_does() {
        let at_once = Some(Duration::ZERO);
        for error in [Errno::ENOMEM, Errno::EAGAIN, Errno::EBUSY, Errno::ENOBUFS, Errno::EINTR] {
            assert!(get_over(error, at_once).is_ok(), "{error}");
            assert!(get_over_io(error.into(), at_once).is_ok(), "{error}");
        }
        for error in [Errno::EBADF, Errno::EINVAL, Errno::EFAULT] {
            assert!(get_over(error, at_once).is_err(), "{error}");
            assert!(get_over_io(error.into(), at_once).is_err(), "{error}");
        }
    }
}
