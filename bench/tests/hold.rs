//! A generator that holds its connections: whoever measures a server looks at it when the load is over, and finds every
//! connection still open.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use dyno_record::contract::{OVER, STARTED};
use support::{DYNO, Running};

/// Connections of the server that are established, as the kernel lists its ends of them (proc(5), /proc/net/tcp).
fn open_connections(port: &str) -> usize {
    let port = format!(":{:04X}", port.parse::<u16>().unwrap());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let is_open = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.len() > 3 && fields[1].ends_with(&port) && fields[3] == "01"
    };
    table.lines().filter(is_open).count()
}

#[test]
fn connections_stay_open_until_the_input_ends() {
    let server = Running::serve(&[]);
    for threads in ["1", "2"] {
        let url = format!("http://{}/", server.address);
        let mut generator = Command::new(DYNO)
            .args(["load", &url, "-c", "5", "-d", "100ms", "-w", "0", "--threads", threads])
            .args(["--announce-start", "--hold", "-q", "--format", "json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(generator.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert_eq!(lines.find(|line| line == STARTED || line == OVER).as_deref(), Some(STARTED));
        assert_eq!(lines.find(|line| line == OVER).as_deref(), Some(OVER));
        assert_eq!(open_connections(server.port()), 5, "{threads} threads");
        assert!(generator.try_wait().unwrap().is_none());
        drop(generator.stdin.take());
        let mut told = String::new();
        generator.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        // A run as short as this may be void, and then says so.
        assert!(matches!(generator.wait().unwrap().code(), Some(0 | 5)));
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["connections"]["open_max"], 5, "{threads} threads");
    }
}
