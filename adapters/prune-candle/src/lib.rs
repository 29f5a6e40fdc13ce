//! Begun.

mod device;
mod error;
mod gradients;
mod optim;
mod params;
mod tensor;

pub use device::{DeviceMasks, mask_tensor};
pub use error::{Error, StateMismatch};
pub use gradients::{Gradients, mask_gradients};
pub use optim::{AdamW, Sgd, SgdConfig};
pub use params::{Params, RoleWarning};
pub use prune_core::{
    Density, Element, ErrorKind, LayerMut, LayerRef, Layers, LayersMut, Mask, Masks, NmPattern, RankBy, Ranked, Selected,
    Selector, Threads,
};
pub use prune_schedule::{Evidence, Pruner, Report, Strategy};

pub use candle_core;
pub use candle_nn;
pub use prune_core;
pub use prune_schedule;

prune_core::define_prune_ext!();
