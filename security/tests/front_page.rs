//! The table of attacks on the front page names tests that exist, and leaves out none of the attack tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_table_of_attacks_and_the_tests_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("README.md")).unwrap();
    let named: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.trim_end_matches([' ', '|']).rsplit_once('|'))
        .map(|(_, test)| test.trim().trim_matches('`').to_owned())
        .filter(|test| test.contains("::"))
        .collect();
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(root.join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let Some(file) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".rs") else { continue };
        let text = fs::read_to_string(&path).unwrap();
        let names = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
        tests.extend(names.map(|name| format!("{file}::{name}")));
    }
    let unknown: Vec<_> = named.difference(&tests).collect();
    assert!(unknown.is_empty(), "the front page names tests that do not exist: {unknown:?}");
    // The controls: what must be accepted is no attack.
    let controls = [
        "attack_cookies::nobody_is_asked_for_a_cookie_while_there_are_places",
        "attack_cookies::workers_that_were_forked_take_each_others_cookies",
        "attack_handshake::the_honest_handshake_agrees",
        "attack_hybrid::suites_are_chosen_by_the_initiators_order",
        "attack_hybrid::the_hybrid_handshake_agrees_and_carries_data",
        "attack_hybrid::the_sizes_of_messages_are_those_of_the_front_page",
        "attack_insider::the_truth_is_accepted",
        "attack_renewal::a_renewal_after_a_goodbye_is_left_alone",
        "attack_renewal::a_renewal_takes_four_records_and_data_of_both_directions_passes_between_them",
        "attack_renewal::a_stranger_can_write_a_renewal_from_the_specification",
        "attack_renewal::changes_of_keys_by_count_cross_a_renewal",
        "attack_renewal::the_initiator_renews_by_time_what_was_used",
        "attack_resumption::a_resumption_has_the_length_that_is_told",
        "attack_resumption::a_session_resumes_with_fresh_keys_and_the_same_peers_under_every_suite",
        "attack_resumption::a_stranger_can_write_the_resumption_from_the_specification",
        "attack_resumption::a_ticket_is_given_to_who_asks_and_used_once",
    ];
    let left_out: Vec<_> = tests
        .difference(&named)
        .filter(|test| test.starts_with("attack_") && !controls.contains(&test.as_str()))
        .collect();
    assert!(left_out.is_empty() && named.len() > 30, "the front page leaves out {left_out:?}");
}
