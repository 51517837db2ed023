//! Pictures as PNG, by the converter that is installed: it brings the fonts of the system with it.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use dyno_measure::contestant::find;

use crate::exit::Failure;

/// The converter of librsvg, which reads SVG from its standard input and writes PNG to its standard output.
const CONVERTER: &str = "rsvg-convert";

/// How much larger a PNG is than its drawing, so that it is sharp on slides and on screens with small points.
const ZOOM: u32 = 2;

/// The picture as PNG.
///
/// # Errors
/// Usage (2) when no converter is installed, failed (1) when it refuses the picture.
pub(crate) fn of(svg: &str, name: &str) -> Result<Vec<u8>, Failure> {
    let Some(program) = find(CONVERTER) else {
        return Err(Failure::usage(
            format!("a PNG is made by {CONVERTER}, which is not installed here"),
            format!(
                "install it (Debian: librsvg2-bin, Fedora: librsvg2-tools), or take svg:{name}, which every browser shows"
            ),
        ));
    };
    let mut command = Command::new(program);
    command.args(["--format=png", &format!("--zoom={ZOOM}")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |words: String| Failure::failed(format!("{CONVERTER}: {words}"), format!("take svg:{name}"));
    let made = command.spawn().and_then(|mut child| {
        // It writes nothing before it has read all. If it ends earlier, its own words tell why.
        let fed = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(svg.as_bytes()));
        match fed {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => child.wait_with_output(),
        }
    });
    let output = made.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() || output.stdout.is_empty() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_string()));
    }
    Ok(output.stdout)
}
