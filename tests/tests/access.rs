//! Who may do what, on every architecture and over every transport: who is allowed gets it, who is not gets the refusal
//! and no service is called, and no other spelling of a path leads around a rule.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::ExitCode;

use dyno_security::transport::Transport;
use dyno_servers::limits::EXPLAINED_FAULTS;
use dyno_tests::guests::Guests;
use dyno_tests::rows::Row;
use dyno_tests::secure::{make_credentials, over};
use dyno_tests::server::{Ended, Server};
use dyno_tests::spawner::Confines;
use dyno_tests::suite::{self, Outcome, ensure, mount, quick};
use dyno_tests::tool::run;
use libtest_mimic::Trial;
use nix::unistd::geteuid;
use tempfile::TempDir;

const GUESTS: [&str; 3] = ["alice", "bob", "carol"];

/// The rules, where names are proved and where nobody has one.
const NAMED: &str = "\
group staff alice bob
allow @staff GET,HEAD /files/**
deny bob * /files/payroll/**
deny * GET /files/hidden/index.html
allow * GET /json
allow alice POST /echo
allow * OPTIONS /
";
const NAMELESS: &str = "\
allow anonymous GET,HEAD /files/**
# the number of a line counts empty ones and comments
deny anonymous * /files/payroll/**
deny * GET /files/hidden/index.html
allow * GET /json
allow anonymous POST /echo/more
allow * OPTIONS /
";

/// What is asked, the answer to whom the rules allow files but no payroll, and the line that decides.
const ASKED: [(&str, &str, u16, &str); 27] = [
    ("GET", "/json", 200, ""),
    ("GET", "/files/report", 200, ""),
    ("HEAD", "/files/report", 200, ""),
    ("GET", "/files/%72eport", 200, ""),
    ("GET", "/files/", 200, ""),
    ("GET", "/files", 200, ""),
    ("OPTIONS", "*", 204, ""),
    ("GET", "http://localhost/files/report?x=/files/payroll/may", 200, ""),
    ("GET", "/files/payroll/may", 403, "line 3 of the policy"),
    ("HEAD", "/files/payroll/may", 403, "line 3 of the policy"),
    ("GET", "/files/payroll", 403, "line 3 of the policy"),
    ("GET", "/files/payroll/", 403, "line 3 of the policy"),
    ("GET", "/files/%70ayroll/may", 403, "line 3 of the policy"),
    ("GET", "http://localhost/files/payroll/may", 403, "line 3 of the policy"),
    ("GET", "/files/payroll/absent", 403, "line 3 of the policy"),
    ("GET", "/files/hidden/", 403, "line 4 of the policy"),
    ("POST", "/echo", 403, "no line of the policy allows it"),
    ("GET", "/fault/panic", 403, "no line of the policy allows it"),
    ("BREW", "/files/report", 403, "no line of the policy allows it"),
    ("GET", "/files//payroll/may", 400, "the path is not canonical"),
    ("GET", "/files/./payroll/may", 400, "the path is not canonical"),
    ("GET", "/files/x/../payroll/may", 400, "the path is not canonical"),
    ("GET", "/files/%2e%2e/files/payroll/may", 400, "the path is not canonical"),
    ("GET", "/files/payroll%2fmay", 400, "the path is not canonical"),
    ("GET", "/files/report%00", 400, "the path is not canonical"),
    // Other objects, which do not exist; a link is no second name.
    ("GET", "/files/PAYROLL/may", 404, ""),
    ("GET", "/files/link/may", 404, ""),
];

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials: Vec<Trial> = Vec::new();
    let mut on = |name, run| mount(&mut trials, "access", name, |_| true, run);
    on("plain-serves-whom-the-rules-allow", |row| rules(row, Transport::Plain));
    on("channel-serves-whom-the-rules-allow", |row| rules(row, Transport::Channel));
    on("tls-serves-whom-the-rules-allow", |row| rules(row, Transport::Tls));
    on("channel-tells-clients-apart", |row| each_its_own(row, Transport::Channel));
    on("tls-tells-clients-apart", |row| each_its_own(row, Transport::Tls));
    on("plain-asks-the-owners-of-files", |row| owners(row, Transport::Plain));
    on("channel-asks-the-owners-of-files", |row| owners(row, Transport::Channel));
    on("tls-asks-the-owners-of-files", |row| owners(row, Transport::Tls));
    on("ten-thousand-rules-decide", ten_thousand);
    let is_root = geteuid().is_root();
    for transport in [Transport::Channel, Transport::Tls] {
        let kind = if is_root { "" } else { "needs root" };
        let kernel = Trial::test(format!("access::fork::{transport}-child-becomes-the-user"), move || {
            kernel(transport)
        });
        trials.push(kernel.with_kind(kind).with_ignored_flag(!is_root));
    }
    trials.push(quick("access::start::nothing-starts-with-a-policy-that-is-not-clear", start));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A directory to serve, the guests, and rules.
struct Place {
    directory: TempDir,
    guests: Guests,
}

impl Place {
    fn new(rules: &str) -> Result<Place, std::io::Error> {
        let directory = tempfile::tempdir()?;
        let at = |name: &str| directory.path().join(name);
        fs::write(at("policy"), rules)?;
        fs::set_permissions(at("policy"), fs::Permissions::from_mode(0o644))?;
        for (name, mode) in
            [("files", 0o755), ("files/payroll", 0o755), ("files/hidden", 0o755), ("files/shut", 0o700)]
        {
            fs::create_dir(at(name))?;
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode))?;
        }
        for (name, mode) in [
            ("files/report", 0o644),
            ("files/index.html", 0o644),
            ("files/closed", 0o600),
            ("files/payroll/may", 0o644),
            ("files/hidden/index.html", 0o644),
            ("files/shut/open", 0o644),
        ] {
            fs::write(at(name), format!("{name}\n"))?;
            fs::set_permissions(at(name), fs::Permissions::from_mode(mode))?;
        }
        symlink("payroll", at("files/link"))?;
        Ok(Place { directory, guests: Guests::invite(&GUESTS) })
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_string_lossy().into_owned()
    }

    fn serve(&self, row: &Row, transport: Transport, more: &[&str]) -> Result<Server, String> {
        let (policy, files, list) = (self.path("policy"), self.path("files"), self.guests.list(transport));
        let mut arguments = row.arguments.clone();
        arguments.extend(["--policy", &policy, "--files", &files]);
        arguments.extend(over(transport));
        if let Some(list) = &list {
            arguments.extend(["--trust", list]);
        }
        arguments.extend(more);
        Server::start_with(&arguments, None)
    }
}

/// One connection asks for everything at once, so each request of a pipeline is judged for itself.
fn rules(row: &Row, transport: Transport) -> Outcome {
    let place = Place::new(if transport == Transport::Plain { NAMELESS } else { NAMED })?;
    let server = place.serve(row, transport, &[])?;
    let requests: Vec<_> = ASKED.iter().map(|(method, path, ..)| (*method, *path)).collect();
    let answers = place.guests.ask(&server, transport, "bob", &requests)?;
    for ((method, path, status, _), answer) in ASKED.iter().zip(&answers) {
        ensure(answer.status == *status, || format!("{method} {path}: {answer:?}"))?;
        // A refusal is the same for whatever is denied.
        let says = if *method == "HEAD" { "" } else { "not for you\n" };
        ensure(*status != 403 || answer.text() == says, || format!("{method} {path}: {answer:?}"))?;
    }
    let ended = server.stop()?;
    let total = ended.tallies.ok_or("no account")?.total;
    let denied = ASKED.iter().filter(|(.., line)| !line.is_empty());
    let (denied, count) = (denied.clone(), denied.count() as u64);
    let services = ASKED.len() as u64 - count;
    let counted = (total.denied, total.requests, total.faults, total.peer_faults);
    ensure(counted == (count, services, 0, 0), || format!("{counted:?}, not {count} and {services}"))?;
    let who = if transport == Transport::Plain { "nobody known" } else { "bob" };
    // Further ones are told when their number has doubled.
    for (method, path, _, line) in denied.take(EXPLAINED_FAULTS as usize) {
        let object = path.strip_prefix("http://localhost").unwrap_or(path);
        let said = format!("{who} from 127.0.0.1: {method} {object:?}: {line}");
        ensure(ended.stderr.contains(&said), || format!("not told: {said}\n{}", ended.stderr))?;
    }
    Ok(())
}

fn each_its_own(row: &Row, transport: Transport) -> Outcome {
    let place = Place::new(NAMED)?;
    let server = place.serve(row, transport, &[])?;
    let asked =
        [("GET", "/files/payroll/may"), ("POST", "/echo"), ("GET", "/files/report"), ("GET", "/json")];
    for (who, expected) in [
        ("alice", [200, 200, 200, 200]),
        ("bob", [403, 403, 200, 200]),
        ("carol", [403, 403, 403, 200]),
        ("alice", [200, 200, 200, 200]),
    ] {
        let answers = place.guests.ask(&server, transport, who, &asked)?;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        ensure(statuses == expected, || format!("{who}: {statuses:?}"))?;
    }
    let total = server.stop_well()?.total;
    ensure((total.denied, total.requests) == (5, 11), || format!("{total:?}"))
}

/// The users that stand for the guests own nothing here, so they have what everybody has.
const USERS: &str = "\
allow * GET /**
deny bob * /files/payroll/**
user alice 4001:4001
user bob 4002:4002
";

fn statuses(
    place: &Place,
    server: &Server,
    transport: Transport,
    who: &str,
    paths: &[&str],
) -> Result<Vec<u16>, String> {
    let requests: Vec<_> = paths.iter().map(|path| ("GET", *path)).collect();
    let answers = place.guests.ask(server, transport, who, &requests)?;
    Ok(answers.iter().map(|answer| answer.status).collect())
}

const OWNED: [&str; 6] =
    ["/files/report", "/files/closed", "/files/shut/open", "/files/payroll/may", "/files/absent", "/json"];

fn owners(row: &Row, transport: Transport) -> Outcome {
    let plain = "allow * GET /**\nuser anonymous 4001:4001\n";
    let place = Place::new(if transport == Transport::Plain { plain } else { USERS })?;
    let server = place.serve(row, transport, &[])?;
    let of = |who| statuses(&place, &server, transport, who, &OWNED);
    let alice = of("alice")?;
    ensure(alice == [200, 403, 403, 200, 404, 200], || format!("alice: {alice:?}"))?;
    let mut denied = 2;
    if transport != Transport::Plain {
        let bob = of("bob")?;
        ensure(bob == [200, 403, 403, 403, 404, 200], || format!("bob: {bob:?}"))?;
        // Nobody stands for her, so she gets what needs no owner.
        let carol = of("carol")?;
        ensure(carol == [403, 403, 403, 403, 403, 200], || format!("carol: {carol:?}"))?;
        denied += 3 + 5;
    }
    let ended = server.stop()?;
    let total = ended.tallies.ok_or("no account")?.total;
    ensure(total.denied == denied, || format!("{total:?}, not {denied}"))?;
    ensure(ended.stderr.contains("the owner of the file"), || ended.stderr)
}

fn ten_thousand(row: &Row) -> Outcome {
    let mut text = String::from("allow * GET /json\n");
    for number in 0..5_000 {
        text.push_str(&format!("allow anonymous GET /bytes/{number}\ndeny * * /bytes/{number}/x/**\n"));
    }
    text.push_str("deny anonymous GET /bytes/7\n");
    let place = Place::new(&text)?;
    let server = place.serve(row, Transport::Plain, &[])?;
    let paths = ["/bytes/1", "/bytes/7", "/json", "/bytes/5000"];
    let answers = statuses(&place, &server, Transport::Plain, "", &paths)?;
    ensure(answers == [200, 403, 200, 403], || format!("{answers:?}"))?;
    ensure(server.stop_well()?.total.denied == 2, || "denied".into())
}

/// A child of fork that has become the user asks the kernel by opening, and gets the answers that the server gives by
/// reading the lists itself. setfacl(1) administers them, where it is installed.
fn kernel(transport: Transport) -> Outcome {
    let place = Place::new(USERS)?;
    let fork = |more: &[&str]| {
        let row = dyno_tests::rows::rows().into_iter().find(|row| row.name == "fork").ok_or("no fork")?;
        place.serve(&row, transport, more)
    };
    let listed = |name: &str, list: &str| {
        let path = place.path(name);
        run("setfacl", &["-m", list, &path], "").is_ok_and(|output| output.status.success())
    };
    // Alice's user may read what is closed, and Bob's may not enter what is open to all others.
    let has_lists = listed("files/closed", "u:4001:r") && listed("files/payroll", "u:4001:-");
    let mut found = Vec::new();
    for acl in ["server", "kernel"] {
        let server = fork(&["--acl", acl])?;
        for who in GUESTS {
            found.push((acl, who, statuses(&place, &server, transport, who, &OWNED)?));
        }
        ensure(server.stop_well()?.total.faults == 0, || "faults".into())?;
    }
    let alice = if has_lists { [200, 200, 403, 403, 404, 200] } else { [200, 403, 403, 200, 404, 200] };
    for (acl, who, statuses) in found {
        let expected = match (who, acl) {
            ("alice", _) => alice,
            ("bob", _) => [200, 403, 403, 403, 404, 200],
            // A process cannot become nobody in particular, so it serves nothing.
            (_, "kernel") => [403; 6],
            _ => [403, 403, 403, 403, 403, 200],
        };
        ensure(statuses == expected, || format!("--acl {acl}, {who}: {statuses:?}"))?;
    }
    Ok(())
}

/// Each is refused with exit code 2 and told why, before anything listens.
fn start() -> Outcome {
    let place = Place::new("allow * GET /\n")?;
    let policy = place.path("policy");
    let refused = |row: &str, more: &[&str]| -> Result<Ended, String> {
        let arguments = [&[row, "--policy", &policy], more].concat();
        let confines = Confines { descriptors: None, group: None };
        Server::start_within(&arguments, confines)?.err().ok_or_else(|| format!("{arguments:?} has started"))
    };
    let list = place.guests.list(Transport::Channel).ok_or("a list")?;
    for (text, mode, row, more, told) in [
        ("allow * GET /\n\npermit * GET /\n", 0o644, "epoll", &[][..], "line 3: expected `allow`"),
        ("allow * GET /a/../b\n", 0o644, "hyper", &[], "line 1: \"/a/../b\""),
        ("allow * GET /\n", 0o666, "fork", &[], "chmod go-w"),
        (
            "allow * GET /\nallow alice GET /json\n",
            0o644,
            "epoll",
            &[],
            "line 2: a name, and nobody proves one",
        ),
        (
            "group g alice\nallow @g GET /json\n",
            0o644,
            "tokio",
            &["--transport", "channel"],
            "line 2: a name",
        ),
        ("user alice 7:7\n", 0o644, "tokio", &["--transport", "tls"], "--trust FILE"),
        ("allow * GET /\n", 0o644, "fork", &["--acl", "kernel"], "no `user` line"),
        ("user * 7:7\n", 0o644, "epoll", &["--acl", "kernel"], "no process for each connection"),
        (
            "user alice nobody-has-this-name\n",
            0o644,
            "fork",
            &["--transport", "channel", "--trust", &list],
            "line 1: this system has no user",
        ),
        ("user * root\n", 0o644, "fork", &[], "line 1: the superuser"),
    ] {
        fs::write(&policy, text)?;
        fs::set_permissions(&policy, fs::Permissions::from_mode(mode))?;
        let ended = refused(row, more)?;
        let is_told = ended.stderr.contains(told)
            && ended.stderr.contains(if mode == 0o644 { "dyno: " } else { "others" });
        ensure(ended.code() == 2 && is_told, || format!("{text:?}: {} {}", ended.code(), ended.stderr))?;
    }
    fs::remove_file(&policy)?;
    let ended = refused("epoll", &[])?;
    ensure(ended.code() == 2 && ended.stderr.contains("one a line"), || ended.stderr)
}
