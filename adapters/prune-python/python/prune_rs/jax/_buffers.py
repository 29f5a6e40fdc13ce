"""An optimiser's buffers by the names of the parameters that they belong to."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax

from prune_rs import Mask, Masks, PruneError
from prune_rs.jax._apply import fitting, mask_array, named_masks
from prune_rs.jax._names import Tree, is_float, is_masked, left_out, named_arrays, named_leaves, path_name


def owners(state: Tree, params: Tree, sep: str) -> list[str | None]:
    """For each leaf of an optimiser's state the parameter that it has an element for each element of, or None.

    A part of the state that has params' own leaves, no more and no fewer, is one kind of buffers; parts that optax left out
    count as there. What lies outside such parts is told by the end of its name.

    Raises PruneError for a leaf that may belong to several parameters.
    """
    leaves = named_leaves(params, sep, "params")
    structural = _by_structure(state, params, sep)
    found: list[str | None] = []
    for path, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        if not is_float(leaf):
            found.append(None)
            continue
        layer = structural[path] if path in structural else _by_name(path_name(path, sep), leaf, leaves, sep)
        found.append(layer if layer in leaves and leaf.shape == leaves[layer].shape else None)
    return found


def _by_structure(state: Tree, params: Tree, sep: str) -> dict[Any, str]:
    """The leaves in parts of the state that are shaped as params, the outermost parts first: path and parameter."""
    names = {path_name(path, sep) for path, _ in jax.tree_util.tree_flatten_with_path(params)[0]}
    parts: dict[Any, list[tuple[Any, Any]]] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(state, is_leaf=is_masked)[0]:
        for depth in range(len(path) + 1):
            parts.setdefault(path[:depth], []).append((path, leaf))
    found: dict[Any, str] = {}
    for top in sorted(parts, key=len):
        inside = {path: path_name(path[len(top) :], sep) for path, leaf in parts[top] if not is_masked(leaf)}
        if not inside or not inside.keys().isdisjoint(found):
            continue
        masked = [path_name(path[len(top) :], sep) for path, leaf in parts[top] if is_masked(leaf)]
        if names.issuperset(inside.values()) and all(left_out(name, masked, sep) for name in names.difference(inside.values())):
            found.update(inside)
    return found


def _by_name(name: str, leaf: Any, leaves: Mapping[str, Any], sep: str) -> str | None:
    """The one parameter of the leaf's shape whose name its own ends with."""
    keys = name.split(sep)
    ends = [sep.join(keys[start:]) for start in range(len(keys))] + [""]
    fit = [end for end in dict.fromkeys(ends) if end in leaves and leaves[end].shape == leaf.shape]
    if len(fit) > 1:
        raise PruneError(
            f"buffer `{name}` may belong to parameter {' or '.join(f'`{end}`' for end in fit)}; pass the parameters in the "
            "structure that the optimiser was made with, or rename one of them"
        )
    return fit[0] if fit else None


def buffers(state: Tree, params: Tree, *, sep: str = "-") -> dict[str, dict[str, Any]]:
    """The buffers of an optimiser's state that have one element per weight: for each kind its arrays by layer.

    state: a state of optax or nnx.Optimizer, such as `opt_state`. params: the parameters it is for. The kinds are the paths
    within the state, such as `0-mu` and `0-nu` of optax.adam. A part of the state that has params' own structure holds a
    buffer for each of them; elsewhere one belongs to the parameter whose name its own ends with. Buffers have the shapes of
    their parameters; factored ones, as Adafactor's, do not and are not listed.

    Raises PruneError for names that occur twice, and for a buffer that may belong to several parameters.
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
    flat = jax.tree_util.tree_flatten_with_path(state)[0]
    for (path, leaf), layer in zip(flat, owners(state, params, sep), strict=True):
        if is_float(leaf):
            yield path_name(path, sep), layer, leaf


def revivals(params: Tree, masks: Any, state: Tree = None, *, sep: str = "-") -> int:
    """The number of elements outside the masks that are not zero, of either sign: of the parameters and, if given, of the buffers of
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
