//! Candle tensors as layers: `place` finds the elements in memory, `read` lends them for reading, and `write` for
//! writing.

mod opaque;
mod place;
mod read;
mod stored;
mod write;

use candle_core::{Tensor, Var};
use prune_core::{LayerMut, LayerRef};

pub(crate) use read::ReadTensor;

use crate::{LendMut, PruneExt};

/// Runs `$body` with `$E` for the type of a tensor's elements, or `$opaque` with `$why` if they cannot be lent.
macro_rules! by_type {
    ($tensor:expr, $E:ident => $body:expr, $why:ident => $opaque:expr) => {
        match ($crate::tensor::opaque::reason($tensor), $tensor.dtype()) {
            (None, candle_core::DType::F64) => {
                type $E = f64;
                $body
            }
            (None, candle_core::DType::F16) => {
                type $E = prune_core::half::f16;
                $body
            }
            (None, candle_core::DType::BF16) => {
                type $E = prune_core::half::bf16;
                $body
            }
            (None, _) => {
                type $E = f32;
                $body
            }
            (Some($why), _) => $opaque,
        }
    };
}
pub(crate) use by_type;

/// A tensor is read through a copy, since its lock must not be held for as long as the layer is lent. Whoever has the
/// layer can still use the tensor and write to it.
impl PruneExt for Tensor {
    fn layer(&self) -> LayerRef<'_> {
        read::copied(self)
    }
}

impl PruneExt for Var {
    fn layer(&self) -> LayerRef<'_> {
        read::copied(self)
    }
}

/// A tensor is written in place, so every other handle to the same memory sees the change.
impl LendMut for Tensor {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        write::lent(self)
    }

    fn duplicate(&self) -> Self {
        read::duplicate(self)
    }
}

impl LendMut for Var {
    fn lend_mut(&mut self) -> LayerMut<'_> {
        write::lent(self)
    }

    fn duplicate(&self) -> Self {
        read::duplicate_var(self)
    }
}
