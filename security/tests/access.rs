//! Access control: the kernel's own decisions, every small policy against an oracle, and no way around a rule.

use dyno_security::access::acl::{Acl, BadAcl, FileUser, Permissions};
use dyno_security::access::fault::PolicyFault;
use dyno_security::access::object::{NotCanonical, Object};
use dyno_security::access::policy::{Decision, Policy};
use dyno_security::access::principal::Principal;
use dyno_security::access::users::Users;
use serde_json::Value;

/// An entry of a list: kind, identity, permissions as `rwx`.
type Entry<'a> = (&'a str, Option<u32>, &'a str);

/// Decisions that the Linux kernel took on ext4, over random lists and questions.
fn decisions() -> Value {
    serde_json::from_str(include_str!("data/posix_acl.json")).unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn permissions(letters: &str) -> Permissions {
    letters.chars().filter(|letter| *letter != '-').fold(Permissions::from_bits(0), |sum, letter| {
        sum.and(match letter {
            'r' => Permissions::READ,
            'w' => Permissions::WRITE,
            'x' => Permissions::EXECUTE,
            other => panic!("{other} is no permission"),
        })
    })
}

fn entry(value: &Value) -> Entry<'_> {
    (text(&value["tag"]), value["id"].as_u64().map(|id| id as u32), text(&value["perm"]))
}

/// The attribute of the list, as the kernel keeps it.
fn attribute(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut octets = 2_u32.to_le_bytes().to_vec();
    for (tag, id, letters) in entries {
        let kind: u16 = match (*tag, id) {
            ("user", None) => 1,
            ("user", Some(_)) => 2,
            ("group", None) => 4,
            ("group", Some(_)) => 8,
            ("mask", _) => 16,
            ("other", _) => 32,
            other => panic!("{other:?}"),
        };
        let bits = letters
            .bytes()
            .enumerate()
            .fold(0, |bits, (place, letter)| bits | if letter == b'-' { 0 } else { 4_u16 >> place });
        octets.extend(kind.to_le_bytes());
        octets.extend(bits.to_le_bytes());
        octets.extend(id.unwrap_or(u32::MAX).to_le_bytes());
    }
    octets
}

#[test]
fn every_decision_of_the_kernel_is_ours() {
    let decisions = decisions();
    let mut count = 0;
    for case in list(&decisions["acls"]) {
        let entries: Vec<Entry<'_>> = list(&case["entries"]).iter().map(entry).collect();
        let acl = Acl::from_attribute(number(&case["owner"]), number(&case["group"]), &attribute(&entries))
            .unwrap();
        for query in list(&case["queries"]) {
            let groups = list(&query["groups"]).iter().map(number).collect();
            let user = FileUser { uid: number(&query["uid"]), gid: number(&query["gid"]), groups };
            let allowed = acl.allows(&user, permissions(text(&query["want"])));
            assert_eq!(Some(allowed), query["allowed"].as_bool(), "list {}: {query}", case["id"]);
            count += 1;
        }
    }
    assert_eq!(count, 912);
}

#[test]
fn a_mode_is_a_list_of_three() {
    let acl = Acl::from_mode(1000, 2000, 0o640);
    let user = |uid, gid| FileUser { uid, gid, groups: Vec::new() };
    assert!(acl.allows(&user(1000, 1), Permissions::READ.and(Permissions::WRITE)));
    assert!(acl.allows(&user(1, 2000), Permissions::READ));
    assert!(!acl.allows(&user(1, 2000), Permissions::WRITE));
    assert!(!acl.allows(&user(1, 1), Permissions::READ));
    // The owner has what the owner's entry says, although the group's would say more.
    assert!(!Acl::from_mode(1000, 2000, 0o070).allows(&user(1000, 2000), Permissions::READ));
}

#[test]
fn a_list_of_another_form_is_refused() {
    let whole = attribute(&[("user", None, "rwx"), ("group", None, "r--"), ("other", None, "---")]);
    assert!(Acl::from_attribute(1, 1, &whole).is_ok());
    for cut in (0..whole.len()).filter(|cut| *cut != whole.len()) {
        assert!(Acl::from_attribute(1, 1, &whole[..cut]).is_err(), "{cut} octets");
    }
    let mut other = whole.clone();
    other[0] = 3;
    assert_eq!(Acl::from_attribute(1, 1, &other), Err(BadAcl::UnknownForm));
    other = whole.clone();
    other[4] = 0x40;
    assert_eq!(Acl::from_attribute(1, 1, &other), Err(BadAcl::UnknownKind(0x40)));
    other = [whole, attribute(&[("user", Some(7), "r--")])[4..].to_vec()].concat();
    assert_eq!(Acl::from_attribute(1, 1, &other), Err(BadAcl::Incomplete));
}

const POLICY: &str = "\
# comment
group staff alice bob
allow *         GET,HEAD /
allow @staff    GET      /files/**
deny  bob       *        /files/payroll/**   # not he
allow alice     POST     /echo
allow anonymous GET      /health
";

#[test]
fn a_policy_decides_and_names_its_line() {
    let policy = Policy::parse(POLICY).unwrap();
    assert_eq!(policy.rules(), 5);
    let names = ["alice", "bob", "eve", "Alice"].map(|name| [name.to_owned()]);
    let [alice, bob, eve, capital] = names.each_ref().map(|names| Principal::named(names));
    let both = ["alice".to_owned(), "bob".to_owned()];
    let both = Principal::named(&both);
    let nobody = Principal::ANONYMOUS;
    for (who, verb, path, is_allowed, line) in [
        (eve, "GET", "/", true, Some(3)),
        (nobody, "HEAD", "/", true, Some(3)),
        (nobody, "POST", "/", false, None),
        (alice, "GET", "/files/a", true, Some(4)),
        (alice, "GET", "/files", true, Some(4)),
        (alice, "GET", "/files/", true, Some(4)),
        (alice, "GET", "/filesystem", false, None),
        (alice, "PUT", "/files/a", false, None),
        (alice, "GET", "/files/payroll/x", true, Some(4)),
        (bob, "GET", "/files/payroll/x", false, Some(5)),
        (bob, "GET", "/files/payroll", false, Some(5)),
        (bob, "GET", "/files/payroll/", false, Some(5)),
        (bob, "GET", "/files/%70ayroll/x", false, Some(5)),
        (bob, "GET", "/files/payrolls", true, Some(4)),
        (eve, "GET", "/files/a", false, None),
        (nobody, "GET", "/files/a", false, None),
        (alice, "POST", "/echo", true, Some(6)),
        (alice, "post", "/echo", false, None),
        (capital, "POST", "/echo", false, None),
        (alice, "POST", "/echo/", true, Some(6)),
        (alice, "POST", "/echo/x", false, None),
        // A peer with two names has the rights of both, and what is denied to one is denied to the other.
        (both, "POST", "/echo", true, Some(6)),
        (both, "GET", "/files/a", true, Some(4)),
        (both, "GET", "/files/payroll/x", false, Some(5)),
        (nobody, "GET", "/health", true, Some(7)),
        (alice, "GET", "/health", false, None),
    ] {
        let decision = policy.decide(who, verb, &Object::parse(path).unwrap());
        assert_eq!(decision, Decision { is_allowed, line }, "{who:?} {verb} {path}");
    }
}

#[test]
fn an_object_has_one_name_or_none() {
    for (path, name) in
        [("/", "/"), ("/a/b", "/a/b"), ("/a/", "/a/"), ("/%61%20b", "/a b"), ("/%2561", "/%61")]
    {
        assert_eq!(Object::parse(path).as_ref().map(Object::as_str), Ok(name));
    }
    use NotCanonical::{BrokenEscape, EmptyOrDots, EncodedDivider, NotAbsolute, NotText};
    for (path, reason) in [
        ("", NotAbsolute),
        ("a", NotAbsolute),
        ("*", NotAbsolute),
        ("//a", EmptyOrDots),
        ("/a//b", EmptyOrDots),
        ("/a/./b", EmptyOrDots),
        ("/a/..", EmptyOrDots),
        ("/a/%2e%2E/b", EmptyOrDots),
        ("/.", EmptyOrDots),
        ("/a%2fb", EncodedDivider),
        ("/a%00", EncodedDivider),
        ("/a%", BrokenEscape),
        ("/a%4", BrokenEscape),
        ("/a%zz", BrokenEscape),
        ("/%ff", NotText),
    ] {
        assert_eq!(Object::parse(path), Err(reason), "{path}");
    }
}

#[test]
fn a_policy_that_is_not_clear_is_refused_with_its_line() {
    use PolicyFault::*;
    let not_an_object = |object: &str, reason| NotAnObject { object: object.into(), reason };
    for (line, fault) in [
        ("permit * GET /", UnknownWord("permit".into())),
        ("Allow * GET /", UnknownWord("Allow".into())),
        ("allow * GET", NotFourParts),
        ("allow * GET / now", NotFourParts),
        ("group", EmptyGroup),
        ("group g", EmptyGroup),
        ("group known eve", GroupTwice("known".into())),
        ("group g @known", NotAName("@known".into())),
        ("group g anonymous", NotAName("anonymous".into())),
        ("allow @nobody GET /", UnknownGroup("nobody".into())),
        ("allow a* GET /", NotAName("a*".into())),
        ("allow * get /", NotAVerb("get".into())),
        ("allow * GET,,HEAD /", NotAVerb(String::new())),
        ("allow * GET a", not_an_object("a", NotCanonical::NotAbsolute)),
        ("allow * GET /a//**", not_an_object("/a//**", NotCanonical::EmptyOrDots)),
        ("allow * GET /a/../b", not_an_object("/a/../b", NotCanonical::EmptyOrDots)),
        ("allow * GET /a*", StrayStar("/a*".into())),
        ("allow * GET /*/b", StrayStar("/*/b".into())),
        ("allow * GET **", StrayStar("**".into())),
        ("allow * GET /a%", not_an_object("/a%", NotCanonical::BrokenEscape)),
        ("user alice", NotThreeParts),
        ("user alice smith 1", NotThreeParts),
        ("user @known smith", NotAName("@known".into())),
        ("user alice 1:", NotAnAccount("1:".into())),
        ("user alice :1", NotAnAccount(":1".into())),
        ("user alice 1:x", NotAnAccount("1:x".into())),
        ("user alice 1:2,", NotAnAccount("1:2,".into())),
        ("user alice 4294967295:1", NotAnAccount("4294967295:1".into())),
        ("user alice a/b", NotAnAccount("a/b".into())),
        ("user Known smith", UserTwice("Known".into())),
    ] {
        let text = format!("group known alice\nuser known smith\n{line}\n");
        let error = Policy::parse(&text).expect_err(line);
        assert_eq!((error.line, &error.fault), (3, &fault), "{line}");
        assert!(error.to_string().starts_with("line 3: "));
    }
}

/// Names and objects are compared in one form, in which a policy need not write them.
#[test]
fn a_policy_may_write_names_and_objects_in_any_form() {
    let text = "deny Alice.Example. GET /a%20b\ngroup g [BANK]:80\ndeny @g GET /c/\nallow * * /**\n";
    let policy = Policy::parse(text).unwrap();
    let decide = |name: &str, path: &str| {
        let names = [name.to_owned()];
        policy.decide(Principal::named(&names), "GET", &Object::parse(path).unwrap()).line
    };
    for (name, path, line) in [
        ("alice.example", "/a%20b", 1),
        ("alice.example", "/%61%20%62/", 1),
        ("alice.example", "/a%2520b", 4),
        ("[bank]:80", "/c", 3),
        ("[bank]:80", "/c/", 3),
        ("bank", "/c", 4),
    ] {
        assert_eq!(decide(name, path), Some(line), "{name} {path}");
    }
    assert_eq!(policy.first_name(), Some(1));
    assert_eq!(Policy::parse("group g alice\nallow * * /\ndeny anonymous * /\n").unwrap().first_name(), None);
    assert_eq!(Policy::parse("allow * * /\n\nuser alice a\n").unwrap().first_name(), Some(3));
}

#[test]
fn a_user_of_the_system_stands_for_a_principal() {
    let file_user = |uid, gid, groups: &[u32]| FileUser { uid, gid, groups: groups.to_vec() };
    let find = |name: &str| match name {
        "asmith" => Some(file_user(1000, 1000, &[27])),
        "root" => Some(file_user(0, 0, &[])),
        _ => None,
    };
    let users = |text: &str| Users::resolve(Policy::parse(text).unwrap().users(), find);
    let text = "user alice asmith\nuser bob 1001:1001,5,6\nuser al asmith\nuser anonymous 65534:65534\n";
    let some = users(text).unwrap();
    let of = |users: &Users, names: &[&str]| {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        users.of(Principal::named(&names)).map(|user| user.uid)
    };
    assert_eq!(of(&some, &["alice"]), Some(1000));
    assert_eq!(of(&some, &["bob"]), Some(1001));
    assert_eq!(of(&some, &[]), Some(65534));
    assert_eq!(of(&some, &["eve"]), None, "who is known is not anonymous");
    assert_eq!(of(&some, &["eve", "al", "alice"]), Some(1000));
    assert_eq!(of(&some, &["alice", "bob"]), None, "two users for one");
    let everybody = users("user * 7:7\nuser bob 8:8\n").unwrap();
    assert_eq!([of(&everybody, &[]), of(&everybody, &["eve"])], [Some(7), Some(7)]);
    assert_eq!(of(&everybody, &["bob"]), Some(8));
    for (text, fault) in [
        ("\nuser alice nobody-here", PolicyFault::NoAccount("nobody-here".into())),
        ("\nuser alice root", PolicyFault::Superuser),
        ("\nuser alice 0:5", PolicyFault::Superuser),
    ] {
        let error = users(text).unwrap_err();
        assert_eq!((error.line, error.fault), (2, fault));
    }
}

#[test]
fn a_name_in_a_log_stays_in_its_line() {
    let names = ["alice".to_owned(), "b\nallow * * /**\u{1b}[2J".to_owned()];
    let shown = Principal::named(&names).to_string();
    assert_eq!(shown, "alice, alias \"b\\nallow * * /**\\u{1b}[2J\"");
    assert_eq!(Principal::ANONYMOUS.to_string(), "nobody known");
}

/// Ten thousand rules about one object for as many principals decide as few do, and the decisions are the same.
#[test]
fn ten_thousand_rules_are_asked_like_ten() {
    let mut text = String::from("allow * GET /**\n");
    for number in 0..10_000 {
        text.push_str(&format!("deny user{number} GET /files/secret/**\n"));
    }
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.rules(), 10_001);
    for (number, path, line) in [
        (0, "/files/secret", Some(2)),
        (9_999, "/files/secret/x", Some(10_001)),
        (10_000, "/files/secret", Some(1)),
        (7, "/files/public", Some(1)),
    ] {
        let names = [format!("user{number}")];
        let decision = policy.decide(Principal::named(&names), "GET", &Object::parse(path).unwrap());
        assert_eq!(decision, Decision { is_allowed: line == Some(1), line }, "user{number} {path}");
    }
}

/// Every policy of three lines over a small world, asked everything: the answer is that of an oracle which reads the
/// lines one after the other, the order of the lines makes no difference, and one more `deny` never allows more.
#[test]
fn every_small_policy_agrees_with_the_oracle() {
    let who = ["*", "alice", "anonymous"];
    let objects = ["/a", "/a/**", "/**", "/b"];
    let mut lines = Vec::new();
    for effect in ["allow", "deny"] {
        for who in who {
            for verbs in ["GET", "*"] {
                lines.extend(objects.map(|object| [effect, who, verbs, object]));
            }
        }
    }
    let (alice, bob) = (["alice".to_owned()], ["bob".to_owned()]);
    let principals = [Principal::named(&alice), Principal::named(&bob), Principal::ANONYMOUS];
    let speaks = |[_, who, verbs, object]: [&str; 4], principal: Principal<'_>, verb: &str, path: &str| {
        let is_meant = match who {
            "*" => true,
            "anonymous" => principal.is_anonymous(),
            name => principal == Principal::named(&[name.to_owned()]),
        };
        let is_below = object.strip_suffix("/**").is_some_and(|top| {
            path == top || path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'))
        });
        is_meant && (verbs == "*" || verbs == verb) && (object == path || is_below)
    };
    for (first, second, third) in (0..lines.len()).flat_map(|first| {
        (0..=first).flat_map(move |second| (0..=second).map(move |third| (first, second, third)))
    }) {
        let chosen = [lines[first], lines[second], lines[third]];
        let text = |order: [usize; 3]| order.map(|at| chosen[at].join(" ") + "\n").concat();
        let policies = [[0, 1, 2], [2, 1, 0]].map(|order| Policy::parse(&text(order)).unwrap());
        let fewer = Policy::parse(&(chosen[0].join(" ") + "\n" + &chosen[1].join(" "))).unwrap();
        for (principal, verb, path) in principals.into_iter().flat_map(|principal| {
            ["GET", "PUT"]
                .into_iter()
                .flat_map(move |verb| ["/a", "/a/x", "/b", "/"].map(|path| (principal, verb, path)))
        }) {
            let meant = || chosen.iter().filter(|line| speaks(**line, principal, verb, path));
            let expected = meant().any(|line| line[0] == "allow") && meant().all(|line| line[0] == "allow");
            let object = Object::parse(path).unwrap();
            for policy in &policies {
                let decision = policy.decide(principal, verb, &object);
                assert_eq!(decision.is_allowed, expected, "{chosen:?}: {principal:?} {verb} {path}");
            }
            let before = fewer.decide(principal, verb, &object).is_allowed;
            assert!(before || !expected || chosen[2][0] == "allow", "a deny allows more: {chosen:?}");
        }
    }
}
