//! Where work runs. Threads never change an answer; they only change how long it takes.

/// Whether an operation may use more than one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Threads {
    /// The calling thread alone, also where the `rayon` feature is on: features unify across a build, a caller's wish
    /// does not.
    One,
    /// Rayon's current thread pool, where the `rayon` feature is on and the tensor is large enough to gain from it.
    /// Without the feature, the same as [`Threads::One`].
    #[default]
    Pool,
}

/// Elements below which threads cost more than they save: a pass over so many takes about as long as waking a thread.
const PARALLEL_FROM: usize = 1 << 17;

impl Threads {
    /// One thread where `elements` are too few to share.
    pub(crate) fn for_elements(self, elements: usize) -> Threads {
        if elements < PARALLEL_FROM { Threads::One } else { self }
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
