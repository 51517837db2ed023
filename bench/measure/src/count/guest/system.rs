//! The machine of the guest, as its first process finds it: nothing is mounted, and no interface is up.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// What is mounted: the kind of file system and its place. What is optional serves counters alone.
const MOUNTS: [(&str, &str, bool); 5] = [
    ("proc", "/proc", true),
    ("sysfs", "/sys", true),
    ("devtmpfs", "/dev", true),
    ("cgroup2", "/sys/fs/cgroup", true),
    ("tracefs", "/sys/kernel/tracing", false),
];

/// Rounds of the loop of known length: one instruction of each architecture's timer interrupt in some thousand.
const ROUNDS: u64 = 4_000_000;

/// Instructions of a round.
const INSTRUCTIONS_OF_A_ROUND: u64 = 2;

/// Mounts what programs expect, and brings the loopback interface up.
///
/// # Errors
/// When the kernel of the guest lacks one of them.
pub(super) fn prepare() -> Result<(), String> {
    for (kind, place, needed) in MOUNTS {
        let mounted = mount(Some(kind), place, Some(kind), MsFlags::empty(), None::<&str>);
        if let (Err(error), true) = (mounted, needed) {
            return Err(format!("cannot mount {kind} on {place}: {error}"));
        }
    }
    raise_loopback().map_err(|error| format!("cannot bring the loopback interface up: {error}"))
}

/// Lets nobody who is woken interrupt whoever runs, this process and all that it starts.
///
/// A saturated server on a core of its own finds several requests at a time. On a core that it shares with the
/// generator it would be woken by the first one, and answer it before the next is sent.
///
/// # Errors
/// When the kernel refuses.
pub(super) fn let_run() -> io::Result<()> {
    // SAFETY: a parameter consists of numbers, for which zeros are valid.
    let parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the parameter is valid for the whole call.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameter) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Brings `lo` up; the kernel then gives it its address.
fn raise_loopback() -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: a request consists of numbers, for which zeros are valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, letter) in request.ifr_name.iter_mut().zip(b"lo") {
        *place = *letter as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is valid for the whole call, and its name ends with a zero.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ends the guest. The emulator ends with it, because it was told not to start it again.
pub(super) fn power_off() -> ! {
    // What was said on the console is on its way until its device has sent it.
    // SAFETY: the call takes a descriptor and no memory.
    unsafe { libc::tcdrain(libc::STDOUT_FILENO) };
    let _ = reboot(RebootMode::RB_AUTOBOOT);
    // The kernel panics when its first process ends, and the emulator ends then, too.
    std::process::exit(1)
}

/// Nanoseconds of the guest's clock that one instruction takes: 1 where the emulator counts instructions.
pub(super) fn ns_per_instruction() -> f64 {
    let now = || {
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
        time.map_or(0, |time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
    };
    let begun = now();
    count_down(ROUNDS);
    (now() - begun) as f64 / (ROUNDS * INSTRUCTIONS_OF_A_ROUND) as f64
}

/// A loop of two instructions a round.
#[cfg(target_arch = "x86_64")]
fn count_down(rounds: u64) {
    // SAFETY: the loop changes one register and the flags, and ends, since it begins above zero.
    unsafe {
        std::arch::asm!("2:", "dec {0}", "jnz 2b", inout(reg) rounds.max(1) => _, options(nomem, nostack));
    }
}

/// Elsewhere the emulator has no machine for this program.
#[cfg(not(target_arch = "x86_64"))]
fn count_down(_rounds: u64) {}

/// The whole text of a file, or empty.
pub(super) fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
