//! A directory for what servers and generators need while nothing is recorded.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// A directory of this process below the system's temporary one, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes the directory; `purpose` becomes a part of its name.
    ///
    /// # Errors
    /// When it cannot be made, or somebody else has made it.
    pub(crate) fn make(purpose: &str) -> Result<Self, Failure> {
        let place = std::env::temp_dir().join(format!("dyno-{purpose}-{}", std::process::id()));
        // Servers that give up their privileges read the files in it as another user.
        match fs::create_dir(&place) {
            Ok(()) => Ok(Scratch(place)),
            Err(error) => Err(Failure::failed(
                format!("cannot make {}: {error}", place.display()),
                "set TMPDIR to a directory that can be written",
            )),
        }
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Keys may lie in it, and nothing that is needed any more.
        let _ = fs::remove_dir_all(&self.0);
    }
}
