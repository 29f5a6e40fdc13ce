//! Calls that fail, or are watched, on purpose: for tests.
//!
//! Each test arms a folder of its own, and only calls on paths in it count. So tests run side by side, and the threads of a
//! command are all seen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Is asked before each call with its number, counted from 1, its name and its path.
type Ask = dyn FnMut(usize, &'static str, &Path) -> io::Result<()> + Send;

struct Seam {
    folder: PathBuf,
    calls: usize,
    ask: Box<Ask>,
}

static ARMED: Mutex<Vec<Arc<Mutex<Seam>>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub(super) fn pass(call: &'static str, path: &Path) -> io::Result<()> {
    let seam = lock(&ARMED).iter().find(|seam| path.starts_with(&lock(seam).folder)).map(Arc::clone);
    let Some(seam) = seam else { return Ok(()) };
    let seam = &mut *lock(&seam);
    seam.calls += 1;
    (seam.ask)(seam.calls, call, path)
}

/// Asks before every call on a path in this folder, as long as the value lives.
pub(crate) fn arm(
    folder: &Path,
    ask: impl FnMut(usize, &'static str, &Path) -> io::Result<()> + Send + 'static,
) -> SeamGuard {
    let seam = Arc::new(Mutex::new(Seam { folder: folder.to_owned(), calls: 0, ask: Box::new(ask) }));
    lock(&ARMED).push(Arc::clone(&seam));
    SeamGuard(seam)
}

/// Calls in a folder are asked about.
pub(crate) struct SeamGuard(Arc<Mutex<Seam>>);

impl SeamGuard {
    /// The number of calls so far.
    pub(crate) fn calls(&self) -> usize {
        lock(&self.0).calls
    }
}

impl Drop for SeamGuard {
    fn drop(&mut self) {
        lock(&ARMED).retain(|seam| !Arc::ptr_eq(seam, &self.0));
    }
}
