//! Why a report cannot be made.

/// Why a report cannot be made. Each of these would be a fault of this program.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The page cannot be rendered.
    #[error("cannot write the page: {0}")]
    Page(askama::Error),
    /// The series that its script draws cannot be encoded.
    #[error("cannot write the page: {0}")]
    Series(serde_json::Error),
    /// The summary cannot be encoded.
    #[error("cannot write the summary: {0}")]
    Summary(serde_json::Error),
    /// A line of the CSV cannot be encoded.
    #[error("cannot write CSV: {0}")]
    Csv(#[from] csv::Error),
    /// The CSV cannot be put together.
    #[error("cannot write CSV: {0}")]
    CsvEnd(#[from] std::io::Error),
}
