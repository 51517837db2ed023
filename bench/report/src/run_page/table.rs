//! The tables of a run.

use crate::charts::escape;

/// A table.
#[derive(Debug, Clone, Default)]
pub struct RunTable {
    /// Anchor of the part of the page that it stands in, and begins if it is the first there.
    pub id: &'static str,
    /// Heading of that part.
    pub title: &'static str,
    /// What it shows.
    pub caption: &'static str,
    /// Heads of its columns; none for a list of names and values.
    pub head: Vec<String>,
    /// Its rows; the first cell is the head of its row.
    pub rows: Vec<Vec<String>>,
}

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
