//! One service on several servers: `dyno load --to` and `dyno browse --to`.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::Value;
use support::{Running, dyno};

/// A server that counts its connections and answers each request.
fn counting() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counted.fetch_add(1, Relaxed);
            std::thread::spawn(move || {
                let mut piece = [0; 4096];
                while matches!(stream.read(&mut piece), Ok(1..)) {
                    if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, connections)
}

fn json(words: &str) -> Value {
    let ended = dyno(words, &[]);
    assert!(matches!(ended.code, 0 | 5), "{words}: {ended:?}");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{words}: {error}: {ended:?}"))
}

#[test]
fn connections_are_spread_evenly_and_the_rate_is_told_against_the_servers() {
    let servers = [counting(), counting(), counting()];
    let list = servers.each_ref().map(|(address, _)| address.as_str()).join(",");
    let common = format!("load http://{}/ --to {list} -c 6 -w 0 -q -d 600ms", servers[0].0);
    let found = json(&format!("{common} --format json"));
    let runs = found["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["servers"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(runs.iter().all(|run| run["outcome"]["counts"]["failed"] == 0), "{found:#}");
    // 6, 3 and 3, 2 and 2 and 2.
    let counts = servers.each_ref().map(|(_, connections)| connections.load(Relaxed));
    assert_eq!(counts, [11, 5, 2]);
    assert_eq!(runs[2]["outcome"]["plan"]["spread_over"].as_array().unwrap().len(), 3);
    let open = json(&format!("{common} --rate 300 --format json"));
    assert_eq!(open["runs"].as_array().unwrap().len(), 1, "an open loop has the rate of its plan");
    let text = dyno(&common, &[]).stdout;
    assert!(text.contains("speed-up") && text.contains("of ideal"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for format in ["csv", "markdown"] {
        let table = dyno(&format!("{common} --format {format}"), &[]).stdout;
        assert!(table.lines().count() >= 4 && table.contains("speed-up"), "{table}");
    }
    for (option, words) in
        [("--html x.html", "--html is of one run"), ("--require p99<1s", "--require is of one run")]
    {
        let ended = dyno(&format!("{common} {option}"), &[]);
        assert!(ended.code == 2 && ended.stderr.contains(words), "{option}: {ended:?}");
    }
}

#[test]
fn a_thread_for_each_server_hides_what_they_wait_for() {
    let servers = [(); 3].map(|()| Running::serve(&["--listen", "127.0.0.1:0"]));
    let list = servers.each_ref().map(|server| server.address.as_str()).join(",");
    let url = format!("http://{}/wait/20000", servers[0].address);
    let found = json(&format!("browse {url} --to {list} --json"));
    let rows = found["calls"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    let of = |row: &Value, name: &str| row[name].as_f64().unwrap();
    assert!(of(&rows[2], "one_thread_ns") >= 60e6, "each waits 20 ms: {found:#}");
    assert!(of(&rows[2], "a_thread_each_ns") >= 20e6, "{found:#}");
    assert!(of(&rows[2], "speed_up") > 1.5, "{found:#}");
    let text = dyno(&format!("browse {url} --to {list}"), &[]).stdout;
    assert!(text.contains("a thread each") && text.contains("of ideal"), "{text}");
}

#[test]
fn servers_that_are_not_there_or_not_written_rightly_are_named() {
    let (address, _) = counting();
    let url = format!("http://{address}/");
    for (command, list, code, words) in [
        ("browse", format!("{address},127.0.0.1:1"), 1, "127.0.0.1:1"),
        ("load", format!("{address},"), 2, "--to"),
        ("load", format!("{address},host:port"), 2, "host:port"),
        ("load", format!("{address},name.invalid:80"), 2, "name.invalid"),
        ("load", format!("{address},a/b"), 2, "a/b"),
        ("browse", vec![address.as_str(); 65].join(","), 2, "at most 64"),
    ] {
        let ended = dyno(&format!("{command} {url} --to {list}"), &[]);
        assert!(ended.code == code && ended.stderr.contains(words), "{command} {list}: {ended:?}");
    }
    // All addresses of a name are tried, and those that answer are used.
    let port = address.rsplit(':').next().unwrap();
    let both = dyno(&format!("load {url} --to localhost:{port} -n 20 -c 2 -w 0 -q"), &[]);
    assert!(matches!(both.code, 0 | 5) && !both.stdout.contains("refused"), "{both:?}");
}
