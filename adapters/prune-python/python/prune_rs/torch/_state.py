"""The tensors that an optimiser keeps for a parameter: those that can be held at zero, and those that are left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from prune_rs.torch import _views
from prune_rs.torch._views import Array, why_closed


class PruneWarning(UserWarning):
    """Something that a pruner leaves as it is, though its user may think otherwise."""


class OptimizerState:
    """The state of optimisers, looked through parameter by parameter."""

    def __init__(self) -> None:
        self.left: dict[str, str] = {}
        """What is not held, as `layer: key`, and why."""
        self._known: dict[tuple[int, int, str], tuple[Any, int, Array]] = {}

    def held(
        self, name: str, parameters: Iterable[torch.Tensor], optimizers: Iterable[torch.optim.Optimizer]
    ) -> list[tuple[str, torch.Tensor, Array]]:
        """The floating tensors of the layer's shape that optimisers keep for it, each with its key; and its array, if it
        is on the CPU, else None.

        parameters: the objects that stand for the layer, of which an optimiser may keep any.
        """
        found = []
        for optimizer in optimizers:
            for parameter in parameters:
                state = optimizer.state.get(parameter)
                if not state:
                    continue
                for key, value in state.items():
                    # Shapes and types are looked at once: they cost more than the rest, at every step.
                    place = (id(optimizer), id(parameter), key)
                    known = self._known.get(place)
                    if known is None or known[0] is not value or (known[1] and known[1] != value.data_ptr()):
                        known = self._looked_at(f"{name}: {key}", parameter, value)
                        self._known[place] = known
                    if known[1]:
                        found.append((key, value, known[2]))
        return found

    def _looked_at(self, place: str, parameter: torch.Tensor, value: Any) -> tuple[Any, int, Array]:
        """A value, where it lies if it is to be held, else 0, and its array."""
        if not self._can_hold(place, parameter, value):
            return value, 0, None
        return value, value.data_ptr(), _views.weight_view(value) if _views.in_place(value) else None

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
        return f"its elements are of type {value.dtype}, as in an 8-bit optimiser: zero may stand for another value"
    return None
