//! Facts about the model that do not follow from names and shapes, such as the axes of a transposed convolution.

use prune_core::ErrorKind;
use prune_schedule::names::{AxisEvidence, Class, Role};
use prune_schedule::{LayerFacts, Pruner, Strategy};

use super::Params;
use crate::error::CandleError;

impl Params {
    /// Adds facts about parameters that do not follow from names and shapes: if events select them, their axes, and the
    /// bias that goes with their outputs. A fact changes only what it states.
    ///
    /// The pruner must know these facts too: make it with [`Params::pruner`].
    ///
    /// # Errors
    ///
    /// [`CandleError::UnknownParam`], for a bias too; [`CandleError::Mask`] for an axis that a parameter does not have.
    pub fn with_facts<N: AsRef<str>>(
        mut self,
        facts: impl IntoIterator<Item = (N, LayerFacts)>,
    ) -> Result<Self, CandleError> {
        for (name, told) in facts {
            let name = self.known(name.as_ref())?;
            let rank = self.get(&name).map_or(0, |var| var.rank());
            let axes = told.role.iter().flat_map(|role| role.inputs.iter().chain(&role.outputs));
            if let Some(&axis) = axes.into_iter().find(|axis| **axis >= rank) {
                let axis = isize::try_from(axis).unwrap_or(isize::MAX);
                return Err(ErrorKind::AxisOutOfRange { axis, rank }.in_layer(&name).into());
            }
            let bias = told.bias.map(|bias| self.known(&bias)).transpose()?;
            let facts = self.facts.entry(name).or_default();
            *facts = LayerFacts { bias, ..told }.or(core::mem::take(facts));
        }
        Ok(self)
    }

    /// Gives the axes of a parameter's inputs and outputs. Without any knowledge, outputs are taken to be axis 0, as in
    /// candle's `Linear` and `Conv2d`. Its `ConvTranspose1d` and `ConvTranspose2d` keep (in, out / groups, ..).
    ///
    /// # Errors
    ///
    /// As [`Params::with_facts`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{DType, Device, Tensor};
    /// use prune_candle::candle_nn::{VarBuilder, VarMap, conv_transpose2d_no_bias};
    /// use prune_candle::{Evidence, Params};
    ///
    /// let varmap = VarMap::new();
    /// let vars = VarBuilder::from_varmap(&varmap, DType::F32, &Device::Cpu);
    /// let up = conv_transpose2d_no_bias(3, 4, 2, Default::default(), vars.pp("up"))?;
    ///
    /// let mut params = Params::of(&varmap)?.with_axes("up.weight", 0, 1)?;
    /// let mut pruner = params.pruner("{1: {'method': 'channel_unified_local', 'density': 0.5}}".parse()?);
    /// assert!(params.check(&pruner)?.is_empty());
    /// let report = params.end_epoch(&mut pruner, 1, &mut [], Evidence::default())?.ok_or("there is an event")?;
    /// assert_eq!(report.layers[0].axis, Some(1));
    /// // Two of its four outputs are nothing but zeros.
    /// let largest = up.weight().abs()?.max(3)?.max(2)?.max(0)?.to_vec1::<f32>()?;
    /// assert_eq!(largest.iter().filter(|&&largest| largest == 0.0).count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_axes(self, name: impl AsRef<str>, inputs: usize, outputs: usize) -> Result<Self, CandleError> {
        let (inputs, outputs, evidence) = (vec![inputs], vec![outputs], Some(AxisEvidence::Class));
        let role = Role { class: Class::Weight, entry: "told by the caller".to_owned(), inputs, outputs, evidence };
        self.with_facts([(name, LayerFacts { role: Some(role), ..LayerFacts::default() })])
    }

    /// The facts from [`Params::with_facts`] and [`Params::with_axes`], for [`Pruner::with_facts`]. A saved pruner does
    /// not contain them.
    pub fn facts(&self) -> impl Iterator<Item = (&str, LayerFacts)> {
        self.facts.iter().map(|(name, facts)| (name.as_str(), facts.clone()))
    }

    /// A pruner at the start of its strategy that knows the facts about these parameters.
    pub fn pruner(&self, strategy: Strategy) -> Pruner {
        Pruner::new(strategy).with_facts(self.facts())
    }

    /// Refuses a pruner that does not know the facts about these parameters.
    pub(super) fn are_known_to(&self, pruner: &Pruner) -> Result<(), CandleError> {
        match self.facts.iter().find(|(name, facts)| pruner.facts(name) != Some(facts)) {
            Some((name, _)) => Err(CandleError::FactsUntold { name: name.clone() }),
            None => Ok(()),
        }
    }
}
