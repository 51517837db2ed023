//! `--policy FILE` and `--acl WHO`: who may do what.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use dyno_security::access::acl::FileUser;
use dyno_security::access::file::{self, PolicyFileError};
use dyno_security::access::users::Users;
use dyno_servers::architecture::{Architecture, Started};
use dyno_servers::kit::access::{Access, ListReader};
use nix::unistd::{User, geteuid, getgrouplist};

use crate::exit::Failure;

/// Who may do what.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Access")]
pub(super) struct AccessOptions {
    /// Who may do what: lines `allow|deny WHO VERBS OBJECT`, `group NAME MEMBER...`, `user WHO ACCOUNT`. What no line
    /// allows is denied, and a line that denies wins.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Who reads the access control lists of files where the policy has `user` lines [default: server].
    #[arg(long, value_name = "WHO", requires = "policy")]
    acl: Option<Lists>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Lists {
    /// The server reads the list of each file that it opens, and of the directories above it.
    Server,
    /// The process that serves a client becomes its user, and the kernel reads them. Needs root and a design with a
    /// process for each connection.
    Kernel,
}

impl AccessOptions {
    /// What --policy says.
    pub(super) fn policy(&self) -> Option<&Path> {
        self.policy.as_deref()
    }

    /// The rules of the site, of which `file` has the policy; `None`: everybody may do everything. `serves_anybody`:
    /// the transport proves no names.
    ///
    /// # Errors
    /// Usage (2), naming the file, the line and the remedy.
    pub(super) fn access(
        &self,
        architecture: &Architecture,
        serves_anybody: bool,
        file: Option<&Path>,
    ) -> Result<Option<Access>, Failure> {
        let Some(path) = file else {
            return match self.acl {
                None => Ok(None),
                Some(_) => {
                    Err(Failure::usage("--acl means nothing without a file of rules", "give one by --policy"))
                }
            };
        };
        let policy = file::read(path)?;
        if let (Some(line), true) = (policy.first_name(), serves_anybody) {
            return Err(Failure::usage(
                format!("{}: line {line}: a name, and nobody proves one to this server", path.display()),
                "write `anonymous` or *; or let clients prove who they are: --transport channel|tls --trust FILE",
            ));
        }
        let lists = match self.acl {
            Some(Lists::Kernel) => ListReader::Kernel,
            Some(Lists::Server) | None => ListReader::Server,
        };
        let users = match policy.users() {
            [] => None,
            lines => Some(
                Users::resolve(lines, account)
                    .map_err(|error| PolicyFileError::Policy { path: path.to_owned(), error })?,
            ),
        };
        if self.acl.is_some() && users.is_none() {
            let message = format!("{}: no `user` line, so the owners of files are not asked", path.display());
            return Err(Failure::usage(message, "add lines `user WHO ACCOUNT`, or leave --acl out"));
        }
        if lists == ListReader::Kernel {
            check_kernel(architecture)?;
        }
        Ok(Some(Access { policy, users, lists }))
    }
}

/// A process becomes a user once and for all, so it must serve nobody else; and only the superuser may do it.
fn check_kernel(architecture: &Architecture) -> Result<(), Failure> {
    if architecture.anatomy.started != Started::Process {
        let message =
            format!("{} has no process for each connection that could become its user", architecture.name);
        return Err(Failure::usage(message, "--acl server asks the same lists; or take fork"));
    }
    if !geteuid().is_root() {
        return Err(Failure::usage("only root may become another user", "--acl server asks the same lists"));
    }
    Ok(())
}

/// The user of that name in the system's table, with all its groups.
fn account(name: &str) -> Option<FileUser> {
    let user = User::from_name(name).ok()??;
    let groups = getgrouplist(&std::ffi::CString::new(name).ok()?, user.gid).ok()?;
    let groups = groups.into_iter().map(nix::unistd::Gid::as_raw).filter(|group| *group != user.gid.as_raw());
    Some(FileUser { uid: user.uid.as_raw(), gid: user.gid.as_raw(), groups: groups.collect() })
}

/// The directory, held open for processes that become users who may not open it by its path.
///
/// # Errors
/// Usage (2), when it cannot be opened.
pub(super) fn hold(directory: &Path) -> Result<File, Failure> {
    let held = OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(directory);
    held.map_err(|error| Failure::usage(format!("{}: {error}", directory.display()), ""))
}
