//! The weights among the parameters, by the caller's word and by their names.

use core::fmt;

use prune_core::printable;
use prune_schedule::names::{AxisEvidence, Class, ModelFacts, Role, roles};

use super::Params;
use crate::error::CandleError;

/// A parameter that may have another role than events assume.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoleWarning {
    /// Events select it because it has two axes or more, though its name looks like something else.
    LooksLike {
        /// The parameter.
        name: String,
        /// The kind that its name suggests, such as `embedding of tokens`.
        looks_like: &'static str,
    },
    /// Neither its name nor the parameters beside it tell where its outputs are.
    AxesUntold {
        /// The parameter.
        name: String,
    },
}

impl fmt::Display for RoleWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoleWarning::LooksLike { name, looks_like } => write!(
                f,
                "`{}` looks like an {looks_like}, and every event that names no layers prunes it; keep it out with \
                 `with_dense`, or say that it is meant with `with_weights`",
                printable(name)
            ),
            RoleWarning::AxesUntold { name } => write!(
                f,
                "`{}`: nothing tells its axes, so axis 0 is taken for its outputs, as in a convolution; a transposed one has \
                 them on axis 1: say with `with_axes` which it is",
                printable(name)
            ),
        }
    }
}

impl Params {
    /// Marks these parameters as weights. There is no warning for them.
    ///
    /// # Errors
    ///
    /// [`CandleError::UnknownParam`].
    pub fn with_weights<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self, CandleError> {
        for name in names {
            let name = self.known(name.as_ref())?;
            self.dense.remove(&name);
            self.weights.insert(name);
        }
        Ok(self)
    }

    /// Leaves these parameters dense. A pruner does not see them as layers, so no event and no figure includes them. An
    /// optimiser still trains them.
    ///
    /// # Errors
    ///
    /// [`CandleError::UnknownParam`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{DType, Device, Var};
    /// use prune_candle::{Layers, Params};
    ///
    /// let var = || Var::zeros((4, 2), DType::F32, &Device::Cpu);
    /// let params = Params::named([("model.embed_tokens.weight", var()?), ("model.fc.weight", var()?)])?;
    /// assert!(params.warnings()[0].to_string().contains("`model.embed_tokens.weight` looks like an embedding of tokens"));
    /// let params = params.with_dense(["model.embed_tokens.weight"])?;
    /// assert!(params.warnings().is_empty());
    /// assert_eq!((params.layers().len(), params.vars().len()), (1, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_dense<N: AsRef<str>>(mut self, names: impl IntoIterator<Item = N>) -> Result<Self, CandleError> {
        for name in names {
            let name = self.known(name.as_ref())?;
            self.weights.remove(&name);
            self.dense.insert(name);
        }
        Ok(self)
    }

    /// The parameters of two axes or more whose names look like something that is usually not pruned: embeddings,
    /// heads, norms. Those of [`Params::with_weights`] and [`Params::with_dense`] are not among them.
    pub fn warnings(&self) -> Vec<RoleWarning> {
        let told = |name: &str| {
            let facts = self.facts.get(name);
            let by_facts = facts.is_some_and(|facts| facts.weight.is_some() || facts.role.is_some());
            by_facts || self.weights.contains(name) || self.dense.contains(name)
        };
        let warn = |(name, rank, role): (&str, usize, Role)| match role.class {
            Class::Other(looks_like) if rank >= 2 && !told(name) => {
                Some(RoleWarning::LooksLike { name: name.to_owned(), looks_like })
            }
            _ => None,
        };
        self.roles().filter_map(warn).collect()
    }

    /// The parameters of three axes or more that are taken for convolutions only because nothing is known about their
    /// axes.
    pub(super) fn untold_axes(&self) -> Vec<RoleWarning> {
        let told = |name: &str| {
            let facts = self.facts.get(name);
            facts.is_some_and(|facts| facts.role.is_some() || facts.weight == Some(false)) || self.dense.contains(name)
        };
        let untold = self
            .roles()
            .filter(|(name, rank, role)| *rank >= 3 && role.evidence == Some(AxisEvidence::Default) && !told(name));
        untold.map(|(name, ..)| RoleWarning::AxesUntold { name: name.to_owned() }).collect()
    }

    /// Each parameter with its rank and the role that its name and shape suggest.
    fn roles(&self) -> impl Iterator<Item = (&str, usize, Role)> {
        let tensors: Vec<(&str, &[usize])> = self.iter().map(|(name, var)| (name, var.dims())).collect();
        let told = roles(&ModelFacts::unknown(), &tensors);
        tensors.into_iter().zip(told).map(|((name, shape), role)| (name, shape.len(), role))
    }

    /// The name by which a parameter is listed.
    pub(super) fn known(&self, name: &str) -> Result<String, CandleError> {
        let found =
            self.entries.iter().find(|param| param.name == name || param.others.iter().any(|other| other == name));
        found.map(|param| param.name.clone()).ok_or_else(|| self.unknown(name))
    }
}
