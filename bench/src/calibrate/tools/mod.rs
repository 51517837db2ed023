//! Other load generators: how each is called, and where it says what it measured.

mod read;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::calibrate::error::CalibrationError;
use crate::calibrate::job::{Job, ToolReport};

/// A foreign generator: a row of [`ALL`].
pub(crate) struct Tool {
    /// Name of its program.
    pub(crate) name: &'static str,
    /// Its words; the path is that of a file which it may write.
    command: fn(&Job, &str, &str) -> String,
    read: fn(&str) -> ToolReport,
    /// Whether it tells its latencies in that file, and not on standard output.
    in_file: bool,
    /// Whether it can keep a rate.
    pub(crate) keeps_rate: bool,
}

/// All generators that are known here. A calibration leaves out those that are not installed. Each keeps the rate of
/// the job if it can, and tells its latencies as finely as it can.
pub(crate) const ALL: [Tool; 9] = [
    Tool { name: "wrk", command: wrk, read: read::percent_lines, in_file: false, keeps_rate: false },
    Tool { name: "wrk2", command: wrk2, read: read::percent_lines, in_file: false, keeps_rate: true },
    Tool { name: "ab", command: ab, read: read::ab, in_file: true, keeps_rate: false },
    Tool { name: "h2load", command: h2load, read: read::h2load, in_file: true, keeps_rate: true },
    Tool { name: "hey", command: hey, read: read::hey, in_file: false, keeps_rate: true },
    Tool { name: "oha", command: oha, read: read::oha, in_file: false, keeps_rate: true },
    Tool {
        name: "autocannon",
        command: autocannon,
        read: read::autocannon,
        in_file: false,
        keeps_rate: true,
    },
    Tool { name: "vegeta", command: vegeta, read: read::vegeta, in_file: false, keeps_rate: true },
    Tool { name: "zrk", command: zrk, read: read::zrk, in_file: false, keeps_rate: true },
];

impl Tool {
    /// Whether its program is found on the path.
    pub(crate) fn is_installed(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(self.name).is_file())
    }

    /// Runs it against `url` to its end on the CPUs of the calling thread.
    ///
    /// # Errors
    /// What the tool printed when it reported nothing.
    pub(crate) fn run(&self, job: &Job, url: &str) -> Result<ToolReport, CalibrationError> {
        let file = OwnFile::new(self.name);
        let words = (self.command)(job, url, &file.0.to_string_lossy());
        let output = Command::new("sh")
            .args(["-c", &words])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| CalibrationError::Tool { tool: self.name, error })?;
        let told = if self.in_file { fs::read(&file.0).unwrap_or_default() } else { output.stdout };
        let report = (self.read)(&String::from_utf8_lossy(&told));
        if report == ToolReport::default() {
            let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ");
            return Err(CalibrationError::NothingReported { tool: self.name, status: output.status, said });
        }
        Ok(report)
    }
}

/// A file of this process that a tool may write; removed at the end.
struct OwnFile(PathBuf);

impl OwnFile {
    fn new(tool: &str) -> Self {
        OwnFile(std::env::temp_dir().join(format!("dyno-calibrate-{}-{tool}", std::process::id())))
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        // It is not there when the tool wrote none.
        let _ = fs::remove_file(&self.0);
    }
}

fn wrk(job: &Job, url: &str, _file: &str) -> String {
    format!("exec wrk -t1 -c{} -d{}s --latency {url}", job.connections, job.seconds)
}

fn wrk2(job: &Job, url: &str, _file: &str) -> String {
    let (c, d, r) = (job.connections, job.seconds, job.rate_per_s);
    format!("exec wrk2 -t1 -c{c} -d{d}s -R{r} --latency {url}")
}

fn ab(job: &Job, url: &str, file: &str) -> String {
    // -n after -t lifts the limit of 50,000 requests that -t sets; ab keeps 40 bytes for each request. It prints whole
    // milliseconds; the file of -e has microseconds.
    format!("exec ab -q -k -c {} -t {} -n 3000000 -e {file} {url}", job.connections, job.seconds)
}

fn h2load(job: &Job, url: &str, file: &str) -> String {
    let (c, d, each) = (job.connections, job.seconds, job.rate_per_connection());
    format!("exec h2load --h1 -t1 -c{c} -D{d} --rps {each} --log-file {file} {url}")
}

fn hey(job: &Job, url: &str, _file: &str) -> String {
    let (c, d, each) = (job.connections, job.seconds, job.rate_per_connection());
    format!("exec hey -c {c} -z {d}s -q {each} -o csv {url}")
}

fn oha(job: &Job, url: &str, _file: &str) -> String {
    let (c, d, r) = (job.connections, job.seconds, job.rate_per_s);
    format!("exec oha --no-tui --output-format json --latency-correction -c {c} -z {d}s -q {r} {url}")
}

fn autocannon(job: &Job, url: &str, _file: &str) -> String {
    let (c, d, r) = (job.connections, job.seconds, job.rate_per_s);
    format!("exec autocannon --json --no-progress -c {c} -d {d} -R {r} {url}")
}

fn vegeta(job: &Job, url: &str, _file: &str) -> String {
    let (d, r, c) = (job.seconds, job.rate_per_s, job.connections);
    let attack = format!("vegeta attack -duration={d}s -rate={r} -connections={c} -max-connections={c}");
    format!("echo 'GET {url}' | {attack} | vegeta report -type=json")
}

fn zrk(job: &Job, url: &str, _file: &str) -> String {
    let (c, d, r) = (job.connections, job.seconds, job.rate_per_s);
    format!("exec zrk -t1 -c{c} -d{d}s -R{r} --format json {url}")
}
