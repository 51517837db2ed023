//! The server reads the access control list of a file as the kernel does: both are asked the same, of real files, and
//! so is a child that becomes the user and opens them. Only root can make such files and such children.
//!
//! There is no harness, because a process is forked that must have one thread.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use dyno_security::access::acl::{FileUser, Permissions};
use dyno_servers::kit::identity::become_user;
use dyno_servers::services::owner::{list_of, open_as};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{AccessFlags, ForkResult, faccessat, fork, geteuid};
use serde_json::Value;

/// Decisions that the Linux kernel took once, over random lists and questions.
const DECISIONS: &str = include_str!("../../security/tests/data/posix_acl.json");

fn main() {
    if !geteuid().is_root() {
        println!("SKIPPED: only root can become the users of 912 questions");
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    let directory = File::open(place.path()).expect("the directory");
    if !has_lists(place.path()) {
        println!("SKIPPED: {} has no access control lists", place.path().display());
        return;
    }
    println!(
        "{} questions: one answer by the list, the kernel and the record",
        decide(place.path(), &directory)
    );
    println!("{} questions of lists with an empty mask", empty_masks(place.path(), &directory));
    println!("{} walks: one answer by the lists and the kernel", walk(place.path()));
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| number.try_into().ok()).expect("a number")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The kernel's form of a list.
fn attribute(entries: &[(&str, Option<u32>, &str)]) -> Vec<u8> {
    let mut entries: Vec<(u16, u16, u32)> = entries
        .iter()
        .map(|(tag, id, letters)| {
            let kind = match (*tag, id) {
                ("user", None) => 1,
                ("user", Some(_)) => 2,
                ("group", None) => 4,
                ("group", Some(_)) => 8,
                ("mask", _) => 16,
                _ => 32,
            };
            let letters = letters.bytes().enumerate();
            let bits =
                letters.fold(0, |bits, (place, letter)| bits | if letter == b'-' { 0 } else { 4 >> place });
            (kind, bits, id.unwrap_or(u32::MAX))
        })
        .collect();
    // The kernel wants the kinds in the order of their numbers.
    entries.sort_by_key(|(kind, ..)| *kind);
    let mut octets = 2_u32.to_le_bytes().to_vec();
    for (kind, bits, id) in entries {
        octets.extend([&kind.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat());
    }
    octets
}

fn set_list(path: &Path, octets: &[u8]) -> nix::Result<()> {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).expect("a path");
    // SAFETY: both names end with a zero, and the kernel reads no more than the length of the value.
    let result = unsafe {
        libc::setxattr(
            path.as_ptr(),
            c"system.posix_acl_access".as_ptr(),
            octets.as_ptr().cast(),
            octets.len(),
            0,
        )
    };
    Errno::result(result).map(drop)
}

fn has_lists(place: &Path) -> bool {
    let path = place.join("trial");
    fs::write(&path, "").expect("a file");
    let entries = [("user", None, "rw-"), ("user", Some(7), "r--"), ("group", None, "---")];
    let more = [("mask", None, "r--"), ("other", None, "---")];
    set_list(&path, &attribute(&[&entries[..], &more].concat())).is_ok()
}

/// Whether a child that becomes the user can have what is wanted.
fn kernel_allows(directory: BorrowedFd<'_>, path: &str, user: &FileUser, wanted: &str) -> bool {
    // SAFETY: this process has one thread.
    match unsafe { fork() }.expect("a child") {
        ForkResult::Child => {
            let code = match become_user(user) {
                Ok(()) => i32::from(!can(directory, path, wanted)),
                Err(_) => 2,
            };
            // SAFETY: _exit(2) does not return, and runs nothing that the parent has registered.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => match waitpid(child, None).expect("its end") {
            WaitStatus::Exited(_, 0) => true,
            WaitStatus::Exited(_, 1) => false,
            other => panic!("{user:?}: {other:?}"),
        },
    }
}

fn can(directory: BorrowedFd<'_>, path: &str, wanted: &str) -> bool {
    let how = match wanted.replace('-', "").as_str() {
        "r" => OFlag::O_RDONLY,
        "w" => OFlag::O_WRONLY,
        "rw" => OFlag::O_RDWR,
        other => {
            let mut flags = AccessFlags::F_OK;
            for (letter, flag) in
                [('r', AccessFlags::R_OK), ('w', AccessFlags::W_OK), ('x', AccessFlags::X_OK)]
            {
                flags.set(flag, other.contains(letter));
            }
            return faccessat(directory, path, flags, AtFlags::empty()).is_ok();
        }
    };
    openat(directory, path, how, Mode::empty()).is_ok()
}

fn decide(place: &Path, directory: &File) -> usize {
    let decisions: Value = serde_json::from_str(DECISIONS).expect("JSON");
    let mut count = 0;
    for case in list(&decisions["acls"]) {
        let name = format!("file{}", case["id"]);
        let path = place.join(&name);
        fs::write(&path, "").expect("a file");
        chown(&path, Some(number(&case["owner"])), Some(number(&case["group"]))).expect("its owner");
        let entries = list(&case["entries"]).iter();
        let entries =
            entries.map(|e| (text(&e["tag"]), e["id"].as_u64().map(|id| id as u32), text(&e["perm"])));
        set_list(&path, &attribute(&entries.collect::<Vec<_>>())).expect("its list");
        let file = File::open(&path).expect("the file");
        let acl = list_of(&file).expect("the list");
        for query in list(&case["queries"]) {
            let groups = list(&query["groups"]).iter().map(number).collect();
            let user = FileUser { uid: number(&query["uid"]), gid: number(&query["gid"]), groups };
            let wanted = text(&query["want"]);
            let bits = wanted.chars().fold(Permissions::from_bits(0), |sum, letter| {
                sum.and(match letter {
                    'r' => Permissions::READ,
                    'w' => Permissions::WRITE,
                    'x' => Permissions::EXECUTE,
                    _ => Permissions::from_bits(0),
                })
            });
            let answers = (acl.allows(&user, bits), kernel_allows(directory.as_fd(), &name, &user, wanted));
            let recorded = query["allowed"].as_bool().expect("an answer");
            assert_eq!(answers, (recorded, recorded), "{name}: {query}");
            count += 1;
        }
        fs::remove_file(&path).expect("the file");
    }
    assert_eq!(count, 912);
    count
}

/// Linux departs from acl(5) where the mask is empty: it does not look into the list.
fn empty_masks(place: &Path, directory: &File) -> usize {
    let path = place.join("masked");
    fs::write(&path, "").expect("a file");
    chown(&path, Some(1000), Some(2000)).expect("its owner");
    let mut count = 0;
    for other in ["r--", "---"] {
        let named = [("user", None, "rw-"), ("user", Some(1001), "r--"), ("group", None, "r--")];
        let more = [("group", Some(2001), "r--"), ("mask", None, "---"), ("other", None, other)];
        set_list(&path, &attribute(&[named, more].concat())).expect("its list");
        let acl = list_of(&File::open(&path).expect("the file")).expect("the list");
        for (uid, gid) in [(1000, 1), (1001, 1), (1001, 2000), (1, 2000), (1, 2001), (1, 1)] {
            let user = FileUser { uid, gid, groups: Vec::new() };
            let kernels = kernel_allows(directory.as_fd(), "masked", &user, "r");
            assert_eq!(acl.allows(&user, Permissions::READ), kernels, "{user:?}, others {other}");
            count += 1;
        }
    }
    count
}

/// Paths with directories above the file, in every small combination of modes: search permission is asked for on each
/// directory, in the kernel's order.
fn walk(place: &Path) -> usize {
    let user = FileUser { uid: 4001, gid: 4001, groups: vec![4100] };
    let (root, upper) = (place.join("root"), place.join("root/upper"));
    fs::create_dir_all(&upper).expect("directories");
    fs::write(upper.join("file"), "").expect("a file");
    chown(&upper, Some(4001), Some(4200)).expect("an owner");
    chown(upper.join("file"), Some(4002), Some(4100)).expect("an owner");
    let mut count = 0;
    for (root_mode, upper_mode, file_mode) in [0o755, 0o711, 0o744, 0o700].into_iter().flat_map(|root_mode| {
        [0o500, 0o100, 0o055].into_iter().flat_map(move |upper_mode| {
            [0o640, 0o604, 0o460].into_iter().map(move |file_mode| (root_mode, upper_mode, file_mode))
        })
    }) {
        for (path, mode) in [(&root, root_mode), (&upper, upper_mode), (&upper.join("file"), file_mode)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        for path in ["upper/file", "upper/absent", "absent", "upper"] {
            let directory = File::open(&root).expect("the root");
            let ours = open_as(directory.try_clone().expect("a descriptor"), path, &user).is_ok();
            let kernels = kernel_allows(directory.as_fd(), path, &user, "r");
            assert_eq!(ours, kernels, "{path} with {root_mode:o}, {upper_mode:o}, {file_mode:o}");
            count += 1;
        }
    }
    count
}
