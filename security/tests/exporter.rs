//! Keys for the application: the same at both ends, other ones everywhere else, and those of the specification.

mod support;

use dyno_security::channel::exporter::{CannotExport, Exporter};
use dyno_security::channel::formula;
use dyno_security::channel::message::Suite;
use dyno_security::channel::schedule::{self, Secret};
use dyno_security::channel::session::ChannelSession;
use dyno_security::kdf;
use dyno_security::pipe::Pipe;
use std::collections::HashSet;
use std::time::Instant;
use support::{drain, mutual, mutual_with, settle};

const SPECIFICATION: &str = include_str!("../CHANNEL.md");

fn export(session: &ChannelSession, label: &str, context: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    session.export(label, context, &mut out).unwrap();
    out
}

#[test]
fn both_ends_export_the_same_and_other_labels_contexts_and_sessions_give_others() {
    let now = Instant::now();
    let mut seen = HashSet::new();
    for suites in [Suite::CLASSICAL, Suite::HYBRID] {
        for application in [&b""[..], b"http/1.1"] {
            let (client, server) = mutual_with(
                |c| (c.suites, c.context) = (suites.to_vec(), application.to_vec()),
                |s| (s.suites, s.context) = (suites.to_vec(), application.to_vec()),
            );
            let (mut left, mut right) = (client.session(now), server.session(now));
            settle(&mut left, &mut right, now).unwrap();
            for (label, context) in
                [("one", &b""[..]), ("one", b"x"), ("two", b""), ("onex", b""), ("on", b"e")]
            {
                let exported = export(&left, label, context);
                assert_eq!(exported, export(&right, label, context), "{label}");
                assert!(seen.insert(exported), "{label} {context:?}");
            }
            // A longer output does not begin with a shorter one.
            let (mut short, mut long) = ([0; 16], [0; 8160]);
            left.export("one", b"", &mut short).unwrap();
            left.export("one", b"", &mut long).unwrap();
            assert!(long[..16] != short && export(&left, "one", b"")[..16] != short);
            // Nor does a change of keys change it.
            let before = export(&left, "one", b"");
            left.send(&[0; 10]).unwrap();
            left.handle_deadline(left.deadline().unwrap()).unwrap();
            settle(&mut left, &mut right, now).unwrap();
            assert_eq!([export(&left, "one", b""), export(&right, "one", b"")], [before; 2]);
        }
    }
}

#[test]
fn nothing_is_exported_before_both_have_accepted_nor_in_another_form() {
    let now = Instant::now();
    let (client, server) = mutual();
    let (mut left, mut right) = (client.session(now), server.session(now));
    let mut out = [7; 8161];
    for _ in 0..2 {
        let failure = left.export("a", b"", &mut out[..32]);
        assert_eq!(failure, Err(CannotExport::NotEstablished));
        right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
        // After the second turn the initiator has done its part, and the responder has accepted.
        if !right.is_established() {
            left.receive(&drain(&mut right), &mut Vec::new(), now).unwrap();
            assert_eq!(left.export("a", b"", &mut out[..32]), Err(CannotExport::NotEstablished));
        }
    }
    settle(&mut left, &mut right, now).unwrap();
    for (label, count, error) in [
        ("", 32, CannotExport::BadLabel),
        (&*"x".repeat(256), 32, CannotExport::BadLabel),
        ("a", 0, CannotExport::BadLength),
        ("a", 8161, CannotExport::BadLength),
    ] {
        assert_eq!(left.export(label, b"", &mut out[..count]), Err(error), "{} {count}", label.len());
    }
    assert!(out.iter().all(|&octet| octet == 7), "untouched");
    left.export(&"x".repeat(255), b"", &mut out[..8160]).unwrap();
    assert!(right.receive(&[0; 40], &mut Vec::new(), now).is_err());
    assert_eq!(right.export("a", b"", &mut out), Err(CannotExport::NotEstablished), "after a failure");
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The figures of section 7, which were computed by another program.
#[test]
fn the_key_schedule_gives_the_figures_of_the_specification() {
    let th3 = [3; 32];
    let [tk_i, tk_r, xm] = schedule::derive(&th3, &[0x0a; 32]);
    let [hybrid, ..] = schedule::derive(&th3, &[[0x0b; 32], [0x0a; 32]].concat());
    let epoch = schedule::epoch(&tk_i);
    let mut told = vec![
        ("tkI", hex(&*tk_i)),
        ("tkR", hex(&*tk_r)),
        ("xm", hex(&*xm)),
        ("tkI, hybrid", hex(&*hybrid)),
        ("key", hex(&*epoch.key)),
        ("base", hex(&*epoch.base)),
        ("next", hex(&*epoch.next)),
    ];
    let exporter = Exporter::new(Secret::copy_of(&*xm));
    for (name, context, count) in [("export 32", &b"a context"[..], 32), ("export 16", b"", 16)] {
        let mut out = vec![0; count];
        exporter.export("a label", context, &mut out).unwrap();
        told.push((name, hex(&out)));
    }
    told.push(("renewed", hex(&*schedule::renewed(&epoch.next, &[0x0c; 32], &[4; 32]))));
    let rs = Secret::copy_of(&*kdf::Prk::from_uniform(&xm).derive::<32>(formula::CTX_RESUMPTION.as_bytes()));
    told.push(("rs", hex(&*rs)));
    for (name, shared) in [("resumed", vec![0x0a; 32]), ("res. hybrid", [[0x0b; 32], [0x0a; 32]].concat())] {
        told.push((name, hex(&*schedule::derive_resumed(&th3, &shared, &rs)[0])));
    }
    for (name, figure) in told {
        let line = format!("    {name:<12} {figure}\n");
        assert!(SPECIFICATION.contains(&line), "{line}");
    }
}
