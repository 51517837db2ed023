//! `dyno load --part` and `dyno merge` as they are called.

mod support;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::{Ended, Running, dyno};

fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Makes all parts of a load at once on this host, and gives their files.
fn made(place: &Path, url: &str, of: u32, options: &str) -> Vec<PathBuf> {
    let at = now_s() + 2.0;
    let file = |number: u32| place.join(format!("part{number}.json"));
    std::thread::scope(|scope| {
        for number in 1..=of {
            let words = format!(
                "load {url} {options} -q --part {number}/{of} --start-at {at} --output {}",
                file(number).display()
            );
            scope.spawn(move || {
                let ended = dyno(&words, &[]);
                assert!(ended.code == 0 && ended.stdout.is_empty(), "{words}: {ended:?}");
            });
        }
    });
    (1..=of).map(file).collect()
}

fn merge(files: &[PathBuf], options: &str) -> Ended {
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    dyno(&format!("merge {} {options}", files.join(" ")), &[])
}

fn json(files: &[PathBuf], options: &str) -> (i32, Value) {
    let ended = merge(files, &format!("{options} --format json"));
    let value = serde_json::from_str(&ended.stdout);
    (ended.code, value.unwrap_or_else(|error| panic!("{error}: {ended:?}")))
}

#[test]
fn parts_become_one_result_in_every_form_and_what_does_not_fit_is_named() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.address);
    let place = tempfile::tempdir().unwrap();
    let files = made(place.path(), &url, 3, "--rate 900 -c 6 -d 700ms -w 100ms");
    let (code, whole) = json(&files, "");
    assert!(matches!(code, 0 | 5), "{whole:#}");
    assert_eq!(whole["counts"]["completed"], whole["counts"]["intended"], "{:#}", whole["counts"]);
    let of_parts: u64 = (0..3).map(|part| whole["parts"][part]["completed"].as_u64().unwrap()).sum();
    assert_eq!(whole["latency"]["total"]["count"], of_parts);
    assert_eq!(whole["connections"]["opened"], 6);
    assert!(whole["plan"].get("part").is_none() && whole["plan"]["connections"] == 6, "{:#}", whole["plan"]);

    let page = place.path().join("load.html");
    let text = merge(&files, &format!("--html {} --require p50<1h --fail-if rate<1", page.display())).stdout;
    for words in ["3 parts of 1 host · started by one clock", "answers/s", "require p50<1h"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(std::fs::read_to_string(&page).unwrap().contains("The hosts"));
    assert_eq!(merge(&files, "--require p50<1ns").code % 2, 1, "it does not hold (3), or is void (5)");
    let of_directory = merge(&[place.path().to_owned()], "--format csv");
    assert!(
        of_directory.stdout.contains(&url) || of_directory.stdout.lines().count() == 2,
        "{of_directory:?}"
    );

    let missing = merge(&files[..2], "");
    assert!(missing.code == 2 && missing.stderr.contains("part 3 of 3 is missing"), "{missing:?}");
    let (_, some) = json(&files[..2], "--allow-missing");
    assert_eq!(
        some["audit"]["rate"].as_str().map(|rate| rate == "sound"),
        Some(false),
        "{:#}",
        some["audit"]
    );
    let twice = merge(&[files[0].clone(), files[0].clone(), files[1].clone()], "");
    assert!(twice.code == 2 && twice.stderr.contains("part 1 of 3 is there twice"), "{twice:?}");
    let whole = std::fs::read_to_string(&files[2]).unwrap();
    let broken = place.path().join("broken");
    for (content, code, words) in [
        (whole[..whole.len() / 2].to_owned(), 1, "broken:"),
        (whole.replacen("\"part_schema\": 1", "\"part_schema\": 8", 1), 2, "has part schema 8"),
        (whole.replacen("\"connections\": 6", "\"connections\": 7", 1), 2, "connections is 7, and 6 there"),
        ("{\"schema_version\": 1}".to_owned(), 2, "no part of a load"),
    ] {
        std::fs::write(&broken, content).unwrap();
        let ended = merge(&[files[0].clone(), files[1].clone(), broken.clone()], "");
        assert!(ended.code == code && ended.stderr.contains(words), "{words}: {ended:?}");
    }
}

#[test]
fn a_closed_loop_has_parts_as_well_and_shares_its_number_of_requests() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.address);
    let place = tempfile::tempdir().unwrap();
    for (name, options) in [("closed", "-n 501 -c 4 -w 0"), ("open", "-n 501 -c 4 -w 0 --rate 2k")] {
        let place = place.path().join(name);
        std::fs::create_dir(&place).unwrap();
        let (_, whole) = json(&made(&place, &url, 2, options), "");
        assert_eq!(whole["counts"]["completed"], 501, "{name}: {:#}", whole["counts"]);
    }
}

#[test]
fn a_start_that_cannot_be_kept_is_refused() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.address);
    let year_ms = now_s() * 1e3;
    for (at, words) in [
        (format!("{}", now_s() - 12.5), "ago: the clock of this host says"),
        ("2001-02-03T04:05:06Z".into(), "2001-02-03 04:05:06 UTC was"),
        ("2001-02-03T04:05:06+02:00".into(), "2001-02-03 02:05:06 UTC was"),
        (format!("{year_ms:.0}"), "more than a day ahead"),
        ("soon".into(), "seconds since 1970"),
        ("2026-11-26".into(), "seconds since 1970"),
    ] {
        let ended = dyno(&format!("load {url} --part 1/2 --start-at {at} --output /dev/null"), &[]);
        assert!(ended.code == 2 && ended.stderr.contains(words), "{at}: {ended:?}");
    }
    for (options, words) in [
        ("--part 3/2 --start-at 5", "so the last of 2 is 2/2"),
        ("--part 1/2", "--start-at"),
        ("--part 1/2 --start-at 5 --html x.html", "cannot be used with"),
        ("--part 1/2 --start-at 5 --require p99<1s", "cannot be used with"),
        ("--part 1/80 --dry-run --start-at 5", "80 parts of 1 thread each cannot share 64 connections"),
        (&format!("--part 1/2 --start-at 5 {url}"), "cannot be used with"),
    ] {
        let ended = dyno(&format!("load {url} {options}"), &[]);
        assert!(ended.code == 2 && ended.stderr.contains(words), "{options}: {ended:?}");
    }
    // A load that is one alone may have an appointment, too.
    let at = now_s() + 1.0;
    let whole = dyno(&format!("load {url} -n 20 -c 2 -w 0 -q --start-at {at}"), &[]);
    assert!(whole.answered("load") && now_s() > at, "{whole:?}");
}
