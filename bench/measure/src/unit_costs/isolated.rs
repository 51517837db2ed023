//! The steps of which architectures are made, each done so many times: the time of all.
//!
//! Both sides of a step run on one core, as they do in a server that has one, and caches stay warm.

use std::ffi::c_void;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr::NonNull;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};

use crate::unit_costs::loaded::host;

/// Switches between two threads or two processes: to sleep on a descriptor, woken by a byte. The calls that bring
/// them about are measured too, and taken off.
///
/// # Errors
/// What the system says.
pub fn switch(rounds: u32, processes: bool) -> io::Result<Duration> {
    let (mut near, mut far) = UnixStream::pair()?;
    let mut byte = [0];
    // The calls alone, by one thread: nobody sleeps, nobody is woken.
    let began = Instant::now();
    for _ in 0..rounds {
        near.write_all(&byte)?;
        far.read_exact(&mut byte)?;
        far.write_all(&byte)?;
        near.read_exact(&mut byte)?;
    }
    let calls = began.elapsed();
    let echo = Echo::start(far, &near, processes)?;
    near.write_all(&byte)?;
    near.read_exact(&mut byte)?;
    let began = Instant::now();
    for _ in 0..rounds {
        near.write_all(&byte)?;
        near.read_exact(&mut byte)?;
    }
    let time = began.elapsed();
    drop(near);
    echo.end();
    // There and back are two switches.
    Ok(time.saturating_sub(calls) / 2)
}

/// The other end of a switch.
enum Echo {
    Thread(thread::JoinHandle<()>),
    Process(Pid),
}

impl Echo {
    fn start(mut far: UnixStream, near: &UnixStream, process: bool) -> io::Result<Self> {
        let mut echo = move || {
            let mut byte = [0];
            while matches!(far.read(&mut byte), Ok(1)) && far.write_all(&byte).is_ok() {}
        };
        if !process {
            return Ok(Echo::Thread(thread::spawn(echo)));
        }
        // SAFETY: the child makes system calls only, all of them safe after a fork of a program with threads, and ends.
        match unsafe { fork() }? {
            ForkResult::Child => {
                // SAFETY: the child's own copy of the descriptor, closed once, so that it sees the end of the stream.
                unsafe { libc::close(near.as_raw_fd()) };
                echo();
                // SAFETY: _exit runs no handler of this program and touches no memory of it.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => Ok(Echo::Process(child)),
        }
    }

    fn end(self) {
        match self {
            Echo::Thread(thread) => drop(thread.join()),
            Echo::Process(child) => drop(waitpid(child, None)),
        }
    }
}

/// Threads started and joined.
///
/// # Errors
/// What the system says.
pub fn spawn(rounds: u32) -> io::Result<Duration> {
    let began = Instant::now();
    for _ in 0..rounds {
        thread::Builder::new().spawn(|| {})?.join().map_err(|_| io::Error::other("the thread panicked"))?;
    }
    Ok(began.elapsed())
}

/// Processes forked that answer a request in memory and end: the pages that this touches are in the price.
///
/// # Errors
/// What the system says.
pub fn fork_and_wait(rounds: u32) -> io::Result<Duration> {
    let began = Instant::now();
    for _ in 0..rounds {
        // SAFETY: of what a fork of a program with threads may leave locked the child uses the memory allocator
        // alone, which the C library keeps usable, and ends.
        match unsafe { fork() }? {
            ForkResult::Child => {
                host::answer_in_memory();
                // SAFETY: _exit runs no handler of this program and touches no memory of it.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => {
                waitpid(child, None)?;
            }
        }
    }
    Ok(began.elapsed())
}

/// Messages through a queue to a crew that sleeps.
///
/// # Errors
/// What the system says.
pub fn hand_over(rounds: u32) -> io::Result<Duration> {
    const CREW: u32 = 16;
    let closed = || io::Error::other("the queue is closed");
    let (queue, work) = crossbeam::channel::bounded::<u32>(CREW as usize);
    let (done, answers) = mpsc::channel();
    let crew: Vec<_> = (0..CREW)
        .map(|_| {
            let (work, done) = (work.clone(), done.clone());
            thread::spawn(move || work.iter().try_for_each(|message| done.send(message)))
        })
        .collect();
    thread::sleep(Duration::from_millis(1));
    let began = Instant::now();
    for burst in 0..rounds.div_ceil(CREW) {
        // As many as there are, then sleep until they are served: as a dispatcher does in accept(2).
        let size = CREW.min(rounds - burst * CREW);
        (0..size).try_for_each(|message| queue.send(message)).map_err(|_| closed())?;
        for _ in 0..size {
            answers.recv().map_err(|_| closed())?;
        }
    }
    let time = began.elapsed();
    drop(queue);
    crew.into_iter().for_each(|one| drop(one.join()));
    Ok(time)
}

/// Pages touched for the first time, of memory that is mapped anew.
///
/// # Errors
/// What the system says.
pub fn fault(rounds: u32) -> io::Result<Duration> {
    let page = procfs::page_size() as usize;
    // Mapped anew: what an allocator gives may have been touched before.
    let memory = Fresh::map(page * rounds as usize)?;
    let began = Instant::now();
    for round in 0..rounds as usize {
        memory.touch(round * page);
    }
    Ok(began.elapsed())
}

/// Memory that nobody has touched, in pages of the usual size.
struct Fresh {
    start: NonNull<c_void>,
    length: NonZeroUsize,
}

impl Fresh {
    fn map(length: usize) -> io::Result<Fresh> {
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at a place of the kernel's choice touches no memory of this program.
        let start = unsafe { mmap_anonymous(None, length, both, MapFlags::MAP_PRIVATE) }?;
        // SAFETY: the mapping is ours, and this advice changes nothing that it holds. A kernel without huge pages
        // refuses it.
        let _ = unsafe { madvise(start, length.get(), MmapAdvise::MADV_NOHUGEPAGE) };
        Ok(Fresh { start, length })
    }

    /// # Panics
    /// When `place` lies outside.
    fn touch(&self, place: usize) {
        assert!(place < self.length.get());
        // SAFETY: `place` lies within the mapping, which lives as long as `self` and is writable.
        unsafe { self.start.cast::<u8>().add(place).write_volatile(1) };
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nobody refers to it any more.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}

/// Pages that a parent and its child share, written to.
///
/// # Errors
/// What the system says.
pub fn copy(rounds: u32) -> io::Result<Duration> {
    let page = procfs::page_size() as usize;
    let mut memory = vec![1u8; page * rounds as usize];
    let (near, far) = UnixStream::pair()?;
    // SAFETY: the child makes system calls only, all of them safe after a fork of a program with threads, and ends.
    match unsafe { fork() }? {
        ForkResult::Child => {
            // SAFETY: the child's own copy of the descriptor, closed once, so that it sees the end of the stream.
            unsafe { libc::close(near.as_raw_fd()) };
            let _ = (&far).read(&mut [0]);
            // SAFETY: _exit runs no handler of this program and touches no memory of it.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            let began = Instant::now();
            for place in (0..memory.len()).step_by(page) {
                memory[place] = 2;
            }
            let time = began.elapsed();
            std::hint::black_box(&memory);
            drop(near);
            waitpid(child, None)?;
            Ok(time)
        }
    }
}

/// System calls that do next to nothing.
///
/// # Errors
/// What the system says.
pub fn call(rounds: u32) -> io::Result<Duration> {
    let began = Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(nix::unistd::getppid());
    }
    Ok(began.elapsed())
}

/// Connections opened, accepted and closed, both ends.
///
/// # Errors
/// What the system says.
pub fn accept(rounds: u32) -> io::Result<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let began = Instant::now();
    for _ in 0..rounds {
        let client = TcpStream::connect(address)?;
        let (server, _) = listener.accept()?;
        drop(OwnedFd::from(client));
        drop(OwnedFd::from(server));
    }
    Ok(began.elapsed())
}
