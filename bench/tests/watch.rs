//! `dyno watch`: who may ask, what is told, and what is done.

mod support;
mod watching;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;

use dyno_servers::architecture::HandOvers;
use dyno_servers::architectures::ALL;
use serde_json::{Value, json};
use support::dyno;
use watching::Watch;

fn settings(name: &str, against: Option<&str>, path: &str, rate: Value) -> String {
    let designs: Vec<Value> =
        [Some(name), against].into_iter().flatten().map(|name| json!({ "name": name })).collect();
    let load = json!({ "path": path, "rate_per_s": rate, "connections": 8 });
    json!({ "settings": { "designs": designs, "load": load } }).to_string()
}

#[test]
fn only_who_has_the_token_and_is_no_page_of_another_site_may_watch_and_order() {
    let mut watch = Watch::start(&["--rate", "20"]);
    let (status, page) = watch.ask("GET /", &[], "");
    assert!(status == 200 && page.contains("<title>dyno watch</title>"), "{page}");
    assert!(!page.contains(&watch.token), "the page itself holds no secret");
    for words in ["default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "nosniff", "no-store"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    let token = watch.token.clone();
    let foreign = format!("http://{}.example", watch.address);
    let own = format!("http://{}", watch.address);
    let refused: [(u16, &[(&str, &str)]); 8] = [
        (403, &[]),
        (403, &[("Dyno-Token", "guess")]),
        (403, &[("Dyno-Token", &token), ("Origin", &foreign)]),
        (403, &[("Dyno-Token", &token), ("Origin", "null")]),
        (403, &[("Dyno-Token", &token), ("Sec-Fetch-Site", "cross-site")]),
        (403, &[("Dyno-Token", &token), ("Sec-Fetch-Site", "same-site")]),
        (421, &[("Dyno-Token", &token), ("Host", "rebind.example")]),
        (421, &[("Dyno-Token", &token), ("Host", "127.0.0.1.rebind.example:80")]),
    ];
    for (wanted, fields) in refused {
        for line in ["GET /events", "POST /orders"] {
            let (status, answer) = watch.ask(line, fields, "{\"watcher\":1,\"order\":\"burst\"}");
            assert_eq!(status, wanted, "{line} {fields:?}: {answer}");
        }
    }
    assert_eq!(watch.ask("GET /", &[("Host", "rebind.example")], "").0, 421);
    assert_eq!(watch.ask("GET /nowhere", &[], "").0, 404);
    assert_eq!(watch.ask("DELETE /", &[], "").0, 405);
    let mut events = watch.listen();
    events.state();
    let fields =
        [("Dyno-Token", token.as_str()), ("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")];
    let body = format!("{{\"watcher\":{},\"order\":\"burst\"}}", events.watcher);
    assert_eq!(watch.ask("POST /orders", &fields, &body).0, 200);
    drop(events);
    let children = watch.children();
    assert!(!children.is_empty());
    assert_eq!(watch.end(), 0, "Ctrl-C is the way to end it");
    let lives = |pid: &&i32| std::path::Path::new(&format!("/proc/{pid}/exe")).exists();
    assert_eq!(children.iter().filter(lives).count(), 0, "nothing of it is left");
}

#[test]
fn orders_that_make_no_sense_are_refused_in_words_and_one_watcher_has_the_control() {
    let watch = Watch::start(&["--rate", "20"]);
    let (mut first, second) = (watch.listen(), watch.listen());
    let long = format!("\"{}\"", "x".repeat(5_000));
    for (order, status, words) in [
        ("\"dance\"", 400, "no order"),
        (long.as_str(), 413, "too long"),
        ("{\"scene\":99}", 400, "scenes 1 to 12"),
        ("{\"fault\":\"rm\"}", 400, "the faults are"),
        (&settings("epol", None, "/", json!(1)), 400, "did you mean epoll?"),
        (&settings("epoll", None, "/nowhere", json!(1)), 400, "no service"),
        (&settings("epoll", None, "/fault/exit", json!(1)), 400, "no service"),
        (&settings("epoll", None, "/", json!(0)), 400, "a rate is"),
        (&settings("epoll", None, "/", json!(-1)), 400, "no order"),
    ] {
        let (told, answer) = watch.order(first.watcher, order);
        assert!(told == status && answer.contains(words), "{order}: {answer}");
    }
    assert_eq!(watch.order(first.watcher, "\"burst\"").0, 200);
    let (status, answer) = watch.order(second.watcher, "\"burst\"");
    assert!(status == 409 && answer.contains("take it"), "{answer}");
    assert_eq!(watch.order(99, "\"burst\"").0, 409, "nobody orders who does not watch");
    let takes = format!("{{\"watcher\":{},\"takes\":true}}", second.watcher);
    assert_eq!(watch.ask("POST /orders", &[("Dyno-Token", &watch.token)], &takes).0, 200);
    first.next(|kind, told| kind == "control" && told["controller"] == second.watcher);
    assert_eq!(watch.order(first.watcher, "\"burst\"").0, 409);
}

#[test]
fn every_architecture_is_swapped_in_under_load_and_shows_its_requests() {
    let watch = Watch::start(&["iterative", "--service", "/wait/30000", "--rate", "100"]);
    let mut events = watch.listen();
    for architecture in ALL {
        let name = architecture.name;
        let order = settings(name, None, "/wait/30000", json!(100));
        assert_eq!(watch.order(events.watcher, &order).0, 200, "{name}");
        let (_, state) = events.next(|kind, told| kind == "state" && told["sides"][0]["name"] == name);
        assert_eq!(state["sides"][0]["health"]["is"], "serves", "{name}: {state}");
        let has_queue = state.to_string().contains("\"place\":\"queue\"");
        assert_eq!(has_queue, architecture.anatomy.hand_overs != HandOvers::Never, "{name}");
        events
            .next(|kind, told| kind == "news" && told["sides"][0]["news"]["rate_per_s"].as_f64() > Some(0.0));
        // A request is somewhere, and goes: none is there for ever.
        let mut seen = BTreeSet::new();
        events.next(|kind, told| kind == "steps" && !told["steps"].as_array().unwrap().is_empty());
        let (_, steps) = events.next(|kind, told| {
            kind == "steps" && told["steps"].as_array().unwrap().iter().any(|step| step[2] == 7)
        });
        seen.extend(steps["steps"].as_array().unwrap().iter().map(|step| step[1].as_u64().unwrap()));
        assert!(!seen.is_empty(), "{name}: {steps}");
    }
}

#[test]
fn two_designs_get_the_same_arrivals_and_a_server_that_dies_is_shown_and_started_again() {
    let watch =
        Watch::start(&["thread-pool", "--against", "prefork", "--service", "/wait/5000", "--rate", "100"]);
    let mut events = watch.listen();
    let both = |told: &Value, is: fn(&Value) -> bool| told["sides"].as_array().unwrap().iter().all(is);
    events.next(|kind, told| {
        kind == "news"
            && both(told, |side| {
                side["news"]["p50_ns"].as_f64() > Some(5e6) && side["gauges"]["cpu_cores"].is_number()
            })
    });
    assert_eq!(watch.order(events.watcher, "{\"fault\":\"abort\"}").0, 200);
    events.next(|kind, told| kind == "act" && told["words"].as_str().unwrap().contains("/fault/abort"));
    let (_, state) = events.next(|kind, told| kind == "state" && told["sides"][0]["health"]["is"] == "died");
    let words = state["sides"][0]["health"]["words"].as_str().unwrap();
    assert!(words.contains("signal: 6"), "{words}");
    assert_eq!(state["sides"][1]["health"]["is"], "serves", "a process has died for all");
    assert_eq!(watch.order(events.watcher, "\"restart\"").0, 200);
    events.next(|kind, told| kind == "state" && both(told, |side| side["health"]["is"] == "serves"));
    events.next(|kind, told| {
        kind == "news" && both(told, |side| side["news"]["rate_per_s"].as_f64() > Some(0.0))
    });
}

#[test]
fn a_browser_that_stalls_or_floods_disturbs_nobody_else() {
    let watch = Watch::start(&["--rate", "50"]);
    let mut reader = watch.listen();
    // It asks for events and never reads them.
    let mut staller = watch.connect();
    write!(staller, "GET /events?token={} HTTP/1.1\r\nHost: {}\r\n\r\n", watch.token, watch.address).unwrap();
    // It says a request for ever, and one begins a head that never ends.
    let mut half = watch.connect();
    half.write_all(b"POST /orders HTTP/1.1\r\nHost: x").unwrap();
    let statuses: BTreeSet<u16> = (0..60).map(|_| watch.order(reader.watcher, "\"burst\"").0).collect();
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    for _ in 0..20 {
        reader.next(|kind, _| kind == "news");
    }
    let mut garbage = watch.connect();
    garbage.write_all(&[0xff; 100_000]).unwrap_or(());
    let _ = garbage.read(&mut [0; 100]);
    reader.next(|kind, _| kind == "news");
}

#[test]
fn what_cannot_work_is_told_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (words, code, told) in [
        (format!("watch --listen {address}"), 1, "--listen 127.0.0.1:0 takes a free one"),
        ("watch --listen 0.0.0.0:0".into(), 2, "ssh -L"),
        ("watch epol --listen 127.0.0.1:0".into(), 2, "did you mean epoll?"),
        ("watch epoll --against thread-pol --listen 127.0.0.1:0".into(), 2, "did you mean thread-pool?"),
        ("watch epoll --service /nowhere --listen 127.0.0.1:0".into(), 2, "no service"),
        ("watch epoll --rate 0 --listen 127.0.0.1:0".into(), 2, "--rate"),
        ("watch epoll --connections 0 --listen 127.0.0.1:0".into(), 2, "connections are 1 to"),
        ("watch --scene 13".into(), 2, "--scene"),
        ("watch epoll --scene 1".into(), 2, "--scene"),
    ] {
        let ended = dyno(&words, &[]);
        assert!(
            ended.code == code && ended.stderr.contains(told),
            "{words}: {} {}",
            ended.code,
            ended.stderr
        );
    }
}
