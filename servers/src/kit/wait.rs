//! Waiting for one descriptor.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::shortage::get_over;

/// Waits until one of `events` is there, but hardly longer than `timeout`.
///
/// # Returns
/// Whether it is there, or the descriptor is broken, which the next call on it tells. A wait that a signal or a
/// shortage of the kernel has ended comes back with `false` before its time.
///
/// # Errors
/// Those that waiting does not cure.
pub fn until_ready(descriptor: BorrowedFd<'_>, events: PollFlags, timeout: Duration) -> io::Result<bool> {
    // ppoll(2) counts in nanoseconds, and takes no more seconds than a signed number holds.
    let at_most = TimeSpec::from_duration(timeout.min(Duration::from_secs(i64::MAX as u64)));
    match ppoll(&mut [PollFd::new(descriptor, events)], Some(at_most), None) {
        Ok(count) => Ok(count > 0),
        Err(error) => get_over(error, Some(timeout)).map(|()| false),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_wait_ends_with_what_it_waits_for_or_with_its_time() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let ready = |events, timeout| until_ready(near.as_fd(), events, timeout).unwrap();
        assert!(ready(PollFlags::POLLOUT, Duration::MAX), "there is room");
        let (begin, wait) = (Instant::now(), Duration::from_micros(3_500));
        assert!(!ready(PollFlags::POLLIN, wait) && begin.elapsed() >= wait, "nothing has come");
        assert!(!ready(PollFlags::POLLIN, Duration::ZERO));
        far.write_all(b"x").unwrap();
        assert!(ready(PollFlags::POLLIN, Duration::MAX));
        drop(far);
        assert!(ready(PollFlags::POLLIN, Duration::ZERO), "the end is something to read");
    }
}
