//! Contestants as processes: start, ready line, SIGTERM, tallies.

use std::fs::File;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::contestant::{Contestant, ReadySign};
use crate::limits::{FAREWELL_LIMIT, READY_LIMIT, STOP_LIMIT};
use crate::probe::counters::{CounterSample, Counters};
use crate::probe::cpu_group::CpuGroup;
use crate::rig::group::ProcessGroup;
use crate::rig::lines::Listener;
use crate::rig::{CellFault, Farewell};

/// Makes `command` run only on `cores` (on all when empty), and in the control group whose `entrance` this is. The
/// process does not receive the terminal's Ctrl-C, and the kernel ends it if this program dies.
pub fn tame(command: &mut Command, cores: &[usize], entrance: Option<File>) {
    let mut set = CpuSet::new();
    let pinned = cores.iter().filter(|core| set.set(**core).is_ok()).count() > 0;
    command.process_group(0);
    // SAFETY: the closure runs between fork and exec and makes three system calls, all safe after a fork; it touches
    // no lock and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            if let Some(mut entrance) = entrance.as_ref() {
                // Who is not let in has no account of its own, which is seen afterwards.
                let _ = entrance.write(b"0");
            }
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
    group: ProcessGroup,
    /// Removed after the processes have ended, as fields are dropped in their order.
    cpu_group: Option<CpuGroup>,
    said: Listener,
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
        // A panic that writes its backtrace stops its thread for a tenth of a second, where the user's shell says so.
        command.env("RUST_BACKTRACE", "0");
        command.envs(contestant.variables.iter().map(|(name, value)| (name, fill(value))));
        if let Some(directory) = &contestant.directory {
            command.current_dir(directory);
        }
        let cpu_group = CpuGroup::make();
        tame(&mut command, cores, cpu_group.as_ref().and_then(|group| group.entrance().ok()));
        let mut child = command.spawn().map_err(|error| {
            CellFault::contract(format!(
                "{label} cannot be started ({}): {error}",
                contestant.command.join(" ")
            ))
        })?;
        let is_inside = |group: &CpuGroup| group.members().contains(&(child.id() as i32));
        let cpu_group = cpu_group.filter(is_inside);
        let counters = if counted { Counters::of(child.id() as i32, true) } else { Counters::default() };
        let said = Listener::of(child.stdout.take(), child.stderr.take());
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut running = Running {
            group: ProcessGroup::led_by(child),
            cpu_group,
            said,
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
        self.group.pid()
    }

    /// The path of the memory into which it writes a trace, if it does.
    pub fn trace(&self) -> Option<String> {
        self.said.trace()
    }

    /// The control group of its own, where one could be made.
    pub fn cpu_group(&self) -> Option<&CpuGroup> {
        self.cpu_group.as_ref()
    }

    /// Whether its first process has ended.
    pub fn has_ended(&self) -> bool {
        self.group.leader_has_ended()
    }

    /// The last lines that it has printed and that are not of the contract.
    pub fn last_words(&self) -> Vec<String> {
        self.said.last_words()
    }

    /// Ends it at once, with all of its processes.
    ///
    /// # Returns
    /// How its first process had ended by then, in words; `None` where it lived.
    pub fn end_now(mut self) -> Option<String> {
        let had_ended = self.group.leader_has_ended();
        let ended = self.group.end();
        had_ended.then(|| ended.map_or_else(|| "unknown".to_string(), |ended| ended.status.to_string()))
    }

    fn await_ready(&mut self) -> Result<(), CellFault> {
        let ready = self.ready;
        let deadline = Instant::now() + READY_LIMIT;
        loop {
            // The line wakes who waits for it; a port has to be tried, and a process that ends wakes nobody.
            let told = self.said.ready(LOOK_AGAIN.min(deadline.saturating_duration_since(Instant::now())));
            if let (ReadySign::Line, Some(address)) = (ready, told) {
                self.address = address;
                return Ok(());
            }
            if self.group.leader_has_ended() {
                return Err(self.fault_at_end("ended before it was ready"));
            }
            if ready == ReadySign::Connect && TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(self.fault(&format!("was not ready within {} s", READY_LIMIT.as_secs())));
            }
        }
    }

    /// The same of one whose first process has ended, with its exit status.
    fn fault_at_end(&mut self, what: &str) -> CellFault {
        let status =
            self.group.end().map_or_else(|| "nobody knows how".to_string(), |ended| ended.status.to_string());
        self.fault(&format!("{what} ({status})"))
    }

    fn fault(&self, what: &str) -> CellFault {
        // The last output of a program that died arrives a moment after its death.
        thread::sleep(Duration::from_millis(20));
        let said = self.said.last_words();
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
        if self.group.leader_has_ended() {
            return Err(self.fault_at_end("ended during the run"));
        }
        let obeyed = self.group.ask_to_end();
        let status = self.group.end();
        if !obeyed {
            let limit_s = STOP_LIMIT.as_secs();
            return Err(self.fault(&format!("did not end within {limit_s} s of SIGTERM and was killed")));
        }
        let farewell = Farewell {
            requests_by_worker: self.said.requests_by_worker(FAREWELL_LIMIT),
            crew: self.said.crew(),
            cpu_whole_life: status.map(|ended| ended.cpu),
        };
        let status = status.map(|ended| ended.status);
        match status {
            Some(status) if !status.success() && self.ready == ReadySign::Line => {
                Err(self.fault(&format!("ended badly ({status})")))
            }
            _ => Ok(farewell),
        }
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// How long a contestant that is not ready is left alone before it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpStream;

    use crate::contestant::{foreign, peers};
    use crate::limits::GROUP_PAUSE;

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
    fn a_server_starts_in_its_directory_with_its_variables() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("serve.sh"),
            "trap 'exit 0' TERM; test \"$WHERE\" = \"$(pwd -P)\" || exit 3\n\
             echo '{\"ready\":true,\"address\":\"127.0.0.1:'$PORT'\"}'; while :; do sleep 0.01; done\n",
        )
        .unwrap();
        let here = std::fs::canonicalize(directory.path()).unwrap();
        let mut contestant = shell("exec sh ./serve.sh");
        contestant.directory = Some(directory.path().to_path_buf());
        contestant.variables =
            vec![("PORT".into(), "{port}".into()), ("WHERE".into(), here.display().to_string())];
        let running = Running::start(&contestant, &[], &[], false, directory.path()).unwrap();
        assert_ne!(running.address.port(), 0);
        running.stop().unwrap();
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

    /// Processes of a group that run.
    fn alive(group: i32) -> usize {
        let all =
            procfs::process::all_processes().unwrap().flatten().filter_map(|process| process.stat().ok());
        all.filter(|stat| stat.pgrp == group && !matches!(stat.state, 'Z' | 'X')).count()
    }

    #[test]
    fn nothing_of_the_group_is_left_however_it_was_started() {
        let ready = r#"echo '{"ready":true,"address":"127.0.0.1:1"}'"#;
        let server = "(trap 'exit 0' TERM; while :; do sleep 0.01; done)";
        let deaf = "(trap '' TERM; while :; do sleep 0.01; done)";
        for (name, script) in [
            ("a wrapper that waits", format!("{ready}; {server}; true")),
            (
                "a wrapper that leaves its server behind",
                format!("{server} & {ready}; while :; do sleep 0.01; done"),
            ),
            ("two forks", format!("({server} &) ; {ready}; while :; do sleep 0.01; done")),
            ("a first process that is gone", format!("{server} & {ready}; sleep 0.2")),
            ("a server that is deaf", format!("{deaf} & {ready}; sleep 0.2")),
        ] {
            let running = start(&script).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
            let group = running.pid();
            if name.contains("gone") || name.contains("deaf") {
                while !running.group.leader_has_ended() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
            assert!(alive(group) > 0, "{name}");
            let _ = running.stop();
            assert_eq!(alive(group), 0, "{name}");
        }
        let dropped = start(&format!("{deaf} & {ready}; sleep 0.1")).unwrap();
        let group = dropped.pid();
        drop(dropped);
        assert_eq!(alive(group), 0, "one that is given up");
    }

    #[test]
    fn a_server_that_drains_is_asked_once() {
        // Draws its end out beyond the moment at which the others of its group are asked, as after an overload.
        let script = r#"asked=0; trap 'asked=$((asked + 1)); [ $asked = 1 ] || exit 130' TERM
            echo '{"ready":true,"address":"127.0.0.1:1"}'
            while [ $asked = 0 ]; do sleep 0.01; done
            looks=0; while [ $looks -lt 80 ]; do sleep 0.01; looks=$((looks + 1)); done; exit 0"#;
        let begun = Instant::now();
        start(script).unwrap().stop().unwrap();
        assert!(begun.elapsed() > GROUP_PAUSE, "it has to outlast the pause");
    }

    #[test]
    fn a_server_may_print_what_it_wants() {
        for (name, noise) in [
            ("no UTF-8", r"printf 'pr\351t\n\377\376\n'"),
            ("no end of line", "printf x"),
            ("a long line", "head -c 3000000 /dev/zero; echo"),
            ("many lines", "yes noise | head -n 300000"),
        ] {
            for stream in ["1", "2"] {
                let script = format!(
                    r#"trap 'echo; echo "{{\"workers\":[{{\"requests\":5}}]}}"; exit 0' TERM
                       ({noise}) >&{stream}; echo; echo '{{"ready":true,"address":"127.0.0.1:1"}}'
                       ({noise}) >&{stream} || exit 9; while :; do sleep 0.01; done"#
                );
                let running = start(&script).unwrap_or_else(|fault| panic!("{name} on {stream}: {fault:?}"));
                let farewell = running.stop().unwrap_or_else(|fault| panic!("{name} on {stream}: {fault:?}"));
                assert_eq!(farewell.requests_by_worker, [5], "{name} on {stream}");
            }
        }
    }

    #[test]
    fn words_of_either_stream_appear_in_the_fault() {
        for stream in ["1", "2"] {
            let fault = start(&format!(r"printf 'pr\351t: no such luck\n' >&{stream}; exit 3")).unwrap_err();
            assert!(
                fault.words.contains("t: no such luck") && fault.words.contains("status: 3"),
                "{fault:?}"
            );
        }
    }
}
