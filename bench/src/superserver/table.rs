//! The table: which service is found where, and what is started for it, in the syntax of inetd.conf (inetd(8)).

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

use dyno_servers::kit::listen::ListenAddress;
use nix::unistd::{AccessFlags, access};

use super::fault::{LineError, LineFault};
use super::lines::{
    SocketBuffers, TableLine, host_and_service, lines, named_port, protocol_and_buffers, wait_and_most,
};
use super::user::RunAs;
use crate::limits::{INETD_ARGUMENTS, SUPERSERVER_STARTS_PER_MINUTE};

/// One service at one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableEntry {
    /// The line of the file, from 1.
    pub(super) line: usize,
    pub(super) address: ListenAddress,
    pub(super) buffers: SocketBuffers,
    /// Whether the program gets the listening socket, and is alone with it until it ends; otherwise it gets a
    /// connection.
    pub(super) waits: bool,
    /// The most starts in a minute.
    pub(super) most_starts: u32,
    pub(super) user: RunAs,
    pub(super) program: PathBuf,
    /// The first is the name under which the program runs.
    pub(super) arguments: Vec<String>,
}

/// Reads a table.
///
/// # Errors
/// What is wrong with each line that cannot be used.
pub(crate) fn read(text: &str) -> Result<Vec<TableEntry>, Vec<LineError>> {
    let services = fs::read_to_string("/etc/services").unwrap_or_default();
    let (mut entries, mut errors): (Vec<TableEntry>, _) = (Vec::new(), Vec::new());
    let mut host = "*";
    for line in lines(text) {
        // A line that is nothing but a host counts for those after it.
        if let ([_], (Some(default), "")) = (&line.fields[..], host_and_service(line.fields[0])) {
            host = default;
            continue;
        }
        let number = line.number;
        let outcome = entry(&line, host, &services).and_then(|new| {
            for one in &new {
                if let Some(other) =
                    entries.iter().find(|other| other.address == one.address && !is_free(one))
                {
                    return Err(LineFault::Twice(other.line, one.address.clone()));
                }
            }
            Ok(new)
        });
        match outcome {
            Ok(new) => entries.extend(new),
            Err(fault) => errors.push(LineError { line: number, fault }),
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

/// Whether the system chooses the port.
fn is_free(entry: &TableEntry) -> bool {
    matches!(entry.address, ListenAddress::Tcp(address) if address.port() == 0)
}

fn entry(line: &TableLine<'_>, default_host: &str, services: &str) -> Result<Vec<TableEntry>, LineFault> {
    let [first, kind, protocol, wait, user, program, arguments @ ..] = &line.fields[..] else {
        return Err(LineFault::Fields(line.fields.len()));
    };
    if *program == "internal" {
        return Err(LineFault::Internal);
    }
    if arguments.is_empty() {
        return Err(LineFault::Fields(line.fields.len()));
    }
    if arguments.len() > INETD_ARGUMENTS {
        return Err(LineFault::Arguments(arguments.len()));
    }
    if protocol.starts_with("rpc/") {
        return Err(LineFault::Rpc);
    }
    if *kind != "stream" {
        return Err(LineFault::Type((*kind).into()));
    }
    let (protocol, buffers) = protocol_and_buffers(protocol)?;
    let (host, service) = host_and_service(first);
    let addresses = addresses(protocol, host.unwrap_or(default_host), service, services)?;
    let (waits, most_starts) = wait_and_most(wait)?;
    let user = RunAs::read(user)?;
    let program = PathBuf::from(program);
    runnable(&program).map_err(|error| LineFault::Program { program: program.clone(), error })?;
    let entry = |address| TableEntry {
        line: line.number,
        address,
        buffers,
        waits,
        most_starts: most_starts.unwrap_or(SUPERSERVER_STARTS_PER_MINUTE),
        user: user.clone(),
        program: program.clone(),
        arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
    };
    Ok(addresses.into_iter().map(entry).collect())
}

fn runnable(program: &Path) -> io::Result<()> {
    access(program, AccessFlags::X_OK)?;
    if program.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

fn addresses(
    protocol: &str,
    hosts: &str,
    service: &str,
    services: &str,
) -> Result<Vec<ListenAddress>, LineFault> {
    let (v4, v6) = match protocol {
        "unix" if !service.is_empty() => return Ok(vec![ListenAddress::Unix(service.into())]),
        "tcp" => (true, true),
        "tcp4" => (true, false),
        "tcp6" => (false, true),
        _ => return Err(LineFault::Protocol(protocol.into())),
    };
    let is_number = !service.is_empty() && service.bytes().all(|octet| octet.is_ascii_digit());
    let port = if is_number { service.parse().ok() } else { named_port(services, service) };
    let port = port.ok_or_else(|| LineFault::Service(service.into()))?;
    let mut all = Vec::new();
    for host in hosts.split(',') {
        let found = if host == "*" {
            let everywhere = [IpAddr::from(Ipv4Addr::UNSPECIFIED), Ipv6Addr::UNSPECIFIED.into()];
            everywhere.map(|ip| SocketAddr::from((ip, port))).to_vec()
        } else {
            let found = (host, port).to_socket_addrs();
            found.map_err(|_| LineFault::Host(host.into()))?.collect()
        };
        let before = all.len();
        for address in found.into_iter().filter(|one| (one.is_ipv4() && v4) || (one.is_ipv6() && v6)) {
            let address = ListenAddress::Tcp(address);
            if !all.contains(&address) {
                all.push(address);
            }
        }
        if all.len() == before {
            return Err(LineFault::Host(host.into()));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        read(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    fn me() -> String {
        nix::unistd::User::from_uid(nix::unistd::geteuid()).unwrap().unwrap().name
    }

    #[test]
    fn one_line_is_a_service_at_each_of_its_addresses() {
        let me = me();
        let text = format!(
            "127.0.0.1,[::1]:8081 stream tcp nowait.7 {me} /bin/cat cat -u\n\
             127.0.0.1:\n8082 stream tcp,rcvbuf=64k wait {me} /bin/sh sh\n\
             /run/x stream unix wait {me} /bin/cat cat\n"
        );
        let text = text.replace("127.0.0.1,[::1]:", "127.0.0.1:");
        let entries = read(&text).unwrap();
        let told: Vec<_> = entries
            .iter()
            .map(|one| (one.line, one.address.to_string(), one.waits, one.most_starts))
            .collect();
        let usual = SUPERSERVER_STARTS_PER_MINUTE;
        assert_eq!(told[0], (1, "127.0.0.1:8081".into(), false, 7));
        assert_eq!(told[1], (3, "127.0.0.1:8082".into(), true, usual));
        assert_eq!(told[2], (4, "unix:/run/x".into(), true, usual));
        assert_eq!(entries[0].arguments, ["cat", "-u"]);
        let both = read(&format!("*:http stream tcp nowait {me} /bin/cat cat")).unwrap();
        let both: Vec<_> = both.iter().map(|one| one.address.to_string()).collect();
        assert_eq!(both, ["0.0.0.0:80", "[::]:80"]);
    }

    #[test]
    fn each_line_that_cannot_be_used_is_named() {
        let me = me();
        let told = faults(&format!(
            "1 stream tcp nowait {me} /bin/cat\n2 dgram udp wait {me} /bin/cat cat\n3 stream sctp nowait {me} /bin/cat cat\n\
             4 stream tcp later {me} /bin/cat cat\n70000 stream tcp nowait {me} /bin/cat cat\n\
             6 stream tcp nowait nobody-of-that-name /bin/cat cat\n7 stream tcp nowait {me} internal\n\
             8 stream tcp nowait {me} /no/such/program x\nnames/1 stream rpc/tcp wait {me} /bin/cat cat\n\
             no.such.host.invalid:10 stream tcp nowait {me} /bin/cat cat\n11 stream tcp\n\
             12 stream tcp4 nowait {me} /bin/cat cat\n12 stream tcp4 nowait {me} /bin/cat cat\n\
             14 stream tcp nowait {me} /bin cat\n"
        ));
        let lines: Vec<_> = told.iter().filter_map(|one| one.split(':').next()).collect();
        let wanted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14].map(|line| format!("line {line}"));
        assert_eq!(lines, wanted, "{told:#?}");
        assert!(told[11].contains("line 12 listens at 0.0.0.0:12 already"), "{}", told[11]);
    }
}
