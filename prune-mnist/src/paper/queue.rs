//! Carries out all runs, one for each core at a time, each on one core.
//!
//! Two runs on one core each get more done than one run on two cores: the layers of these networks are small. This
//! changes no result, since none depends on the number of threads.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::cache::Cache;
use super::error::PaperError;
use super::outcome::RunOutcome;
use super::settings::Settings;
use super::train::train;
use crate::data::Dataset;
use crate::run::Interrupt;

/// Finished runs by the name of their settings.
pub(super) type Outcomes = HashMap<String, RunOutcome>;

/// The data, cache and settings with which runs are carried out.
pub(super) struct Queue<'a> {
    pub(super) data: &'a Dataset,
    pub(super) cache: &'a Cache,
    pub(super) commit: &'a str,
    pub(super) interrupt: &'a Interrupt,
    /// The number of runs at a time.
    pub(super) jobs: usize,
}

/// The progress of the runs.
#[derive(Default)]
struct State {
    waiting: Vec<Settings>,
    /// Names of the runs in training that other runs may need.
    in_training: Vec<String>,
    finished: Outcomes,
    failed: Option<PaperError>,
}

impl Queue<'_> {
    /// Carries out `wanted` and the runs they need, each once, except those in the cache. `seen` is called for each
    /// run as it ends, with true if the cache had it.
    ///
    /// # Errors
    ///
    /// The first error of any run. Runs at work end first, and finished ones stay in the cache.
    pub(super) fn run(
        &self,
        wanted: &[Settings],
        seen: &(dyn Fn(&RunOutcome, bool) + Sync),
    ) -> Result<Outcomes, PaperError> {
        let mut state = State::default();
        for settings in all(wanted) {
            match self.cache.outcome(&settings) {
                Some(outcome) if !settings.is_base() || self.cache.base(&settings).is_some() => {
                    seen(&outcome, true);
                    state.finished.insert(settings.key(), outcome);
                }
                _ => state.waiting.push(settings),
            }
        }
        let state = (Mutex::new(state), Condvar::new());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                    match pool {
                        Ok(pool) => pool.install(|| self.work(&state, seen)),
                        Err(source) => fail(&state, PaperError::Threads { source }),
                    }
                });
            }
        });
        let state = state.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.failed.map_or(Ok(state.finished), Err)
    }

    /// Takes runs until none is left.
    fn work(&self, state: &(Mutex<State>, Condvar), seen: &(dyn Fn(&RunOutcome, bool) + Sync)) {
        while let Some(settings) = next(state) {
            let _at_work = AtWork { state, key: settings.key() };
            let needed = Some(settings.base()).filter(|base| *base != settings);
            let base = needed.as_ref().and_then(|base| self.cache.base(base));
            let trained = match needed.filter(|_| base.is_none()) {
                Some(gone) => Err(PaperError::BaseGone { key: gone.key() }),
                None => train(&settings, base, self.data, self.commit, self.interrupt),
            };
            let stored = trained.and_then(|(outcome, left)| self.cache.store(&outcome, &left).map(|()| outcome));
            match stored {
                Ok(outcome) => {
                    seen(&outcome, false);
                    lock(state).finished.insert(settings.key(), outcome);
                }
                Err(error) => return fail(state, error),
            }
        }
    }
}

/// Removes a run from those at work when it ends, even in a panic: others may wait for it.
struct AtWork<'s> {
    state: &'s (Mutex<State>, Condvar),
    key: String,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        lock(self.state).in_training.retain(|key| *key != self.key);
        self.state.1.notify_all();
    }
}

fn lock(state: &(Mutex<State>, Condvar)) -> MutexGuard<'_, State> {
    state.0.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fail(state: &(Mutex<State>, Condvar), error: PaperError) {
    let mut guard = lock(state);
    guard.failed.get_or_insert(error);
    drop(guard);
    state.1.notify_all();
}

/// The next run whose needs are ready, once there is one.
fn next(state: &(Mutex<State>, Condvar)) -> Option<Settings> {
    let mut guard = lock(state);
    loop {
        if guard.failed.is_some() || guard.waiting.is_empty() {
            return None;
        }
        let is_ready = |settings: &Settings| {
            let base = settings.base();
            base == *settings || guard.finished.contains_key(&base.key())
        };
        if let Some(index) = guard.waiting.iter().position(is_ready) {
            let settings = guard.waiting.remove(index);
            if settings.is_base() {
                guard.in_training.push(settings.key());
            }
            return Some(settings);
        }
        if guard.in_training.is_empty() {
            // The run that was waited for has ended without a result; its own thread reports the reason.
            return None;
        }
        guard = state.1.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
}

/// `wanted` and the runs that they need, each once. The needed ones come first, because others wait for them.
fn all(wanted: &[Settings]) -> Vec<Settings> {
    let mut all: Vec<Settings> = Vec::new();
    for settings in wanted.iter().flat_map(Settings::bases).chain(wanted.iter().cloned()) {
        if !all.contains(&settings) {
            all.push(settings);
        }
    }
    all
}
