//! The tables of a run.

use super::RunTable;
use crate::charts::escape;

/// A table that scrolls where it is too wide.
pub(super) fn rendered(table: &RunTable) -> String {
    let mut html = String::new();
    let row = |cells: &[String]| -> String {
        let one = |(place, cell): (usize, &String)| match place {
            0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
            _ if table.head.is_empty() => format!("<td class=\"text\">{}</td>", escape(cell)),
            _ => format!("<td>{}</td>", escape(cell)),
        };
        format!("<tr>{}</tr>", cells.iter().enumerate().map(one).collect::<String>())
    };
    html += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"";
    html += &escape(table.caption);
    html += &format!("\"><table><caption>{}</caption>", escape(table.caption));
    if !table.head.is_empty() {
        let one = |(place, name): (usize, &String)| {
            format!(
                "<th scope=\"col\"{}>{}</th>",
                if place == 0 { " class=\"text\"" } else { "" },
                escape(name)
            )
        };
        html += &format!(
            "<thead><tr>{}</tr></thead>",
            table.head.iter().enumerate().map(one).collect::<String>()
        );
    }
    html += &format!(
        "<tbody>{}</tbody></table></div>",
        table.rows.iter().map(|cells| row(cells)).collect::<String>()
    );
    html
}
