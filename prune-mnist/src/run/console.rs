//! The output channel, and the progress bar of an epoch.

use std::fmt::Display;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::RunError;
use crate::train::TwinRole;

/// Standard output, or its substitute in tests.
///
/// Once the reader has closed it, as in `demo | head -3`, all further lines are dropped. The run goes on for its
/// files.
pub struct Console<'w> {
    out: &'w mut (dyn Write + Send),
    closed: bool,
}

impl<'w> Console<'w> {
    /// A console that prints to `out`; warnings and progress go to standard error.
    pub fn new(out: &'w mut (dyn Write + Send)) -> Self {
        Self { out, closed: false }
    }

    /// Prints a line, or several.
    ///
    /// # Errors
    ///
    /// [`RunError::Print`], except if the reader has closed the output.
    pub fn line(&mut self, text: impl Display) -> Result<(), RunError> {
        if self.closed {
            return Ok(());
        }
        // Each row must show at once, even if the output is a file.
        match writeln!(self.out, "{text}").and_then(|()| self.out.flush()) {
            Err(source) if source.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            printed => printed.map_err(|source| RunError::Print { source }),
        }
    }

    /// Prints a warning to standard error. A failure to print it is no reason to stop.
    pub fn warning(&mut self, text: impl Display) {
        let _ = writeln!(io::stderr(), "warning: {text}");
    }
}

/// A progress bar on standard error, of this length and look.
pub(crate) fn bar(len: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The progress bar of one epoch. On a terminal it disappears at the end of the epoch; elsewhere it is silent.
pub(crate) struct Bar {
    bar: ProgressBar,
    role: TwinRole,
    twin: bool,
}

impl Bar {
    /// A bar for epoch `epoch` of `epochs`, with `steps` steps for each trained network: two of them with `twin`. Of
    /// all these steps, `done` were done before a resume.
    #[must_use]
    pub(crate) fn new(epoch: u64, epochs: u64, steps: u64, twin: bool, done: u64) -> Self {
        let len = if twin { 2 * steps } else { steps };
        let bar = bar(len, "{prefix} {wide_bar:.cyan/dim} {pos}/{len} steps, {msg}");
        bar.set_position(done);
        bar.set_prefix(format!("epoch {epoch}/{epochs}"));
        Self { bar, role: TwinRole::Pruned, twin }
    }

    /// One more step, with the network's mean loss so far.
    pub(crate) fn tick(&mut self, role: TwinRole, loss: f64) {
        self.role = role;
        if self.bar.is_hidden() {
            return;
        }
        let of = match (self.twin, self.role) {
            (false, _) => "",
            (true, TwinRole::Pruned) => " (pruned)",
            (true, TwinRole::Twin) => " (dense twin)",
        };
        self.bar.set_message(format!("loss {loss:.4}{of}"));
        self.bar.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
