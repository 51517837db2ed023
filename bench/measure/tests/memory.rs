//! What the measurement of memory sees of a process that takes some. A program of its own, for tests beside it would
//! take some too.

use dyno_measure::probe::memory::sample;

#[test]
fn anonymous_memory_grows_by_what_is_touched() {
    let own = std::process::id() as i32;
    let before = sample(own);
    let touched = vec![1u8; 64 << 20];
    let after = sample(own);
    std::hint::black_box(&touched);
    let growth = before.growth_bytes(&after).unwrap();
    assert!(growth.abs_diff(64 << 20) < 1 << 20, "{growth}");
}
