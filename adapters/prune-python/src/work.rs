//! Work of the library: without the interpreter's lock where that is sound, in a child of a fork, and where it panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use rayon::ThreadPoolBuilder;

use crate::error::refused;

/// The process that rayon's threads belong to; 0 as long as nothing has run.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Runs work: while other Python threads run where nothing can write the memory that it reads.
///
/// A panic becomes an error. Numpy releases the lock too, and a JAX array may lie in memory of numpy's, so that memory can
/// change while it is read.
pub(crate) fn run<R: Send>(py: Python<'_>, frozen: bool, work: impl FnOnce() -> R + Send) -> PyResult<R> {
    if frozen { py.detach(|| here(work)) } else { here(work) }
}

/// Runs work with the lock as it is, on this thread.
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

/// Makes this thread work alone in a child of a fork: rayon's threads have stayed in the parent, and waiting for them would
/// never end. A child works on all cores where its parent has not worked before.
pub(crate) fn fit_for_fork() -> PyResult<()> {
    let this = std::process::id();
    let owner = OWNER.compare_exchange(0, this, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|owner| owner);
    if owner == 0 || owner == this || rayon::current_thread_index().is_some() {
        return Ok(());
    }
    let alone = ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().map_err(refused)?;
    // The thread stays in it to its end.
    std::mem::forget(alone);
    Ok(())
}

/// Has the thread that goes on in a child of a fork work alone from the beginning, whatever it calls.
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
