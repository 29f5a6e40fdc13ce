//! Which parameters are weights: what the caller says, and what names look like.

use core::fmt;

use prune_core::printable;
use prune_schedule::names::{Class, ModelFacts, roles};

use super::Params;
use crate::error::CandleError;

/// A parameter that events select because it has two axes or more, though its name looks like something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleWarning {
    /// The parameter.
    pub name: String,
    /// What its name looks like, such as `embedding of tokens`.
    pub looks_like: &'static str,
}

impl fmt::Display for RoleWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` looks like an {}, and every event that names no layers prunes it; keep it out with `with_dense`, or say \
             that it is meant with `with_weights`",
            printable(&self.name),
            self.looks_like
        )
    }
}

impl Params {
    /// The same, with these said to be weights: no warning is given for them.
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

    /// The same, with these left dense: they are not among the layers that a pruner sees, so that no event and no figure has
    /// them. An optimiser still trains them.
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
    /// assert_eq!(params.warnings()[0].looks_like, "embedding of tokens");
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

    /// The parameters of two axes or more whose names look like something that is not pruned as a rule: embeddings, heads,
    /// norms. Those of [`Params::with_weights`] and [`Params::with_dense`] are not among them.
    pub fn warnings(&self) -> Vec<RoleWarning> {
        let tensors: Vec<(&str, &[usize])> = self.iter().map(|(name, var)| (name, var.dims())).collect();
        let told = |name: &str| self.weights.contains(name) || self.dense.contains(name);
        let warn = |((name, shape), class): ((&str, &[usize]), Class)| match class {
            Class::Other(looks_like) if shape.len() >= 2 && !told(name) => {
                Some(RoleWarning { name: name.to_owned(), looks_like })
            }
            _ => None,
        };
        let classes = roles(&ModelFacts::unknown(), &tensors).into_iter().map(|role| role.class);
        tensors.iter().copied().zip(classes).filter_map(warn).collect()
    }

    /// The name by which a parameter is listed.
    fn known(&self, name: &str) -> Result<String, CandleError> {
        let found =
            self.entries.iter().find(|param| param.name == name || param.others.iter().any(|other| other == name));
        found.map(|param| param.name.clone()).ok_or_else(|| self.unknown(name))
    }
}
