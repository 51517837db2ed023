//! Which processes of this machine serve an address, on which cores they may run, and what they use of them.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use dyno_clients::plan::address::ServerAddress;
use dyno_clients::plan::placement::ServerCores;
use dyno_measure::probe::process;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;
use procfs::net::{TcpNetEntry, TcpState};
use procfs::process::{FDTarget, Process, all_processes};

/// The cores of whoever listens at any of `addresses`.
pub(crate) fn cores_of(addresses: &[ServerAddress]) -> ServerCores {
    let local: Vec<Vec<Process>> = addresses.iter().filter_map(processes).collect();
    if local.is_empty() {
        return ServerCores::Elsewhere;
    }
    let each: Vec<BTreeSet<usize>> =
        local.iter().map(|processes| processes.iter().flat_map(cores_of_process).collect()).collect();
    if each.iter().any(BTreeSet::is_empty) {
        return ServerCores::Unseen;
    }
    ServerCores::Known(each.into_iter().flatten().collect())
}

/// The CPU time that whoever listens at `address` has used so far, with that of children that have ended; `None` where
/// nobody can be seen.
pub(crate) fn cpu_time(address: &ServerAddress) -> Option<Duration> {
    let tick = Duration::from_secs(1) / procfs::ticks_per_second() as u32;
    let of = |process: &Process| {
        let stat = process.stat().ok()?;
        let ended = (stat.cutime.max(0) + stat.cstime.max(0)) as u32;
        Some(process::cpu_time(process.pid)? + tick * ended)
    };
    let each: Vec<Duration> = processes(address)?.iter().filter_map(of).collect();
    (!each.is_empty()).then(|| each.iter().sum())
}

/// The processes that listen at `address`, as far as they can be seen; `None` where it is another machine's.
fn processes(address: &ServerAddress) -> Option<Vec<Process>> {
    let listeners = match address {
        ServerAddress::Tcp(address) if !is_ours(address.ip()) => return None,
        ServerAddress::Tcp(address) => tcp_listeners(address),
        ServerAddress::Unix(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let entries = procfs::net::unix().unwrap_or_default();
            let named = |entry: &procfs::net::UnixNetEntry| {
                entry.path.as_ref().is_some_and(|other| std::path::absolute(other).is_ok_and(|p| p == path))
            };
            entries.into_iter().filter(named).map(|entry| entry.inode).collect()
        }
    };
    Some(holders(&listeners))
}

/// Whether an address is one of this machine.
fn is_ours(address: IpAddr) -> bool {
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

/// The sockets that listen for an address, as the kernel numbers them.
fn tcp_listeners(address: &SocketAddr) -> HashSet<u64> {
    let takes = |entry: &TcpNetEntry| {
        let local = entry.local_address;
        let same = local.ip().to_canonical() == address.ip().to_canonical();
        // A socket for all addresses of IPv6 mostly takes those of IPv4, too.
        let any = local.ip().is_unspecified() && (local.is_ipv6() || address.is_ipv4());
        entry.state == TcpState::Listen && local.port() == address.port() && (same || any)
    };
    let entries = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().filter_map(Result::ok).flatten();
    entries.filter(takes).map(|entry| entry.inode).collect()
}

/// The processes that hold one of the sockets; those that this user may look into.
fn holders(sockets: &HashSet<u64>) -> Vec<Process> {
    let own = std::process::id();
    let holds = |process: &Process| {
        process.pid.unsigned_abs() != own
            && process.fd().is_ok_and(|mut open| {
                open.any(|one| {
                    one.is_ok_and(|fd| matches!(fd.target, FDTarget::Socket(n) if sockets.contains(&n)))
                })
            })
    };
    let Ok(all) = all_processes() else { return Vec::new() };
    if sockets.is_empty() { Vec::new() } else { all.filter_map(Result::ok).filter(holds).collect() }
}

/// The cores on which any thread of a process may run; none if it has ended.
fn cores_of_process(process: &Process) -> Vec<usize> {
    let threads = process.tasks().into_iter().flatten().filter_map(Result::ok);
    let sets = threads.filter_map(|thread| sched_getaffinity(Pid::from_raw(thread.tid)).ok());
    sets.flat_map(|set| (0..CpuSet::count()).filter(move |&core| set.is_set(core).unwrap_or(false))).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn listeners_of_every_kind_are_found_and_strangers_are_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("s");
        let _unix = UnixListener::bind(&path).unwrap();
        // This process is the server here, and does not count as one: its cores stay unseen.
        assert_eq!(cores_of(&[ServerAddress::Unix(path)]), ServerCores::Unseen);
        for (listen, connect) in [
            ("127.0.0.1:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("[::]:0", "127.0.0.1"),
            ("[::1]:0", "::1"),
        ] {
            let Ok(listener) = TcpListener::bind(listen) else { continue };
            let port = listener.local_addr().unwrap().port();
            let address = SocketAddr::new(connect.parse().unwrap(), port);
            assert_eq!(tcp_listeners(&address).len(), 1, "{listen}");
            assert_eq!(cores_of(&[address.into()]), ServerCores::Unseen, "{listen}");
        }
        let stranger: SocketAddr = "192.0.2.1:80".parse().unwrap();
        assert_eq!(cores_of(&[stranger.into()]), ServerCores::Elsewhere);
        assert_eq!(cpu_time(&stranger.into()), None);
    }
}
