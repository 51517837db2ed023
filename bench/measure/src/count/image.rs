//! What the guest finds when it boots: this very program, what it is linked to, and what it is to do.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::raw::{c_int, c_void};
use std::path::{Path, PathBuf};

use super::contract::GuestPlan;
use super::cpio::Archive;

/// Where the guest finds the program.
pub(crate) const PROGRAM: &str = "/dyno";

/// Where the guest finds its plan.
pub const PLAN: &str = "/plan.json";

/// Directories that the guest mounts file systems on, or writes into.
const EMPTY: [&str; 5] = ["dev", "proc", "sys", "tmp", "run"];

/// The first file system of a guest.
#[derive(Debug)]
pub(crate) struct Image {
    /// The archive that the kernel unpacks.
    pub(crate) archive: Vec<u8>,
    /// Directories in which the loader finds libraries.
    pub(crate) libraries: Vec<PathBuf>,
}

/// The image of a guest that carries out `plan`.
///
/// # Errors
/// When this program or one of its libraries cannot be read.
pub(crate) fn build(plan: &GuestPlan) -> io::Result<Image> {
    let linked = linked();
    let mut archive = Archive::default();
    let mut made = BTreeSet::new();
    for name in EMPTY {
        archive.directory(name);
        made.insert(PathBuf::from(name));
    }
    // The kernel opens the console before anything is mounted.
    archive.device("dev/console", 5, 1);
    archive.file(&PROGRAM[1..], &fs::read("/proc/self/exe")?);
    let text = serde_json::to_vec(plan).map_err(io::Error::other)?;
    archive.file(&PLAN[1..], &text);
    for library in &linked {
        let inside = library.strip_prefix("/").unwrap_or(library);
        directories(&mut archive, &mut made, inside);
        archive.file(&inside.to_string_lossy(), &fs::read(library)?);
    }
    let libraries: BTreeSet<PathBuf> =
        linked.iter().filter_map(|library| library.parent().map(Path::to_path_buf)).collect();
    Ok(Image { archive: archive.end(), libraries: libraries.into_iter().collect() })
}

/// Adds the directories above a file, each once.
fn directories(archive: &mut Archive, made: &mut BTreeSet<PathBuf>, file: &Path) {
    let mut above: Vec<&Path> =
        file.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
    above.reverse();
    for directory in above {
        if made.insert(directory.to_path_buf()) {
            archive.directory(&directory.to_string_lossy());
        }
    }
}

/// The files that this process is linked to, under the names by which its loader found them, the loader among them;
/// none where the program is linked statically.
fn linked() -> Vec<PathBuf> {
    /// Takes the name of one object of this process.
    unsafe extern "C" fn take(info: *mut libc::dl_phdr_info, _size: usize, found: *mut c_void) -> c_int {
        // SAFETY: dl_iterate_phdr(3) passes a valid entry, and the pointer that it was given, which is that of the
        // vector below; nothing else refers to the vector meanwhile.
        let (info, found) = unsafe { (&*info, &mut *found.cast::<Vec<PathBuf>>()) };
        if !info.dlpi_name.is_null() {
            // SAFETY: a name that is there is a text that ends with a zero, and lives as long as the object is loaded.
            let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_string_lossy();
            // The program itself has no name, and the object of the kernel (vdso) no path.
            if name.starts_with('/') {
                found.push(PathBuf::from(name.as_ref()));
            }
        }
        0
    }
    let mut found: Vec<PathBuf> = Vec::new();
    // SAFETY: the callback follows the contract of dl_iterate_phdr(3) and gets a vector that outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(take), (&raw mut found).cast()) };
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_holds_the_program_its_plan_and_what_it_is_linked_to() {
        let image = build(&GuestPlan::default()).unwrap();
        let holds = |text: &str| {
            let wanted = [text.as_bytes(), &[0]].concat();
            image.archive.windows(wanted.len()).any(|here| here == wanted)
        };
        assert!(holds("dyno") && holds("plan.json") && holds("dev/console"));
        // This test is linked to the C library, wherever it lies.
        let linked = linked();
        for library in &linked {
            assert!(holds(&library.to_string_lossy()[1..]), "{library:?}");
            assert!(image.libraries.iter().any(|directory| library.starts_with(directory)), "{library:?}");
        }
        if cfg!(target_env = "gnu") {
            assert!(linked.iter().any(|library| library.to_string_lossy().contains("libc.so")), "{linked:?}");
        }
    }

    #[test]
    fn each_directory_is_made_once_and_before_what_lies_in_it() {
        let (mut archive, mut made) = (Archive::default(), BTreeSet::new());
        for file in ["lib/x86_64/libc.so.6", "lib/x86_64/libm.so.6", "lib64/ld.so"] {
            directories(&mut archive, &mut made, Path::new(file));
        }
        let text = String::from_utf8(archive.end()).unwrap();
        let places: Vec<usize> =
            ["lib\0", "lib/x86_64\0", "lib64\0"].map(|name| text.find(name).unwrap()).into();
        assert!(places.is_sorted(), "{text}");
        assert_eq!(text.matches("lib/x86_64\0").count(), 1);
    }
}
