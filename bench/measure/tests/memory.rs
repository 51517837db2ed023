//! What the probe of memory reports for a process that allocates some. This is a test program of its own, because
//! tests beside it would allocate memory too.

use dyno_measure::probe::memory::sample;

#[test]
fn anonymous_memory_grows_by_what_is_touched() {
    let own = std::process::id() as i32;
    let before = sample(own, None);
    let touched = vec![1u8; 64 << 20];
    let after = sample(own, None);
    std::hint::black_box(&touched);
    let growth = before.growth_bytes(&after).unwrap();
    assert!(growth.abs_diff(64 << 20) < 1 << 20, "{growth}");
}
