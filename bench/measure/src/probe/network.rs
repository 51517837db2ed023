//! What TCP has lost so far, on the whole machine.

use std::fs;

/// Cumulative counters of the network stack; absent where the kernel does not report them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkSample {
    /// Connections that found an accept queue full.
    pub listen_overflows: Option<u64>,
    /// Segments sent again.
    pub retransmissions: Option<u64>,
}

/// Samples the network stack.
pub fn sample() -> NetworkSample {
    let counter = |path: &str, group: &str, name: &str| {
        fs::read_to_string(path).ok().and_then(|text| parse(&text, group, name))
    };
    NetworkSample {
        listen_overflows: counter("/proc/net/netstat", "TcpExt:", "ListenOverflows"),
        retransmissions: counter("/proc/net/snmp", "Tcp:", "RetransSegs"),
    }
}

/// Both files hold pairs of lines: names, then values; each line begins with the name of its group.
fn parse(text: &str, group: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(group));
    let place = lines.next()?.split_whitespace().position(|word| word == name)?;
    lines.next()?.split_whitespace().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_counter_by_group_and_name() {
        let text = "Ip: A B\nIp: 1 2\nTcp: B C RetransSegs\nTcp: 3 4 5\n";
        assert_eq!(parse(text, "Tcp:", "RetransSegs"), Some(5));
        assert_eq!(parse(text, "Ip:", "B"), Some(2));
        assert_eq!(parse(text, "Udp:", "B"), None);
        assert_eq!(parse(text, "Tcp:", "ListenOverflows"), None);
    }
}
