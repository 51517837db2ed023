//! `--uploads DIR`: takes files from clients.

use std::path::PathBuf;

use dyno_servers::kit::access::Access;
use dyno_servers::limits::UPLOAD_BYTES;
use dyno_servers::services::upload::Uploads;
use dyno_units::read::{self, ReadError};
use dyno_units::show;
use nix::sys::signal::{SigHandler, Signal, signal};

use crate::exit::Failure;
use crate::print::errln;

/// What clients may store.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct UploadOptions {
    /// The directory that takes PUT /uploads/NAME. Whoever can connect, and whom no --policy denies it, can fill its
    /// disk and replace what is in it.
    #[arg(long, value_name = "DIR")]
    uploads: Option<PathBuf>,
    /// The most that one upload may have [default: 1GiB].
    #[arg(long, value_name = "SIZE", requires = "uploads", value_parser = size)]
    max_upload: Option<u64>,
}

impl UploadOptions {
    /// The directory, without what is left of uploads that were cut off with an earlier server; `None`: nothing is
    /// taken.
    ///
    /// # Errors
    /// Usage (2), naming the directory and the remedy.
    pub(super) fn uploads(&self, access: Option<&Access>) -> Result<Option<Uploads>, Failure> {
        let Some(directory) = &self.uploads else { return Ok(None) };
        if access.is_some_and(|access| access.users.is_some()) {
            return Err(Failure::usage(
                "--uploads makes files that belong to the server, and the policy has users for the owners of files",
                "take the `user` lines out of the policy, or leave --uploads out",
            ));
        }
        let unfit = |error| {
            Failure::usage(
                format!("{} cannot take uploads: {error}", directory.display()),
                "--uploads wants a directory in which this user may make files",
            )
        };
        let uploads = Uploads::open(directory, self.max_upload.unwrap_or(UPLOAD_BYTES)).map_err(unfit)?;
        let swept = uploads.sweep().map_err(unfit)?;
        if swept > 0 {
            let uploads = show::many(swept as u64, "upload");
            errln!("removed what was left of {uploads} that an earlier server was killed with");
        }
        // A file that may not grow (RLIMIT_FSIZE) is an error for one client, not the end of the server.
        // SAFETY: to ignore a signal runs no code of ours.
        let ignored = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
        ignored.map_err(|error| Failure::failed(format!("cannot set up signals: {error}"), ""))?;
        Ok(Some(uploads))
    }
}

fn size(text: &str) -> Result<u64, ReadError> {
    read::size_bytes(text)
}
