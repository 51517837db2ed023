//! Contestants as processes: start, ready line, SIGTERM, tallies.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::contestant::{Contestant, ReadySign};
use crate::limits::{LINE_LIMIT_BYTES, READY_LIMIT, STOP_LIMIT};
use crate::probe::counters::{CounterSample, Counters};
use crate::rig::{CellFault, Farewell};
use dyno_record::contract::{Nothing, ReadyLine, TallyLine};

/// Makes `command` run only on `cores` (on all when empty). The process does not receive the terminal's Ctrl-C, and
/// the kernel ends it if this program dies.
pub fn tame(command: &mut Command, cores: &[usize]) {
    let mut set = CpuSet::new();
    let pinned = cores.iter().filter(|core| set.set(**core).is_ok()).count() > 0;
    command.process_group(0);
    // SAFETY: the closure runs between fork and exec and makes two system calls, both safe after a fork; it touches
    // no lock and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            if pinned {
                sched_setaffinity(Pid::from_raw(0), &set)?;
            }
            Ok(())
        });
    }
}

/// A running contestant.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    complaints: Arc<Mutex<VecDeque<String>>>,
    /// The address on which it listens.
    pub address: SocketAddr,
    label: String,
    ready: ReadySign,
    counters: Counters,
    /// How many cores it may use.
    pub cores: usize,
}

impl Running {
    /// Starts `contestant` with `extra` arguments on `cores` and waits until it is ready. `counted` opens the
    /// kernel's counters for it, which slow down every switch and call.
    ///
    /// # Errors
    /// When the command does not exist, ends, or is not ready in time; the error contains the last lines of its
    /// stderr.
    pub fn start(
        contestant: &Contestant,
        extra: &[String],
        cores: &[usize],
        counted: bool,
        directory: &Path,
    ) -> Result<Self, CellFault> {
        let label = &contestant.label;
        let port = free_port().map_err(|error| CellFault::contract(format!("no free port: {error}")))?;
        let count = if cores.is_empty() { crate::probe::machine::cores() } else { cores.len() };
        let fill = |text: &str| {
            text.replace("{port}", &port.to_string())
                .replace("{cores}", &count.to_string())
                .replace("{dir}", &directory.display().to_string())
        };
        for (path, content) in &contestant.files {
            let path = directory.join(path);
            let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            made.and_then(|()| std::fs::write(&path, fill(content)))
                .map_err(|error| CellFault::contract(format!("cannot write {}: {error}", path.display())))?;
        }
        let mut command = Command::new(fill(&contestant.command[0]));
        command.args(contestant.command[1..].iter().map(|argument| fill(argument))).args(extra);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        tame(&mut command, cores);
        let mut child = command.spawn().map_err(|error| {
            CellFault::contract(format!(
                "{label} cannot be started ({}): {error}",
                contestant.command.join(" ")
            ))
        })?;
        let counters = if counted { Counters::of(child.id() as i32, true) } else { Counters::default() };
        let complaints = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = child.stderr.take() {
            let complaints = Arc::clone(&complaints);
            thread::spawn(move || keep_last_lines(stderr, &complaints));
        }
        let (sender, lines) = channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                let reader = BufReader::new(stdout);
                for line in reader.lines().map_while(Result::ok).filter(|line| line.len() <= LINE_LIMIT_BYTES)
                {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut running = Running {
            child,
            lines,
            complaints,
            address,
            label: label.clone(),
            ready: contestant.ready,
            counters,
            cores: count,
        };
        running.await_ready()?;
        Ok(running)
    }

    /// The values of the kernel's counters so far.
    pub fn counters(&self) -> CounterSample {
        self.counters.sample()
    }

    /// Process id of the first process.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    fn await_ready(&mut self) -> Result<(), CellFault> {
        let ready = self.ready;
        let deadline = Instant::now() + READY_LIMIT;
        loop {
            let pause = if ready == ReadySign::Line { READY_LIMIT } else { Duration::from_millis(5) };
            match self.lines.recv_timeout(pause.min(deadline.saturating_duration_since(Instant::now()))) {
                Ok(line) => {
                    if let (ReadySign::Line, Ok(ReadyLine::<Nothing> { ready: true, address, .. })) =
                        (ready, serde_json::from_str(&line))
                    {
                        self.address = address;
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(2)),
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.fault(&format!("ended before it was ready ({status})")));
            }
            if ready == ReadySign::Connect && TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.fault(&format!("was not ready within {} s", READY_LIMIT.as_secs())));
            }
        }
    }

    fn fault(&self, what: &str) -> CellFault {
        // The last output of a program that died arrives a moment after its death.
        thread::sleep(Duration::from_millis(20));
        let said: Vec<String> =
            self.complaints.lock().map(|lines| lines.iter().cloned().collect()).unwrap_or_default();
        let said = if said.is_empty() {
            "it said nothing".to_string()
        } else {
            format!("it said: {}", said.join(" / "))
        };
        CellFault::contract(format!("{} {what}; {said}", self.label))
    }

    /// Ends it with SIGTERM, and with SIGKILL when it does not end.
    ///
    /// # Errors
    /// When it had died before or had to be killed; and when a contestant that prints the ready line ended with an
    /// error. The exit status of other servers is not examined, because many leave SIGTERM to the kernel.
    pub fn stop(mut self) -> Result<Farewell, CellFault> {
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(self.fault(&format!("ended during the run ({status})")));
        }
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        let deadline = Instant::now() + STOP_LIMIT;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                Ok(None) | Err(_) => {
                    return Err(self.fault(&format!(
                        "did not end within {} s of SIGTERM and was killed",
                        STOP_LIMIT.as_secs()
                    )));
                }
            }
        };
        let mut farewell = Farewell::default();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(200)) {
            if let Ok(TallyLine { workers }) = serde_json::from_str(&line) {
                farewell.requests_by_worker = workers.iter().map(|tally| tally.requests).collect();
            }
        }
        if status.success() || self.ready == ReadySign::Connect {
            Ok(farewell)
        } else {
            Err(self.fault(&format!("ended badly ({status})")))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // The whole group, because a contestant that does not obey may have children.
            let _ = nix::sys::signal::killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn keep_last_lines(from: impl Read, kept: &Mutex<VecDeque<String>>) {
    for line in BufReader::new(from).lines().map_while(Result::ok) {
        if let Ok(mut kept) = kept.lock() {
            kept.push_back(line);
            if kept.len() > 5 {
                kept.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use crate::contestant::{foreign, peers};

    fn shell(script: &str) -> Contestant {
        let mut contestant = foreign::bare("shell", vec!["sh".into(), "-c".into(), script.into()]);
        contestant.ready = ReadySign::Line;
        contestant
    }

    fn start(script: &str) -> Result<Running, CellFault> {
        Running::start(&shell(script), &[], &[], true, &std::env::temp_dir())
    }

    #[test]
    fn reads_the_ready_line_and_the_tallies() {
        let running = start(
            r#"trap 'echo "{\"workers\":[{\"requests\":3},{\"requests\":4}]}"; exit 0' TERM
               echo '{"ready":true,"address":"127.0.0.1:1234","pid":1,"name":"x"}'; while :; do sleep 0.01; done"#,
        )
        .unwrap();
        assert_eq!(running.address.port(), 1234);
        assert_eq!(running.stop().unwrap().requests_by_worker, vec![3, 4]);
    }

    #[test]
    fn tells_the_last_words_of_one_that_dies() {
        let fault = start("echo no such luck >&2; exit 3").unwrap_err();
        assert!(fault.words.contains("no such luck") && fault.words.contains("exit status: 3"), "{fault:?}");
        let fault = Running::start(
            &foreign::bare("ghost", vec!["/nonexistent/server".into()]),
            &[],
            &[],
            false,
            &std::env::temp_dir(),
        )
        .unwrap_err();
        assert!(fault.words.contains("cannot be started"), "{fault:?}");
    }

    #[test]
    fn a_bad_end_is_a_fault() {
        let running =
            start(r#"trap 'exit 7' TERM; echo '{"ready":true,"address":"127.0.0.1:1"}'; while :; do sleep 0.01; done"#)
                .unwrap();
        assert!(running.stop().unwrap_err().words.contains("exit status: 7"));
    }

    #[test]
    fn a_foreign_server_may_leave_its_end_to_the_kernel() {
        let script = "import http.server, sys\nhttp.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()";
        let command = ["python3", "-c", script, "{port}"].map(String::from);
        let python = foreign::bare("python", command.into());
        if !std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|path| path.join("python3").exists())
        {
            eprintln!("no python3 here: nothing was tried");
            return;
        }
        Running::start(&python, &[], &[], false, &std::env::temp_dir()).unwrap().stop().unwrap();
    }

    #[test]
    fn those_that_are_installed_start_and_answer_and_end() {
        for peer in peers::installed() {
            let directory = tempfile::tempdir().unwrap();
            let running = Running::start(&peer, &[], &[], false, directory.path()).unwrap();
            let mut connection = TcpStream::connect(running.address).unwrap();
            connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).unwrap();
            assert!(
                answer.starts_with("HTTP/1.1 200 ") && answer.ends_with(peers::HELLO),
                "{}: {answer}",
                peer.label
            );
            running.stop().unwrap();
        }
    }
}
