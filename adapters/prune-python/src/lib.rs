//! The native half of the Python package `prune-rs`: arrays of numpy as layers, and the library's types as Python's.
//!
//! The crate is a thin layer. `array/` lends memory; `number`, `literal` and `json` read arguments; `error` is the only
//! exception; `work` runs the library's work. Each other file is named after the type or the functions that it gives to
//! Python. The GIL is released only while the library reads memory that nothing should write (`array/frozen.rs`), or
//! writes a copy of its own. Other writes happen under the GIL, so nothing else runs.

mod apply;
mod array;
mod error;
mod evidence;
mod facts;
mod files;
mod json;
mod literal;
mod mask;
mod masks;
mod number;
mod prepared;
mod pruner;
mod report;
mod scores;
mod select;
mod strategy;
mod work;

use pyo3::prelude::*;

/// The native half of prune_rs.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::apply::{apply_mask, prune_act_struct, prune_act_unstruct, revivals};
    #[pymodule_export]
    use crate::array::Bf16;
    #[pymodule_export]
    use crate::error::PruneError;
    #[pymodule_export]
    use crate::facts::LayerFacts;
    #[pymodule_export]
    use crate::files::{FileReport, apply, check, expand, inspect, mask, preview, shrink, slice};
    #[pymodule_export]
    use crate::mask::Mask;
    #[pymodule_export]
    use crate::masks::Masks;
    #[pymodule_export]
    use crate::prepared::Prepared;
    #[pymodule_export]
    use crate::pruner::Pruner;
    #[pymodule_export]
    use crate::report::{LayerReport, Report, Totals};
    #[pymodule_export]
    use crate::scores::scores;
    #[pymodule_export]
    use crate::select::{mask_blocks, mask_channels, mask_global, mask_n_m, mask_per_output, mask_unstructured};
    #[pymodule_export]
    use crate::strategy::{Strategy, Timeline};

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "the name that Python uses")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        prune_files::spell(crate::files::argument);
        crate::work::watch_forks(pyo3::Bound::py(module))
    }
}
