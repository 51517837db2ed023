//! A claim is tried in a process of its own, this very program: what one trial leaves behind (threads, memory, cores
//! it was kept to) is nothing to the next, and one that hangs is ended.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use dyno_analysis::textbook::{TrialRounds, judge};
use dyno_measure::rig::process::tame;
use dyno_measure::rig::system::interrupted;
use dyno_measure::textbook::claim::Claim;
use dyno_record::textbook::ClaimFinding;

use crate::exit::Failure;
use crate::limits::{TRIAL_LIMIT, TRIAL_LOOK};

/// Seed of the resampling: the same figures give the same interval.
const SEED: u64 = 1;

/// A directory for the files of trials, which goes with its value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it among the temporary files.
    ///
    /// # Errors
    /// Failed (1) when it cannot be made.
    pub(crate) fn make() -> Result<Self, Failure> {
        let place = std::env::temp_dir().join(format!("dyno-textbook-{}", std::process::id()));
        fs::create_dir(&place).map_err(|error| {
            let message = format!("cannot make {}: {error}", place.display());
            Failure::failed(message, "set TMPDIR to a directory that can be written")
        })?;
        Ok(Scratch(place))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Tries a claim and judges it. A trial that fails leaves its claim undecided, with the reason.
pub(crate) fn tried(claim: &Claim, rounds: u32, scratch: &Scratch) -> ClaimFinding {
    match apart(claim, rounds, scratch.path()) {
        Ok(rounds) => claim.finding(&rounds, judge(claim.claimed, &rounds, SEED)),
        Err(why) => claim.untried(format!("It could not be tried: {why}.")),
    }
}

/// Runs the trial in a process of its own.
fn apart(claim: &Claim, rounds: u32, scratch: &Path) -> Result<TrialRounds, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .args(["textbook", claim.name, "--quiet", "--rounds", &rounds.to_string(), "--trial"])
        .arg(scratch);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    tame(&mut command, &[], None);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let said = read(&mut child);
    let deadline = Instant::now() + TRIAL_LIMIT;
    let [out, err] = loop {
        match said.recv_timeout(TRIAL_LOOK) {
            Ok(texts) => break texts,
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline && !interrupted() => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it took longer than {} s", TRIAL_LIMIT.as_secs()));
            }
        }
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    let told: Option<[Vec<Option<f64>>; 2]> = serde_json::from_str(&out).ok();
    match told {
        // A round without a figure is null there.
        Some(sides) => {
            let [first, second] =
                sides.map(|side| side.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect());
            Ok(TrialRounds { first, second })
        }
        None => {
            let words =
                err.lines().next().unwrap_or_default().trim_start_matches("dyno: ").trim_end_matches('.');
            Err(if words.is_empty() { format!("its process ended ({status})") } else { words.to_string() })
        }
    }
}

/// Reads both streams of a child to their ends.
fn read(child: &mut Child) -> mpsc::Receiver<[String; 2]> {
    let (tell, said) = mpsc::channel();
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::spawn(move || {
        let mut texts = [String::new(), String::new()];
        // What a trial says on stderr is a line or two, less than a pipe holds.
        let _ = out.map(|mut stream| stream.read_to_string(&mut texts[0]));
        let _ = err.map(|mut stream| stream.read_to_string(&mut texts[1]));
        let _ = tell.send(texts);
    });
    said
}
