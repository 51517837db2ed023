//! What a decision costs, by the number of rules: `cargo bench -p dyno-security --bench access`.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dyno_security::access::acl::{Acl, FileUser, Permissions};
use dyno_security::access::object::Object;
use dyno_security::access::policy::Policy;
use dyno_security::access::principal::Principal;

/// So many rules about one tree for as many principals, and one that allows it to everybody. What is asked below is
/// spoken of by two of them.
fn one_tree(rules: usize) -> Policy {
    let mut text = String::from("allow * GET /files/**\n");
    for number in 1..rules {
        let _ = writeln!(text, "allow user{number} GET,HEAD /files/**");
    }
    Policy::parse(&text).expect("a policy")
}

/// So many rules about as many objects.
fn many_objects(rules: usize) -> Policy {
    let mut text = String::from("allow * GET /files/**\n");
    for number in 1..rules {
        let _ = writeln!(text, "deny user{number} * /files/user{number}/private/**");
    }
    Policy::parse(&text).expect("a policy")
}

fn decide(c: &mut Criterion) {
    let names = ["user7".to_owned()];
    let principal = Principal::named(&names);
    let object = Object::parse("/files/user5/notes/today").expect("canonical");
    let mut group = c.benchmark_group("decide");
    for rules in [10, 10_000] {
        for (what, policy) in [("one tree", one_tree(rules)), ("many objects", many_objects(rules))] {
            group.bench_function(BenchmarkId::new(what, rules), |bencher| {
                bencher.iter(|| policy.decide(black_box(principal), "GET", black_box(&object)));
            });
        }
    }
    group.finish();
    c.bench_function("canonical object", |bencher| {
        bencher.iter(|| Object::parse(black_box("/files/user5/notes/today")));
    });
    let list = Acl::from_mode(1000, 1000, 0o640);
    let user = FileUser { uid: 1001, gid: 1001, groups: vec![4, 24, 27, 1000] };
    c.bench_function("list of a file", |bencher| {
        bencher.iter(|| black_box(&list).allows(black_box(&user), Permissions::READ));
    });
}

criterion_group!(benches, decide);
criterion_main!(benches);
