//! What load generators tell, as they write it.

use serde_json::Value;

use crate::calibrate::job::ToolReport;

/// wrk's and wrk2's `50.000%    1.02ms`, and wrk's line `Latency` with the mean.
pub(super) fn percent_lines(text: &str) -> ToolReport {
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

/// The file of ab -e: a heading, then `99,1.234`, a percentile in milliseconds.
pub(super) fn ab(text: &str) -> ToolReport {
    let lines = text.lines().filter_map(|line| {
        let (percent, ms) = line.split_once(',')?;
        Some((percent.trim().parse::<f64>().ok()? / 100.0, ms.trim().parse::<f64>().ok()? * 1e6))
    });
    ToolReport { mean_ns: None, percentiles: lines.collect() }
}

/// The file of h2load --log-file: begin in microseconds, status, and latency in microseconds, a line a request.
pub(super) fn h2load(text: &str) -> ToolReport {
    let latencies = text.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (_, status, us) = (fields.next()?, fields.next()?, fields.next()?);
        (status == "200").then(|| us.parse::<f64>().ok().map(|us| us * 1e3))?
    });
    ToolReport::of_values(latencies.collect())
}

/// hey -o csv: a heading, then a line a request that begins with its latency in seconds.
pub(super) fn hey(text: &str) -> ToolReport {
    let latencies = text.lines().filter_map(|line| line.split(',').next()?.parse::<f64>().ok());
    ToolReport::of_values(latencies.map(|s| s * 1e9).collect())
}

/// oha's JSON, in seconds.
pub(super) fn oha(text: &str) -> ToolReport {
    let Ok(json) = serde_json::from_str::<Value>(text) else { return ToolReport::default() };
    ToolReport {
        mean_ns: json["summary"]["average"].as_f64().map(|s| s * 1e9),
        percentiles: named(
            &json["latencyPercentiles"],
            &[("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)],
            1e9,
        ),
    }
}

/// autocannon's JSON, in milliseconds.
pub(super) fn autocannon(text: &str) -> ToolReport {
    let Ok(json) = serde_json::from_str::<Value>(text) else { return ToolReport::default() };
    let latency = &json["latency"];
    ToolReport {
        mean_ns: latency["average"].as_f64().map(|ms| ms * 1e6),
        percentiles: named(latency, &[("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)], 1e6),
    }
}

/// vegeta's JSON, in nanoseconds.
pub(super) fn vegeta(text: &str) -> ToolReport {
    let Ok(json) = serde_json::from_str::<Value>(text) else { return ToolReport::default() };
    let latencies = &json["latencies"];
    ToolReport {
        mean_ns: latencies["mean"].as_f64(),
        percentiles: named(latencies, &[("50th", 0.5), ("90th", 0.9), ("95th", 0.95), ("99th", 0.99)], 1.0),
    }
}

/// zrk's JSON (`--format json`), in microseconds. Its requests fall due in constant distances, and its latencies are
/// taken from there.
pub(super) fn zrk(text: &str) -> ToolReport {
    let Ok(json) = serde_json::from_str::<Value>(text) else { return ToolReport::default() };
    let latency = &json["latency_us"];
    ToolReport {
        mean_ns: latency["mean"].as_f64().map(|us| us * 1e3),
        percentiles: named(
            latency,
            &[("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("p99_99", 0.9999)],
            1e3,
        ),
    }
}

/// The percentiles that a JSON object has under these names, each brought to ns by `unit_ns`.
fn named(object: &Value, names: &[(&str, f64)], unit_ns: f64) -> Vec<(f64, f64)> {
    names.iter().filter_map(|&(name, quantile)| Some((quantile, object[name].as_f64()? * unit_ns))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRK: &str = "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   500.00us  1.2ms   9.9ms   99.00%\n    \
                       Req/Sec     2.00k   3.00     4.00k    5.00%\n  Latency Distribution\n     50%  100.00us\n     99%    1.50ms\n";
    const AB: &str = "Percentage served,Time in ms\n0,0.050\n50,0.100\n99,1.500\n";
    const H2LOAD: &str = "1700000000000000\t200\t100\n1700000000000500\t200\t1500\n1700000000000600\t-1\t9\n";
    const HEY: &str = "response-time,DNS+dialup,DNS,Request-write,Response-delay,Response-read,status-code,offset\n\
                       0.0001,0,0,0,0,0,200,0.1\n0.0015,0,0,0,0,0,200,0.2\n";
    const OHA: &str = r#"{"summary":{"average":0.0005},"latencyPercentiles":{"p50":0.0001,"p99":0.0015}}"#;
    const AUTOCANNON: &str = r#"{"latency":{"average":0.5,"p50":0.1,"p99":1.5,"p99_9":2}}"#;
    const VEGETA: &str = r#"{"latencies":{"mean":500000,"50th":100000,"99th":1500000}}"#;

    /// In the form that the README of zrk documents, with values of this test; what is not read is left as it is there.
    const ZRK: &str = r#"{
      "zrk_version": "0.1.0",
      "target": { "url": "http://127.0.0.1:8080/", "method": "GET" },
      "config": { "connections": 50, "launched": 50, "duration_s": 20.000, "target_rate": 1000, "timeout_ms": 2000 },
      "duration_s": 20.002, "requests": 19998, "bytes": 1239876, "achieved_rate": 999.80, "rate_ratio": 0.9998,
      "max_schedule_lag_us": 84,
      "latency_us": {
        "min": 50, "mean": 500.0, "stdev": 1222.9, "max": 13991,
        "p50": 100, "p75": 337, "p90": 471, "p99": 1500, "p99_9": 13364, "p99_99": 13988
      },
      "errors": { "connect": 0, "read": 0, "write": 0, "timeout": 0, "deadline": 0, "non_2xx_3xx": 0 }
    }"#;

    /// A way to read, an example, and whether it tells the mean.
    type Case = (fn(&str) -> ToolReport, &'static str, Option<f64>);

    #[test]
    fn each_tool_is_read_as_it_writes() {
        let cases: [Case; 8] = [
            (percent_lines, WRK, Some(500_000.0)),
            (ab, AB, None),
            (h2load, H2LOAD, Some(800_000.0)),
            (hey, HEY, Some(800_000.0)),
            (oha, OHA, Some(500_000.0)),
            (autocannon, AUTOCANNON, Some(500_000.0)),
            (vegeta, VEGETA, Some(500_000.0)),
            (zrk, ZRK, Some(500_000.0)),
        ];
        for (read, text, mean_ns) in cases {
            let report = read(text);
            let close = |told: Option<f64>, right: f64| told.is_some_and(|told| (told - right).abs() < 1.0);
            assert!(
                close(report.quantile_ns(0.5), 1e5) && close(report.quantile_ns(0.99), 1.5e6),
                "{report:?}"
            );
            assert_eq!(report.mean_ns.map(f64::round), mean_ns, "{text}");
            assert_eq!(read("garbage"), ToolReport::default());
        }
    }
}
