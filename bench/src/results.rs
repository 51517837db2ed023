//! The directories of results: `dyno-results/<time>-<experiment>/`, with a link `latest` beside them.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::exit::Failure;
use dyno_analysis::levelling::Levelled;
use dyno_measure::contestant::build_of;
use dyno_record::experiment::Experiment;
use dyno_record::store;
use dyno_report::who::ChapterText;
use dyno_report::{Report, Supplements};
use dyno_servers::book::{Chapter, chapters};
use dyno_units::show;

/// Directory of a count that was made with an experiment, below that of its results.
pub(crate) const COUNTS: &str = "count";

/// Directory of all results, below the current one.
pub(crate) const ROOT: &str = "dyno-results";

/// The directory for an experiment that begins now: `20261121-012805-compare`.
pub(crate) fn directory(experiment: Experiment, unix_ms: u64) -> PathBuf {
    let moment = show::moment(unix_ms).replace(['-', ':'], "").replace(' ', "-");
    Path::new(ROOT).join(format!("{moment}-{}", experiment.command()))
}

/// The place for an experiment that began in the same second as the one that has `taken` its place:
/// `20261121-012805.2-compare`, which the order of names puts behind it.
pub(crate) fn next_to(taken: &Path) -> PathBuf {
    let name = taken.file_name().unwrap_or_default().to_string_lossy();
    let (moment, experiment) = name.rsplit_once('-').unwrap_or((&name, ""));
    let (moment, number) = moment.rsplit_once('.').unwrap_or((moment, "1"));
    let next = number.parse::<u32>().unwrap_or(1) + 1;
    taken.with_file_name(format!("{moment}.{next}-{experiment}"))
}

/// Points `dyno-results/latest` to a directory in `dyno-results`; does nothing for directories elsewhere.
pub(crate) fn point_latest(directory: &Path) {
    let (Some(root), Some(name)) = (directory.parent(), directory.file_name()) else {
        return;
    };
    if root.file_name().is_some_and(|parent| parent == ROOT) {
        let link = root.join("latest");
        // The link is only for convenience: without it, the path that is printed leads there as well.
        let _ = fs::remove_file(&link);
        let _ = std::os::unix::fs::symlink(name, &link);
    }
}

/// The newest directory of an experiment, or of any experiment.
///
/// # Errors
/// Usage (2) when there are no results yet.
pub(crate) fn latest(experiment: Option<Experiment>) -> Result<PathBuf, Failure> {
    let is_named = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        experiment.is_none_or(|experiment| name.ends_with(&format!("-{}", experiment.command())))
    };
    newest(is_named).ok_or_else(|| {
        Failure::usage(
            format!("there are no results in {ROOT}"),
            "measure first, with `dyno compare`, or name a directory",
        )
    })
}

/// The newest directory of results of exactly this experiment, where several are run by one command.
pub(crate) fn latest_of(experiment: Experiment) -> Option<PathBuf> {
    newest(|path| holds(path, experiment))
}

/// The newest directory of results that fits: the time begins their names.
fn newest(fits: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(ROOT).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.is_dir() && !path.is_symlink() && fits(path)).max()
}

/// Whether the first line of a directory's records is the header of that experiment.
fn holds(directory: &Path, experiment: Experiment) -> bool {
    let Ok(file) = fs::File::open(directory.join(store::FILE)) else { return false };
    let mut line = String::new();
    let read = io::BufReader::new(file).read_line(&mut line);
    let header = serde_json::from_str::<serde_json::Value>(&line);
    read.is_ok() && header.is_ok_and(|header| header["experiment"] == experiment.word())
}

/// A report that was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// The report in all its formats.
    pub(crate) report: Report,
    /// Path of the page, `report.html`.
    pub(crate) page: PathBuf,
}

/// Writes the files of a report into a directory of records.
///
/// # Errors
/// When there are no records, or a file cannot be written.
pub(crate) fn write_report(directory: &Path) -> Result<Written, Failure> {
    let report = report_of(directory)?;
    let page = write_files(&report, directory)?;
    Ok(Written { report, page })
}

/// The report of a directory of records.
///
/// # Errors
/// When there are none, or they cannot be read.
pub(crate) fn report_of(directory: &Path) -> Result<Report, Failure> {
    let chapters: Vec<ChapterText> = chapters().iter().map(text).collect();
    let counts = directory.join(COUNTS);
    let counts =
        counts.join(store::FILE).exists().then(|| store::read(&counts).map(Levelled::of)).transpose()?;
    let supplements = Supplements { chapters: &chapters, counts: counts.as_ref(), build_of: Some(build_of) };
    Ok(Report::with(&Levelled::of(store::read(directory)?), &supplements)?)
}

/// A chapter as the page shows it.
fn text(chapter: &Chapter) -> ChapterText {
    let parts = ["Idea", "Picture", "Price", "Shines", "Breaks"];
    let parts = parts.map(|part| format!("## {part}\n\n{}\n\n", chapter.part(part)));
    ChapterText { name: chapter.architecture.name.to_string(), text: parts.concat() }
}

/// Writes the files of a report; gives the path of the page.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write_files(report: &Report, directory: &Path) -> Result<PathBuf, Failure> {
    let page = directory.join("report.html");
    let files = [
        (page.clone(), &report.html),
        (directory.join("report.md"), &report.markdown),
        (directory.join("cells.csv"), &report.csv),
        (directory.join("summary.csv"), &report.summary_csv),
        (directory.join("summary.json"), &report.summary_json),
    ];
    for (path, content) in files {
        replace(&path, content)
            .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display()), ""))?;
    }
    Ok(page)
}

/// Names of the files of a report.
const REPORT: [&str; 5] = ["report.html", "report.md", "cells.csv", "summary.csv", "summary.json"];

/// Refuses a place where a report could not be put once everything has been measured.
///
/// # Errors
/// Failed (1) when something that is no file stands where a file of the report belongs.
pub(crate) fn refuse_blocked_report(directory: &Path) -> Result<(), Failure> {
    let blocked = REPORT.map(|name| directory.join(name)).into_iter().find(|path| path.is_dir());
    blocked.map_or(Ok(()), |path| {
        let message = format!("cannot write {}: it is a directory", path.display());
        Err(Failure::failed(message, "move it away, or choose another place with --output DIR"))
    })
}

/// Writes a file beside the one that it replaces, so that a full disk leaves the old one whole.
fn replace(path: &Path, content: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Two reports at once do not write into each other.
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = fs::write(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is left of it is of no use; that it may stay is no second fault.
        let _ = fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_cannot_be_written_leaves_the_old_one() {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join("report.html");
        replace(&page, "old").unwrap();
        replace(&page, "new").unwrap();
        assert_eq!(fs::read_to_string(&page).unwrap(), "new");
        let blocked = directory.path().join("report.md");
        fs::create_dir(&blocked).unwrap();
        assert!(replace(&blocked, "text").is_err());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing is left beside them");
        assert!(refuse_blocked_report(directory.path()).unwrap_err().message.contains("report.md"));
    }

    #[test]
    fn starts_of_the_same_second_have_places_of_their_own_in_their_order() {
        let first = directory(Experiment::Compare, 1_700_000_000_000);
        let mut places = vec![first];
        for _ in 0..3 {
            places.push(next_to(&places[places.len() - 1]));
        }
        assert!(places.is_sorted() && places.windows(2).all(|two| two[0] != two[1]), "{places:?}");
        assert!(places.iter().all(|place| place.to_string_lossy().ends_with("-compare")), "{places:?}");
        assert!(places[3] < directory(Experiment::Compare, 1_700_000_001_000));
    }
}
