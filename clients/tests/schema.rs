//! The JSON Schemas of a result and of a part of a load: published as files, equal to what the types say, and kept by
//! real results.

use dyno_clients::outcome::{Outcome, SCHEMA_VERSION};
use dyno_clients::parts::{LoadPart, PART_SCHEMA};
use serde_json::Value;

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema").join(name)
}

/// `DYNO_WRITE_SCHEMA=1 cargo test -p dyno-clients --test schema` writes the files anew after a field was added.
#[test]
fn the_published_schemas_are_those_of_the_types() {
    for (name, generated) in [
        (format!("outcome.v{SCHEMA_VERSION}.json"), schemars::schema_for!(Outcome)),
        (format!("part.v{PART_SCHEMA}.json"), schemars::schema_for!(LoadPart)),
    ] {
        let generated = serde_json::to_value(generated).unwrap();
        if std::env::var_os("DYNO_WRITE_SCHEMA").is_some() {
            std::fs::write(path(&name), format!("{generated:#}\n")).unwrap();
        }
        let published: Value = serde_json::from_str(&std::fs::read_to_string(path(&name)).unwrap()).unwrap();
        assert!(published == generated, "{name}: the types have changed: write it anew, and keep old fields");
    }
}

#[test]
fn results_keep_to_the_schema_and_the_schema_can_be_broken() {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let published: Value = serde_json::from_str(
        &std::fs::read_to_string(path(&format!("outcome.v{SCHEMA_VERSION}.json"))).unwrap(),
    )
    .unwrap();
    compiler.add_resource("outcome.json", published).unwrap();
    let schema = compiler.compile("outcome.json", &mut schemas).unwrap();
    let text = include_str!("data/outcome.json");
    let mut result: Value = serde_json::from_str(text).unwrap();
    schemas.validate(&result, schema).unwrap();
    // A result that was written before must still be read.
    serde_json::from_str::<Outcome>(text).unwrap();
    result["window_ns"] = "long".into();
    assert!(schemas.validate(&result, schema).is_err());
}
