"""Weights as masks leave them, with gradients that pass straight through."""

from __future__ import annotations

from typing import Any

import torch

_Function: Any = torch.autograd.Function


class _StraightThrough(_Function):  # type: ignore[misc, unused-ignore]
    """Selects forward, so that inf and NaN do no more than they did; backward it does nothing."""

    generate_vmap_rule = True

    @staticmethod
    def forward(weight: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        return torch.where(kept, weight, torch.zeros_like(weight))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Nothing is kept for the way back."""

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor, _: None) -> torch.Tensor:
        return tangent.view_as(tangent)


def straight_through(weight: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """The weight where `kept` is True, else +0.0, of the weight's shape; its gradient is the weight's."""
    selected: torch.Tensor = _StraightThrough.apply(weight, kept)
    return selected
