//! Runs work on all threads, in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::Error;
use crate::parts::buffer::Buffer;
use crate::watch::Watch;

/// Memory that a thread reuses from one piece of work to the next.
#[derive(Debug, Default)]
pub(crate) struct PartScratch {
    pub(crate) scores: Buffer,
    pub(crate) weights: Buffer,
    pub(crate) evidence: Buffer,
    pub(crate) masks: Buffer,
    pub(crate) alive: Vec<u64>,
}

/// The results of `job` on every piece of work, in the order of the work. Each thread takes the next free piece, so
/// files are read roughly from front to back, and memory holds only as many pieces as there are threads.
///
/// The error is that of the first piece that fails, whatever the number of threads. Later pieces are not started then.
pub(crate) fn in_order<T: Sync, R: Send>(
    work: &[T],
    watch: &Watch,
    job: impl Fn(&T, &mut PartScratch) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, Result<R, Error>)>> = Mutex::new(Vec::with_capacity(work.len()));
    let worker = || {
        let mut scratch = PartScratch::default();
        loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = work.get(i).filter(|_| !failed.load(Ordering::Relaxed)) else { return };
            let result = watch.check().and_then(|()| job(piece, &mut scratch));
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((i, result));
        }
    };
    rayon::scope(|scope| {
        for _ in 1..rayon::current_num_threads().min(work.len()) {
            scope.spawn(|_| worker());
        }
        worker();
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_unstable_by_key(|(i, _)| *i);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_failure_wins() {
        let work: Vec<usize> = (0..1000).collect();
        let watch = Watch::default();
        let squares = in_order(&work, &watch, |&i, _| Ok(i * i)).unwrap();
        assert_eq!(squares, work.iter().map(|i| i * i).collect::<Vec<_>>());
        for _ in 0..20 {
            let fails = |&i: &usize, _: &mut PartScratch| {
                if i % 100 == 57 { Err(Error::request(i.to_string())) } else { Ok(()) }
            };
            assert_eq!(in_order(&work, &watch, fails).unwrap_err().to_string(), "57");
        }
        watch.stop.store(true, Ordering::Relaxed);
        assert!(matches!(in_order(&work, &watch, |_, _| Ok(())), Err(Error::Interrupted)));
        assert!(in_order(&[], &watch, |_: &(), _| Ok(())).unwrap().is_empty());
    }
}
