//! Opening sockets for the load: nonblocking, without delay, from many loopback addresses when ports would run out.
//!
//! The congestion control is the machine's, as it is for every other load generator: one of our own would make ratios
//! to theirs a comparison of the kernel's algorithms.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nix::errno::Errno;
use socket2::Socket;

use crate::limits::{SOURCE_ADDRESSES, SPREAD_FROM_CONNECTIONS, UNIX_CONNECT_NS};
use crate::plan::Plan;
use crate::plan::address::ServerAddress;

/// Opens connections to an address, or to several in turn.
#[derive(Debug, Clone)]
pub struct ConnectionOpener {
    /// Each with whether its connections come from many source addresses.
    targets: Vec<(ServerAddress, bool)>,
    turn: usize,
    next: u32,
}

impl ConnectionOpener {
    /// For one of the addresses of the plan, with the others of the same service; `thread` only makes threads begin at
    /// different source addresses, and where the thread before ended among the servers.
    pub fn new(plan: &Plan, address: &ServerAddress, thread: u32) -> Self {
        let others = if *address == plan.address { plan.others.as_slice() } else { &[] };
        let all = std::iter::once(address).chain(others);
        let before = (0..thread)
            .map(|one| plan.share.of_thread(u64::from(plan.connections), one, plan.threads) as usize);
        ConnectionOpener {
            targets: all.map(|address| (address.clone(), would_run_out(plan, address))).collect(),
            turn: before.sum(),
            next: thread.wrapping_mul(61),
        }
    }

    /// The next server in turn. One that refuses is asked again only after the others.
    fn target(&mut self) -> (ServerAddress, bool) {
        let target = self.targets[self.turn % self.targets.len()].clone();
        self.turn = self.turn.wrapping_add(1);
        target
    }

    /// The next source address in turn.
    fn source(&mut self) -> Ipv4Addr {
        let source = u32::from(FIRST_SOURCE) + self.next % SOURCE_ADDRESSES;
        self.next = self.next.wrapping_add(1);
        Ipv4Addr::from(source)
    }

    /// Begins to connect. The connection is usable when it becomes writable.
    ///
    /// # Errors
    /// What the system says; a refused connection may show up here or later.
    pub fn open(&mut self) -> io::Result<Socket> {
        let (server, is_spread) = self.target();
        let socket = server.socket()?;
        let address = server.for_system()?;
        if matches!(server, ServerAddress::Unix(_)) {
            // A full queue of connections refuses at once whoever does not wait in connect(2), and no event tells when
            // there is room again. The send timeout bounds that wait: unix(7).
            socket.set_write_timeout(Some(Duration::from_nanos(UNIX_CONNECT_NS)))?;
            socket.connect(&address)?;
            socket.set_nonblocking(true)?;
            return Ok(socket);
        }
        socket.set_nonblocking(true)?;
        if is_spread {
            // The port is chosen at connect, when the whole four-tuple is known: ip(7), IP_BIND_ADDRESS_NO_PORT.
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true)?;
            socket.bind(&SocketAddr::from((self.source(), 0)).into())?;
        }
        match socket.connect(&address) {
            Ok(()) => {}
            Err(e) if e.raw_os_error() == Some(nix::libc::EINPROGRESS) => {}
            Err(e) => return Err(e),
        }
        Ok(socket)
    }
}

/// The first of the source addresses; they are all below 127.0.0.0/8, which is loopback as a whole on Linux.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

/// Whether the ports of one address would run out: connections are many, or come and go. Only IPv4 has addresses to
/// spare on loopback.
fn would_run_out(plan: &Plan, address: &ServerAddress) -> bool {
    let many = plan.come_and_go() || plan.connections >= SPREAD_FROM_CONNECTIONS;
    many && matches!(address, ServerAddress::Tcp(SocketAddr::V4(address)) if address.ip().is_loopback())
}

/// Why a process may not have as many descriptors as it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// The limit cannot be read.
    #[error("the descriptor limit: {0}")]
    Read(Errno),
    /// The hard limit is below what is needed; nobody but root may raise it.
    #[error("{wanted} open descriptors are needed, the hard limit is {hard}; raise `ulimit -n`")]
    Hard {
        /// Descriptors that are needed.
        wanted: u64,
        /// Descriptors that are allowed.
        hard: u64,
    },
    /// The limit cannot be raised.
    #[error("raising the descriptor limit: {0}")]
    Raise(Errno),
}

/// Raises this process's limit of open descriptors as far as `wanted` needs.
///
/// # Errors
/// Names the limit that is in the way.
pub fn allow_descriptors(wanted: u64) -> Result<(), DescriptorError> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(DescriptorError::Read)?;
    if wanted <= soft {
        return Ok(());
    }
    if wanted > hard {
        return Err(DescriptorError::Hard { wanted, hard });
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map_err(DescriptorError::Raise)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::plan::Length;
    use crate::plan::request::RequestParts;

    fn plan(address: &str, connections: u32, requests_per_connection: Option<u64>) -> Plan {
        let request =
            RequestParts { target: "/".into(), authority: "test".into(), ..RequestParts::default() };
        let address = address.parse::<SocketAddr>().unwrap();
        let mut plan = Plan::closed(address, connections, Length::Requests(1), request.prepare().unwrap());
        plan.requests_per_connection = requests_per_connection;
        plan
    }

    #[test]
    fn sources_are_spread_where_ports_would_run_out_and_nowhere_else() {
        for (address, connections, requests_per_connection, spread) in [
            ("127.0.0.1:80", 64, None, false),
            ("127.0.0.1:80", 19_999, None, false),
            ("127.0.0.1:80", 20_000, None, true),
            ("127.0.0.1:80", 64, Some(1), true),
            ("127.9.9.9:80", 64, Some(100), true),
            ("192.0.2.1:80", 64, Some(1), false),
            ("192.0.2.1:80", 50_000, None, false),
            ("[::1]:80", 50_000, Some(1), false),
        ] {
            let plan = plan(address, connections, requests_per_connection);
            let told = ConnectionOpener::new(&plan, &plan.address, 0).target().1;
            assert_eq!(told, spread, "{address}, {connections} connections, {requests_per_connection:?}");
        }
    }

    #[test]
    fn servers_are_taken_in_turn_by_all_threads_together() {
        let mut plan = plan("192.0.2.1:80", 7, None);
        plan.threads = 2;
        plan.others =
            ["192.0.2.2:80", "192.0.2.3:80"].map(|one| ServerAddress::Tcp(one.parse().unwrap())).to_vec();
        let mut counts = std::collections::BTreeMap::new();
        for (thread, connections) in [(0, 4), (1, 3)] {
            let mut opener = ConnectionOpener::new(&plan, &plan.address, thread);
            for _ in 0..connections {
                *counts.entry(opener.target().0.to_string()).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.into_values().collect::<Vec<_>>(), [3, 2, 2]);
        // The second of two servers that take turns has no others.
        let rival = ServerAddress::Tcp("192.0.2.9:80".parse().unwrap());
        assert_eq!(ConnectionOpener::new(&plan, &rival, 0).targets.len(), 1);
    }

    #[test]
    fn sockets_have_the_congestion_control_of_the_machine() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let machine = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control").unwrap();
        for requests_per_connection in [None, Some(1)] {
            let plan = plan(&address, 1, requests_per_connection);
            let socket = ConnectionOpener::new(&plan, &plan.address, 0).open().unwrap();
            let given =
                nix::sys::socket::getsockopt(&socket, nix::sys::socket::sockopt::TcpCongestion).unwrap();
            assert_eq!(given.to_string_lossy().trim_end_matches('\0'), machine.trim());
        }
    }

    #[test]
    fn sources_are_used_in_turn_and_threads_begin_apart() {
        let plan = plan("127.0.0.1:80", 64, Some(1));
        let sources = |thread: u32, count: usize| {
            let mut opener = ConnectionOpener::new(&plan, &plan.address, thread);
            (0..count).map(|_| opener.source()).collect::<Vec<_>>()
        };
        let round = sources(0, 2 * SOURCE_ADDRESSES as usize);
        let distinct: HashSet<_> = round.iter().collect();
        assert_eq!(distinct.len(), SOURCE_ADDRESSES as usize);
        assert_eq!(round[0], round[SOURCE_ADDRESSES as usize], "then from the beginning");
        assert!(round.iter().all(Ipv4Addr::is_loopback));
        let first: HashSet<_> = (0..4).map(|thread| sources(thread, 1)[0]).collect();
        assert_eq!(first.len(), 4);
    }
}
