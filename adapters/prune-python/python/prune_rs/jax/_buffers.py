"""An optimiser's buffers by the names of the parameters that they belong to."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax

from prune_rs import Mask, Masks
from prune_rs.jax._apply import fitting, mask_array, named_masks
from prune_rs.jax._names import Tree, is_float, named_arrays, named_leaves, path_name


def owner(name: str, names: Mapping[str, Any], sep: str) -> str | None:
    """The parameter that a buffer belongs to: the one whose name its own ends with, the longest of several."""
    start = 0
    while True:
        if name[start:] in names:
            return name[start:]
        cut = name.find(sep, start) if sep else -1
        if cut < 0:
            return "" if "" in names else None
        start = cut + len(sep)


def buffers(state: Tree, params: Tree, *, sep: str = "-") -> dict[str, dict[str, Any]]:
    """The buffers of an optimiser's state that have one element per weight: for each kind its arrays by layer.

    state: a state of optax or nnx.Optimizer, such as `opt_state`. params: the parameters it is for. The kinds are the paths
    within the state, such as `0-mu` and `0-nu` of optax.adam. A buffer belongs to the parameter whose path its own ends
    with, and has its shape; factored ones, as Adafactor's, do not and are not listed.

    Raises PruneError for names that occur twice.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, layer, leaf in _owned(state, params, sep):
        if layer is not None:
            kind = name[: len(name) - len(layer)].removesuffix(sep)
            found.setdefault(kind, {})[layer] = leaf
    return found


def unheld(state: Tree, params: Tree, *, sep: str = "-") -> list[str]:
    """The floating arrays of an optimiser's state that are no buffers of a parameter, so that hold leaves them as they are:
    their names within the state. Single numbers, such as a rate, are not listed.
    """
    return [name for name, layer, leaf in _owned(state, params, sep) if layer is None and leaf.size > 1]


def _owned(state: Tree, params: Tree, sep: str) -> Iterator[tuple[str, str | None, Any]]:
    """The floating arrays of a state: name, parameter that it has an element for each element of, and the array."""
    leaves = named_leaves(params, sep, "params")
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        if is_float(leaf):
            name = path_name(path, sep)
            layer = owner(name, leaves, sep)
            yield name, layer if layer is not None and leaf.shape == leaves[layer].shape else None, leaf


def revivals(params: Tree, masks: Any, state: Tree = None, *, sep: str = "-") -> int:
    """How many elements outside the masks are not zero, of either sign: of the parameters and, if given, of the buffers of
    an optimiser's state.

    Raises PruneError for masks that do not fit params, and for traced arrays.
    """
    found = named_masks(masks, sep=sep)
    arrays = named_arrays(params, sep=sep)
    fitting(found, arrays)
    sets = [{name: arrays[name] for name in found}]
    for kind in buffers(state, params, sep=sep).values():
        sets.append(named_arrays({name: leaf for name, leaf in kind.items() if name in found}, sep=sep))
    native = {name: mask if isinstance(mask, Mask) else Mask.from_numpy(mask_array(mask)) for name, mask in found.items()}
    return sum(Masks({name: native[name] for name in held}).revivals(held) for held in sets)
