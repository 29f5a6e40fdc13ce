"""Leaves of pytrees by the names of their paths."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped, unused-ignore]

from prune_rs import PruneError

# A pytree: dicts, FrozenDicts, states and modules of nnx, dataclasses.
Tree = Any


def checked_sep(sep: Any) -> str:
    """A separator of names. An empty one would not show where a key ends, so that no buffer could be told by its name."""
    if not isinstance(sep, str) or not sep:
        raise PruneError(f"sep must be a text of at least one character, such as '-', this is {sep!r}")
    return sep


def path_name(path: tuple[Any, ...], sep: str) -> str:
    """The keys of a path, joined. Flax keeps a leaf in a box with the attribute `value`, which is no part of its name."""
    if path and isinstance(path[-1], jax.tree_util.GetAttrKey) and path[-1].name == "value":
        path = path[:-1]
    return sep.join(_key_text(key) for key in path)


def _key_text(key: Any) -> str:
    for field in ("key", "idx", "name"):
        if hasattr(key, field):
            return str(getattr(key, field))
    return str(key)


def is_masked(node: Any) -> bool:
    """True if optax left this part of a tree out, as optax.masked and multi_transform do."""
    return isinstance(node, optax.MaskedNode)


def parts_left_out(tree: Tree, sep: str) -> list[str]:
    """The names of the parts that optax left out."""
    flat = jax.tree_util.tree_flatten_with_path(tree, is_leaf=is_masked)[0]
    return [path_name(path, sep) for path, leaf in flat if is_masked(leaf)]


def left_out(name: str, masked: Iterable[str], sep: str) -> bool:
    """True if a leaf of this name is in a part that was left out."""
    return any(part in ("", name) or name.startswith(part + sep) for part in masked)


def is_array(leaf: Any) -> bool:
    """True if a leaf is an array of numbers: no Python number, and no key of a random generator."""
    dtype = getattr(leaf, "dtype", None)
    return hasattr(leaf, "shape") and dtype is not None and not jnp.issubdtype(dtype, jax.dtypes.extended)


def is_float(leaf: Any) -> bool:
    """True if a leaf is an array of floating elements, bfloat16 among them."""
    return is_array(leaf) and bool(jnp.issubdtype(leaf.dtype, jnp.floating))


def named_leaves(tree: Tree, sep: str, what: str = "the tree") -> dict[str, Any]:
    """Every array of a pytree by its name, traced ones too.

    Raises PruneError where two leaves get the same name, and for a separator that is no text or empty.
    """
    checked_sep(sep)
    found: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = path_name(path, sep)
        if not is_array(leaf):
            continue
        if name in found:
            raise PruneError(f"{what} has two leaves called `{name}`; pass a sep that occurs in no key")
        found[name] = leaf
    return found


def named_arrays(tree: Tree, *, sep: str = "-") -> dict[str, Any]:
    """The arrays of a pytree by their names: what prune_rs's functions on dicts take.

    tree: a pytree of arrays, such as Flax's parameters, of any shapes and types. sep: what stands between the keys of a path.
    Python numbers and keys of random generators are left out. No array is copied: those of JAX on the CPU are read where
    they lie, those of other devices through a copy on the host.

    Raises PruneError for traced arrays, arrays without data (donated ones, or shapes alone), arrays of which other processes
    hold parts, and names that occur twice.
    """
    found = named_leaves(tree, sep)
    for name, leaf in found.items():
        why = _unreadable(leaf)
        if why:
            raise PruneError(f"layer `{name}`: {why}")
    return found


def _unreadable(leaf: Any) -> str | None:
    if isinstance(leaf, jax.core.Tracer):
        return (
            "it is traced, so that its values are not known; make masks outside jit, grad and vmap. "
            "apply_masks and hold work inside"
        )
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return "it is a shape without data; pass the parameters themselves"
    if isinstance(leaf, jax.Array):
        if leaf.is_deleted():
            return "its memory has been given away (donated to a jitted function); pass the array that came back"
        if not leaf.is_fully_addressable:
            return "other processes hold parts of it; gather it first, as with jax.experimental.multihost_utils"
    elif not isinstance(leaf, np.ndarray):
        return f"it is a {type(leaf).__name__}, an array of JAX or numpy is needed"
    return None


def known(names: Iterable[str], among: Mapping[str, Any], what: str, where: str) -> None:
    """Refuses a name that is not among others, with the nearest of them."""
    for name in names:
        if name not in among:
            near = difflib.get_close_matches(name, list(among), n=1)
            hint = f" (did you mean `{near[0]}`?)" if near else ""
            raise PruneError(f"{what} names `{name}`, which is no array of {where}{hint}")
