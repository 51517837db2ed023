//! The directories of results: `dyno-results/<time>-<experiment>/`, with a link `latest` beside them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::Failure;
use dyno_analysis::levelling::Levelled;
use dyno_record::experiment::Experiment;
use dyno_record::store;
use dyno_report::Report;
use dyno_units::show;

/// Directory of all results, below the current one.
pub(crate) const ROOT: &str = "dyno-results";

/// The directory for an experiment that begins now: `20261121-012805-compare`.
pub(crate) fn directory(experiment: Experiment, unix_ms: u64) -> PathBuf {
    let moment = show::moment(unix_ms).replace(['-', ':'], "").replace(' ', "-");
    Path::new(ROOT).join(format!("{moment}-{experiment}"))
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
    let mut found: Vec<PathBuf> = fs::read_dir(ROOT)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.is_symlink())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            experiment.is_none_or(|experiment| name.ends_with(&format!("-{experiment}")))
        })
        .collect();
    found.sort();
    found.pop().ok_or_else(|| {
        Failure::usage(
            format!("there are no results in {ROOT}"),
            "measure first, with `dyno compare`, or name a directory",
        )
    })
}

/// A report that was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// The report in all its formats.
    pub(crate) report: Report,
    /// Path of the page, `report.html`.
    pub(crate) page: PathBuf,
}

/// Writes `report.html`, `report.md` and `cells.csv` into a directory of records.
///
/// # Errors
/// When there are no records, or a file cannot be written.
pub(crate) fn write_report(directory: &Path) -> Result<Written, Failure> {
    let report = Report::of(&Levelled::of(store::read(directory)?))?;
    let page = directory.join("report.html");
    let files = [
        (page.clone(), &report.html),
        (directory.join("report.md"), &report.markdown),
        (directory.join("cells.csv"), &report.csv),
    ];
    for (path, content) in files {
        fs::write(&path, content)
            .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display()), ""))?;
    }
    Ok(Written { report, page })
}
