//! The terminal while it is drawn on: another screen, no cursor, no echo; all is put back when it is dropped.

use std::io::{self, Stderr};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::Rect;
use ratatui::{Frame, TerminalOptions, Viewport};

use super::aside;
use dyno_measure::probe::machine::online_cores;

/// A terminal that is drawn on.
pub(crate) struct Terminal {
    drawn: ratatui::Terminal<CrosstermBackend<Stderr>>,
    /// How its line discipline was before; absent where standard input is no terminal.
    before: Option<Termios>,
    /// Cores that are not to be drawn on, and those on which this thread ran before it stepped aside.
    spared: Vec<usize>,
    cores: Option<Vec<usize>>,
}

impl Terminal {
    /// Takes the terminal of standard error.
    ///
    /// # Errors
    /// When it cannot be drawn on.
    pub(crate) fn open(spared: Vec<usize>) -> io::Result<Self> {
        let viewport = Viewport::Fixed(size());
        let drawn = ratatui::Terminal::with_options(
            CrosstermBackend::new(io::stderr()),
            TerminalOptions { viewport },
        )?;
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            // What is typed would show up between the figures. Signals stay, so Ctrl-C ends the run.
            silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON);
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &silent);
        }
        execute!(io::stderr(), EnterAlternateScreen)?;
        Ok(Terminal { drawn, before, spared, cores: None })
    }

    /// Draws. A terminal that cannot be drawn on is no reason to end a measurement.
    pub(crate) fn draw(&mut self, picture: impl FnOnce(&mut Frame)) {
        if self.cores.is_none() {
            // Not before the threads of the generator have been started, which would step aside, too.
            self.cores = Some(online_cores());
            aside::step(&self.spared);
        }
        let now = size();
        if self.drawn.get_frame().area() != now {
            let _ = self.drawn.resize(now);
        }
        let _ = self.drawn.draw(picture);
    }
}

/// The size of the terminal behind standard error, asked there and nowhere else; what a VT100 has where it does not say.
fn size() -> Rect {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call writes one winsize, and this one lives for the call (ioctl_tty(2)).
    let asked = unsafe { libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    let known = asked == 0 && size.ws_col > 0 && size.ws_row > 0;
    let (columns, rows) = if known { (size.ws_col, size.ws_row) } else { (80, 24) };
    Rect::new(0, 0, columns, rows)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(cores) = &self.cores {
            aside::step_back(cores);
        }
        let _ = execute!(io::stderr(), LeaveAlternateScreen);
        let _ = self.drawn.show_cursor();
        if let Some(before) = &self.before {
            // What was typed meanwhile was meant for nobody.
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, before);
        }
    }
}
