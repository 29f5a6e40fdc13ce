//! Construction of the list: names in order, each with its own variable.

use std::collections::BTreeMap;
use std::sync::TryLockError;
use std::time::{Duration, Instant};

use candle_core::Var;
use candle_nn::VarMap;

use super::{Param, Params};
use crate::error::CandleError;

/// The time of attempts to take a map's lock before it is reported as locked. Another thread that builds a layer is
/// done sooner.
const PATIENCE: Duration = Duration::from_secs(1);

impl Params {
    /// The variables of a map, in the order of names.
    ///
    /// # Errors
    ///
    /// [`CandleError::Tied`] if one variable has two names; [`CandleError::MapLocked`] if a guard of `VarMap::data` is
    /// alive.
    pub fn of(varmap: &VarMap) -> Result<Self, CandleError> {
        Params::named(vars_of(varmap)?)
    }

    /// As [`Params::of`], but a variable with several names keeps the first of them, in the order of names.
    /// [`Params::joined_names`] lists the others.
    ///
    /// # Errors
    ///
    /// [`CandleError::MapLocked`].
    ///
    /// # Examples
    ///
    /// ```
    /// use prune_candle::candle_core::{DType, Device, Var};
    /// use prune_candle::candle_nn::VarMap;
    /// use prune_candle::{CandleError, Params};
    ///
    /// let (varmap, table) = (VarMap::new(), Var::zeros((3, 2), DType::F32, &Device::Cpu)?);
    /// for name in ["head.weight", "embed.weight"] {
    ///     varmap.data().lock().map_err(|_| "poisoned")?.insert(name.to_owned(), table.clone());
    /// }
    /// assert!(matches!(Params::of(&varmap), Err(CandleError::Tied { .. })));
    /// let params = Params::joined(&varmap)?;
    /// assert_eq!(params.names().collect::<Vec<_>>(), ["embed.weight"]);
    /// assert_eq!(params.joined_names().collect::<Vec<_>>(), [("head.weight", "embed.weight")]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn joined(varmap: &VarMap) -> Result<Self, CandleError> {
        Params::named_joined(vars_of(varmap)?)
    }

    /// Variables under the caller's names.
    ///
    /// # Errors
    ///
    /// [`CandleError::Tied`], [`CandleError::DuplicateName`].
    pub fn named<N: Into<String>>(vars: impl IntoIterator<Item = (N, Var)>) -> Result<Self, CandleError> {
        let params = Params::named_joined(vars)?;
        match params.entries.iter().find_map(|param| Some((param, param.others.first()?))) {
            Some((param, other)) => Err(CandleError::Tied { first: param.name.clone(), second: other.clone() }),
            None => Ok(params),
        }
    }

    /// As [`Params::named`], but a variable with several names keeps the first of them, in the order of names.
    ///
    /// # Errors
    ///
    /// [`CandleError::DuplicateName`].
    pub fn named_joined<N: Into<String>>(vars: impl IntoIterator<Item = (N, Var)>) -> Result<Self, CandleError> {
        let mut by_name = BTreeMap::new();
        for (name, var) in vars {
            let name = name.into();
            if by_name.contains_key(&name) {
                return Err(CandleError::DuplicateName { name });
            }
            by_name.insert(name, var);
        }
        let (mut entries, mut by_storage) = (Vec::<Param>::new(), BTreeMap::new());
        for (name, var) in by_name {
            match by_storage.get(&storage_of(&var)) {
                Some(&place) => {
                    let first: &mut Param = &mut entries[place];
                    first.others.push(name);
                }
                None => {
                    by_storage.insert(storage_of(&var), entries.len());
                    entries.push(Param { name, var, others: Vec::new() });
                }
            }
        }
        Ok(Params { entries, weights: Default::default(), dense: Default::default(), facts: Default::default() })
    }

    /// Checks that these are still the variables of a map. It refuses a name that is gone, is new, or has another
    /// variable. If a map was built anew, or `insert` replaced a variable in it, the map no longer shows what is pruned
    /// here.
    ///
    /// # Errors
    ///
    /// [`CandleError::MapChanged`] with the change, [`CandleError::MapLocked`].
    pub fn check_current(&self, varmap: &VarMap) -> Result<(), CandleError> {
        let now: BTreeMap<String, Var> = vars_of(varmap)?.into_iter().collect();
        let names = |param: &Param| {
            core::iter::once(param.name.clone()).chain(param.others.iter().cloned()).collect::<Vec<_>>()
        };
        let known: BTreeMap<String, &Var> = self
            .entries
            .iter()
            .flat_map(|param| names(param).into_iter().map(move |name| (name, &param.var)))
            .collect();
        let changed = |name: &str, change| Err(CandleError::MapChanged { name: name.to_owned(), change });
        for (name, var) in &known {
            match now.get(name) {
                None => return changed(name, "taken out"),
                Some(other) if other.dims() != var.dims() => return changed(name, "replaced by one of another shape"),
                Some(other) if other.dtype() != var.dtype() => return changed(name, "replaced by one of another type"),
                Some(other) if storage_of(other) != storage_of(var) => return changed(name, "replaced"),
                Some(_) => {}
            }
        }
        now.keys().find(|name| !known.contains_key(*name)).map_or(Ok(()), |name| changed(name, "added"))
    }
}

/// The names and variables of a map, in any order. It does not wait for ever, since the caller itself may hold the
/// lock.
fn vars_of(varmap: &VarMap) -> Result<Vec<(String, Var)>, CandleError> {
    let begin = Instant::now();
    loop {
        let vars = match varmap.data().try_lock() {
            Ok(vars) => vars,
            Err(TryLockError::Poisoned(vars)) => vars.into_inner(),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            }
            Err(TryLockError::WouldBlock) => return Err(CandleError::MapLocked),
        };
        return Ok(vars.iter().map(|(name, var)| (name.clone(), var.clone())).collect());
    }
}

/// The identity of a variable's memory: its storage, which every handle to it shares.
fn storage_of(var: &Var) -> usize {
    core::ptr::from_ref(&*var.storage_and_layout().0).addr()
}
