//! The lines of the table and their fields, before anything is looked up.

use super::fault::LineFault;

/// A line of the table, with the lines that continue it.
pub(super) struct TableLine<'a> {
    /// Its number in the file, from 1.
    pub(super) number: usize,
    /// What stands between blanks.
    pub(super) fields: Vec<&'a str>,
}

/// The lines that say something. One that begins with `#` is a comment; one that begins with a blank continues the line
/// before.
pub(super) fn lines(text: &str) -> Vec<TableLine<'_>> {
    let mut lines: Vec<TableLine<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let fields = line.split_ascii_whitespace();
        match lines.last_mut() {
            _ if line.starts_with('#') => {}
            Some(before) if line.starts_with([' ', '\t']) => before.fields.extend(fields),
            _ => lines.push(TableLine { number: index + 1, fields: fields.collect() }),
        }
    }
    lines.retain(|line| !line.fields.is_empty());
    lines
}

/// The first field without its host: `HOST:SERVICE`, with square brackets around an address that has colons.
pub(super) fn host_and_service(field: &str) -> (Option<&str>, &str) {
    match field.rsplit_once(':') {
        None => (None, field),
        Some((host, service)) => {
            let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
            (Some(if host.is_empty() { "*" } else { host }), service)
        }
    }
}

/// `wait` or `nowait`, and the most starts in a minute.
pub(super) fn wait_and_most(field: &str) -> Result<(bool, Option<u32>), LineFault> {
    let unknown = || LineFault::Wait(field.into());
    let (word, most) = match field.split_once('.') {
        None => (field, None),
        Some((word, most)) => {
            let most = most.parse().ok().filter(|most| *most > 0).ok_or_else(unknown)?;
            (word, Some(most))
        }
    };
    match word {
        "wait" => Ok((true, most)),
        "nowait" => Ok((false, most)),
        _ => Err(unknown()),
    }
}

/// Sizes of the buffers of the listening socket, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SocketBuffers {
    pub(super) send: Option<usize>,
    pub(super) receive: Option<usize>,
}

/// The protocol, and what stands behind it after commas.
pub(super) fn protocol_and_buffers(field: &str) -> Result<(&str, SocketBuffers), LineFault> {
    let mut parts = field.split(',');
    let protocol = parts.next().unwrap_or(field);
    let mut buffers = SocketBuffers::default();
    for part in parts {
        let unknown = || LineFault::Protocol(field.into());
        let (name, size) = part.split_once('=').ok_or_else(unknown)?;
        let (digits, unit) = match size.strip_suffix(['k', 'm']) {
            Some(digits) => (digits, if size.ends_with('k') { 1 << 10 } else { 1 << 20 }),
            None => (size, 1),
        };
        let size =
            digits.parse::<usize>().ok().and_then(|size| size.checked_mul(unit)).ok_or_else(unknown)?;
        match name {
            "sndbuf" => buffers.send = Some(size),
            "rcvbuf" => buffers.receive = Some(size),
            _ => return Err(unknown()),
        }
    }
    Ok((protocol, buffers))
}

/// The port of a name in services(5).
pub(super) fn named_port(services: &str, name: &str) -> Option<u16> {
    services.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        let (official, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        (official == name || words.any(|alias| alias == name)).then(|| port.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_continued_by_blanks_and_comments_say_nothing() {
        let text = "# a comment\nfirst  line\n\tgoes on\n\n   \n#x\n second\nthird";
        let read: Vec<_> = lines(text).into_iter().map(|line| (line.number, line.fields.join(" "))).collect();
        // What follows an empty line continues nothing, and stands for itself.
        assert_eq!(read, [(2, "first line goes on".into()), (4, "second".into()), (8, "third".into())]);
    }

    #[test]
    fn hosts_ports_and_waits_are_read_as_inetd_does() {
        assert_eq!(host_and_service("http"), (None, "http"));
        assert_eq!(host_and_service("127.0.0.1:8080"), (Some("127.0.0.1"), "8080"));
        assert_eq!(host_and_service("[::1]:8080"), (Some("::1"), "8080"));
        assert_eq!(host_and_service("*:8080"), (Some("*"), "8080"));
        assert_eq!(host_and_service("localhost:"), (Some("localhost"), ""));
        assert_eq!(wait_and_most("nowait.40").unwrap(), (false, Some(40)));
        assert_eq!(wait_and_most("wait").unwrap(), (true, None));
        for text in ["nowait.", "nowait.0", "nowait.x", "later", "wait.-1", ""] {
            assert!(wait_and_most(text).is_err(), "{text}");
        }
    }

    #[test]
    fn protocols_may_name_buffers() {
        let (protocol, buffers) = protocol_and_buffers("tcp,rcvbuf=64k,sndbuf=1m").unwrap();
        assert_eq!((protocol, buffers.receive, buffers.send), ("tcp", Some(65_536), Some(1 << 20)));
        for text in ["tcp,rcvbuf", "tcp,rcvbuf=", "tcp,rcvbuf=x", "tcp,more=1", "tcp,"] {
            assert!(protocol_and_buffers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_services_are_looked_up() {
        let services = "# name port\nhttp\t80/tcp\twww # web\nsyslog 514/udp\nshell 514/tcp cmd\n";
        assert_eq!(named_port(services, "www"), Some(80));
        assert_eq!(named_port(services, "shell"), Some(514));
        assert_eq!(named_port(services, "syslog"), None);
        assert_eq!(named_port(services, "web"), None);
    }
}
