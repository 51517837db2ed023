//! What the workloads need on disk: the files that servers give, and the bodies that clients send.
//!
//! The bytes are those of `/bytes/N`: the alphabet, again and again. They are written once for each experiment.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dyno_record::workload::FILES;

use crate::rig::CellFault;

/// The directory that a server has to serve for this path, with its files in it; `None` where the path is not
/// one of the workloads' files.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn files(work: &Path, service: &str) -> Result<Option<PathBuf>, CellFault> {
    if file_path(work, service).is_none() {
        return Ok(None);
    }
    for (path, bytes) in FILES {
        if let Some(file) = file_path(work, path) {
            write(&file, bytes)?;
        }
    }
    Ok(Some(directory(work)))
}

/// Where the file behind a path lies.
pub(crate) fn file_path(work: &Path, service: &str) -> Option<PathBuf> {
    let known = FILES.iter().any(|(path, _)| *path == service);
    Some(directory(work).join(service.strip_prefix("/files/").filter(|_| known)?))
}

/// Writes the body that each request carries, where it carries one.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn body(work: &Path, bytes: Option<u32>) -> Result<(), CellFault> {
    bytes.map_or(Ok(()), |bytes| write(&body_path(work, bytes), bytes))
}

/// Where such a body lies.
pub(crate) fn body_path(work: &Path, bytes: u32) -> PathBuf {
    work.join(format!("body-{bytes}"))
}

fn directory(work: &Path) -> PathBuf {
    work.join("files")
}

fn write(path: &Path, bytes: u32) -> Result<(), CellFault> {
    let is_whole = fs::metadata(path).is_ok_and(|file| file.len() == u64::from(bytes));
    let written = if is_whole { Ok(()) } else { write_anew(path, bytes) };
    written.map_err(|error| CellFault::contract(format!("cannot write {}: {error}", path.display())))
}

fn write_anew(path: &Path, bytes: u32) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    let alphabet: Vec<u8> = (b'a'..=b'z').cycle().take(bytes as usize).collect();
    fs::write(path, alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_there_for_the_paths_of_the_workloads_alone() {
        let work = tempfile::tempdir().unwrap();
        for (path, bytes) in FILES {
            let directory = files(work.path(), path).unwrap().unwrap();
            let file = file_path(work.path(), path).unwrap();
            assert!(file.starts_with(&directory));
            assert_eq!(fs::read(&file).unwrap().len(), bytes as usize);
        }
        for other in ["/", "/files/", "/files/other", "/files/../small", "small"] {
            assert_eq!(files(work.path(), other).unwrap(), None, "{other}");
        }
        // One that was cut short is written again.
        let file = file_path(work.path(), FILES[0].0).unwrap();
        fs::write(&file, b"ab").unwrap();
        files(work.path(), FILES[0].0).unwrap();
        assert_eq!(fs::read(&file).unwrap().len(), FILES[0].1 as usize);
        body(work.path(), Some(30)).unwrap();
        assert!(fs::read(body_path(work.path(), 30)).unwrap().ends_with(b"zabcd"));
    }
}
