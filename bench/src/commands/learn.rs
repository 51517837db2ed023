//! `dyno learn`: the book of architectures.

use std::path::PathBuf;

use dyno_servers::book::Chapter;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::learn::{pages, terminal};
use crate::meant::{Kind, meant};
use crate::print::{PAINT, out, outln};

/// Read the book of architectures: what changes from chapter to chapter, picture, idea, price, where it breaks.
///
/// Without a name it shows the contents. Every text is the chapter's own: the documentation of its source, and the facts
/// of its row.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  dyno learn\n  dyno learn thread-pool --answer\n  dyno learn --html book"
)]
pub(crate) struct Arguments {
    /// Chapters to read [default: the contents]
    #[arg(value_name = "NAME", conflicts_with = "html")]
    names: Vec<String>,
    /// Show the answer to the question of each chapter, too.
    #[arg(long, requires = "names")]
    answer: bool,
    /// Write the whole book as pages into this directory: text, facts, the difference of neighbours, code.
    #[arg(long, value_name = "DIR")]
    html: Option<PathBuf>,
}

/// Shows what was asked for.
///
/// # Errors
/// An unknown name (2), or a page that cannot be written (1).
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if let Some(directory) = &arguments.html {
        let pages = pages::write(directory)?;
        outln!("{pages} pages; begin with {}", directory.join("index.html").display());
        return Ok(Exit::Success);
    }
    let chapters: Vec<Chapter> = arguments.names.iter().map(|name| named(name)).collect::<Result<_, _>>()?;
    if chapters.is_empty() {
        out!("{}", terminal::contents(PAINT));
    }
    let texts: Vec<String> =
        chapters.iter().map(|chapter| terminal::chapter(chapter, arguments.answer, PAINT)).collect();
    out!("{}", texts.join("\n"));
    Ok(Exit::Success)
}

fn named(name: &str) -> Result<Chapter, Failure> {
    Chapter::named(name).ok_or_else(|| {
        let remedy = format!("{}`dyno learn` lists the chapters", meant(name, Kind::Architecture));
        Failure::usage(format!("there is no chapter {name}"), remedy)
    })
}
