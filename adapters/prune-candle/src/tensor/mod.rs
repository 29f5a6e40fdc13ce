//! Candle tensors as layers: `place` says where elements lie, `read` lends them for reading, `write` for writing.

mod opaque;
mod place;
mod read;
mod stored;
mod write;

use candle_core::{Tensor, Var};
use prune_core::{LayerMut, LayerRef};

pub(crate) use read::ReadTensor;

use crate::{LendMut, PruneExt};

/// Runs `$body` with `$E` for the type of a tensor's elements, or `$opaque` with `$why` where they cannot be lent.
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

/// Read through a copy, since a lock cannot be held for as long as the layer is lent: whoever holds the layer can use the
/// tensor, and write to it, all the same.
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

/// Written in place, and so seen through every other handle to the same memory.
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
