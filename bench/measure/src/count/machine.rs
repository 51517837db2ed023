//! The emulated machine, from the outside: a program that is started, and lines that come from its serial port.
//!
//! QEMU translates the guest's instructions (TCG), and with `-icount shift=0` its clock advances by one nanosecond
//! for each of them. While the guest is idle the clock jumps to the next timer (`sleep=off`), so nothing on the host
//! decides how much time passes. It needs no privilege, no counters of the processor, and no virtualization.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::prctl;
use nix::sys::signal::Signal;

use super::contract::{GuestLine, GuestPlan};
use super::image::{self, Image, PROGRAM};
use crate::contestant::find;
use crate::limits::{GUEST_MEMORY_BYTES, GUEST_SILENCE, WORDS_LIMIT_LINES};
use crate::rig::lines::each_line;

/// The emulator.
const EMULATOR: &str = "qemu-system-x86_64";

/// The processor that is emulated. A fixed model has the same instructions in every version of the emulator. This one
/// has no string instructions that count as one a byte (ERMS), which copies and cleared pages would be dominated by;
/// it has the instructions for AES. Random numbers come from the emulator, with a seed, so that runs are alike.
const PROCESSOR: &str = "Westmere,+rdrand";

/// Where kernels are installed.
const KERNELS: &str = "/boot";

/// How the names of their files begin.
const KERNEL_PREFIX: &str = "vmlinuz-";

/// How often the wait for the guest looks whether the user wants to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Why nothing could be counted.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The emulator runs programs of another processor.
    #[error("instructions are counted on x86-64 alone")]
    OtherProcessor,
    /// The emulator is not installed.
    #[error("there is no {EMULATOR}")]
    NoEmulator,
    /// No kernel was named, and none is installed.
    #[error("there is no kernel in {KERNELS}")]
    NoKernel,
    /// The kernel cannot be read.
    #[error("cannot read the kernel {}: {error}", path.display())]
    Kernel {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The image of the guest cannot be made, or not be written.
    #[error("cannot make the guest's files: {0}")]
    Image(io::Error),
    /// The emulator cannot be started.
    #[error("cannot start {EMULATOR}: {0}")]
    Start(io::Error),
    /// The guest ended before it was done.
    #[error("the guest ended before it was done: {0}")]
    Ended(String),
    /// The guest said nothing for too long.
    #[error("the guest said nothing for {} s: {words}", GUEST_SILENCE.as_secs())]
    Silent {
        /// The last lines of its kernel.
        words: String,
    },
    /// The guest could not begin.
    #[error("the guest could not begin: {0}")]
    Broken(String),
    /// The user wants to stop.
    #[error("interrupted")]
    Interrupted,
}

/// The programs that make a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestParts {
    /// The emulator.
    pub emulator: PathBuf,
    /// The kernel of the guest.
    pub kernel: PathBuf,
}

impl GuestParts {
    /// Finds the emulator on the search path, and the kernel: the one that is named, or else the newest that is
    /// installed.
    ///
    /// # Errors
    /// When one of them is missing.
    pub fn find(kernel: Option<&Path>) -> Result<Self, MachineError> {
        if !cfg!(target_arch = "x86_64") {
            return Err(MachineError::OtherProcessor);
        }
        let emulator = find(EMULATOR).ok_or(MachineError::NoEmulator)?;
        let kernel = match kernel {
            Some(named) => named.to_path_buf(),
            None => newest_kernel(Path::new(KERNELS)).ok_or(MachineError::NoKernel)?,
        };
        // The emulator's own words for a file that it cannot read do not name it.
        let read = File::open(&kernel).and_then(|mut file| file.read_exact(&mut [0]));
        read.map_err(|error| MachineError::Kernel { path: kernel.clone(), error })?;
        Ok(GuestParts { emulator, kernel })
    }

    /// The version of the emulator: the last word of the first line that it tells of itself before a parenthesis.
    pub fn emulator_version(&self) -> String {
        let output = Command::new(&self.emulator).arg("-version").stdin(Stdio::null()).output();
        let text =
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let version = line.split(" (").next().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        version.to_string()
    }
}

/// The kernel with the highest version in a directory.
fn newest_kernel(directory: &Path) -> Option<PathBuf> {
    let names =
        std::fs::read_dir(directory).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let kernels = names.filter(|name| name.starts_with(KERNEL_PREFIX));
    kernels.max_by_key(|name| numbers(name)).map(|name| directory.join(name))
}

/// The numbers in a name, by which versions are compared: 6.10 comes after 6.9.
fn numbers(name: &str) -> Vec<u64> {
    let parts = name.split(|letter: char| !letter.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// A running guest. It ends when it is dropped.
#[derive(Debug)]
pub struct GuestMachine {
    emulator: Child,
    lines: Receiver<String>,
    /// The last lines that are not of the contract.
    said: Vec<String>,
}

impl GuestMachine {
    /// Starts a guest that carries out `plan`.
    ///
    /// # Errors
    /// When its files cannot be made, or the emulator cannot be started.
    pub fn start(parts: &GuestParts, plan: &GuestPlan) -> Result<Self, MachineError> {
        let Image { archive, libraries } = image::build(plan).map_err(MachineError::Image)?;
        let image = in_memory(&archive).map_err(MachineError::Image)?;
        let mut command = Command::new(&parts.emulator);
        command.args(arguments(plan.seed)).arg("-kernel").arg(&parts.kernel);
        command
            .arg("-initrd")
            .arg(format!("/proc/self/fd/{}", image.as_raw_fd()))
            .arg("-append")
            .arg(kernel_line(&libraries));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // SAFETY: the closure runs between fork and exec and makes one system call, which is safe after a fork.
        unsafe {
            command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGKILL)?));
        }
        let mut emulator = command.spawn().map_err(MachineError::Start)?;
        let (send, lines) = mpsc::channel();
        if let Some(stderr) = emulator.stderr.take() {
            send_lines(stderr, send.clone());
        }
        if let Some(stdout) = emulator.stdout.take() {
            send_lines(stdout, send);
        }
        Ok(GuestMachine { emulator, lines, said: Vec::new() })
    }

    /// The next line of the guest; `None` once it is done.
    ///
    /// # Errors
    /// When the guest ends or falls silent before it is done, or when `stop` says so.
    pub fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<GuestLine>, MachineError> {
        let mut heard = Instant::now();
        loop {
            match self.lines.recv_timeout(LOOK) {
                Ok(text) => match GuestLine::read(&text) {
                    Some(GuestLine::Done) => return Ok(None),
                    Some(GuestLine::Broken { words }) => return Err(MachineError::Broken(words)),
                    Some(line) => return Ok(Some(line)),
                    None => {
                        heard = Instant::now();
                        self.keep(&text);
                    }
                },
                Err(RecvTimeoutError::Disconnected) => return Err(MachineError::Ended(self.words())),
                Err(RecvTimeoutError::Timeout) if stop() => return Err(MachineError::Interrupted),
                Err(RecvTimeoutError::Timeout) if heard.elapsed() > GUEST_SILENCE => {
                    return Err(MachineError::Silent { words: self.words() });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn keep(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() {
            self.said.push(text.to_string());
            let surplus = self.said.len().saturating_sub(WORDS_LIMIT_LINES);
            self.said.drain(..surplus);
        }
    }

    fn words(&self) -> String {
        if self.said.is_empty() { "it said nothing".into() } else { self.said.join(" / ") }
    }
}

impl Drop for GuestMachine {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

/// A file without a name, which programs that are started inherit.
fn in_memory(content: &[u8]) -> io::Result<File> {
    let file = memfd_create(c"guest", MFdFlags::empty())?;
    let mut file = File::from(file);
    file.write_all(content)?;
    Ok(file)
}

/// Sends each line of a stream on.
fn send_lines(from: impl Read + Send + 'static, to: mpsc::Sender<String>) {
    thread::spawn(move || {
        // Nobody receives lines of a machine that was given up.
        each_line(from, |line| drop(to.send(line.to_string())));
    });
}

/// The machine without its kernel.
fn arguments(seed: u64) -> Vec<String> {
    let words = "-machine pc,accel=tcg -smp 1 -icount shift=0,sleep=off -display none -vga none -net none -nodefaults \
                 -serial stdio -monitor none -no-reboot -no-user-config -rtc base=2026-01-01,clock=vm";
    let mut arguments: Vec<String> = words.split_whitespace().map(String::from).collect();
    let own =
        ["-cpu", PROCESSOR, "-m", &format!("{}M", GUEST_MEMORY_BYTES >> 20), "-seed", &seed.to_string()]
            .map(String::from);
    arguments.extend(own);
    arguments
}

/// The command line of the guest's kernel.
fn kernel_line(libraries: &[PathBuf]) -> String {
    let libraries: Vec<String> = libraries.iter().map(|path| path.display().to_string()).collect();
    // No address is drawn by lot; no mitigation of flaws that the emulated processor does not have; interrupts are on
    // the account of the thread that they interrupt, as on most hosts. What the kernel does not know goes to its
    // first process: the words after the dashes as arguments, and settings as its environment.
    format!(
        "console=ttyS0 loglevel=1 panic=-1 tsc=reliable tsc=noirqtime mitigations=off nokaslr norandmaps random.trust_cpu=on \
         rdinit={PROGRAM} LD_LIBRARY_PATH={} -- guest",
        libraries.join(":")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_has_the_highest_version() {
        let directory = tempfile::tempdir().unwrap();
        for name in
            ["vmlinuz-6.9.7-cloud", "vmlinuz-6.10.1-cloud", "vmlinuz-5.10.0", "config-7.0", "initrd.img-9.0"]
        {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(newest_kernel(directory.path()), Some(directory.path().join("vmlinuz-6.10.1-cloud")));
        assert_eq!(newest_kernel(&directory.path().join("nowhere")), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = GuestParts::find(Some(Path::new("/nonexistent/vmlinuz")));
        let words = missing.unwrap_err().to_string();
        // Where there is no emulator that is said first.
        assert!(words.contains("/nonexistent/vmlinuz") || words.contains(EMULATOR), "{words}");
    }

    #[test]
    fn libraries_and_arguments_reach_the_first_process() {
        let line = kernel_line(&["/lib".into(), "/usr/lib64".into()]);
        assert!(line.contains(" LD_LIBRARY_PATH=/lib:/usr/lib64 -- guest"), "{line}");
        assert!(line.contains("rdinit=/dyno "), "{line}");
    }
}
