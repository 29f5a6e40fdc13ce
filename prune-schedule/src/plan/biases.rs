//! Biases that follow the channels of their layers.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::info::LayerInfo;
use super::select::LayersByName;
use super::{EventPlan, LayerPlan};
use crate::names::AxisEvidence;
use crate::prune_error::PruneError;
use crate::value::GroupAxis;
use crate::value::piece::bias_of;

impl EventPlan {
    /// Lets the bias of each layer follow the layer. A layer without a bias is skipped, but an event that finds no bias
    /// at all is refused, since its author meant something else.
    pub(super) fn add_biases(&mut self, infos: &[LayerInfo<'_>]) -> Result<(), PruneError> {
        let refused = |layer: &str, why: String| Err(PruneError::Bias { at: self.at, layer: layer.to_owned(), why });
        let named = LayersByName::of(infos);
        let selected: BTreeSet<usize> = self.layers.iter().map(|layer| layer.place).collect();
        let mut biases: Vec<LayerPlan> = Vec::new();
        let mut found_one = false;
        for (i, layer) in self.layers.iter().enumerate() {
            let info = &infos[layer.place];
            // A layer that follows another may have its channels on an axis other than its outputs.
            if layer.follows.is_some() && layer.axis.is_none_or(|axis| !layer.role.outputs.contains(&axis)) {
                continue;
            }
            let bias = info.bias.map(Cow::Borrowed).or_else(|| bias_of(&layer.name).map(Cow::Owned));
            let Some(place) = bias.and_then(|bias| named.place(&bias)) else { continue };
            let bias = &infos[place];
            // A written index is trusted if only the usual place of outputs speaks against it.
            let written = matches!(self.event.axis(), Some(GroupAxis::Index(_)));
            let usual = layer.role.evidence.is_none_or(|evidence| evidence == AxisEvidence::Default);
            if let Some(axis) = layer.axis
                && !layer.role.outputs.contains(&axis)
                && !(written && usual)
            {
                let why = format!("channels along axis {axis} are not its outputs, which biases go with");
                return refused(&layer.name, why);
            }
            let count = layer.units;
            if bias.shape != [count] {
                let why = format!("its bias has shape {:?}, and there are {count} channels", bias.shape);
                return refused(&layer.name, why);
            }
            found_one = true;
            if selected.contains(&place) {
                continue;
            }
            let asked = layer.asked_units.filter(|_| bias.alive.elements(count) == count);
            biases.push(LayerPlan { asked, follows: Some(i), ..LayerPlan::new(place, bias, layer.target) });
        }
        if !found_one {
            let name = self.layers.first().map_or("", |layer| &layer.name);
            let why = "neither it nor any other selected layer has a bias: a layer of the same name that ends in `bias` \
                       where it ends in `kernel` or `weight`";
            return refused(name, why.to_owned());
        }
        for bias in biases {
            self.asked = self.asked.zip(bias.asked).map(|(sum, asked)| sum + asked);
            self.layers.push(bias);
        }
        Ok(())
    }
}
