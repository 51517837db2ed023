//! What does not make a whole is refused, and named.

use dyno_clients::parts::LoadPart;
use dyno_clients::parts::merge::Merger;
use dyno_clients::parts::read::{PartError, read};
use serde_json::{Value, json};

use crate::stand::World;

fn files(world: &World) -> Vec<Value> {
    let made = world.made();
    (1..=world.of).map(|number| serde_json::to_value(world.part(&made, number)).unwrap()).collect()
}

fn part(file: &Value) -> LoadPart {
    read(&file.to_string()).unwrap()
}

#[test]
fn parts_of_different_plans_are_refused_by_what_differs() {
    let files = files(&World { of: 2, ..World::default() });
    for (pointer, value, words) in [
        ("/terms/plan/connections", json!(32), "connections is 32, and 64 there"),
        ("/terms/plan/url", json!("http://other/"), "url is \"http://other/\""),
        ("/terms/plan/seed", json!(9), "seed is 9"),
        ("/terms/plan/threads", json!(2), "threads is 2"),
        ("/terms/plan/load/stretches/0/from_per_s", json!(1.0), "load.stretches.0.from_per_s is 1.0"),
        ("/terms/plan/mix/0/target", json!("/b"), "mix.0.target is \"/b\""),
        ("/terms/errors_max", json!(0.5), "errors_max is 0.5"),
        ("/terms/request_octets/0", json!(7), "request_octets.0 is 7"),
        ("/terms/plan/part/of", json!(3), "parts is 3, and 2 there"),
        ("/start_unix_ns", json!(5), "start_unix_ns is 5"),
        ("/program", json!("dyno 9.9.9"), "program is \"dyno 9.9.9\""),
    ] {
        let mut other = files[1].clone();
        *other.pointer_mut(pointer).unwrap() = value;
        let mut merger = Merger::default();
        merger.add("one.json", part(&files[0])).unwrap();
        let error = merger.add("two.json", part(&other)).unwrap_err().to_string();
        assert!(error.contains(words), "{pointer}: {error}");
        assert!(error.starts_with("two.json is of another plan than one.json: "), "{error}");
    }
}

#[test]
fn files_keep_to_the_published_schema() {
    let published = include_str!("../../schema/part.v1.json");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("part.json", serde_json::from_str(published).unwrap()).unwrap();
    let schema = compiler.compile("part.json", &mut schemas).unwrap();
    let mut file = files(&World { of: 2, ..World::default() }).remove(1);
    schemas.validate(&file, schema).unwrap_or_else(|error| panic!("{error}"));
    file["measured"]["tally"]["total"]["sum_ns"] = json!(7);
    assert!(schemas.validate(&file, schema).is_err(), "sums are decimal text");
}

#[test]
fn missing_and_doubled_parts_are_named() {
    let files = files(&World { of: 4, ..World::default() });
    let mut merger = Merger::default();
    assert!(Merger::default().finish(true).unwrap_err().to_string().contains("no part"));
    merger.add("a.json", part(&files[0])).unwrap();
    merger.add("c.json", part(&files[2])).unwrap();
    let error = merger.finish(false).unwrap_err().to_string();
    assert_eq!(error, "parts 2 and 4 of 4 are missing");
    let mut merger = Merger::default();
    merger.add("a.json", part(&files[1])).unwrap();
    let error = merger.add("b.json", part(&files[1])).unwrap_err().to_string();
    assert_eq!(error, "part 2 of 4 is there twice: a.json and b.json");
}

#[test]
fn what_is_no_part_is_refused_with_its_place() {
    let file = files(&World { of: 1, ..World::default() }).remove(0);
    let pretty = format!("{file:#}");
    let cut = &pretty[..pretty.len() / 2];
    assert!(matches!(read(cut), Err(PartError::Broken { line, .. }) if line > 100));
    for text in ["", "{", "no JSON", "[]", "7"] {
        assert!(matches!(read(text), Err(PartError::Broken { line: 0..=1, .. })), "{text}");
    }
    assert!(matches!(read("{}"), Err(PartError::NoPart)));
    let changed = |pointer: &str, value: Value| {
        let mut other = file.clone();
        *other.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        read(&format!("{other:#}")).map(|_| ()).unwrap_err().to_string()
    };
    for (pointer, value, words) in [
        ("/part_schema", json!(2), "part schema 2"),
        ("/measured/tally/total/histogram", json!("!!"), "not base64"),
        ("/measured/tally/total/histogram", json!("AAAA"), "not HDR V2"),
        ("/measured/tally/total/histogram", json!(""), "as many answers as its counts"),
        ("/measured/tally/total/sum_ns", json!("many"), "no whole number"),
        ("/measured/tally/series/interval_ns", json!(7), "intervals"),
        ("/measured/tally/series/interval_ns", json!(0), "intervals"),
        ("/measured/tally/series/cells", json!([]), "intervals"),
        ("/measured/tally/failures", json!([]), "failures by kind"),
        ("/measured/tally/counts/sent", json!(u64::MAX), "larger than a load makes"),
        ("/measured/tally/from_ns", json!(1), "window"),
        ("/measured/window_ns", json!(1_u64 << 51), "window"),
        ("/measured/hosts", json!(9), "more than one part"),
        ("/terms/plan/threads", json!(0), "no thread"),
        ("/measured", json!({}), "missing field"),
    ] {
        let error = changed(pointer, value);
        assert!(error.contains(words), "{pointer}: {error}");
    }
    for (number, of) in [(0, 3), (4, 3), (1, 1_000_000)] {
        let mut other = file.clone();
        other["terms"]["plan"]["part"] = json!({"number": number, "of": of});
        assert!(read(&other.to_string()).unwrap_err().to_string().contains("none of those"), "{number}/{of}");
    }
}
