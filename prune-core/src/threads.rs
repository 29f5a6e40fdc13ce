//! The threads on which work runs. They never change an answer, only the time it takes.

/// One thread, or more than one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Threads {
    /// The calling thread alone, even if the `rayon` feature is on: features unify across a build, but a caller's
    /// wish does not.
    One,
    /// Rayon's current thread pool, if the `rayon` feature is on and the tensor is large enough to gain from it.
    /// Without the feature, the same as [`Threads::One`].
    #[default]
    Pool,
}

/// Below this number of elements threads cost more than they save: one pass takes about as long as waking a thread.
const PARALLEL_FROM: usize = 1 << 17;

impl Threads {
    /// One thread if `elements` are too few to share.
    pub(crate) fn for_elements(self, elements: usize) -> Threads {
        if elements < PARALLEL_FROM { Threads::One } else { self }
    }

    /// Runs `work` on a thread of the pool, if threads share it. A thread outside the pool would have to wake it and
    /// wait for it at each step, and would take no part in its work.
    pub(crate) fn enter<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            #[cfg(feature = "rayon")]
            Threads::Pool => rayon::scope(|_| work()),
            _ => work(),
        }
    }

    /// The results of `work` on every task, in the order of the tasks.
    pub(crate) fn map<T: Send, R: Send>(self, tasks: Vec<T>, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
        match self {
            #[cfg(feature = "rayon")]
            Threads::Pool if tasks.len() > 1 => {
                use rayon::prelude::*;
                tasks.into_par_iter().map(work).collect()
            }
            _ => tasks.into_iter().map(work).collect(),
        }
    }
}
