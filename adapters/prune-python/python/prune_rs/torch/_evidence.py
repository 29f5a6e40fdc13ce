"""The evidence of an event besides the weights: gradients, scores, norms of inputs, and weights to go back to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import prune_rs
import torch
from prune_rs import PruneError
from prune_rs.torch._layers import Layers, plain_name
from prune_rs.torch._views import Array, as_array, dense

Tensors = Mapping[str, torch.Tensor]
Inputs = Tensors | Callable[[str, prune_rs.Masks], Any]


def arrays_of(
    what: str, tensors: Tensors | None, layers: Layers, *, others_too: bool = True
) -> dict[str, Array] | None:
    """Tensors as arrays, by the first names of layers. others_too: those of no layer too, which the native half refuses."""
    if tensors is None:
        return None
    if not isinstance(tensors, Mapping):
        raise PruneError(f"{what} must be a dict from names to tensors, this is a {type(tensors).__name__}")
    arrays: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise PruneError(f"{what} has the key {name!r}; the names of layers are strings")
        called = plain_name(name)
        name = layers.first_name(called)
        if (not others_too and name not in layers.parameters) or (name != called and name in tensors):
            continue
        if not isinstance(tensor, torch.Tensor):
            arrays[name] = tensor
            continue
        try:
            arrays[name] = as_array(dense(tensor))
        except PruneError as error:
            raise PruneError(f"{what}, layer `{name}`: {error}") from None
    return arrays


def inputs_of(inputs: Inputs | None, layers: Layers) -> Any:
    """Norms by name as arrays, or a function that measures those of one layer."""
    if inputs is None or isinstance(inputs, Mapping):
        return arrays_of("inputs", inputs, layers)
    if not callable(inputs):
        raise PruneError(f"inputs must be a dict of norms or a function that measures them, this is a {type(inputs).__name__}")
    measure = inputs

    def measured(name: str, masks: prune_rs.Masks) -> Any:
        norms = measure(name, masks)
        return as_array(norms) if isinstance(norms, torch.Tensor) else norms

    return measured


def gradients_of(layers: Layers, optimizer: torch.optim.Optimizer | None = None) -> dict[str, torch.Tensor]:
    """The gradients of layers by name, as they lie in `.grad`: of those that an optimiser moves, or of all.

    They are brought back to the loss's own scale where a fused optimiser does that inside its step (GradScaler).
    """
    moved = None
    if optimizer is not None:
        moved = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    scale = getattr(optimizer, "grad_scale", None)
    gradients: dict[str, torch.Tensor] = {}
    for name, parameter in layers.parameters.items():
        for twin in (parameter, *layers.twins.get(name, ())):
            if twin.grad is None or (moved is not None and id(twin) not in moved):
                continue
            gradient = twin.grad.detach()
            if gradient.layout is not torch.strided:
                gradient = gradient.to_dense()
            if scale is not None:
                gradient = gradient / scale
            gradients[name] = gradients[name] + gradient if name in gradients else gradient
    return gradients


def replaces_steps(strategy: prune_rs.Strategy) -> bool:
    """True if events take the place of an optimiser's steps."""
    return any(event["method"] in ("rigl", "set") for _, event in strategy.events)
