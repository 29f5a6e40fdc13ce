"""The tensors that an optimiser keeps for a parameter: those that can be held at zero, and those that are left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from prune_rs.torch import _views
from prune_rs.torch._views import Array, why_closed


class PruneWarning(UserWarning):
    """Something that a pruner leaves as it is, though its user may think otherwise."""


HeldTensor = tuple[str, torch.Tensor, Array]
"""A key of an optimiser's state, its tensor, and the array of that, or None for one that is not on the CPU."""


Lie = tuple[int, torch.Size, tuple[int, ...], torch.dtype]


def _lie_of(tensor: torch.Tensor) -> Lie:
    """All that a view of a tensor depends on, and that an assignment to its `data` may change."""
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype


class _Seen:
    """The state of one parameter as it was when it was last looked at."""

    def __init__(self, state: dict[str, Any], values: list[tuple[str, Any, Lie | None]], held: list[HeldTensor]) -> None:
        self._state = state
        self._values = values
        self._keys = {key for key, _, _ in values}
        self.held = held

    def is_still(self, state: dict[str, Any]) -> bool:
        """True if it holds the same values, which lie in memory as they did."""
        if state is not self._state or state.keys() != self._keys:
            return False
        for key, value, lie in self._values:
            if state[key] is not value or (lie is not None and _lie_of(value) != lie):
                return False
        return True


class OptimizerState:
    """The state of optimisers, looked through parameter by parameter."""

    def __init__(self) -> None:
        self.left: dict[str, str] = {}
        """The state that is not held, as `layer: key`, with the reason."""
        self.looked = False
        """True if anything has been looked at since this was last set to False."""
        self._seen: dict[tuple[int, int], _Seen] = {}

    def held(
        self, name: str, parameters: Iterable[torch.Tensor], optimizers: Iterable[torch.optim.Optimizer]
    ) -> list[HeldTensor]:
        """The floating tensors of the layer's shape that optimisers keep for it.

        parameters: the objects that stand for the layer, of which an optimiser may keep any.
        """
        found: list[HeldTensor] = []
        for optimizer in optimizers:
            for parameter in parameters:
                state = optimizer.state.get(parameter)
                if not state:
                    continue
                # Shapes and types are checked once, since that would be the most expensive part of every step.
                place = (id(optimizer), id(parameter))
                seen = self._seen.get(place)
                if seen is None or not seen.is_still(state):
                    seen = self._seen[place] = self._look(name, parameter, state)
                # If there is only one list, it is returned itself, so that the caller sees that nothing is new.
                found = [*found, *seen.held] if found else seen.held
        return found

    def forget(self, optimizer: torch.optim.Optimizer) -> None:
        """Lets go of what an optimiser keeps."""
        self._seen = {place: seen for place, seen in self._seen.items() if place[0] != id(optimizer)}

    def _look(self, name: str, parameter: torch.Tensor, state: dict[str, Any]) -> _Seen:
        self.looked = True
        values: list[tuple[str, Any, Lie | None]] = []
        held: list[HeldTensor] = []
        for key, value in state.items():
            if self._can_hold(f"{name}: {key}", parameter, value):
                values.append((key, value, _lie_of(value)))
                held.append((key, value, _views.weight_view(value) if _views.in_place(value) else None))
            else:
                values.append((key, value, None))
        return _Seen(state, values, held)

    def _can_hold(self, place: str, parameter: torch.Tensor, value: Any) -> bool:
        why = _why_left(parameter, value)
        if why is None:
            self.left.pop(place, None)
            return isinstance(value, torch.Tensor) and value.shape == parameter.shape and value.numel() > 0
        self.left[place] = why
        return False


def _why_left(parameter: torch.Tensor, value: Any) -> str | None:
    """Why a value of an optimiser's state is left as it is; None for what is held, and for single numbers."""
    if not isinstance(value, torch.Tensor):
        if isinstance(value, (list, tuple, dict, set)) and len(value) > 0:
            return f"it is a {type(value).__name__}, in which no tensor is looked for"
        return None
    closed = why_closed(value)
    if closed is not None:
        return closed
    if value.shape != parameter.shape:
        if value.numel() <= 1:
            return None
        shapes = f"its shape is {tuple(value.shape)} and the layer's {tuple(parameter.shape)}"
        return f"{shapes}: several weights share its values, as in a factored optimiser"
    if not value.is_floating_point():
        return f"its elements are of type {value.dtype}, as in an 8-bit optimiser, where the code 0 is a number other than 0"
    return None
