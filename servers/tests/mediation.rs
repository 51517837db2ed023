//! The object that is judged is the file that is opened, whatever the path looks like: each file holds its own name, so
//! that an answer tells which one it is.

use std::fs;
use std::os::unix::fs::symlink;

use dyno_http::response::Body;
use dyno_security::access::object::Object;
use dyno_security::access::policy::Policy;
use dyno_security::access::principal::Principal;
use dyno_servers::kit::access::{Access, Judge, ListReader};
use dyno_servers::services;
use dyno_servers::services::service::{Call, Reply, Services};

/// What random paths are made of.
const PARTS: [&str; 22] = [
    "files",
    "a",
    "b",
    "%61",
    "%62",
    "A",
    "index.html",
    "%69ndex.html",
    "link",
    ".",
    "..",
    "%2e",
    "%2e%2e",
    "",
    "%2f",
    "a%2fb",
    "%00",
    "%",
    "%zz",
    "json",
    "a%20b",
    "b.d",
];

/// The files below the directory.
const FILES: [&str; 7] = ["a", "index.html", "b/a", "b/b", "b/index.html", "b/b.d/index.html", "a b"];

const TRIED: u32 = 60_000;

/// A number that depends on the one before (Knuth, MMIX).
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

fn random_path(state: &mut u64) -> String {
    let count = 1 + next(state) % 4;
    let mut path = String::from(if next(state).is_multiple_of(8) { "" } else { "/files" });
    for _ in 0..count {
        path.push('/');
        path.push_str(PARTS[next(state) % PARTS.len()]);
    }
    path
}

/// The name of the file that a client gets, if it gets one.
fn served(access: &Access, services: &Services, path: &str) -> Option<String> {
    let mut judge = Judge::new(access, services, None);
    let asker = judge.decide(Principal::ANONYMOUS, "GET", path).ok()?;
    let Reply::Now(response) = services.call(&Call::bare("GET", path, &asker)) else { return None };
    match response.body {
        Body::Source(mut source) if response.status.0 == 200 => {
            let mut octets = vec![0; source.remaining() as usize];
            let count = source.read(&mut octets).expect("a file");
            Some(String::from_utf8(octets[..count].to_vec()).expect("text"))
        }
        _ => None,
    }
}

#[test]
fn what_is_judged_is_what_is_opened() {
    let place = tempfile::tempdir().expect("a directory");
    for name in FILES {
        let path = place.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, format!("/files/{name}")).expect("a file");
    }
    symlink("b", place.path().join("link")).expect("a link");
    symlink("a", place.path().join("b/link")).expect("a link");
    let mut services = Services::new(&services::ALL, Some(1)).expect("services");
    (services.files, services.has_rules) = (Some(place.path().to_owned()), true);
    let rules = |text: &str| Access {
        policy: Policy::parse(text).expect("rules"),
        users: None,
        lists: ListReader::Server,
    };
    let open = rules("allow * * /**\n");
    let without = FILES.map(|name| {
        let object = format!("/files/{name}").replace(' ', "%20");
        (format!("/files/{name}"), rules(&format!("allow * * /**\ndeny * * {object}\n")))
    });
    let (mut state, mut found) = (7, 0);
    for _ in 0..TRIED {
        let path = random_path(&mut state);
        let Some(name) = served(&open, &services, &path) else { continue };
        found += 1;
        // The file is the object, or the index of the directory that is the object.
        let object = Object::parse(&path).expect("judged").as_str().to_owned();
        let is_index = format!("{}/index.html", object.trim_end_matches('/')) == name;
        assert!(object == name || is_index, "{path} is {object} and opens {name}");
        // And whoever is denied it by its name does not get it by this path.
        for (denied, access) in &without {
            let gets = served(access, &services, &path);
            assert_eq!(gets.is_none(), *denied == name, "{path} without {denied}");
        }
    }
    assert!(found > 1_000, "only {found} paths lead to a file");
}
