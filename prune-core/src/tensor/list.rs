//! The macro that lists the tensors of a struct.

/// Lists the tensors of a model's struct once, for [`Layers`](crate::Layers) and [`LayersMut`](crate::LayersMut).
///
/// An entry is one of
///
/// - `fc1.weight`: the tensor in that field, named `fc1.weight`;
/// - `encoder.*`: everything that the model in that field lists, each name after `encoder.`;
/// - `blocks[]`: the same for each model in that vector, array or slice, after `blocks.0.`, `blocks.1.` and so on.
///
/// `as "name"` after an entry gives another name, or another prefix of names. The backend's `PruneExt` in scope lends
/// the tensors. Type parameters stand in square brackets before the type.
///
/// # Examples
///
/// ```
/// use prune_core::{Layers, LendMut, PlainTensor, PruneExt, layers};
///
/// struct Dense { weight: PlainTensor<f32>, bias: PlainTensor<f32> }
/// struct Block { up: Dense, down: Dense }
/// struct Net { stem: Dense, blocks: Vec<Block>, head: Dense }
///
/// layers!(Dense { weight, bias });
/// layers!(Block { up.*, down.* });
/// layers!(Net { stem.weight as "Dense_0-kernel", stem.bias as "Dense_0-bias", blocks[], head.* as "out" });
///
/// # fn dense() -> Result<Dense, prune_core::Error> {
/// #     let (weight, bias) = (PlainTensor::from_logical(&[2, 2], vec![1.0; 4])?, PlainTensor::from_logical(&[2], vec![0.0; 2])?);
/// #     Ok(Dense { weight, bias })
/// # }
/// let net = Net { stem: dense()?, blocks: vec![Block { up: dense()?, down: dense()? }], head: dense()? };
/// let names: Vec<String> = net.layers().into_iter().map(|(name, _)| name.into_owned()).collect();
/// assert_eq!(names, [
///     "Dense_0-kernel", "Dense_0-bias",
///     "blocks.0.up.weight", "blocks.0.up.bias", "blocks.0.down.weight", "blocks.0.down.bias",
///     "out.weight", "out.bias",
/// ]);
/// # Ok::<(), prune_core::Error>(())
/// ```
///
/// A type with parameters:
///
/// ```
/// use prune_core::{Element, LendMut, PlainTensor, PruneExt, layers};
///
/// struct Dense<E> { weight: PlainTensor<E> }
/// layers!([E: Element] Dense<E> { weight });
/// ```
#[macro_export]
macro_rules! layers {
    ([$($generics:tt)*] $model:ty { $($entries:tt)* }) => {
        impl<$($generics)*> $crate::Layers for $model {
            fn layers(&self) -> Vec<(::std::borrow::Cow<'_, str>, $crate::LayerRef<'_>)> {
                let mut all = Vec::new();
                $crate::layers!(@list self all [layer layers Layers iter] $($entries)*);
                all
            }
        }

        impl<$($generics)*> $crate::LayersMut for $model {
            fn layers_mut(&mut self) -> Vec<(::std::borrow::Cow<'_, str>, $crate::LayerMut<'_>)> {
                let mut all = Vec::new();
                $crate::layers!(@list self all [layer_mut layers_mut LayersMut iter_mut] $($entries)*);
                all
            }
        }
    };
    (@list $model:ident $all:ident $how:tt) => {};
    // An entry has a name of its own, or its path.
    (@list $model:ident $all:ident $how:tt $field:ident $(. $inner:ident)* as $name:literal $(, $($rest:tt)*)?) => {
        $crate::layers!(@tensor $all $how [$model.$field $(. $inner)*] $name);
        $crate::layers!(@list $model $all $how $($($rest)*)?);
    };
    (@list $model:ident $all:ident $how:tt $field:ident $(. $inner:ident)* $(, $($rest:tt)*)?) => {
        $crate::layers!(@tensor $all $how [$model.$field $(. $inner)*] concat!(stringify!($field) $(, ".", stringify!($inner))*));
        $crate::layers!(@list $model $all $how $($($rest)*)?);
    };
    (@list $model:ident $all:ident $how:tt $field:ident $(. $inner:ident)* . * as $name:literal $(, $($rest:tt)*)?) => {
        $crate::layers!(@model $all $how [$model.$field $(. $inner)*] $name);
        $crate::layers!(@list $model $all $how $($($rest)*)?);
    };
    (@list $model:ident $all:ident $how:tt $field:ident $(. $inner:ident)* . * $(, $($rest:tt)*)?) => {
        $crate::layers!(@model $all $how [$model.$field $(. $inner)*] concat!(stringify!($field) $(, ".", stringify!($inner))*));
        $crate::layers!(@list $model $all $how $($($rest)*)?);
    };
    (@list $model:ident $all:ident $how:tt $field:ident $(. $inner:ident)* [] as $name:literal $(, $($rest:tt)*)?) => {
        $crate::layers!(@models $all $how [$model.$field $(. $inner)*] $name);
        $crate::layers!(@list $model $all $how $($($rest)*)?);
    };
    (@list $model:ident $all:ident $how:tt $field:ident $(. $inner:ident)* [] $(, $($rest:tt)*)?) => {
        $crate::layers!(@models $all $how [$model.$field $(. $inner)*] concat!(stringify!($field) $(, ".", stringify!($inner))*));
        $crate::layers!(@list $model $all $how $($($rest)*)?);
    };
    (@tensor $all:ident [$layer:ident $layers:ident $Layers:ident $iter:ident] [$($path:tt)*] $name:expr) => {
        $all.push((::std::borrow::Cow::Borrowed($name), $($path)*.$layer()));
    };
    (@model $all:ident [layer layers Layers iter] [$($path:tt)*] $name:expr) => {
        $all.extend($crate::Layers::layers(&$($path)*).into_iter().map(|(name, layer)| {
            (::std::borrow::Cow::Owned(format!("{}.{name}", $name)), layer)
        }));
    };
    (@model $all:ident [layer_mut layers_mut LayersMut iter_mut] [$($path:tt)*] $name:expr) => {
        $all.extend($crate::LayersMut::layers_mut(&mut $($path)*).into_iter().map(|(name, layer)| {
            (::std::borrow::Cow::Owned(format!("{}.{name}", $name)), layer)
        }));
    };
    (@models $all:ident [$layer:ident $layers:ident $Layers:ident $iter:ident] [$($path:tt)*] $name:expr) => {
        for (index, model) in $($path)*.$iter().enumerate() {
            $all.extend($crate::$Layers::$layers(model).into_iter().map(|(name, layer)| {
                (::std::borrow::Cow::Owned(format!("{}.{index}.{name}", $name)), layer)
            }));
        }
    };
    ($model:ty { $($entries:tt)* }) => {
        $crate::layers!([] $model { $($entries)* });
    };
}
