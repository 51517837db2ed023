//! What lies in the memory of a process, read through /proc/PID/mem by whoever may trace it: its parent, mostly.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::unistd::Pid;
use procfs::process::{MMPermissions, MMapPath, Process};

use crate::process::children;

const PAGE_BYTES: u64 = 4096;

/// The bit of an entry in /proc/PID/pagemap that says that the page is in memory, and the one that it is swapped out.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;

/// Looks for octets of at least eight in the memory of `pid` and its children.
///
/// # Returns
/// For each of `wanted` where it was found: the mapping and the address.
///
/// # Errors
/// What the system says when the memory of the process itself cannot be read; a child may end meanwhile.
pub fn find(pid: Pid, wanted: &[Vec<u8>]) -> io::Result<Vec<Vec<String>>> {
    let mut found = vec![Vec::new(); wanted.len()];
    search(pid, wanted, &mut found)?;
    for child in children(pid) {
        let _ = search(child, wanted, &mut found);
    }
    Ok(found)
}

fn search(pid: Pid, wanted: &[Vec<u8>], found: &mut [Vec<String>]) -> io::Result<()> {
    let maps = Process::new(pid.as_raw()).and_then(|process| process.maps()).map_err(io::Error::other)?;
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let pagemap = File::open(format!("/proc/{pid}/pagemap"))?;
    // Most places are ruled out by their first two octets.
    let mut begins = vec![false; 1 << 16];
    for octets in wanted {
        begins[usize::from(u16::from_le_bytes([octets[0], octets[1]]))] = true;
    }
    for map in maps.iter().filter(|map| map.perms.contains(MMPermissions::READ | MMPermissions::WRITE)) {
        if matches!(map.pathname, MMapPath::Vvar | MMapPath::Vsyscall) {
            continue;
        }
        for (start, end) in in_memory(&pagemap, map.address)? {
            let mut octets = vec![0; (end - start) as usize];
            // A mapping can go away while it is read.
            if memory.read_exact_at(&mut octets, start).is_err() {
                continue;
            }
            for at in 0..octets.len().saturating_sub(1) {
                if !begins[usize::from(u16::from_le_bytes([octets[at], octets[at + 1]]))] {
                    continue;
                }
                for (found, _) in found.iter_mut().zip(wanted).filter(|(_, w)| octets[at..].starts_with(w)) {
                    found.push(format!("{:?} {:x}", map.pathname, start + at as u64));
                }
            }
        }
    }
    Ok(())
}

/// The parts of a mapping that were ever written: the others hold nothing, and to read them would take memory.
fn in_memory(pagemap: &File, (start, end): (u64, u64)) -> io::Result<Vec<(u64, u64)>> {
    let pages = (end - start) / PAGE_BYTES;
    let mut entries = vec![0; pages as usize * 8];
    pagemap.read_exact_at(&mut entries, start / PAGE_BYTES * 8)?;
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for (page, entry) in (0..).zip(entries.as_chunks::<8>().0) {
        if u64::from_le_bytes(*entry) & (PRESENT | SWAPPED) == 0 {
            continue;
        }
        let at = start + page * PAGE_BYTES;
        match parts.last_mut() {
            Some((_, end)) if *end == at => *end += PAGE_BYTES,
            _ => parts.push((at, at + PAGE_BYTES)),
        }
    }
    Ok(parts)
}
