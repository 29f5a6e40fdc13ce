//! Ctrl-C: a request to stop, which a run checks after each step.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

/// The exit code of an interrupted run, as in shells: 128 plus the number of the signal.
pub(crate) const EXIT_CODE: u8 = 130;

/// The user's request to stop the run. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// An interrupt that the first Ctrl-C requests; the second ends the process at once, with exit code 130. Files on
    /// disk stay whole even then, since they are renamed into place.
    ///
    /// # Errors
    ///
    /// If the system refuses to report Ctrl-C.
    pub fn on_ctrl_c() -> io::Result<Self> {
        let requested = Arc::new(AtomicBool::new(false));
        // Handlers run in this order, so the first Ctrl-C finds nothing requested yet.
        flag::register_conditional_shutdown(SIGINT, EXIT_CODE.into(), Arc::clone(&requested))?;
        flag::register(SIGINT, Arc::clone(&requested))?;
        Ok(Self(requested))
    }

    /// Asks the run to stop after its step.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// True if the run is to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The same as [`is_requested`](Self::is_requested), as the control flow of a loop.
    pub(crate) fn flow(&self) -> ControlFlow<()> {
        if self.is_requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
