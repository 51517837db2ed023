//! Figures of two kinds of probe are never compared or mixed in silence.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::dyno;

/// The records of an older version, in a directory of their own, with these kinds of probe in their header.
fn records(place: &Path, name: &str, probes: &[u32]) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/records").join(name);
    let text = fs::read_to_string(golden.join("records.jsonl")).unwrap();
    let (header, cells) = text.split_once('\n').unwrap();
    let mut header: Value = serde_json::from_str(header).unwrap();
    assert!(header["environment"]["probes"].is_null(), "older records tell no probe");
    if !probes.is_empty() {
        header["environment"]["probes"] = json!(probes);
    }
    let directory = place.join(format!("{name}-{}", probes.len()));
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("records.jsonl"), format!("{header}\n{cells}")).unwrap();
    directory
}

#[test]
fn a_difference_says_that_probes_differ() {
    let place = tempfile::tempdir().unwrap();
    let (old, old_too) = (records(place.path(), "earlier", &[]), records(place.path(), "later", &[]));
    let new = records(place.path(), "later", &[2]);
    for (one, other, is_told) in [(&old, &old_too, false), (&old, &new, true), (&new, &old, true)] {
        let ended = dyno(&format!("diff {} {}", one.display(), other.display()), &[]);
        assert_eq!(ended.stdout.contains("probes of kind"), is_told, "{ended:?}");
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

#[test]
fn a_report_says_that_an_older_probe_measured() {
    let place = tempfile::tempdir().unwrap();
    for (probes, is_told) in [([].as_slice(), true), (&[2], false)] {
        let directory = records(place.path(), "earlier", probes);
        let ended = dyno(&format!("report {}", directory.display()), &[]);
        let words: Vec<&str> = ended.stdout.split_whitespace().collect();
        assert_eq!(words.join(" ").contains("older kind of probe"), is_told, "{ended:?}");
    }
}

#[test]
fn an_experiment_of_another_probe_is_not_continued() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("begun");
    let name = directory.display().to_string();
    let begun = dyno(
        &format!("scale epoll --blocks 1 --duration 100ms --warm-up 30ms --connections 2 -q -o {name}"),
        &[],
    );
    assert!(matches!(begun.code, 0 | 5), "{begun:?}");
    let file = directory.join("records.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    for other in ["", "\"probes\":[1],", "\"probes\":[3],"] {
        assert!(text.contains("\"probes\":[2],"));
        let changed = text.replace("\"probes\":[2],", other);
        fs::write(&file, &changed).unwrap();
        for more in ["", " --other-program"] {
            let refused = dyno(&format!("scale -q --resume {name}{more}"), &[]);
            assert_eq!(refused.code, 2, "{other}: {refused:?}");
            assert!(refused.stderr.contains("another kind of probe"), "{other}: {refused:?}");
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), changed, "what is refused writes nothing");
    }
}
