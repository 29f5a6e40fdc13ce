//! A time-out for tests that could hang.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// The time limit. Each of these tests takes less, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `way`, and fails if it has not come back in time.
pub(crate) fn in_time(way: impl FnOnce() + Send + 'static) {
    let (done, is_done) = channel();
    let worker = thread::spawn(move || {
        way();
        let _ = done.send(());
    });
    match is_done.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => panic!("it hangs"),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => worker.join().unwrap(),
    }
}
