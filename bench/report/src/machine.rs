//! The machine and its floor, as a table.

use crate::charts::escape;
use dyno_record::header::{Environment, Floor, Header};
use dyno_units::show;

/// The machine with its floor, as HTML.
pub(crate) fn facts(environment: &Environment, floor: Option<&Floor>) -> String {
    let mut rows: Vec<(String, String)> = vec![
        ("processor".into(), environment.processor.clone()),
        ("cores".into(), environment.cores.to_string()),
        (
            "cores that share units (SMT)".into(),
            match environment.siblings.as_slice() {
                [] => "none".to_string(),
                sets => format!("{sets:?}"),
            },
        ),
        ("memory".into(), show::bytes(environment.memory_bytes as f64)),
        ("kernel".into(), format!("Linux {}", environment.kernel)),
        ("system".into(), environment.system.clone()),
        ("hypervisor".into(), environment.hypervisor.clone().unwrap_or_else(|| "none seen".into())),
        ("container".into(), environment.container.clone().unwrap_or_else(|| "none seen".into())),
        ("governor".into(), environment.governor.clone().unwrap_or_else(|| "not available".into())),
    ];
    if let Some(floor) = floor {
        let time = |ns: Option<u64>| ns.map_or("not available".to_string(), |ns| show::time(ns as f64));
        rows.push(("floor: round trip of a byte, one core".into(), time(floor.same_core_ns)));
        rows.push(("floor: across two cores that sleep".into(), time(floor.across_cores_ns)));
        rows.push(("floor: across two cores that spin".into(), time(floor.spinning_ns)));
        rows.push(("floor: waking a core".into(), time(floor.wake_up_ns)));
        rows.push(("reading the clock".into(), time(floor.clock_ns)));
    }
    rows.extend(environment.settings.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut table = String::from("<table><tbody>");
    for (name, value) in rows {
        table += &format!(
            "<tr><th scope=\"row\">{}</th><td class=\"text\">{}</td></tr>",
            // On a phone the names of kernel settings are broken where their words end.
            escape(&name).replace('/', "/<wbr>").replace('_', "_<wbr>"),
            escape(&value)
        );
    }
    table + "</tbody></table>"
}

/// The machine of an experiment.
pub(crate) fn render(header: &Header) -> String {
    facts(&header.environment, header.floor.as_ref())
}
