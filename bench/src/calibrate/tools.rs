//! Other load generators: how each is called, and what it reports.

use std::process::{Command, Stdio};

use crate::calibrate::error::CalibrationError;

/// A load for a foreign generator.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// The URL to request.
    pub(crate) url: String,
    pub(crate) connections: u32,
    /// Requests a second, for tools that can keep a rate.
    pub(crate) rate_per_s: f64,
    pub(crate) seconds: u32,
}

/// What a generator reports.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ToolReport {
    pub(crate) mean_ns: Option<f64>,
    /// Percentiles: quantile and ns.
    pub(crate) percentiles: Vec<(f64, f64)>,
}

impl ToolReport {
    /// The value at `quantile`, if it was reported.
    pub(crate) fn quantile_ns(&self, quantile: f64) -> Option<f64> {
        self.percentiles.iter().find(|p| (p.0 - quantile).abs() < 1e-9).map(|p| p.1)
    }
}

/// A foreign generator: a row of [`ALL`].
pub(crate) struct Tool {
    /// Name of its program.
    pub(crate) name: &'static str,
    command: fn(&Job) -> Vec<String>,
    read: fn(&str) -> ToolReport,
}

/// All generators that are known here. A calibration leaves out those that are not installed.
pub(crate) const ALL: [Tool; 6] = [
    Tool { name: "wrk", command: wrk, read: percent_lines },
    Tool { name: "wrk2", command: wrk2, read: percent_lines },
    Tool { name: "ab", command: ab, read: read_ab },
    Tool { name: "h2load", command: h2load, read: read_h2load },
    Tool { name: "oha", command: oha, read: read_oha },
    Tool { name: "vegeta", command: vegeta, read: read_vegeta },
];

impl Tool {
    /// Whether its program is found on the path.
    pub(crate) fn is_installed(&self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|directory| directory.join(self.name).is_file())
    }

    /// Runs it to its end on the CPUs of the calling thread.
    ///
    /// # Errors
    /// What the tool printed when it reported nothing.
    pub(crate) fn run(&self, job: &Job) -> Result<ToolReport, CalibrationError> {
        let words = (self.command)(job);
        let output = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| CalibrationError::Tool { tool: self.name, error })?;
        let report = (self.read)(&String::from_utf8_lossy(&output.stdout));
        if report == ToolReport::default() {
            let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ");
            return Err(CalibrationError::NothingReported { tool: self.name, status: output.status, said });
        }
        Ok(report)
    }
}

fn words(line: &str, url: &str) -> Vec<String> {
    line.split_whitespace().map(String::from).chain([url.to_string()]).collect()
}

fn wrk(job: &Job) -> Vec<String> {
    words(&format!("wrk -t1 -c{} -d{}s --latency", job.connections, job.seconds), &job.url)
}

fn wrk2(job: &Job) -> Vec<String> {
    let (c, d, r) = (job.connections, job.seconds, job.rate_per_s);
    words(&format!("wrk2 -t1 -c{c} -d{d}s -R{r} --latency"), &job.url)
}

fn ab(job: &Job) -> Vec<String> {
    // -n after -t lifts the limit of 50,000 requests that -t sets; ab keeps 40 bytes for each request.
    words(&format!("ab -q -k -c {} -t {} -n 3000000", job.connections, job.seconds), &job.url)
}

fn h2load(job: &Job) -> Vec<String> {
    words(&format!("h2load --h1 -t1 -c{} -D{}", job.connections, job.seconds), &job.url)
}

fn oha(job: &Job) -> Vec<String> {
    let (c, d, r) = (job.connections, job.seconds, job.rate_per_s);
    words(&format!("oha --no-tui --output-format json --latency-correction -c {c} -z {d}s -q {r}"), &job.url)
}

fn vegeta(job: &Job) -> Vec<String> {
    let (url, d, r, c) = (&job.url, job.seconds, job.rate_per_s, job.connections);
    let attack = format!("vegeta attack -duration={d}s -rate={r} -connections={c} -max-connections={c}");
    vec!["sh".into(), "-c".into(), format!("echo 'GET {url}' | {attack} | vegeta report -type=json")]
}

/// wrk's and wrk2's `50.000%    1.02ms`, and wrk's line `Latency` with the mean.
fn percent_lines(text: &str) -> ToolReport {
    let mut report = ToolReport::default();
    for line in text.lines() {
        let mut fields = line.split_whitespace();
        match (fields.next(), fields.next(), fields.next()) {
            (Some("Latency"), Some(mean), Some(_)) => report.mean_ns = report.mean_ns.or(duration_ns(mean)),
            (Some(percent), Some(value), None) => {
                let percent = percent.strip_suffix('%').and_then(|p| p.parse::<f64>().ok());
                if let (Some(percent), Some(ns)) = (percent, duration_ns(value)) {
                    report.percentiles.push((percent / 100.0, ns));
                }
            }
            _ => {}
        }
    }
    report
}

fn duration_ns(text: &str) -> Option<f64> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let factor = match &text[at..] {
        "us" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        _ => return None,
    };
    Some(text[..at].parse::<f64>().ok()? * factor)
}

/// ab's `  99%      1`, whole milliseconds, and `Time per request: 0.123 [ms] (mean)`.
fn read_ab(text: &str) -> ToolReport {
    let mut report = ToolReport::default();
    for line in text.lines() {
        let mut fields = line.split_whitespace();
        if let Some(rest) = line.strip_prefix("Time per request:")
            && rest.trim_end().ends_with("[ms] (mean)")
        {
            let ms = rest.split_whitespace().next().and_then(|v| v.parse::<f64>().ok());
            report.mean_ns = ms.map(|ms| ms * 1e6);
        } else if let (Some(percent), Some(ms)) = (fields.next(), fields.next()) {
            let percent = percent.strip_suffix('%').and_then(|p| p.parse::<f64>().ok());
            if let (Some(percent), Ok(ms)) = (percent, ms.parse::<f64>()) {
                report.percentiles.push((percent / 100.0, ms * 1e6));
            }
        }
    }
    report
}

/// h2load's `time for request: min max mean sd`; it reports no percentiles.
fn read_h2load(text: &str) -> ToolReport {
    let line = text.lines().find_map(|l| l.strip_prefix("time for request:"));
    let mean_ns = line.and_then(|l| l.split_whitespace().nth(2)).and_then(duration_ns);
    ToolReport { mean_ns, percentiles: Vec::new() }
}

/// oha's JSON, in seconds.
fn read_oha(text: &str) -> ToolReport {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else { return ToolReport::default() };
    let at = |name: &str| Some(json["latencyPercentiles"][name].as_f64()? * 1e9);
    let names = [("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];
    ToolReport {
        mean_ns: json["summary"]["average"].as_f64().map(|s| s * 1e9),
        percentiles: names.iter().filter_map(|&(name, q)| Some((q, at(name)?))).collect(),
    }
}

/// vegeta's JSON, in ns.
fn read_vegeta(text: &str) -> ToolReport {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else { return ToolReport::default() };
    let names = [("50th", 0.5), ("90th", 0.9), ("95th", 0.95), ("99th", 0.99)];
    let latencies = &json["latencies"];
    ToolReport {
        mean_ns: latencies["mean"].as_f64(),
        percentiles: names.iter().filter_map(|&(name, q)| Some((q, latencies[name].as_f64()?))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read() {
        let wrk = percent_lines(
            "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   123.45us  1.2ms   9.9ms   99.00%\n    \
             Req/Sec     2.00k   3.00     4.00k    5.00%\n  Latency Distribution\n     50%  100.00us\n     99%    1.50ms\n",
        );
        assert_eq!(wrk.mean_ns, Some(123_450.0));
        assert_eq!((wrk.quantile_ns(0.5), wrk.quantile_ns(0.99)), (Some(1e5), Some(1.5e6)));
        let ab = read_ab(
            "Time per request:       0.250 [ms] (mean)\nTime per request:       0.062 [ms] (mean, across all)\n  50%      \
             0\n  99%      3\n 100%     99 (longest request)\n",
        );
        assert_eq!((ab.mean_ns, ab.quantile_ns(0.99)), (Some(250_000.0), Some(3e6)));
        let h2load =
            read_h2load("time for request:      101us      2.51ms       1.00ms        0us    70.00%\n");
        assert_eq!(h2load.mean_ns, Some(1e6));
        let oha = read_oha(r#"{"summary":{"average":0.001},"latencyPercentiles":{"p50":0.002,"p99":0.003}}"#);
        assert_eq!((oha.mean_ns, oha.quantile_ns(0.99)), (Some(1e6), Some(3e6)));
        let vegeta = read_vegeta(r#"{"latencies":{"mean":5,"50th":6,"99th":7}}"#);
        assert_eq!((vegeta.mean_ns, vegeta.quantile_ns(0.99)), (Some(5.0), Some(7.0)));
        assert_eq!(read_oha("garbage"), ToolReport::default());
    }
}
