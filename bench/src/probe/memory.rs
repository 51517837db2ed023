//! Memory of a process tree, and of the kernel on its behalf.

use std::fs;

use crate::limits::PROCESSES_LIMIT;
use crate::probe::tree;
use crate::record::server::Memory;

/// Memory of the tree below `root` now.
///
/// PSS counts a page that is shared by n processes as 1/n in each, so the sum over a tree is what the tree occupies:
/// the sum of resident sets would count the pages of a forked child twice.
pub fn sample(root: i32) -> Memory {
    let members = tree::members(root);
    // The kernel walks every page table for this; with thousands of processes the walk would disturb the run.
    let pss_bytes = if members.len() <= PROCESSES_LIMIT {
        members.iter().filter(|stat| stat.state != 'Z').map(|stat| pss_bytes(stat.pid)).sum()
    } else {
        None
    };
    Memory { pss_bytes, socket_buffers_bytes: socket_buffers_bytes(), kernel_bytes: kernel_bytes() }
}

fn pss_bytes(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    kibibytes(&text, "Pss:")
}

/// Pages that TCP holds for buffers, both ends of every loopback connection.
fn socket_buffers_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/net/sockstat").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_whitespace();
    words.find(|word| *word == "mem")?;
    Some(words.next()?.parse::<u64>().ok()? * procfs::page_size())
}

fn kernel_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    Some(kibibytes(&text, "Slab:")? + kibibytes(&text, "KernelStack:")? + kibibytes(&text, "PageTables:")?)
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_occupies_something() {
        let seen = sample(std::process::id() as i32);
        assert!(seen.pss_bytes.unwrap() > 100_000);
        assert!(seen.kernel_bytes.unwrap() > 100_000);
    }

    #[test]
    fn reads_kibibytes() {
        assert_eq!(kibibytes("Rss:  8 kB\nPss:        420 kB\n", "Pss:"), Some(420 * 1024));
        assert_eq!(kibibytes("Rss:  8 kB\n", "Pss:"), None);
    }
}
