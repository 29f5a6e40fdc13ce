//! The facts about a checkpoint's tensors that are known before their values are read: the role of each, and the masks
//! among them.

use std::path::Path;

use prune_schedule::names::{AxisEvidence, Class, ModelFacts, Role, roles};
use prune_schedule::{EventPlan, Filter, LeftDense, ScopeKind};
use serde::Serialize;

use crate::disk;
use crate::error::Error;
use crate::read::model::{Model, ModelKind};
use crate::text::clipped::{clipped, listed};
use crate::text::term::Term;

/// The longest `config.json` that is read.
const LONGEST: u64 = 64 << 20;

/// The reason why a mask is left alone.
const MASK: &str = "mask";

/// The known facts about a model's tensors, in the model's order.
#[derive(Debug)]
pub(crate) struct CheckpointFacts {
    roles: Vec<Role>,
    /// For a `weight_orig`, the `weight_mask` beside it.
    masks: Vec<Option<usize>>,
    /// For a `weight_mask`, its `weight_orig`.
    masked: Vec<Option<usize>>,
}

/// A tensor that is left dense, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DenseTensor {
    /// Its name.
    pub layer: String,
    /// The reason, such as `norm`, `unknown name` or `rank below 2`.
    pub why: String,
    /// The entry of the table of names that decided; empty if none did.
    pub entry: String,
}

impl CheckpointFacts {
    /// The facts that names, shapes and the `config.json` beside a model tell.
    pub(crate) fn of(model: &Model) -> Result<Self, Error> {
        // A weight with a mask beside it gets its original name back.
        let mut tensors: Vec<(&str, &[usize])> =
            model.tensors().map(|t| (t.name.as_str(), t.shape.as_slice())).collect();
        let mut known =
            CheckpointFacts { roles: Vec::new(), masks: vec![None; model.len()], masked: vec![None; model.len()] };
        for (tensor, about) in model.tensors().enumerate() {
            let Some(stem) = about.name.strip_suffix("_orig") else { continue };
            let Some(mask) = model.find(&format!("{stem}_mask")).filter(|_| about.element_type().is_some()) else {
                continue;
            };
            let (shape, held) = (&model.tensor(mask).shape, clipped(&about.name));
            if *shape != about.shape {
                let why = format!("`{held}` has shape {:?}, but the mask beside it {shape:?}", about.shape);
                return Err(Error::Companion { path: model.path_of(mask).to_owned(), why });
            }
            known.masks[tensor] = Some(mask);
            known.masked[mask] = Some(tensor);
            tensors[tensor].0 = stem;
        }
        known.roles = roles(&facts(model)?, &tensors);
        for (role, _) in known.roles.iter_mut().zip(&known.masked).filter(|(_, masked)| masked.is_some()) {
            *role = Role { class: Class::Other(MASK), entry: "*_mask beside *_orig".to_owned(), ..Role::unknown() };
        }
        Ok(known)
    }

    pub(crate) fn role(&self, tensor: usize) -> &Role {
        &self.roles[tensor]
    }

    /// The tensor that is the mask of this one.
    pub(crate) fn mask_of(&self, tensor: usize) -> Option<usize> {
        self.masks[tensor]
    }

    /// The tensor whose mask this one is.
    pub(crate) fn masked_by(&self, mask: usize) -> Option<usize> {
        self.masked[mask]
    }

    /// The reason why a tensor is left dense; `None` if it may be pruned.
    pub(crate) fn leaves(&self, filter: &Filter, model: &Model, tensor: usize) -> Option<LeftDense> {
        let about = model.tensor(tensor);
        if self.masked[tensor].is_some() {
            return Some(LeftDense::Other(MASK));
        }
        filter.leaves(&about.name, about.element_type().is_some(), about.shape.len(), self.role(tensor))
    }

    /// Every tensor of a prunable type that got no mask, with the reason.
    pub(crate) fn left_dense(&self, filter: &Filter, model: &Model, made: impl Fn(usize) -> bool) -> Vec<DenseTensor> {
        let floating = |&(tensor, about): &(usize, &crate::read::header::TensorInfo)| {
            about.element_type().is_some() && self.masked[tensor].is_none() && !made(tensor)
        };
        let left = model.tensors().enumerate().filter(floating).map(|(tensor, about)| {
            let why = self.leaves(filter, model, tensor);
            let why = why.map_or_else(|| "no event selects it".to_owned(), |why| why.to_string());
            DenseTensor { layer: about.name.clone(), why, entry: self.role(tensor).entry.clone() }
        });
        left.collect()
    }

    /// Warnings about the selection of an event.
    pub(crate) fn warnings(&self, plan: &EventPlan) -> Vec<String> {
        let mut told = Vec::new();
        let selected = || plan.layers.iter().filter(|layer| layer.follows.is_none());
        for layer in selected().filter(|_| plan.event.method().scope == ScopeKind::Local) {
            if let Class::Other(reason) = self.role(layer.place).class {
                let name = clipped(&layer.name);
                told.push(format!("layer `{name}` is pruned because it is named, though its name says {reason}"));
            }
        }
        let usual = selected().filter(|layer| layer.evidence == Some(AxisEvidence::Default));
        let taken: Vec<String> = usual.map(|layer| layer.name.clone()).collect();
        if !taken.is_empty() {
            let names = listed(&taken);
            let axis = Term::Axis;
            told.push(format!(
                "nothing tells the axes of {names}: outputs are taken to lie on axis 0; {axis} says otherwise"
            ));
        }
        told
    }
}

/// Lines of text about the tensors that are left dense, one line a reason.
pub(crate) fn lines(left: &[DenseTensor]) -> Vec<String> {
    let mut reasons: Vec<&str> = Vec::new();
    for tensor in left {
        if !reasons.contains(&tensor.why.as_str()) {
            reasons.push(&tensor.why);
        }
    }
    let line = |why: &str| {
        let names: Vec<String> = left.iter().filter(|tensor| tensor.why == why).map(|t| t.layer.clone()).collect();
        match why {
            "rank below 2" if names.len() > 1 => format!("left dense, {why}: {} tensors", names.len()),
            "unknown name" => format!("left dense, {why} ({} GLOB prunes them): {}", Term::Also, listed(&names)),
            _ => format!("left dense, {why}: {}", listed(&names)),
        }
    };
    reasons.into_iter().map(line).collect()
}

/// The facts in the `config.json` of a model's folder; none if there is no readable one.
fn facts(model: &Model) -> Result<ModelFacts, Error> {
    let folder = match model.kind() {
        ModelKind::File => model.shards()[0].path.parent().unwrap_or(Path::new("")),
        ModelKind::Folder(folder) | ModelKind::Index { folder, .. } => folder,
    };
    let path = folder.join("config.json");
    let about = disk::stat_if_there(&path).map_err(Error::read(&path))?;
    if !about.is_some_and(|about| about.is_file() && about.len() <= LONGEST) {
        return Ok(ModelFacts::unknown());
    }
    let text = disk::read(&path).map_err(Error::read(&path))?;
    Ok(ModelFacts::from_config(&String::from_utf8_lossy(&text)).unwrap_or_default())
}
