//! What the channel costs beside bare ring, rustls and snow: `cargo run --release -p dyno-security --example ratios`
//!
//! The contestants of a comparison take turns in short slices within each block, and ratios are taken within a block,
//! so that a noisy machine moves both sides alike. Printed: the median figure of each, and the median, least and
//! greatest ratio.

mod contestants;
mod rustls_alone;

use contestants::Contestant;
use std::time::{Duration, Instant};

const BLOCKS: usize = 15;
const SLICE: Duration = Duration::from_millis(200);

/// Runs `contestant` for a slice; work done a second.
fn rate(contestant: &mut Contestant) -> f64 {
    let start = Instant::now();
    let mut done = 0.0;
    loop {
        done += (contestant.work)();
        let elapsed = start.elapsed();
        if elapsed >= SLICE {
            return done / elapsed.as_secs_f64();
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The first contestant against each of the others.
fn compare(title: &str, unit: &str, mut contestants: Vec<Contestant>) {
    println!("{title}");
    for contestant in &mut contestants {
        // To warm up.
        rate(contestant);
    }
    let blocks: Vec<Vec<f64>> = (0..BLOCKS)
        .map(|block| {
            // Each block starts with another one, so that nobody always runs first.
            let mut rates = vec![0.0; contestants.len()];
            for place in 0..contestants.len() {
                let which = (block + place) % contestants.len();
                rates[which] = rate(&mut contestants[which]);
            }
            rates
        })
        .collect();
    for (which, contestant) in contestants.iter().enumerate() {
        let middle = median(blocks.iter().map(|rates| rates[which]).collect());
        print!("  {:<34} {middle:>12.1} {unit}", contestant.name);
        if which > 0 {
            let mut ratios: Vec<f64> = blocks.iter().map(|rates| rates[0] / rates[which]).collect();
            ratios.sort_by(f64::total_cmp);
            let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
            print!("   first : this = {:.3} ({least:.3} to {most:.3})", median(ratios));
        }
        println!();
    }
}

fn main() {
    let which = std::env::args().nth(1).unwrap_or_else(|| "all".into());
    let wants = |name: &str| which == "all" || which == name;
    println!("{BLOCKS} blocks, {} ms a slice", SLICE.as_millis());
    if wants("seal") {
        compare("sealing 16 KiB, AES-256-GCM", "MiB/s", contestants::sealing());
    }
    if wants("handshakes") {
        compare("full handshakes, both sides on one core", "per second", contestants::handshakes());
    }
    if wants("throughput") {
        compare(
            "throughput over a socket (loopback TCP), AES-256-GCM, four records a write",
            "MiB/s",
            contestants::throughput(),
        );
    }
}
