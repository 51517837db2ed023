//! Thread-level parallelism.
//!
//! Source: Flautner, Uhlig, Reinhardt, Mudge, "Thread-level parallelism and interactive performance of desktop
//! applications", ASPLOS 2000; Blake et al., "Evolution of thread-level parallelism in desktop applications", ISCA
//! 2010.

/// `TLP = sum(i * c_i) / (1 - c_0)`, where `shares[i]` is the share of time in which `i` threads ran at once.
///
/// # Returns
/// `None` when nothing ever ran, or when the shares do not sum to one within a thousandth.
pub fn tlp(shares: &[f64]) -> Option<f64> {
    let whole: f64 = shares.iter().sum();
    let idle = shares.first().copied().unwrap_or(1.0);
    if (whole - 1.0).abs() > 1e-3 || idle >= 1.0 {
        return None;
    }
    let running: f64 = shares.iter().enumerate().map(|(count, share)| count as f64 * share).sum();
    Some(running / (1.0 - idle))
}

/// Shares `c_i` from counts of running threads that were seen at random instants.
///
/// More threads than cores may be runnable; only `cores` of them can run, so higher counts are cut there.
pub fn shares(seen: &[usize], cores: usize) -> Vec<f64> {
    let mut counts = vec![0usize; cores + 1];
    for running in seen {
        counts[(*running).min(cores)] += 1;
    }
    counts.iter().map(|count| *count as f64 / seen.len().max(1) as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(tlp(&[0.5, 0.5]), Some(1.0));
        assert_eq!(tlp(&[0.0, 0.5, 0.5]), Some(1.5));
        assert_eq!(tlp(&[0.5, 0.0, 0.5]), Some(2.0));
        assert_eq!(tlp(&[1.0]), None);
        assert_eq!(tlp(&[0.2, 0.2]), None);
    }

    #[test]
    fn runnable_threads_beyond_the_cores_do_not_run() {
        assert_eq!(shares(&[0, 1, 9, 9], 2), vec![0.25, 0.25, 0.5]);
    }
}
