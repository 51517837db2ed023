//! Archives as the kernel unpacks them into its first file system: cpio in the format "newc"
//! (Documentation/driver-api/early-userspace/buffer-format.rst of Linux).

/// Type and permissions of a directory that everybody may read.
const DIRECTORY: u32 = 0o040_755;

/// Type and permissions of a program.
const PROGRAM: u32 = 0o100_755;

/// Type and permissions of a character device that everybody may use.
const CHARACTER_DEVICE: u32 = 0o020_666;

/// The name that ends an archive.
const TRAILER: &str = "TRAILER!!!";

/// Headers, names and contents begin at multiples of so many bytes.
const ALIGNMENT: usize = 4;

/// An archive that is being written. Names are paths without a leading slash; a directory comes before what lies in it.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    inodes: u32,
}

impl Archive {
    /// Adds an empty directory.
    pub(crate) fn directory(&mut self, name: &str) {
        self.entry(name, DIRECTORY, &[], (0, 0));
    }

    /// Adds a file that can be executed.
    pub(crate) fn file(&mut self, name: &str, content: &[u8]) {
        self.entry(name, PROGRAM, content, (0, 0));
    }

    /// Adds a character device with these numbers.
    pub(crate) fn device(&mut self, name: &str, major: u32, minor: u32) {
        self.entry(name, CHARACTER_DEVICE, &[], (major, minor));
    }

    /// The archive with its end.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.inodes = 0;
        self.entry(TRAILER, 0, &[], (0, 0));
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8], device: (u32, u32)) {
        let links = if mode == DIRECTORY { 2 } else { 1 };
        let inode = self.inodes;
        self.inodes += 1;
        let size = u32::try_from(content.len()).expect("a file of the guest is smaller than 4 GiB");
        let length = u32::try_from(name.len() + 1).expect("a path is shorter than 4 GiB");
        // Times and owners are zero, so that the same files make the same archive.
        let fields = [inode, mode, 0, 0, links, 0, size, 0, 0, device.0, device.1, length, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08X}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::contestant::find;

    fn archive() -> Vec<u8> {
        let mut archive = Archive::default();
        archive.directory("dev");
        archive.device("dev/console", 5, 1);
        // Lengths of names and contents with each remainder of the alignment.
        for length in 0..9 {
            archive.file(&format!("dev/{}", "n".repeat(length + 1)), &vec![b'x'; length]);
        }
        archive.end()
    }

    /// Lets a program read the archive; `None` where it is not installed.
    fn read_by(program: &str, arguments: &[&str]) -> Option<String> {
        let mut child = Command::new(find(program)?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&archive()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{program}: {output:?}");
        Some(String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn readers_list_what_was_written() {
        for (program, arguments) in
            [("cpio", &["-t"][..]), ("busybox", &["cpio", "-t"]), ("bsdtar", &["-t", "-f", "-"])]
        {
            let Some(listed) = read_by(program, arguments) else {
                eprintln!("no {program} here: it read nothing");
                continue;
            };
            let names: Vec<&str> = listed.lines().collect();
            assert_eq!(names.len(), 2 + 9, "{program}: {names:?}");
            assert_eq!(names[..3], ["dev", "dev/console", "dev/n"], "{program}");
            assert_eq!(names[10], format!("dev/{}", "n".repeat(9)), "{program}");
        }
    }

    #[test]
    fn readers_see_types_sizes_and_devices() {
        let Some(listed) = read_by("cpio", &["-t", "-v"]) else {
            eprintln!("no cpio here: it read nothing");
            return;
        };
        let lines: Vec<&str> = listed.lines().collect();
        assert!(lines[0].starts_with("drwxr-xr-x"), "{listed}");
        assert!(lines[1].starts_with("crw-rw-rw-") && lines[1].contains("5,   1"), "{listed}");
        for (length, line) in lines[2..].iter().enumerate() {
            let size = line.split_whitespace().nth(4).unwrap();
            assert!(line.starts_with("-rwxr-xr-x") && size == length.to_string(), "{line}");
        }
    }

    #[test]
    fn the_same_files_make_the_same_archive() {
        assert_eq!(archive(), archive());
        assert!(archive().len().is_multiple_of(ALIGNMENT));
    }
}
