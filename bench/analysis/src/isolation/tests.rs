//! Planted outcomes: their reach, their majority, and when the server is back.

use dyno_record::isolation::{CulpritEnd, ProcessFates};

use super::*;

/// A block in which so many of 64 victims were hurt.
fn block(hurt: u32, mending: Mending) -> IsolationFigures {
    let third = |hurt: u32| VictimFates { unharmed: 32 - hurt, cut: hurt, ..VictimFates::default() };
    IsolationFigures {
        running: third(hurt.min(32)),
        idle: third(hurt.saturating_sub(32)),
        new: VictimFates::default(),
        longest_before_ns: 5,
        longest_after_ns: 7,
        served_again_ns: Some(0),
        culprit: CulpritEnd::Cut,
        processes: ProcessFates::default(),
        kept_bytes: None,
        mending,
        watched_ns: 1_000,
    }
}

fn cell(blocks: Vec<IsolationFigures>) -> FaultCell {
    FaultCell { fault: PlantedFault::Abort, blocks, void: 0, reason: String::new() }
}

#[test]
fn the_reach_follows_from_the_share_of_victims() {
    for (hurt, wanted) in [
        (0, Radius::OwnConnection),
        (1, Radius::OwnWorker),
        (16, Radius::OwnWorker),
        (57, Radius::OwnWorker),
        (58, Radius::Everybody),
        (64, Radius::Everybody),
    ] {
        assert_eq!(Radius::of(&block(hurt, Mending::NotNeeded)), wanted, "{hurt} of 64");
    }
}

#[test]
fn blocks_that_disagree_say_so() {
    let gone = |hurt| block(hurt, Mending::Gone);
    let stable = cell(vec![gone(64), gone(64), gone(60)]);
    assert!(stable.is_stable() && stable.radius() == Some(Radius::Everybody));
    let two_of_three = cell(vec![gone(64), block(0, Mending::NotNeeded), gone(64)]);
    assert_eq!((two_of_three.agreeing(), two_of_three.is_stable()), (2, false));
    assert_eq!(
        (two_of_three.radius(), two_of_three.mending()),
        (Some(Radius::Everybody), Some(Mending::Gone))
    );
    let mended_otherwise =
        cell(vec![block(9, Mending::Respawn), block(9, Mending::Weakened), block(9, Mending::Respawn)]);
    assert_eq!((mended_otherwise.agreeing(), mended_otherwise.mending()), (2, Some(Mending::Respawn)));
    let even = cell(vec![gone(64), gone(3)]);
    assert_eq!(even.radius(), Some(Radius::Everybody), "the farther one");
    assert_eq!(cell(Vec::new()).radius(), None);
}

#[test]
fn a_server_is_back_when_it_serves_and_is_whole() {
    let with = |mending, served_again_ns, replaced_ns| IsolationFigures {
        served_again_ns,
        processes: ProcessFates { replaced_ns, ..ProcessFates::default() },
        ..block(8, mending)
    };
    for (figures, wanted) in [
        (with(Mending::NotNeeded, Some(0), None), BackAgain::AtOnce),
        (with(Mending::NotNeeded, Some(40), None), BackAgain::After(40.0)),
        (with(Mending::PerConnection, Some(0), Some(90)), BackAgain::AtOnce),
        (with(Mending::Respawn, Some(0), Some(90)), BackAgain::After(90.0)),
        (with(Mending::Respawn, Some(95), Some(90)), BackAgain::After(95.0)),
        (with(Mending::Respawn, None, Some(90)), BackAgain::Not),
        (with(Mending::Weakened, Some(0), None), BackAgain::Not),
        (with(Mending::Hung, None, None), BackAgain::Not),
        (with(Mending::Gone, None, None), BackAgain::Not),
    ] {
        assert_eq!(cell(vec![figures.clone()]).back_again(), Some(wanted), "{figures:?}");
    }
    let blocks = [Some(10), None, None].map(|ns| with(Mending::NotNeeded, ns, None));
    assert_eq!(cell(blocks.to_vec()).back_again(), Some(BackAgain::Not), "in most blocks it was not");
}
