//! Memory of a process tree, and of the kernel for it.

use std::{fs, io};

use crate::limits::PROCESSES_LIMIT;
use crate::probe::cpu_group::CpuGroup;
use crate::probe::tree;
use dyno_record::server::Memory;

/// Memory of the tree below `root` now; `group` is the control group that it has of its own.
///
/// PSS counts a page that is shared by n processes as 1/n in each, so the sum over a tree is the memory that the tree
/// occupies. The sum of resident set sizes would count the pages of a forked child twice.
pub fn sample(root: i32, group: Option<&CpuGroup>) -> Memory {
    let members = tree::members(root, group);
    // The kernel walks every page table for this; with thousands of processes that would disturb the run.
    let rollups: Option<Vec<String>> = if members.len() <= PROCESSES_LIMIT {
        members.iter().filter_map(|stat| rollup(stat.pid).transpose()).collect::<io::Result<_>>().ok()
    } else {
        None
    };
    let all = |read: fn(&str) -> Option<u64>| rollups.as_ref()?.iter().map(|text| read(text)).sum();
    Memory {
        pss_bytes: all(|text| kibibytes(text, "Pss:")),
        anonymous_bytes: all(anonymous_bytes),
        socket_buffers_bytes: socket_buffers_bytes(),
        kernel_bytes: kernel_bytes(),
    }
}

/// The sums over the memory of a process; `None` when it has ended, since children of a forking server may end while
/// they are examined.
fn rollup(pid: i32) -> io::Result<Option<String>> {
    match fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) {
        Ok(text) => Ok(Some(text)),
        // ESRCH: the process still exists and waits for its parent, but has no memory any more.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Memory that belongs to no file, swapped out or not; the kernel reports it separately since Linux 5.9.
fn anonymous_bytes(rollup: &str) -> Option<u64> {
    Some(
        kibibytes(rollup, "Pss_Anon:")?
            + kibibytes(rollup, "Pss_Shmem:")?
            + kibibytes(rollup, "SwapPss:").unwrap_or(0),
    )
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
    use std::process::{Command, Stdio};

    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    use nix::unistd::Pid;

    use super::*;

    #[test]
    fn this_process_occupies_something() {
        let seen = sample(std::process::id() as i32, None);
        assert!(seen.pss_bytes.unwrap() > 100_000);
        assert!(seen.anonymous_bytes.unwrap() < seen.pss_bytes.unwrap());
        assert!(seen.kernel_bytes.unwrap() > 100_000);
    }

    #[test]
    fn who_has_ended_occupies_nothing() {
        let own = rollup(std::process::id() as i32).unwrap().unwrap();
        assert!(kibibytes(&own, "Pss:").unwrap() > 100_000);
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let pid = child.id() as i32;
        assert!(rollup(pid).unwrap().is_some());
        drop(child.stdin.take());
        // The process stays a zombie until its parent waits for it.
        waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
        assert_eq!(rollup(pid).unwrap(), None, "a zombie");
        child.wait().unwrap();
        assert_eq!(rollup(pid).unwrap(), None, "gone");
    }

    #[test]
    fn what_belongs_to_no_file_is_added_up() {
        let rollup = "Pss: 900 kB\nPss_Anon: 100 kB\nPss_File: 790 kB\nPss_Shmem: 10 kB\nSwapPss: 5 kB\n";
        assert_eq!(anonymous_bytes(rollup), Some(115 * 1024));
    }

    #[test]
    fn what_an_old_kernel_does_not_tell_apart_is_not_available() {
        assert_eq!(anonymous_bytes("Rss: 8 kB\nPss: 420 kB\n"), None);
        let (known, unknown) = (Memory { anonymous_bytes: Some(9), ..Memory::default() }, Memory::default());
        assert_eq!(unknown.growth_bytes(&known), None);
        assert_eq!(known.growth_bytes(&Memory { anonymous_bytes: Some(8), ..Memory::default() }), None);
    }

    #[test]
    fn reads_kibibytes() {
        assert_eq!(kibibytes("Rss:  8 kB\nPss:        420 kB\n", "Pss:"), Some(420 * 1024));
        assert_eq!(kibibytes("Rss:  8 kB\n", "Pss:"), None);
    }
}
