//! The threads of a run.

use super::RunError;

/// Runs `work` on this many threads, or on one for each core.
///
/// # Errors
///
/// [`RunError::Threads`].
pub(crate) fn on_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> Result<T, RunError> {
    // 0 means one for each core.
    let threads = threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.map_err(|source| RunError::Threads { threads, source })?.install(work))
}
