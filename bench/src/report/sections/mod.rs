//! The parts of the page that show figures, by experiment.

use crate::figures::escape;
use crate::record::store::Records;
use crate::report::model::Model;
use crate::report::points;
use crate::report::section::Section;

pub mod along;
pub mod compare;

/// All parts that an experiment has.
pub fn all(model: &Model, records: &Records) -> Vec<Section> {
    match points::axis(&records.header.experiment) {
        Some(axis) => along::sections(model, records, axis),
        None => compare::sections(model),
    }
}

/// Head cells with buttons to sort by: name, and whether the column holds numbers.
pub fn head(columns: &[(&str, bool)]) -> String {
    columns
        .iter()
        .map(|(name, number)| {
            let (kind, class) = if *number { ("number", "") } else { ("text", " class=\"text\"") };
            format!(
                "<th scope=\"col\" data-kind=\"{kind}\"{class}><button type=\"button\">{}</button></th>",
                escape(name)
            )
        })
        .collect()
}

/// A figure with its caption.
pub fn chart(caption: &str, svg: &str) -> String {
    format!(
        "<figure class=\"chart\"><figcaption>{}</figcaption><div class=\"scroll\" tabindex=\"0\">{svg}</div></figure>",
        escape(caption)
    )
}

/// A figure in two scales; scripts switch between them, and without scripts the first one shows.
pub fn chart_in_two_scales(caption: &str, first: &str, second: &str) -> String {
    format!(
        "<figure class=\"chart\"><figcaption>{}</figcaption><p class=\"script\"><button type=\"button\" data-scale aria-pressed=\"false\">other scale (linear / logarithmic)</button></p>\
         <div class=\"scroll\" tabindex=\"0\" data-variant>{first}</div><div class=\"scroll\" tabindex=\"0\" data-variant hidden>{second}</div></figure>",
        escape(caption)
    )
}

/// The colours of the families.
pub fn legend(model: &Model) -> String {
    let mut families: Vec<&str> = model.header.contestants.iter().map(|line| line.family.as_str()).collect();
    families.sort_unstable();
    families.dedup();
    let items: String = families
        .iter()
        .map(|family| {
            format!("<li class=\"f-{}\"><span>{}</span></li>", crate::figures::class(family), escape(family))
        })
        .collect();
    format!("<ul class=\"legend\" aria-label=\"Colours by family\">{items}</ul>")
}
