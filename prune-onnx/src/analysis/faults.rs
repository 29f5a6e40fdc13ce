//! Statements of operators that tests drop one at a time. For each of them, some test must then fail.

#[cfg(feature = "testing")]
mod on {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::panic::Location;

    /// A statement: its file and line.
    pub(crate) type Statement = (&'static str, u32);

    thread_local! {
        static STATE: RefCell<(Option<Statement>, BTreeSet<Statement>)> = const { RefCell::new((None, BTreeSet::new())) };
    }

    /// True if the statement that calls this, directly or through a shorthand, is the dropped one.
    #[track_caller]
    pub(crate) fn dropped() -> bool {
        let at = Location::caller();
        let statement = (at.file(), at.line());
        STATE.with_borrow_mut(|(dropped, seen)| {
            seen.insert(statement);
            *dropped == Some(statement)
        })
    }

    /// Runs something on this thread while one statement is dropped.
    pub fn without<T>(statement: (&'static str, u32), run: impl FnOnce() -> T) -> T {
        STATE.with_borrow_mut(|state| state.0 = Some(statement));
        let result = run();
        STATE.with_borrow_mut(|state| state.0 = None);
        result
    }

    /// The statements that this thread has reached.
    pub fn statements() -> Vec<(&'static str, u32)> {
        STATE.with_borrow(|state| state.1.iter().copied().collect())
    }
}

#[cfg(feature = "testing")]
pub(crate) use on::dropped;
#[cfg(feature = "testing")]
pub use on::{statements, without};

/// Nothing is dropped outside of tests.
#[cfg(not(feature = "testing"))]
pub(crate) fn dropped() -> bool {
    false
}
