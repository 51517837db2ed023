//! The code, the table beside the model and the model itself say the same.

use dyno_security::channel::formula;
use dyno_security::channel::schedule;
use dyno_security::channel::table;

/// The handshake; the same under a hybrid suite; a renewal. A resumption has other flights, and is looked at by itself.
const MODELS: [&str; 3] = [
    include_str!("../model/sigma_i.vp"),
    include_str!("../model/hybrid.vp"),
    include_str!("../model/renewal.vp"),
];
const RESUMPTION: &str = include_str!("../model/resumption.vp");
const TABLE: &str = include_str!("../model/table.txt");

#[test]
fn the_table_beside_the_model_is_what_the_code_does() {
    assert_eq!(
        table::text(),
        TABLE,
        "cargo run -p dyno-security --example channel_table > security/model/table.txt"
    );
}

/// The lines of `models` that make `name`, without the suffixes that tell the two sides' copies apart.
fn lines_of(models: &[&str], name: &str) -> Vec<String> {
    let plain = |word: &str| {
        let base = word.strip_suffix("_i").or_else(|| word.strip_suffix("_r")).unwrap_or(word);
        match base {
            "th1i" | "th1r" => "th1",
            "th2i" | "th2r" => "th2",
            "th3i" | "th3r" => "th3",
            "th4i" | "th4r" => "th4",
            "zi" | "zr" => "z",
            other => other,
        }
        .to_owned()
    };
    let mut lines = Vec::new();
    for line in models.iter().copied().flat_map(str::lines).map(str::trim) {
        let mut out = String::new();
        let mut word = String::new();
        for c in line.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
            } else {
                out.push_str(&plain(&std::mem::take(&mut word)));
                out.push(c);
            }
        }
        if out.split('=').next().is_some_and(|left| left.split(',').next().unwrap_or_default().trim() == name)
        {
            lines.push(out.trim().to_owned());
        }
    }
    lines
}

fn model_lines(name: &str) -> Vec<String> {
    lines_of(&MODELS, name)
}

/// What the code hashes and derives in a resumption stands in its model: the flights take the places of those of the
/// handshake in the transcript, and the secret of the session before stands behind the fresh one.
#[test]
fn a_resumption_stands_in_its_model() {
    let text = RESUMPTION.replace("flightResumed", "flight");
    for formula in [&formula::TH1, &formula::TH2, &formula::TH3] {
        let fields: Vec<_> = formula.fields.iter().map(|field| field.name()).collect();
        let lines = lines_of(&[&text], formula.name);
        assert_eq!(lines, vec![format!("{} = HASH({})", formula.name, fields.join(", ")); 2]);
    }
    for keys in [schedule::HANDSHAKE, schedule::TRAFFIC] {
        let expected = format!("{} = HKDF({}, z, ctxResumed)", keys.outputs.join(", "), keys.salt);
        assert_eq!(lines_of(&[RESUMPTION], keys.outputs[0]), vec![expected; 2]);
    }
    assert_eq!(lines_of(&[RESUMPTION], "z"), vec!["z = CONCAT(zx, rs)"; 2]);
}

#[test]
fn every_formula_of_the_code_stands_in_the_model() {
    let resumption = [RESUMPTION];
    for formula in formula::ALL {
        let fields: Vec<_> = formula.fields.iter().map(|f| f.name()).collect();
        let fields = fields.join(", ");
        let expected = match formula.operation.split(' ').collect::<Vec<_>>()[..] {
            ["HASH"] => format!("HASH({fields})"),
            ["SIGN", key] => format!("SIGN({key}, CONCAT({fields}))"),
            ["MAC", key] => format!("MAC({key}, CONCAT({fields}))"),
            ["AEAD", key, number, associated] if formula.fields.len() == 1 => {
                format!("AEAD_ENC({key}, {number}, {fields}, {associated})")
            }
            ["AEAD", key, number, associated] => {
                format!("AEAD_ENC({key}, {number}, CONCAT({fields}), {associated})")
            }
            ref other => panic!("an operation without a model: {other:?}"),
        };
        let models: &[&str] = if formula.name.contains("Resumed") { &resumption } else { &MODELS };
        let lines = lines_of(models, formula.name);
        assert!(!lines.is_empty(), "{} is not in the model", formula.name);
        for line in lines {
            assert_eq!(line, format!("{} = {expected}", formula.name));
        }
    }
}

#[test]
fn the_key_derivations_stand_in_the_model() {
    for keys in [schedule::HANDSHAKE, schedule::TRAFFIC] {
        let expected = format!("{} = HKDF({}, z, ctxKeys)", keys.outputs.join(", "), keys.salt);
        let lines = model_lines(keys.outputs[0]);
        assert_eq!(lines, vec![expected; 4], "both sides derive the same, under both kinds of suites");
    }
}
