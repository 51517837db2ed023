//! Whether a thread was there when it had something to do.
//!
//! A thread that is stopped, preempted or out of its quota leaves answers unread and requests unsent, and what
//! passes meanwhile is not the server's. It cannot see that it does not run, but it can see afterwards that a
//! request was long due, that two looks at the clock lie too far apart, or, by the kernel's own stamp, when an
//! answer arrived. Stamps are asked for only after a pause or a long wait, so at most some thousand times a
//! second.

use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;

use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use nix::time::ClockId;
use socket2::Socket;

use crate::books::pauses::Pauses;
use crate::engine::usage::delayed_ns;
use crate::limits::{LOST_FREE_NS, PAUSE_NS, POLL_GRAIN_NS, STAMPED_TURNS};

/// What a thread has noticed of its own absence.
pub(crate) struct Attention {
    pub(crate) pauses: Pauses,
    /// What of the pauses it did not spend waiting for a core, ns: it was stopped, or the machine was.
    pub(crate) stopped_ns: u64,
    /// For how long it had waited for a core when that was last asked, and what of it explains no pause yet, ns.
    delayed_ns: u64,
    unexplained_ns: u64,
    /// The last look at the clock.
    looked_ns: u64,
    /// When this turn began, and whether it did so after a long wait.
    woke_ns: u64,
    slept: bool,
    /// Turns for which answers are read with the time of their arrival.
    stamped_turns: u32,
    /// As long as any socket of the machine wants stamps, the kernel stamps whatever arrives, and a socket that
    /// asks for them later gets those of what has arrived before. `None`: the system has no stamps.
    stamping: Option<UdpSocket>,
}

impl Attention {
    pub(super) fn new() -> Self {
        let stamping = UdpSocket::bind("127.0.0.1:0").ok();
        let stamping = stamping.filter(|socket| setsockopt(socket, ReceiveTimestampns, &true).is_ok());
        Attention {
            pauses: Pauses::default(),
            stopped_ns: 0,
            delayed_ns: 0,
            unexplained_ns: 0,
            looked_ns: u64::MAX,
            woke_ns: 0,
            slept: false,
            stamped_turns: 0,
            stamping,
        }
    }

    /// The run begins, and with it the clock: what was noticed before is no part of it.
    pub(super) fn begin(&mut self) {
        self.pauses = Pauses::default();
        (self.looked_ns, self.woke_ns, self.stamped_turns, self.stopped_ns) = (0, 0, 0, 0);
        self.keep_house();
    }

    /// To be called at even intervals: what the thread waited for a core before explains no later pause.
    pub(super) fn keep_house(&mut self) {
        (self.delayed_ns, self.unexplained_ns) = (delayed_ns(), 0);
    }

    /// The thread looks at the clock while it has work. Gives the time until which it certainly was there:
    /// `now_ns`, or its last look if it stood still since.
    #[inline]
    pub(super) fn look(&mut self, now_ns: u64) -> u64 {
        let before_ns = std::mem::replace(&mut self.looked_ns, now_ns);
        if now_ns.saturating_sub(before_ns) < PAUSE_NS {
            return now_ns;
        }
        self.stood_still(before_ns, now_ns);
        before_ns
    }

    /// The thread is back from a wait that began at its last look, for something that was due at `due_ns`, or for
    /// events until `mark_ns`.
    #[inline]
    pub(super) fn woke(&mut self, due_ns: u64, mark_ns: u64, now_ns: u64) {
        self.stamped_turns = self.stamped_turns.saturating_sub(1);
        self.slept = now_ns.saturating_sub(self.looked_ns) >= PAUSE_NS;
        if self.slept {
            self.slept(due_ns, mark_ns, now_ns);
        }
        (self.looked_ns, self.woke_ns) = (now_ns, now_ns);
    }

    #[cold]
    fn slept(&mut self, due_ns: u64, mark_ns: u64, now_ns: u64) {
        // Whether anything arrived long ago, the kernel will tell.
        self.stamped_turns = self.stamped_turns.max(1);
        let latest_ns = due_ns.saturating_add(PAUSE_NS).min(mark_ns.saturating_add(POLL_GRAIN_NS + PAUSE_NS));
        if now_ns >= latest_ns {
            self.stood_still(due_ns.min(mark_ns), now_ns);
        }
    }

    #[cold]
    fn stood_still(&mut self, from_ns: u64, now_ns: u64) {
        let before_ns = self.pauses.sum_ns();
        self.pauses.add(from_ns, now_ns);
        self.stamped_turns = STAMPED_TURNS;
        let fresh_ns = self.pauses.sum_ns() - before_ns;
        if fresh_ns > LOST_FREE_NS {
            let delayed_ns = delayed_ns();
            self.unexplained_ns +=
                delayed_ns.saturating_sub(std::mem::replace(&mut self.delayed_ns, delayed_ns));
            let explained_ns = fresh_ns.min(self.unexplained_ns);
            self.unexplained_ns -= explained_ns;
            self.stopped_ns += fresh_ns - explained_ns;
        }
    }

    /// All the events of this turn were as many as a turn takes, so others may have waited as long.
    #[inline]
    pub(super) fn left_events(&mut self) {
        if self.stamped_turns > 0 {
            self.stamped_turns = STAMPED_TURNS;
        }
    }

    /// Whether answers are to be read with the time of their arrival.
    #[inline]
    pub(super) fn wants_stamps(&self) -> bool {
        self.stamped_turns > 0
    }

    /// Reads from a connection. Gives the number of octets, and when the last of them arrived; where there is
    /// no stamp, when they were read.
    ///
    /// # Errors
    /// What the system says.
    #[cold]
    pub(super) fn read_stamped(
        &mut self,
        socket: &Socket,
        buffer: &mut [u8],
        now_ns: impl FnOnce() -> u64,
    ) -> io::Result<(usize, u64)> {
        if self.stamping.is_some() {
            setsockopt(socket, ReceiveTimestampns, &true)?;
        }
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut pieces = [IoSliceMut::new(buffer)];
        let received = recvmsg::<()>(socket.as_raw_fd(), &mut pieces, Some(&mut control), MsgFlags::empty())?;
        let stamp = received.cmsgs()?.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
            _ => None,
        });
        // The stamp is of the clock of the day, so only its age goes over to the clock of the run.
        let age_ns = stamp.and_then(|stamp| {
            let age = ClockId::CLOCK_REALTIME.now().ok()? - stamp;
            u64::try_from(age.tv_sec()).ok()?.checked_mul(1_000_000_000)?.checked_add(age.tv_nsec() as u64)
        });
        Ok((received.bytes, now_ns().saturating_sub(age_ns.unwrap_or(0))))
    }

    /// What arrived at `arrived_ns` was read only now. Gives the time for which the thread stood still
    /// meanwhile, since `since_ns` at the earliest. What it did instead as long as it ran, for other
    /// connections, is no pause.
    #[inline]
    pub(super) fn unread_ns(&mut self, arrived_ns: u64, since_ns: u64, now_ns: u64) -> u64 {
        if now_ns.saturating_sub(arrived_ns) < PAUSE_NS {
            return 0;
        }
        self.left_unread(arrived_ns, since_ns, now_ns)
    }

    #[cold]
    fn left_unread(&mut self, arrived_ns: u64, since_ns: u64, now_ns: u64) -> u64 {
        // It waited for events and there was one, so it did not run.
        if self.slept && arrived_ns + PAUSE_NS <= self.woke_ns {
            self.stood_still(arrived_ns, self.woke_ns);
        }
        self.pauses.inside_ns(arrived_ns.max(since_ns), now_ns)
    }
}
