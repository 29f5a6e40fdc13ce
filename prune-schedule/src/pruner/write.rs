//! Writing what an event has made: weights set back, and zeros outside the masks.

use prune_core::{Layers, LayersMut, Masks};

use super::error::PruneError;
use super::selection::Listed;
use crate::epoch::Epochs;
use crate::event::Event;

/// The parameters that an event sets back to, of the names, shapes and types of the model's; none where it does not.
pub(super) fn rewound<'a>(
    epoch: Epochs,
    event: &Event,
    layers: &Listed<'_>,
    training: u64,
    given: Option<&'a dyn Layers>,
) -> Result<Option<Listed<'a>>, PruneError> {
    let Some(to) = event.rewinds_to() else { return Ok(None) };
    let refuse = |why: String| PruneError::Rewind { epoch, to, why };
    if to >= training {
        return Err(refuse(format!("that epoch has not ended, epoch {training} is in training")));
    }
    let given =
        given.ok_or_else(|| refuse("hand them over as `rewind` in the `Evidence` of `end_epoch_with`".to_owned()))?;
    let given = Listed::of(given).map_err(|source| PruneError::Event { epoch, source })?;
    for (name, layer) in layers.iter() {
        let shown = prune_core::printable(name);
        let Some(source) = given.get(name) else {
            return Err(refuse(format!("there is no layer `{shown}` among them")));
        };
        if (source.shape(), source.element_type()) != (layer.shape(), layer.element_type()) {
            return Err(refuse(format!(
                "layer `{shown}` is {} of shape {:?} there and {} of shape {:?} in the model",
                source.element_type(),
                source.shape(),
                layer.element_type(),
                layer.shape()
            )));
        }
    }
    Ok(Some(given))
}

/// Sets every parameter back.
fn rewind(epoch: Epochs, model: &mut (impl LayersMut + ?Sized), rewound: &Listed<'_>) -> Result<(), PruneError> {
    for (name, mut layer) in model.layers_mut() {
        if let Some(source) = rewound.get(&name) {
            let refused = |source: prune_core::Error| PruneError::Event { epoch, source: source.in_layer(&name) };
            layer.assign(source).map_err(refused)?;
        }
    }
    Ok(())
}

/// Applies new masks; reopened weights, those outside `alive`, start at zero. Where parameters are set back, masks of layers
/// that the event does not select are applied again: what they closed is there once more.
pub(super) fn write(
    epoch: Epochs,
    model: &mut (impl LayersMut + ?Sized),
    new: &Masks,
    alive: &Masks,
    shapes: &[(String, Vec<usize>)],
    rewound: Option<&Listed<'_>>,
) -> Result<(), PruneError> {
    let in_event = |source| PruneError::Event { epoch, source };
    let writable = model.layers_mut();
    for (name, shape) in shapes {
        if !writable.iter().any(|(listed, layer)| listed == name && layer.shape() == shape.as_slice()) {
            return Err(PruneError::ListsDiffer { layer: name.clone(), shape: shape.clone() });
        }
    }
    drop(writable);
    if let Some(rewound) = rewound {
        rewind(epoch, model, rewound)?;
    }
    let mut remains = Masks::default();
    for (name, mask) in new.iter() {
        let mask = match alive.get(name) {
            Some(alive) => mask.intersection(alive).map_err(in_event)?,
            None => mask.clone(),
        };
        remains.insert(name, mask);
    }
    if rewound.is_some() {
        for (name, mask) in alive.iter().filter(|(name, _)| new.get(name).is_none()) {
            remains.insert(name, mask.clone());
        }
    }
    // It refuses whatever it refuses before it writes the first layer.
    remains.hold(model).map_err(in_event)
}
