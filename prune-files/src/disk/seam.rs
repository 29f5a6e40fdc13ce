//! Makes calls fail, or watches them, for tests.
//!
//! Each test arms its own folder, and only calls on paths in that folder count. So tests can run side by side, and the
//! calls of all threads of a command are seen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

/// Called before each file-system call with its number (from 1), its name and its path.
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

/// Calls `ask` before every call on a path in this folder, until the returned value is dropped.
pub(crate) fn arm(
    folder: &Path,
    ask: impl FnMut(usize, &'static str, &Path) -> io::Result<()> + Send + 'static,
) -> SeamGuard {
    let seam = Arc::new(Mutex::new(Seam { folder: folder.to_owned(), calls: 0, ask: Box::new(ask) }));
    lock(&ARMED).push(Arc::clone(&seam));
    SeamGuard(seam)
}

/// While this value lives, calls in its folder are watched.
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
