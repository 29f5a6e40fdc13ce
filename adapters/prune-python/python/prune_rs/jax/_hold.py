"""Zeros that stay zero: an optax transformation around another one."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped, unused-ignore]

from prune_rs import PruneError
from prune_rs.jax._apply import fitting, mask_array, named_masks, select
from prune_rs.jax._buffers import owners
from prune_rs.jax._names import Tree, checked_sep, is_array, is_float, is_masked, left_out, named_leaves, parts_left_out, path_name


class HoldState(NamedTuple):
    """The state of hold: a mask of bool for every floating parameter, by name, and the state of what it holds."""

    masks: dict[str, Any]
    inner: Any


def hold(
    inner: optax.GradientTransformation, masks: Any = None, *, sep: str = "-"
) -> optax.GradientTransformationExtraArgs:
    """An optax transformation under which weights, and every buffer of an element per weight, are +0.0 outside masks after
    each step.

    inner: any transformation, a whole chain too: make hold the outermost, since whatever comes after it can move weights
    again. masks: the masks to begin with, in any form that apply_masks takes; without them everything is kept. They stand in
    the state (a byte per parameter), where set_masks replaces them: a jitted step is not compiled anew.

    Gradients are masked on the way in, so that norms and second moments are of what is kept. On the way out updates are 0
    outside the masks, or minus the weight where it is not zero yet; so `update` needs params, as TrainState and nnx.Optimizer
    pass them. No update takes an infinity or NaN to zero: where weights outside the masks are not finite, apply the masks to
    the parameters first (apply_masks, Pruner and pruning_apply do). Buffers are known by the structure of params (see buffers); Adafactor's factored ones hold
    sums over rows and columns and are left as they are, since they cannot move a weight that has no update.

    Raises PruneError, while tracing under jit, for masks that do not fit the parameters, for a state that was begun for other
    parameters, and where params is missing; outside jit, also for weights outside the masks that are not finite.
    """
    checked_sep(sep)
    if not all(callable(getattr(inner, part, None)) for part in ("init", "update")):
        raise PruneError(f"hold takes an optax transformation, such as optax.adam(1e-3), this is a {type(inner).__name__}")
    wrapped = optax.with_extra_args_support(inner)

    def init(params: Tree) -> HoldState:
        leaves = named_leaves(params, sep, "params")
        given = named_masks(masks, sep=sep)
        fitting(given, leaves)
        begun = {name: _kept_all(leaf) for name, leaf in leaves.items() if is_float(leaf)}
        return HoldState(begun | {name: _copied(mask) for name, mask in given.items()}, wrapped.init(params))

    def update(updates: Tree, state: Any, params: Tree = None, **extra: Any) -> tuple[Tree, HoldState]:
        if not isinstance(state, HoldState):
            raise PruneError(f"the state of a held optimiser is a HoldState, this is a {type(state).__name__}; use hold's init")
        if params is None:
            raise PruneError("hold needs the parameters; call update(updates, state, params)")
        held, leaves = dict(state.masks), named_leaves(params, sep, "params")
        _begun_for(held, leaves, parts_left_out(updates, sep) + parts_left_out(params, sep), sep)
        _fitting_updates(updates, params, sep)
        _removable(held, leaves)
        moved, inner_state = wrapped.update(_masked(updates, held, sep), state.inner, params, **extra)
        return _returned(moved, leaves, held, sep), HoldState(held, _held(inner_state, held, params, sep))

    return optax.GradientTransformationExtraArgs(init, update)


def set_masks(state: Tree, masks: Any, *, sep: str = "-") -> Tree:
    """A copy of an optimiser's state, or of anything that has one inside, with other masks for hold.

    state: `opt_state` of a TrainState or of nnx.Optimizer, in which hold's state stands somewhere. masks: those in force
    from now on, such as Pruner.held, in any form that apply_masks takes; what they do not name is kept whole. Buffers follow
    at the next step.

    Raises PruneError where no hold is found, and for masks of unknown names or other shapes.
    """
    given = named_masks(masks, sep=sep)
    if not has_hold(state):
        raise PruneError("there is no state of hold in it; make the optimiser with hold(...)")

    def replace(node: Any) -> Any:
        if not _is_hold(node):
            return node
        before = dict(node.masks)
        boxed = {name: _unboxed(mask) for name, mask in before.items()}
        _fitting(given, boxed)
        after = {name: _like(given.get(name), mask) for name, mask in boxed.items()}
        return HoldState({name: _reboxed(before[name], mask) for name, mask in after.items()}, node.inner)

    return jax.tree_util.tree_map(replace, state, is_leaf=_is_hold)


def has_hold(state: Tree) -> bool:
    """True if hold's state stands somewhere in it."""
    return any(_is_hold(node) for node in jax.tree_util.tree_leaves(state, is_leaf=_is_hold))


def _is_hold(node: Any) -> bool:
    return isinstance(node, HoldState)


def _begun_for(held: dict[str, Any], leaves: dict[str, Any], masked: list[str], sep: str) -> None:
    """Refuses a state that was begun for other parameters, by name or shape. Those that optax leaves out may be missing."""
    there = {name: mask for name, mask in held.items() if name in leaves}
    missing = [name for name in held if name not in leaves and not left_out(name, masked, sep)]
    added = [name for name, leaf in leaves.items() if name not in held and is_float(leaf)]
    if missing or added:
        found = f"has a mask of `{missing[0]}`, which params lack" if missing else f"has no mask of `{added[0]}`, which params have"
        raise PruneError(f"the state of hold {found}: it was begun for other parameters; begin it anew with init(params)")
    fitting(there, leaves)


def _fitting_updates(updates: Tree, params: Tree, sep: str) -> None:
    """Refuses updates that are not of the parameters' names and shapes. None stands for no update, as with optax."""
    given, wanted = (
        {path_name(path, sep): leaf for path, leaf in jax.tree_util.tree_flatten_with_path(tree, is_leaf=_is_nothing)[0]}
        for tree in (updates, params)
    )
    nothing = [name for name, leaf in given.items() if _is_nothing(leaf)]
    for name, leaf in wanted.items():
        if not (_is_nothing(leaf) or name in given or left_out(name, nothing, sep)):
            raise PruneError(f"the updates have nothing for `{name}`, which params have; pass gradients of the same parameters")
    for name, leaf in given.items():
        if name in nothing:
            continue
        if not (is_array(leaf) or isinstance(leaf, (int, float, complex))):
            raise PruneError(f"update `{name}` is a {type(leaf).__name__}; pass arrays, such as gradients")
        if name not in wanted or _is_nothing(wanted[name]):
            raise PruneError(f"the updates have `{name}`, which params lack; pass gradients of the same parameters")
        if np.shape(leaf) != np.shape(wanted[name]):
            shapes = f"{np.shape(leaf)}, the parameter's is {np.shape(wanted[name])}"
            raise PruneError(f"update `{name}`: its shape is {shapes}; pass gradients of the same parameters")


def _is_nothing(node: Any) -> bool:
    return node is None or is_masked(node)


def _removable(held: dict[str, Any], leaves: dict[str, Any]) -> None:
    """Refuses weights that no update takes to zero. Traced ones are not known."""
    for name, mask in held.items():
        leaf = leaves.get(name)
        if leaf is None or isinstance(leaf, jax.core.Tracer) or isinstance(mask, jax.core.Tracer):
            continue
        if not bool(jnp.isfinite(select(~mask, leaf)).all()):
            raise PruneError(
                f"layer `{name}`: a weight outside its mask is infinite or NaN, which no update takes to zero; apply the masks "
                "to the parameters first, as with apply_masks"
            )


def _fitting(masks: dict[str, Any], before: dict[str, Any]) -> None:
    """Refuses masks for which there is no parameter, or of another shape."""
    fitting(masks, {name: np.broadcast_to(np.float32(0), mask.shape) for name, mask in before.items()})


def _unboxed(mask: Any) -> Any:
    """The array in a variable of nnx, which keeps its optimiser's state in such."""
    leaves = jax.tree_util.tree_leaves(mask)
    return leaves[0] if len(leaves) == 1 else mask


def _reboxed(box: Any, mask: Any) -> Any:
    return jax.tree_util.tree_map(lambda _: mask, box)


def _kept_all(leaf: Any) -> Any:
    return jnp.ones_like(leaf, dtype=bool)


def _copied(mask: Any) -> Any:
    """A copy, since a step may be given the state's memory to write to (donate_argnums)."""
    return jnp.array(mask_array(mask), copy=True)


def _like(mask: Any, before: Any) -> Any:
    if mask is None:
        return _kept_all(before)
    copied = _copied(mask)
    traced = isinstance(before, jax.core.Tracer) or isinstance(copied, jax.core.Tracer)
    if traced or not getattr(before, "committed", False):
        return copied
    return jax.device_put(copied, before.sharding)


def _masked(updates: Tree, held: dict[str, Any], sep: str) -> Tree:
    def mask(path: tuple[Any, ...], leaf: Any) -> Any:
        mask = held.get(path_name(path, sep))
        return leaf if mask is None else select(mask, leaf)

    return jax.tree_util.tree_map_with_path(mask, updates)


def _returned(moved: Tree, params: dict[str, Any], held: dict[str, Any], sep: str) -> Tree:
    """Updates that leave zeros outside the masks."""

    def update(path: tuple[Any, ...], leaf: Any) -> Any:
        name = path_name(path, sep)
        mask = held.get(name)
        # If the weight is zero already, the update is 0. Otherwise it is w + (0 - w), which is +0.0.
        return leaf if mask is None or name not in params else jnp.where(mask, leaf, 0 - params[name])

    return jax.tree_util.tree_map_with_path(update, moved)


def _held(state: Tree, held: dict[str, Any], params: Tree, sep: str) -> Tree:
    """The state with its buffers +0.0 outside the masks."""
    leaves, structure = jax.tree_util.tree_flatten(state)
    masks = [None if layer is None else held.get(layer) for layer in owners(state, params, sep)]
    after = [leaf if mask is None else select(mask, leaf) for leaf, mask in zip(leaves, masks, strict=True)]
    return jax.tree_util.tree_unflatten(structure, after)
