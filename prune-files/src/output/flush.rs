//! Bringing files to the disk while they are still being written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Temporary;
use crate::error::Error;

/// The pause of the disk between two rounds: long beside what one costs where nothing is new, short beside what a
/// system gathers before it would begin by itself.
const PAUSE: Duration = Duration::from_millis(100);

/// Does the work, and meanwhile syncs the files that it writes again and again, so that little is left to sync at the end:
/// a system that has memory to spare would only begin then. What the disk refuses is an error, also where the work
/// succeeds: a system tells it once.
pub(crate) fn while_writing<R>(files: &[Temporary], work: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let flusher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                files.iter().try_for_each(Temporary::sync_data)?;
                thread::park_timeout(PAUSE);
            }
            Ok(())
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        flusher.thread().unpark();
        let flushed = flusher.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and_then(|result| flushed.map(|()| result))
    })
}
