//! Syncs files to the disk while they are still being written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::Temporary;
use crate::error::Error;

/// The pause between two rounds: long compared with the cost of a round without new data, short compared with the time
/// in which a system gathers data before it starts to write.
const PAUSE: Duration = Duration::from_millis(100);

/// Does the work and meanwhile syncs its files again and again, so that little is left to sync at the end: a system
/// with spare memory would only start to write then. A write that the disk refuses is an error even if the work
/// succeeds, since a system reports it only once.
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
