//! Access control: the kernel's own decisions, every small policy against an oracle, and no way around a rule.

use dyno_security::access::acl::{Acl, BadAcl, FileUser, Permissions};
use dyno_security::access::object::{NotCanonical, Object};
use dyno_security::access::policy::{Decision, Policy, PolicyFault, Principal};
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
    let (alice, bob, eve) = (Principal::Named("alice"), Principal::Named("bob"), Principal::Named("eve"));
    let nobody = Principal::Anonymous;
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
        (Principal::Named("Alice"), "POST", "/echo", false, None),
        (alice, "POST", "/echo/", false, None),
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
    ] {
        let text = format!("group known alice\n\n{line}\n");
        let error = Policy::parse(&text).expect_err(line);
        assert_eq!((error.line, &error.fault), (3, &fault), "{line}");
        assert!(error.to_string().starts_with("line 3: "));
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
    let principals = [Principal::Named("alice"), Principal::Named("bob"), Principal::Anonymous];
    let speaks = |[_, who, verbs, object]: [&str; 4], principal, verb: &str, path: &str| {
        let is_meant = match who {
            "*" => true,
            "anonymous" => principal == Principal::Anonymous,
            name => principal == Principal::Named(name),
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
