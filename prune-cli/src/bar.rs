//! The progress bar of a command, for a person at a terminal.

use std::io::{IsTerminal as _, stderr};
use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prune_files::{Error, Progress};

use crate::print;

/// A bar on standard error, if that is a terminal and the user has not asked for quiet. Messages that the user must see
/// are printed in any case.
pub(crate) fn progress(quiet: bool) -> Box<dyn Progress> {
    Box::new(Bar { shown: !quiet && stderr().is_terminal(), current: Mutex::default() })
}

struct Bar {
    shown: bool,
    current: Mutex<Option<ProgressBar>>,
}

impl Bar {
    fn replace(&self, bar: Option<ProgressBar>) {
        let mut current = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(old) = core::mem::replace(&mut *current, bar) {
            old.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn begin(&self, what: &str, bytes: u64) {
        if !self.shown {
            return;
        }
        let bar = ProgressBar::with_draw_target((bytes > 0).then_some(bytes), ProgressDrawTarget::stderr_with_hz(10));
        let template =
            if bytes > 0 { "{msg:22} {wide_bar} {percent:>3}% {eta:>4}" } else { "{msg:22} {spinner} {elapsed}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(core::time::Duration::from_millis(200));
        self.replace(Some(bar));
    }

    fn advance(&self, bytes: u64) {
        let current = self.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(bar) = &*current {
            bar.inc(bytes);
        }
    }

    fn end(&self) {
        self.replace(None);
    }

    fn tell(&self, what: &str) -> Result<(), Error> {
        print(what)
    }
}
