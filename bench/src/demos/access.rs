//! `dyno demo access`: who may do what, a detour that leads nowhere, and the two who must both say yes.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use dyno_security::access::acl::{Acl, FileUser, Permissions};
use dyno_security::access::policy::Policy;
use dyno_security::access::principal::Principal;
use dyno_security::access::users::Users;
use dyno_servers::kit::access::{Access, Judge, ListReader};
use dyno_servers::services;
use dyno_servers::services::service::{Call, Reply, Services};

use super::stage::Stage;
use super::{Choices, Demo};
use crate::exit::Failure;

pub(crate) const DEMO: Demo = Demo {
    name: "access",
    idea: "who may do what: rules and owners must both say yes, and no other spelling leads around a rule",
    run,
};

/// The rules of the scenes. Alice and Bob stand as two users of the system who own nothing here.
const POLICY: [&str; 7] = [
    "group staff alice bob",
    "allow @staff    GET  /files/**",
    "deny  bob       *    /files/payroll/**",
    "allow *         GET  /json",
    "allow alice     POST /echo",
    "user  alice     4241:4241",
    "user  bob       4242:4242",
];

/// What is asked in the first scene, and how it ends.
const QUESTIONS: [(&str, &str, &str, u16); 8] = [
    ("alice", "GET", "/files/report", 200),
    ("alice", "GET", "/files/payroll/may", 200),
    ("bob", "GET", "/files/report", 200),
    ("bob", "GET", "/files/payroll/may", 403),
    ("bob", "POST", "/echo", 403),
    ("alice", "POST", "/echo", 200),
    ("", "GET", "/json", 200),
    ("", "GET", "/files/report", 403),
];

/// Ways to write what Bob may not have.
const DETOURS: [&str; 9] = [
    "/files/%70ayroll/may",
    "/files/payroll%2Fmay",
    "/files//payroll/may",
    "/files/./payroll/may",
    "/files/x/../payroll/may",
    "/files/%2e%2e/files/payroll/may",
    "/files/payroll/may%00.txt",
    "/files/PAYROLL/may",
    "/files/link/may",
];

/// A directory that is removed at the end.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory below the temporary one is no harm if it stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn set_up() -> io::Result<Scratch> {
    let root = std::env::temp_dir().join(format!("dyno-demo-access-{}", std::process::id()));
    fs::create_dir(&root)?;
    let scratch = Scratch(root);
    let at = |name: &str| scratch.0.join(name);
    fs::create_dir(at("payroll"))?;
    fs::write(at("payroll/may"), "Alice 4,000; Bob 3,900\n")?;
    fs::write(at("report"), "a good year\n")?;
    std::os::unix::fs::symlink("payroll", at("link"))?;
    for (name, mode) in [("", 0o755), ("payroll", 0o755), ("payroll/may", 0o644), ("report", 0o644)] {
        chmod(&at(name), mode)?;
    }
    Ok(scratch)
}

fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// The services behind their rules, as every server has them.
struct Guarded {
    access: Access,
    services: Services,
}

impl Guarded {
    /// What the peer is told, and the operator.
    fn ask(&self, who: &str, method: &str, path: &str) -> (u16, String) {
        let names = [who.to_owned()];
        let principal = if who.is_empty() { Principal::ANONYMOUS } else { Principal::named(&names) };
        match Judge::new(&self.access, &self.services, None).decide(principal, method, path) {
            Err(denial) => (denial.status(), denial.to_string()),
            Ok(asker) => {
                let call = Call::bare(method, path, &asker);
                // Files are there at once; what would be waited for is allowed.
                let status = match self.services.call(&call) {
                    Reply::Now(response) | Reply::After(_, response) => response.status.0,
                    Reply::Later(_) => 200,
                };
                let told = match status {
                    403 => "the owner of the file",
                    404 => "no rule against it, and no such file",
                    _ => "allowed",
                };
                (status, told.into())
            }
        }
    }
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::failed(format!("cannot set the scene: {error}"), "");
    let scratch = set_up().map_err(failed)?;
    let policy = Policy::parse(&POLICY.join("\n")).expect("the rules are well written");
    let users = Users::resolve(policy.users(), |_| None).expect("the users are numbers");
    let mut services = Services::new(&services::ALL, Some(1)).map_err(failed)?;
    (services.files, services.has_rules) = (Some(scratch.0.clone()), true);
    let access = Access { policy, users: Some(users), lists: ListReader::Server };
    let guarded = Guarded { access, services };
    who_may(stage, &guarded);
    detours(stage, &guarded);
    deny_wins(stage);
    owners(stage, &guarded, &scratch.0).map_err(failed)?;
    the_limit(stage, &guarded, &scratch.0).map_err(failed)
}

fn name_of(who: &str) -> String {
    match who {
        "" => "Somebody".into(),
        who => who[..1].to_uppercase() + &who[1..],
    }
}

fn who_may(stage: &mut Stage, guarded: &Guarded) {
    stage.scene("Who may do what: the operator's rules");
    for (index, line) in POLICY.iter().enumerate() {
        stage.says("Operator", format!("line {}: {line}", index + 1));
    }
    let mut is_right = true;
    for (who, method, path, expected) in QUESTIONS {
        let (status, told) = guarded.ask(who, method, path);
        stage.says(&name_of(who), format!("{method} {path}: {status}"));
        if status == 403 {
            stage.says("Operator", format!("reads in the log why: {told}"));
        }
        is_right &= status == expected;
    }
    stage.verdict(
        "what no line allows is denied, and who is denied learns neither the line nor the object",
        is_right,
    );
}

fn detours(stage: &mut Stage, guarded: &Guarded) {
    stage.scene("Other spellings of what is denied");
    let mut is_shut = true;
    for path in DETOURS {
        let (status, told) = guarded.ask("bob", "GET", path);
        stage.says("Bob", format!("GET {path}: {status} ({told})"));
        is_shut &= status != 200;
    }
    stage.verdict(
        "an object has one name: it is decoded once, and what has two readings is refused and never repaired",
        is_shut,
    );
}

fn deny_wins(stage: &mut Stage) {
    stage.scene("A line that denies wins, wherever it stands");
    let lines = ["deny bob * /files/payroll/**", "allow bob GET /files/payroll/may", "allow * * /**"];
    let bob = ["bob".to_owned()];
    let object = dyno_security::access::object::Object::parse("/files/payroll/may").expect("canonical");
    let mut is_denied = true;
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let text = order.map(|line| lines[line]).join("\n");
        let decision =
            Policy::parse(&text).map(|policy| policy.decide(Principal::named(&bob), "GET", &object));
        let line = decision.as_ref().ok().and_then(|decision| decision.line);
        stage.says("Operator", format!("{} ... is denied by line {}", lines[order[0]], line.unwrap_or(0)));
        is_denied &= decision.is_ok_and(|decision| !decision.is_allowed);
    }
    stage.verdict(
        "the order of the lines means nothing, so files of rules can be sorted and merged",
        is_denied,
    );
}

fn owners(stage: &mut Stage, guarded: &Guarded, root: &Path) -> io::Result<()> {
    stage.scene("The second question: the owner of the file");
    let report = root.join("report");
    let ask = |who| guarded.ask(who, "GET", "/files/report").0;
    chmod(&report, 0o600)?;
    stage.says("Owner", "chmod 600 report: nobody else");
    stage.says("Alice", format!("GET /files/report: {}, although line 2 allows it", ask("alice")));
    let owner_denies = ask("alice") == 403;
    chmod(&report, 0o644)?;
    chmod(root, 0o700)?;
    stage.says("Owner", "chmod 644 report, and chmod 700 of the directory above it");
    stage.says("Alice", format!("GET /files/report: {}, as the kernel would say", ask("alice")));
    let directory_denies = ask("alice") == 403;
    chmod(root, 0o755)?;
    stage.says("Owner", "chmod 755 of the directory, and payroll/may has mode 644: everybody may read it");
    let denied = guarded.ask("bob", "GET", "/files/payroll/may").0;
    stage.says("Bob", format!("GET /files/payroll/may: {denied}, although its owner allows it"));
    let both = ask("alice") == 200 && denied == 403;
    stage.verdict(
        "both must say yes, and neither can overrule the other",
        owner_denies && directory_denies && both,
    );
    let list = |mask: u16| {
        // The kernel's form of `user::rw-, user:4242:r--, group::---, mask, other::---`.
        let entries =
            [(1_u16, 6, u32::MAX), (2, 4, 4242), (4, 0, u32::MAX), (16, mask, u32::MAX), (32, 0, u32::MAX)];
        let entry = |(kind, bits, id): (u16, u16, u32)| {
            [&kind.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let octets = [2_u32.to_le_bytes().to_vec(), entries.map(entry).concat()].concat();
        let bob = FileUser { uid: 4242, gid: 4242, groups: Vec::new() };
        Acl::from_attribute(1, 1, &octets).is_ok_and(|list| list.allows(&bob, Permissions::READ))
    };
    stage.says("Owner", "setfacl -m u:4242:r report: the list has an entry for Bob's user");
    stage.says(
        "Owner",
        "setfacl -m m::- report: the mask takes away what entries other than the owner's give",
    );
    stage.verdict("the list is the file's own, and setfacl is its tool", list(4) && !list(0));
    Ok(())
}

fn the_limit(stage: &mut Stage, guarded: &Guarded, root: &Path) -> io::Result<()> {
    stage.scene("What neither of them stops: a Trojan horse");
    stage.says("Alice", "runs a program from Mallory, with all her rights");
    stage.says("Mallory", "the program copies payroll/may to summary, which all of the staff may read");
    fs::copy(root.join("payroll/may"), root.join("summary"))?;
    chmod(&root.join("summary"), 0o644)?;
    let (status, _) = guarded.ask("bob", "GET", "/files/summary");
    stage.says("Bob", format!("GET /files/summary: {status}, with what he may not know"));
    stage.verdict(
        "rules and lists speak of objects and not of what flows between them; that takes labels (Bell and LaPadula)",
        status == 200,
    );
    Ok(())
}
