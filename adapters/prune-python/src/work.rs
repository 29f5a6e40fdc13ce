//! The library's work: without the interpreter's lock if that is safe, in a child of a fork, and with panics as errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use rayon::ThreadPoolBuilder;

use crate::error::refused;

/// The process that rayon's threads belong to; 0 if nothing has run yet.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Runs work. If nothing can write the memory that it reads, other Python threads run meanwhile.
///
/// A panic becomes an error. Memory can still change while it is read: numpy releases the lock too, and a JAX array may
/// lie in numpy's memory.
pub(crate) fn run<R: Send>(py: Python<'_>, frozen: bool, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    if frozen { py.detach(|| here(work)) } else { here(work) }
}

/// Runs work on this thread, without releasing the lock.
pub(crate) fn here<R>(work: impl FnOnce() -> R) -> PyResult<R> {
    fit_for_fork()?;
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        refused(format!(
            "the work ended in the middle ({}). Memory that another thread writes meanwhile does that: let nothing write \
             the arrays during the call, or pass copies. Otherwise it is a fault of prune-rs",
            text_of(&*panic)
        ))
    })
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

/// In a child of a fork, makes this thread work alone: rayon's threads have stayed in the parent, and waiting for them
/// would never end. If the parent has not worked before, the child works on all cores.
pub(crate) fn fit_for_fork() -> PyResult<()> {
    let this = std::process::id();
    let owner = OWNER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|owner| owner);
    if owner == 0 || owner == this || rayon::current_thread_index().is_some() {
        return Ok(());
    }
    let alone = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().map_err(refused)?;
    // The thread stays in this pool until it ends.
    std::mem::forget(alone);
    Ok(())
}

/// Makes the surviving thread in a child of a fork work alone from the start, whatever it calls.
pub(crate) fn watch_forks(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    if !os.hasattr("register_at_fork")? {
        return Ok(());
    }
    let after = |_: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| -> PyResult<()> {
        if OWNER.load(Ordering::Relaxed) == 0 { Ok(()) } else { fit_for_fork() }
    };
    let arguments = PyDict::new(py);
    arguments.set_item("after_in_child", PyCFunction::new_closure(py, None, None, after)?)?;
    os.call_method("register_at_fork", (), Some(&arguments))?;
    Ok(())
}
