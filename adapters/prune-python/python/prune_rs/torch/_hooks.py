"""A pruner's place in the steps of an optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from prune_rs import PruneError


class Attachment:
    """Calls a pruner around every step of an optimiser.

    If an event takes the place of a step, the gradients are set aside meanwhile: an optimiser moves no parameter without
    one, and its moments stay as they are. Where such a step raises, they come back at the next one, unless new ones were made
    or the old ones were dropped in between. A step that a GradScaler skips is not counted.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        before: Callable[[torch.optim.Optimizer], bool],
        after: Callable[[], object],
        *,
        looks_first: bool,
        replaces: bool,
    ) -> None:
        self.optimizer = optimizer
        self.replaces = replaces
        """True if events of its strategy take the place of steps."""
        self._before = before
        self._after = after
        self._set_aside: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._handles = [optimizer.register_step_post_hook(self._end)]
        if looks_first:
            self._handles.append(optimizer.register_step_pre_hook(self._begin))

    def remove(self) -> None:
        """Takes the hooks off the optimiser."""
        self._give_back()
        for handle in self._handles:
            handle.remove()

    def _begin(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # The optimiser itself may be the first argument.
        if kwargs.get("closure") is not None or any(callable(a) and a is not optimizer for a in args):
            raise PruneError(
                "the optimiser makes its gradients inside the step, by a closure, and the strategy looks at them before; "
                "call step() without one after loss.backward()"
            )
        self._give_back()
        if _overflowed(optimizer) or self._before(optimizer):
            return
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._set_aside.append((parameter, parameter.grad))
                    parameter.grad = None
        # If the step raises, they stay set aside until zero_grad, which has no hook in torch.
        optimizer.__dict__.setdefault("zero_grad", self._zero_grad)

    def _end(self, optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._give_back()
        if not _overflowed(optimizer):
            self._after()

    def _give_back(self) -> None:
        # A gradient that is there was made since, so the ones set aside belong to an older batch.
        if all(parameter.grad is None for parameter, _ in self._set_aside):
            for parameter, gradient in self._set_aside:
                parameter.grad = gradient
        self._forget()

    def _forget(self) -> None:
        self._set_aside.clear()
        if self.optimizer.__dict__.get("zero_grad") == self._zero_grad:
            del self.optimizer.__dict__["zero_grad"]

    def _zero_grad(self, *args: Any, **kwargs: Any) -> None:
        self._forget()
        self.optimizer.zero_grad(*args, **kwargs)


def must_see_gradients(optimizer: torch.optim.Optimizer, replaces: bool) -> None:
    """Raises PruneError where two pruners would look at the gradients of one step, and one take them away."""
    others = [getattr(hook, "__self__", None) for hook in optimizer._optimizer_step_pre_hooks.values()]
    if any(isinstance(other, Attachment) and (replaces or other.replaces) for other in others):
        raise PruneError(
            "another pruner is attached to this optimiser, and an update of RigL or SET in one of them takes the place of a step "
            "that the other counts; put both modules under one pruner, or give each an optimiser of its own"
        )


def _overflowed(optimizer: torch.optim.Optimizer) -> bool:
    """True if a fused optimiser, told so by a GradScaler, leaves its step out because gradients have overflowed."""
    found = getattr(optimizer, "found_inf", None)
    return found is not None and bool(found > 0)


def must_be_optimizer(optimizer: object) -> torch.optim.Optimizer:
    """An optimiser that has hooks around its steps."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise PruneError(
            f"a torch.optim.Optimizer is needed, this is a {type(optimizer).__name__}; pass the optimiser inside, or call the "
            "pruner's hold() after every step"
        )
    return optimizer
