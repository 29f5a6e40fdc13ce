//! Parameters as nalgebra matrices: column-major, a convolution's kernel as (height x width x input channels, features).

use std::borrow::Cow;

use nalgebra::{DMatrix, DVector};
use prune_nalgebra::{Element, LayerMut, LayerRef, Layers, LayersMut, PruneExt};

use crate::nn::real::Real;
use crate::nn::spec::{ParamKind, ParamSpec};
use crate::nn::storage::{Order, ParamSet, ParamStorage};

/// A parameter in nalgebra's form.
#[derive(Clone, Debug, PartialEq)]
pub enum NalgebraTensor<T> {
    /// A kernel. Under its logical shape, which its [`ParamSpec`] has, it may be of rank 4.
    Matrix(DMatrix<T>),
    /// A bias, of rank 1.
    Vector(DVector<T>),
}

impl<T: Real> NalgebraTensor<T> {
    /// The values in memory order, which is column by column.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::Matrix(matrix) => matrix.as_slice(),
            Self::Vector(vector) => vector.as_slice(),
        }
    }

    /// The values in memory order, to write.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::Matrix(matrix) => matrix.as_mut_slice(),
            Self::Vector(vector) => vector.as_mut_slice(),
        }
    }
}

/// One matrix or vector for each parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct NalgebraParams<T> {
    specs: Vec<ParamSpec>,
    tensors: Vec<NalgebraTensor<T>>,
}

impl<T> NalgebraParams<T> {
    /// Descriptions and tensors, in the order of the model.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ParamSpec, &NalgebraTensor<T>)> {
        self.specs.iter().zip(&self.tensors)
    }

    /// Descriptions and tensors to write, in the order of the model. If a tensor is given another size, the next step
    /// refuses it.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&ParamSpec, &mut NalgebraTensor<T>)> {
        self.specs.iter().zip(&mut self.tensors)
    }
}

impl<T: Real> ParamStorage<T> for NalgebraParams<T> {
    fn zeros(specs: &[ParamSpec]) -> Self {
        let zeros = |spec: &ParamSpec| match spec.kind {
            ParamKind::Kernel => NalgebraTensor::Matrix(DMatrix::from_element(spec.rows, spec.columns, T::zero())),
            ParamKind::Bias => NalgebraTensor::Vector(DVector::from_element(spec.rows, T::zero())),
        };
        Self { specs: specs.to_vec(), tensors: specs.iter().map(zeros).collect() }
    }
}

impl<T: Real> ParamSet<T> for NalgebraParams<T> {
    fn specs(&self) -> &[ParamSpec] {
        &self.specs
    }

    fn order(&self) -> Order {
        Order::ColumnMajor
    }

    fn values(&self, index: usize) -> &[T] {
        self.tensors[index].as_slice()
    }

    fn values_mut(&mut self, index: usize) -> &mut [T] {
        self.tensors[index].as_mut_slice()
    }
}

/// Kernels have their logical shapes. A tensor that was given another size keeps its own shape, which the pruner then
/// refuses.
impl<T: Real + Element> Layers for NalgebraParams<T> {
    fn layers(&self) -> Vec<(Cow<'_, str>, LayerRef<'_>)> {
        let layer = |(spec, tensor)| -> (Cow<'_, str>, LayerRef<'_>) {
            let (spec, tensor): (&ParamSpec, &NalgebraTensor<T>) = (spec, tensor);
            let layer = match tensor {
                NalgebraTensor::Matrix(matrix) => {
                    matrix.layer_with_shape(&spec.shape).unwrap_or_else(|_| matrix.layer())
                }
                NalgebraTensor::Vector(vector) => vector.layer(),
            };
            (Cow::Borrowed(spec.name.as_str()), layer)
        };
        self.iter().map(layer).collect()
    }
}

impl<T: Real + Element> LayersMut for NalgebraParams<T> {
    fn layers_mut(&mut self) -> Vec<(Cow<'_, str>, LayerMut<'_>)> {
        let mut layers: Vec<(Cow<'_, str>, LayerMut<'_>)> = Vec::with_capacity(self.tensors.len());
        for (spec, tensor) in self.specs.iter().zip(&mut self.tensors) {
            let layer = match tensor {
                NalgebraTensor::Matrix(matrix) => {
                    let has_shape = matrix.layer_with_shape(&spec.shape).is_ok();
                    let own = matrix.layer_mut();
                    if has_shape { own.with_shape(&spec.shape) } else { Ok(own) }
                }
                NalgebraTensor::Vector(vector) => Ok(vector.layer_mut()),
            };
            // A shape that allows reading allows writing too.
            layers.extend(layer.map(|layer| (Cow::Borrowed(spec.name.as_str()), layer)));
        }
        layers
    }
}
