"""Masks as pytrees, and applied to pytrees."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from prune_rs import Mask, Masks, PruneError
from prune_rs.jax._names import Tree, checked_sep, is_float, known, named_leaves, path_name
from prune_rs.jax._values import flag


def named_masks(masks: Any, *, sep: str = "-") -> dict[str, Any]:
    """Masks by name, whichever form they have: Masks, a dict by names, or a pytree shaped as the parameters.

    A mask is a prune_rs.Mask or an array of bool, of JAX or numpy; a traced one too. Places of None have no mask.

    Raises PruneError for a mask that is neither.
    """
    checked_sep(sep)
    if masks is None:
        return {}
    if isinstance(masks, Masks):
        return dict(masks.items())
    found: dict[str, Any] = {}
    flat = jax.tree_util.tree_flatten_with_path(masks, is_leaf=lambda node: isinstance(node, (Mask, Masks)))[0]
    for path, leaf in flat:
        name = path_name(path, sep)
        if not isinstance(leaf, Mask) and getattr(leaf, "dtype", None) != np.bool_:
            kind = getattr(leaf, "dtype", type(leaf).__name__)
            raise PruneError(f"mask `{name}`: a mask is a prune_rs.Mask or an array of bool, this is of {kind}")
        if name in found:
            raise PruneError(f"the masks have two called `{name}`; pass a sep that occurs in no key")
        found[name] = leaf
    return found


def mask_array(mask: Any) -> Any:
    """A mask as an array of bool."""
    return mask.to_numpy() if isinstance(mask, Mask) else mask


def fitting(masks: Mapping[str, Any], leaves: Mapping[str, Any]) -> None:
    """Refuses masks of layers that are not there, of another shape, or over anything that is not floating."""
    known(masks, leaves, "a mask", "the tree")
    for name, mask in masks.items():
        leaf = leaves[name]
        if tuple(mask.shape) != tuple(leaf.shape):
            raise PruneError(
                f"layer `{name}`: its shape is {tuple(leaf.shape)}, its mask was made for {tuple(mask.shape)}; "
                "make the masks of the parameters as they are now"
            )
        if not is_float(leaf):
            raise PruneError(f"layer `{name}`: its elements are of type {leaf.dtype}, which is not pruned; take its mask away")


def mask_tree(masks: Any, params: Tree, *, sep: str = "-", complete: bool = False) -> Tree:
    """Masks as a pytree of params' structure: arrays of bool, True where an element is kept.

    masks: Masks, a dict by names, or a pytree. Where a leaf has no mask stands None, which jax.tree.map(f, params, masks)
    hands to f; complete=True puts masks there that keep everything, so that the structure never changes and a jitted
    function that takes the masks is compiled once.

    Raises PruneError for masks that do not fit params.
    """
    found = named_masks(masks, sep=sep)
    flag("complete", complete)
    fitting(found, named_leaves(params, sep, "params"))

    def of(path: tuple[Any, ...], leaf: Any) -> Any:
        mask = found.get(path_name(path, sep))
        if mask is not None:
            return jnp.asarray(mask_array(mask))
        return jnp.ones(leaf.shape, bool) if complete and is_float(leaf) else None

    return jax.tree_util.tree_map_with_path(of, params)


def select(mask: Any, leaf: Any) -> Any:
    """The leaf where the mask is true, +0.0 elsewhere; kept values come back to the bit. numpy stays numpy."""
    if isinstance(leaf, np.ndarray) and not isinstance(mask, jax.Array):
        return np.where(mask, leaf, np.zeros((), leaf.dtype))
    return jnp.where(mask, leaf, jnp.zeros((), leaf.dtype))


def apply_masks(params: Tree, masks: Any, *, sep: str = "-") -> Tree:
    """A copy of a pytree that is +0.0 wherever its masks do not keep; kept elements are as they were, to the bit.

    params: parameters, gradients, anything of the names and shapes of the masks. masks: Masks, a dict by names, or a pytree
    of params' structure. Leaves without a mask come back themselves. It selects and never multiplies, so that NaN and
    infinity vanish outside the masks. It can be jitted, vmapped and differentiated: gradients pass kept elements only.

    Raises PruneError, while tracing under jit, for masks of unknown names or other shapes and over integer leaves.
    """
    found = named_masks(masks, sep=sep)
    fitting(found, named_leaves(params, sep, "params"))

    def apply(path: tuple[Any, ...], leaf: Any) -> Any:
        mask = found.get(path_name(path, sep))
        return leaf if mask is None else select(mask_array(mask), leaf)

    return jax.tree_util.tree_map_with_path(apply, params)
