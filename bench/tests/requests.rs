//! What the commands that send requests have in common: Unix sockets, paths that are sent as they are written, what is
//! told of failures, and options that are named where their value is wrong.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use support::{CLIENTS, dyno};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n<img src=/i> 1234567";

/// Answers every request of a stream, and keeps what came.
fn answer(mut stream: impl Read + Write) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        all.extend_from_slice(&piece[..count]);
        if all.ends_with(b"\r\n\r\n") && stream.write_all(ANSWER).is_err() {
            break;
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn serve_unix(path: &Path) {
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            std::thread::spawn(move || answer(stream));
        }
    });
}

#[test]
fn a_unix_socket_carries_the_requests_of_each_command() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("s.sock");
    serve_unix(&path);
    let path = path.display();
    for (name, words) in CLIENTS {
        for url in [
            format!("unix:{path}"),
            format!("unix:{path}:/a/b?c=d"),
            format!("unix://{path}:/a"),
            format!("http://no-such-name.invalid:81/a --unix-socket {path}"),
        ] {
            let ended = dyno(&words.replace("URL", &url), &[]);
            assert!(ended.answered(name), "{name} {url}: {ended:?}");
        }
        let nobody = dyno(&words.replace("URL", &format!("unix:{path}.absent")), &[]);
        assert!(nobody.code == 1 && nobody.stderr.contains("No such file"), "{name}: {nobody:?}");
        for (url, says) in [
            (format!("unix:{path} --unix-socket {path}"), "--unix-socket"),
            ("unix:".into(), "path of a socket"),
            (format!("unix:/{}", "s".repeat(200)), "SUN_LEN"),
        ] {
            let ended = dyno(&words.replace("URL", &url), &[]);
            assert!(ended.code == 2 && ended.stderr.contains(says), "{name} {url}: {ended:?}");
        }
    }
    // More connections than the queue of the listener holds, and connections that come and go.
    for more in ["-n 600 -c 300", "-n 300 -c 8 --requests-per-connection 1"] {
        let ended = dyno(&format!("load unix:{path} -w 0 -q {more}"), &[]);
        assert!(matches!(ended.code, 0 | 5) && ended.stdout.contains("· 0 failed"), "{more}: {ended:?}");
    }
    let probe = dyno(&format!("probe unix:{path}:/a?b --json"), &[]);
    let probe: serde_json::Value = serde_json::from_str(&probe.stdout).unwrap();
    assert_eq!(probe["address"], format!("unix:{path}"));
    assert!(probe["request"].as_str().unwrap().starts_with("GET /a?b HTTP/1.1\r\nHost: localhost\r\n"));
    assert_eq!(probe["local"], serde_json::Value::Null);
}

/// Whether one of the connections that end now began with a request of this target.
fn saw(told: &Receiver<String>, target: &str) -> bool {
    let line = format!("GET {target} HTTP/1.1\r\n");
    std::iter::from_fn(|| told.recv_timeout(Duration::from_secs(20)).ok()).any(|one| one.starts_with(&line))
}

#[test]
fn a_path_is_sent_as_it_is_written_where_that_is_asked_for() {
    for (written, as_is, tidied) in [
        ("/a/../b", "/a/../b", Some("/b")),
        ("/%2e%2e/x?y=..", "/%2e%2e/x?y=..", Some("/x?y=..")),
        ("/./a", "/./a", Some("/a")),
        ("/a\\b", "/a\\b", None),
    ] {
        for (name, words) in CLIENTS {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let (tell, told) = std::sync::mpsc::channel();
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let (stream, tell) = (stream.unwrap(), tell.clone());
                    std::thread::spawn(move || tell.send(answer(stream)));
                }
            });
            let url = format!("http://{address}{written}");
            let ended = dyno(&format!("{} --path-as-is", words.replace("URL", &url)), &[]);
            assert!(ended.answered(name), "{name} {written}: {ended:?}");
            assert!(saw(&told, as_is), "{name} {written}: {ended:?}");
            let plain = dyno(&words.replace("URL", &url), &[]);
            match tidied {
                Some(tidied) => assert!(saw(&told, tidied), "{name} {written}: {plain:?}"),
                None => {
                    assert!(plain.code == 2 && plain.stderr.contains("--path-as-is"), "{name}: {plain:?}");
                }
            }
        }
    }
}

#[test]
fn a_page_that_lacks_something_says_which_address_failed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4096];
            let count = stream.read(&mut head).unwrap_or(0);
            let page = head[..count].starts_with(b"GET / ");
            let status = if page { "200 OK" } else { "404 No" };
            let body = if page { "<img src=/here/is/a/long/path/that-is-missing.png>" } else { "" };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
    });
    let ended = dyno(&format!("browse http://{address}/"), &[]);
    let says = format!("http://{address}/here/is/a/long/path/that-is-missing.png: status 404");
    assert!(ended.code == 1 && ended.stdout.contains(&says), "{ended:?}");
}

#[test]
fn fields_go_to_the_server_of_a_page_and_to_no_other() {
    let (tell, told) = std::sync::mpsc::channel();
    let servers = ["page", "other"].map(|name| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (name, listener.local_addr().unwrap(), listener)
    });
    let body = format!("<img src=/own><img src=http://{}/foreign>", servers[1].1);
    let url = format!("http://{}/", servers[0].1);
    for (name, _, listener) in servers {
        let (tell, body) = (tell.clone(), body.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = [0; 4096];
                let count = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..count]).into_owned();
                let body = if head.starts_with("GET / ") { body.as_str() } else { "" };
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                );
                let _ = tell.send((name, head));
            }
        });
    }
    let ended = dyno(&format!("browse {url} -H X-Token:secret --threads 1"), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let heads: Vec<_> = told.try_iter().collect();
    // The page is visited twice.
    assert_eq!(heads.len(), 6, "{heads:?}");
    for (name, head) in heads {
        assert_eq!(head.contains("X-Token: secret"), name == "page", "{name}: {head}");
    }
}

#[test]
fn a_waterfall_that_cannot_be_written_is_told_before_the_page_is_visited() {
    for place in ["/nonexistent/w.svg", "/tmp", "/dev/null/w.svg"] {
        let ended = dyno(&format!("browse http://127.0.0.1:1/ --svg {place}"), &[]);
        assert!(ended.code == 1 && ended.stderr.contains(place), "{place}: {ended:?}");
        assert!(!ended.stderr.contains("refused"), "nobody was asked: {ended:?}");
    }
}

#[test]
fn a_reader_that_has_gone_changes_no_exit_code() {
    use std::process::{Command, Stdio};
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("s.sock");
    serve_unix(&path);
    for (name, words) in CLIENTS {
        for more in ["", if name == "load" { "--format json" } else { "--json" }] {
            let words = format!("{} {more}", words.replace("URL", &format!("unix:{}", path.display())));
            let mut command = Command::new(support::DYNO);
            command.args(words.split_whitespace()).stdin(Stdio::null());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let ended = child.wait_with_output().unwrap();
            let code = ended.status.code();
            let fine = code == Some(0) || name == "load" && code == Some(5);
            assert!(fine && ended.stderr.is_empty(), "{words}: {ended:?}");
        }
    }
}

#[test]
fn an_option_whose_value_is_wrong_is_named() {
    for (name, words) in CLIENTS {
        for (option, more) in [
            ("--method", "-X G\u{e9}T"),
            ("--header", "-H Content-Length:3"),
            ("--header", "-H Transfer-Encoding:chunked"),
            ("--header", "-H a\u{7f}b:c"),
            ("--header", "-H nocolon"),
            ("--expect", "--expect luck"),
            ("--body-file", "--body-file /absent"),
            ("--mix", "--mix /absent"),
            ("--timeout", "--timeout soon"),
            ("--timeout", "--timeout 0"),
        ] {
            // A page is fetched by requests of the browser's own, whose fields alone can be added to.
            if name == "browse" && !["--timeout", "--header"].contains(&option) {
                continue;
            }
            let ended = dyno(&format!("{} {more}", words.replace("URL", "http://127.0.0.1:1/")), &[]);
            assert!(ended.code == 2 && ended.stderr.contains(option), "{name} {more}: {ended:?}");
        }
    }
    for (option, more) in [
        ("--rate", "--rate many"),
        ("--rate", "--rate 1..2"),
        ("--arrivals", "--rate 5 --arrivals weekly"),
        ("--cpu", "--cpu 999"),
        ("--duration", "-d soon"),
        ("--requests", "-n many"),
        ("--connections", "-c many"),
        ("--threads", "-t many"),
        ("--warmup", "-w soon"),
        ("--spin", "--spin soon"),
        ("--think", "--think soon"),
        ("--backlog", "--backlog many"),
    ] {
        let ended = dyno(&format!("load http://127.0.0.1:1/ {more}"), &[]);
        assert!(ended.code == 2 && ended.stderr.contains(option), "{more}: {ended:?}");
    }
}
