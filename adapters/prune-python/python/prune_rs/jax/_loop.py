"""jax_pruning's two functions, under its names and with its arguments."""

import functools
from typing import Any

import numpy as np

import prune_rs
from prune_rs import Masks, PruneError, Report
from prune_rs.jax._apply import apply_masks
from prune_rs.jax._hold import has_hold, hold, set_masks
from prune_rs.jax._names import Tree, checked_sep, named_arrays
from prune_rs.jax._values import flag, text, whole


class MaskKey:
    """The state that `pruning` hands on from epoch to epoch and `pruning_apply` applies: the masks in force and how far the strategy
    has come. It does not change; `pruning` returns another one.
    """

    def __init__(self, native: prune_rs.Pruner, sep: str, writes: Masks | None = None, report: Report | None = None) -> None:
        self._native = native
        self._sep = sep
        self._writes = writes
        #: The report of the last event.
        self.report = report

    @property
    def masks(self) -> Masks:
        """The masks in force, by layer. A copy."""
        return self._native.masks

    def state_dict(self) -> dict[str, Any]:
        """All of it as a dict of plain values, to be saved beside the state.

        Raises PruneError between pruning and pruning_apply.
        """
        if self._writes is not None:
            raise PruneError("its masks have not been applied yet; save what pruning_apply returns")
        return {"sep": self._sep, "pruner": self._native.state_dict()}

    @classmethod
    def from_state_dict(cls, state: Any) -> "MaskKey":
        """The masks that were saved. Raises PruneError for anything but what state_dict gives."""
        if not (isinstance(state, dict) and set(state) == {"sep", "pruner"}):
            raise PruneError("a mask key's state is a dict of `sep` and `pruner`, as MaskKey.state_dict gives it")
        sep = checked_sep(state["sep"])
        return cls(prune_rs.Pruner.from_state_dict(state["pruner"]), sep)

    def __repr__(self) -> str:
        return f"<mask key of {len(self.masks)} masks>"


def pruning(
    state: Tree,
    epoch: int | None = None,
    mask_key: MaskKey | None = None,
    prune_strategy: Any = None,
    method: str = "local",
    type: str = "unstr",
    prune_rate_pattern: Any = None,
    prune_axis: int = -1,
    float_pruning_start: int = -1,
    float_pruning_end: int = -1,
    *,
    sep: str = "-",
) -> tuple[bool, MaskKey | None]:
    """Makes the masks of the event that ends an epoch. Returns whether there is one, and the masks; writes nothing.

    state: a TrainState, or its parameters. epoch: counted from 1. mask_key: what the last call returned, None at first.
    prune_strategy: a dict, Strategy or text. Densities are fractions kept and N of (N, M) is kept, as jax_pruning's README
    has it. prune_axis: the axis of N:M where the strategy writes none. float_pruning_start, float_pruning_end: the event of
    the former is made anew at the end of every epoch up to the latter.

    Without a strategy, method ("global", "unified_local" or "local", with type "unstr" or "str", or both in one, as
    "str_global") and prune_rate_pattern are one event, which happens now.

    Masks only close and stay in force. Raises PruneError naming epoch, layer and value; for NaN, for traced parameters, and
    for events that need more than parameters (gradients, steps, rewinding), which are for Pruner.
    """
    before = _key(mask_key)
    prune_axis = whole("prune_axis", prune_axis)
    floating = whole("float_pruning_start", float_pruning_start), whole("float_pruning_end", float_pruning_end)
    if prune_strategy is None and prune_rate_pattern is None:
        return False, mask_key
    if prune_strategy is None:
        method, type = text("method", method), text("type", type)
        full = method if method.startswith(("unstr_", "str_")) else f"{type}_{method}"
        event = {"method": full, "prune_rate_pattern": prune_rate_pattern}
        native, epoch = prune_rs.Pruner(_along({0: event}, prune_axis), None if before is None else before._native.held), 0
    else:
        if epoch is None:
            raise PruneError("pass the epoch that ends: a strategy says what happens at which")
        strategy = _floating(prune_strategy, *floating)
        native = _continued(before, prune_rs.Strategy(_along(strategy, prune_axis)), epoch)
    params = state.params if hasattr(state, "params") else state
    prepared = native.prepare(named_arrays(params, sep=sep), epoch=epoch)
    if prepared is None:
        return False, mask_key
    writes = prepared.writes
    if before is not None and before._writes is not None:
        # Keeps masks that were made but not applied yet.
        writes = Masks({**dict(before._writes.items()), **dict(writes.items())})
    return True, MaskKey(native, sep, writes, native.commit_written(prepared))


def pruning_apply(
    state: Tree, mask_key: MaskKey | None, float_mask_val: float = 0, input_is_state: bool = True, *, hold_optimizer: bool = True
) -> tuple[Tree, MaskKey | None]:
    """Applies masks to the parameters: returns the state with +0.0 outside the masks, and the masks.

    state: a TrainState, or with input_is_state=False its parameters; containers keep their types. mask_key: what `pruning`
    returned; None changes nothing. float_mask_val: 0, the one value that is written.

    From the first masks on the state's optimiser is held (see hold), so that momentum and weight decay bring nothing back
    between two calls; a jitted step is compiled once more then. Steps must go through state.apply_gradients or state.tx.
    hold_optimizer=False leaves the optimiser as it is, and the report of the masks then says that its buffers are not held.

    Raises PruneError for parameters that the masks do not fit.
    """
    key = _key(mask_key)
    if not isinstance(float_mask_val, (int, float, np.number)) or float_mask_val != 0:
        raise PruneError(f"float_mask_val is {float_mask_val!r}; what is pruned becomes 0")
    input_is_state, hold_optimizer = flag("input_is_state", input_is_state), flag("hold_optimizer", hold_optimizer)
    if key is None:
        return state, mask_key
    if input_is_state and not (hasattr(state, "params") and hasattr(state, "replace")):
        raise PruneError(f"a {type(state).__name__} is no TrainState; pass input_is_state=False with parameters alone")
    params = state.params if input_is_state else state
    # The newest event may be for some layers only. In the others, the held masks are applied again.
    masks = {**key._native.held, **(key._writes or {})}
    params = apply_masks(params, masks, sep=key._sep)
    holds = input_is_state and hold_optimizer and hasattr(state, "tx") and hasattr(state, "opt_state")
    report = key.report.with_buffers_held() if holds and key.report is not None else key.report
    applied = MaskKey(key._native, key._sep, None, report)
    if not input_is_state:
        return params, applied
    state = state.replace(params=params)
    return (_with_held_optimizer(state, applied) if holds else state), applied


def _with_held_optimizer(state: Any, key: MaskKey) -> Any:
    """A TrainState whose optimiser keeps to the masks."""
    held = key._native.held
    if has_hold(state.opt_state):
        return state.replace(opt_state=set_masks(state.opt_state, held, sep=key._sep))
    if not len(held):
        return state
    tx = _held(state.tx, key._sep)
    begun = tx.init(state.params)._replace(inner=state.opt_state)
    return state.replace(tx=tx, opt_state=set_masks(begun, held, sep=key._sep))


@functools.lru_cache(maxsize=8)
def _held(tx: Any, sep: str) -> Any:
    """The same object for the same optimiser, so that a second training compiles no step anew."""
    return hold(tx, sep=sep)


def _key(mask_key: Any) -> MaskKey | None:
    if mask_key is not None and not isinstance(mask_key, MaskKey):
        raise PruneError(f"mask_key is what pruning returned, or None; this is a {type(mask_key).__name__}")
    return mask_key


def _continued(before: MaskKey | None, strategy: prune_rs.Strategy, epoch: int) -> prune_rs.Pruner:
    """A pruner of a strategy that knows what the last one knew; the last one stays as it is."""
    if before is None:
        return prune_rs.Pruner(strategy)
    if before._native.strategy == strategy:
        return prune_rs.Pruner.from_state_dict(before._native.state_dict())
    return prune_rs.Pruner(strategy, before._native.held)


def _table(strategy: Any) -> Any:
    return strategy if isinstance(strategy, dict) else prune_rs.Strategy(strategy).to_dict()


def _along(strategy: Any, axis: int) -> Any:
    """The strategy with an axis in every N:M event of layers that has none."""
    if axis == -1:
        return strategy
    layered = ("str_unified_local", "str_local", "str_global")

    def event(event: Any) -> Any:
        bare = isinstance(event, dict) and event.get("method") in layered and "axis" not in event
        return {**event, "axis": axis} if bare else event

    return {key: event(value) for key, value in _table(strategy).items()}


def _floating(strategy: Any, start: int, end: int) -> Any:
    """The strategy with the event of one epoch made anew up to another."""
    if start == -1 and end == -1:
        return strategy
    table = dict(_table(strategy))
    if start not in table or end < start:
        raise PruneError(
            f"float_pruning_start is {start} and float_pruning_end {end}: the strategy must have an event at the former, and "
            "the latter must not be less"
        )
    event = table.pop(start)
    return {**table, (start if start == end else f"{start}..={end}"): event}
