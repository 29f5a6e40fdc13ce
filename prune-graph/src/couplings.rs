//! Couplings: slices that training has to close together. They come from the classes of a graph, or from the user.

use std::collections::HashMap;

use crate::classes::Classes;
use crate::error::GraphError;
use crate::tensor::Role;

/// A slice of a named tensor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoupledIndex {
    /// The tensor.
    pub tensor: String,
    /// The axis along which it is sliced.
    pub axis: usize,
    /// The position of the slice.
    pub index: usize,
}

/// One group of coupled axes: the channels of layers that are added, with their biases, scales and shifts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupling {
    axes: Vec<(String, usize)>,
    /// For each channel, its slices: positions in `axes`, and indices.
    channels: Vec<Vec<(u32, u32)>>,
}

impl Coupling {
    /// The axes, as tensor name and axis.
    pub fn axes(&self) -> &[(String, usize)] {
        &self.axes
    }

    /// The axes for a trainer that masks channel `i` at index `i` of each axis
    /// (`prune_schedule::Pruner::with_couplings`). An event that ranks the channels of one member closes them in all
    /// members.
    ///
    /// # Errors
    ///
    /// [`GraphError::Coupling`] if an axis has channels at other indices, as behind a concatenation.
    ///
    /// # Examples
    ///
    /// Two convolutions whose outputs are added, one with a bias. The user may state the coupling, as here, or
    /// [`Couplings::of`] finds it in a graph:
    ///
    /// ```
    /// use prune_core::{LayerMut, PlainTensor};
    /// use prune_graph::{Coupling, Couplings};
    /// use prune_schedule::Pruner;
    ///
    /// let mut a = PlainTensor::from_logical(&[2, 2], vec![3.0f32, 1.0, 0.5, -2.0])?;
    /// let mut bias = PlainTensor::from_logical(&[2], vec![0.1f32, 0.2])?;
    /// let mut b = PlainTensor::from_logical(&[2, 1], vec![1.0f32, 4.0])?;
    /// let couplings = Couplings::stated(&[vec![("a.weight", 0, 2), ("a.bias", 0, 2), ("b.weight", 0, 2)]])?;
    /// let members = couplings.groups().iter().map(Coupling::members).collect::<Result<Vec<_>, _>>()?;
    ///
    /// let strategy = "{1: {'method': 'channel_unified_local', 'density': 0.5}}".parse()?;
    /// let mut pruner = Pruner::new(strategy).with_couplings(members);
    /// let mut model =
    ///     [("a.weight", LayerMut::of(&mut a)), ("a.bias", LayerMut::of(&mut bias)), ("b.weight", LayerMut::of(&mut b))];
    /// pruner.check(&model)?;
    /// pruner.end_epoch(1, &mut model)?;
    /// drop(model);
    /// assert_eq!((a.values(), bias.values(), b.values()), (&[0.0, 0.0, 0.5, -2.0][..], &[0.0, 0.2][..], &[0.0, 4.0][..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn members(&self) -> Result<impl Iterator<Item = (&str, usize)>, GraphError> {
        for (channel, slices) in self.channels.iter().enumerate() {
            let aligned = |at: usize| (at < self.axes.len()).then_some((at as u32, channel as u32));
            if let Some(at) = (0..=self.axes.len()).find(|&at| slices.get(at).copied() != aligned(at)) {
                let (name, _) = &self.axes[at.min(self.axes.len() - 1)];
                let why =
                    "its channels have other indices than in the rest of the group; exclude the layers of the group";
                return Err(GraphError::Coupling { name: name.clone(), why });
            }
        }
        Ok(self.axes.iter().map(|(name, axis)| (name.as_str(), *axis)))
    }

    /// The number of channels.
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// True if there are no channels.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// The slices that are zero if a channel is closed.
    pub fn slices(&self, channel: usize) -> impl Iterator<Item = CoupledIndex> {
        self.channels.get(channel).into_iter().flatten().map(|&(axis, index)| {
            let (tensor, axis) = &self.axes[axis as usize];
            CoupledIndex { tensor: tensor.clone(), axis: *axis, index: index as usize }
        })
    }
}

/// The groups of a network. To close a channel is to close its slices in every layer of the group.
///
/// Zero rows in one layer do not close a channel: it still carries the bias, the shift of a normalisation, or the
/// values of another branch. A channel is closed if everything that writes it is zero: the rows of every writer on both
/// sides of an addition, biases, scales and shifts. Columns of readers may stay, since they multiply zeros. A trainer
/// closes channels in this way with [`Coupling::members`].
///
/// # Examples
///
/// ```
/// use prune_graph::Couplings;
///
/// let couplings = Couplings::stated(&[vec![("conv.weight", 0, 8), ("norm.weight", 0, 8), ("norm.bias", 0, 8)]])?;
/// let (group, channel) = couplings.find("norm.weight", 0, 3).ok_or("coupled")?;
/// let closed: Vec<String> = couplings.groups()[group].slices(channel).map(|slice| slice.tensor).collect();
/// assert_eq!(closed, ["conv.weight", "norm.weight", "norm.bias"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Couplings {
    groups: Vec<Coupling>,
    /// For each axis and index, the group and the channel. Parts of one axis may lie in several groups.
    places: HashMap<(String, usize), HashMap<usize, (usize, usize)>>,
}

impl Couplings {
    /// The couplings of a graph. Each ranked family gives one group: the axes of constants that write its channels.
    pub fn of(classes: &Classes) -> Self {
        let mut couplings = Couplings::default();
        for family in classes.families() {
            let writes = |axis: &&crate::TensorAxis| {
                classes.is_constant(axis.tensor) && !matches!(classes.role(**axis), Some(Role::Reader | Role::Divisor))
            };
            let axes: Vec<_> = family.axes().iter().filter(writes).copied().collect();
            if axes.is_empty() {
                continue;
            }
            let mut channels = vec![Vec::new(); family.classes().len()];
            for (at, &axis) in axes.iter().enumerate() {
                for index in 0..classes.size(axis).unwrap_or(0) {
                    let class = classes.class_of(axis, index);
                    if let Some(channel) = class.and_then(|class| family.classes().binary_search(&class).ok()) {
                        channels[channel].push((at as u32, index as u32));
                    }
                }
            }
            let axes = axes.iter().map(|axis| (classes.name(axis.tensor).to_owned(), axis.axis)).collect();
            couplings.add(Coupling { axes, channels });
        }
        couplings
    }

    /// Couplings that the user states: groups of (tensor, axis, length). Index i of each axis goes with index i of the
    /// others.
    ///
    /// # Errors
    ///
    /// [`GraphError::Coupling`] for an empty group, for unequal lengths, or for an axis that occurs twice.
    pub fn stated(groups: &[Vec<(&str, usize, usize)>]) -> Result<Self, GraphError> {
        let mut couplings = Couplings::default();
        for group in groups {
            let Some(&(name, _, len)) = group.first() else {
                return Err(GraphError::Coupling { name: String::new(), why: "a group needs at least one axis" });
            };
            if let Some((other, ..)) = group.iter().find(|(.., other)| *other != len) {
                let why = "its axis has another length than the first of the group";
                return Err(GraphError::Coupling { name: (*other).to_owned(), why });
            }
            for (at, (name, axis, _)) in group.iter().enumerate() {
                let key = ((*name).to_owned(), *axis);
                let twice = group[..at].iter().any(|(n, a, _)| n == name && a == axis);
                if twice || couplings.places.contains_key(&key) {
                    return Err(GraphError::Coupling { name: key.0, why: "its axis is coupled twice; state it once" });
                }
            }
            if u32::try_from(len).is_err() {
                return Err(GraphError::Coupling { name: name.to_owned(), why: "its axis is too long" });
            }
            let axes = group.iter().map(|(name, axis, _)| ((*name).to_owned(), *axis)).collect();
            let channels = (0..len as u32).map(|i| (0..group.len() as u32).map(|at| (at, i)).collect()).collect();
            couplings.add(Coupling { axes, channels });
        }
        Ok(couplings)
    }

    fn add(&mut self, group: Coupling) {
        for (channel, slices) in group.channels.iter().enumerate() {
            for &(at, index) in slices {
                let places = self.places.entry(group.axes[at as usize].clone()).or_default();
                places.insert(index as usize, (self.groups.len(), channel));
            }
        }
        self.groups.push(group);
    }

    /// The groups.
    pub fn groups(&self) -> &[Coupling] {
        &self.groups
    }

    /// The group and the channel of a slice, if it is coupled.
    pub fn find(&self, tensor: &str, axis: usize, index: usize) -> Option<(usize, usize)> {
        self.places.get(&(tensor.to_owned(), axis))?.get(&index).copied()
    }
}
