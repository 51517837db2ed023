//! Appends records. Whoever writes holds a lock on the file, so that no two programs mix their cells.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{FILE, Line, StoreError};
use crate::header::Header;
use crate::measured::Record;

/// A file that takes records from this program and from no other as long as this lives.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Makes the file in `directory`, and the directory where there is none, and writes the header.
    ///
    /// # Errors
    /// When there is such a file already, or it cannot be made or written.
    pub fn begin(directory: &Path, header: &Header) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let failed = |error| StoreError::Open { path: path.clone(), error };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let made = OpenOptions::new().create_new(true).append(true).read(true).open(&path);
        let file = made.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Taken(directory.to_path_buf()),
            _ => failed(error),
        })?;
        let mut store = Store { path: path.clone(), file };
        store.lock()?;
        store.write(&Line::Header(Box::new(header.clone())))?;
        Ok(store)
    }

    /// Takes hold of the file in `directory`, and changes nothing in it.
    ///
    /// # Errors
    /// When there is none, it cannot be written, or another program writes it.
    pub fn reopen(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let file = OpenOptions::new().append(true).read(true).open(&path).map_err(|error| {
            // Who named no directory reads the name that was given.
            let path = if directory.is_dir() { path.clone() } else { directory.to_path_buf() };
            match error.kind() {
                io::ErrorKind::NotFound => StoreError::Missing { path, error },
                _ => StoreError::Open { path, error },
            }
        })?;
        let store = Store { path, file };
        store.lock()?;
        Ok(store)
    }

    /// Continues the experiment: writes the header of this start. A last line that was cut off (the machine or the
    /// program died while writing) is cut away first.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn go_on(&mut self, header: &Header) -> Result<(), StoreError> {
        self.mend_end().map_err(|error| StoreError::Open { path: self.path.clone(), error })?;
        self.write(&Line::Header(Box::new(header.clone())))
    }

    /// Appends a cell; when this returns, a crash of the program no longer loses it.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.write(&Line::Cell(Box::new(record.clone())))
    }

    fn lock(&self) -> Result<(), StoreError> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked(self.path.clone())),
            // A file system without locks is used as it is.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
            Err(TryLockError::Error(error)) => Err(StoreError::Open { path: self.path.clone(), error }),
        }
    }

    fn write(&mut self, line: &Line) -> Result<(), StoreError> {
        let mut text = serde_json::to_string(line).map_err(StoreError::Encode)?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| StoreError::Append { path: self.path.clone(), error })
    }

    /// Gives a last line without its end that end where it is whole, and takes it away where it is not.
    fn mend_end(&mut self) -> io::Result<()> {
        let (mut whole, mut line) = (0, Vec::new());
        self.file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(&self.file);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            whole += length as u64;
        }
        if line.is_empty() {
            return Ok(());
        }
        if serde_json::from_slice::<Value>(&line).is_ok() {
            return self.file.write_all(b"\n");
        }
        self.file.set_len(whole)
    }
}
