//! Layers that are sparse without a mask.

use prune_core::{Error, LayerRef, Masks, ZeroShare};

use super::listed::LayerList;
use crate::warning::Warning;

/// Warns of layers of rank 2 or more that have no mask and are more than half zero. A layer that is entirely or almost
/// entirely zero has not been trained, and gets no warning.
pub(super) fn mostly_zero(layers: &LayerList<'_>, masks: &Masks) -> Result<Vec<Warning>, Error> {
    let mut warnings = Vec::new();
    let open = |name: &str, layer: &LayerRef<'_>| layer.rank() >= 2 && masks.get(name).is_none();
    for (name, layer) in layers.iter().filter(|(name, layer)| layer.opaque_reason().is_none() && open(name, layer)) {
        let (non_zero, elements) = (layer.non_zero_len().map_err(|error| error.in_layer(name))?, layer.len());
        if non_zero < elements - non_zero && ZeroShare::of(non_zero, elements) == ZeroShare::Sparse {
            warnings.push(Warning::MostlyZero { layer: name.to_owned(), zeros: elements - non_zero, elements });
        }
    }
    Ok(warnings)
}
