"""Masks and strategies, looked at before a pruner is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import prune_rs
import torch
from prune_rs import PruneError
from prune_rs.torch._layers import Layers
from prune_rs.torch._roles import near


def joined(taken: prune_rs.Masks, given: Any, layers: Layers) -> prune_rs.Masks:
    """Masks taken over, and masks given, by the first names of layers. An element stays where all masks of its layer keep it.

    Raises PruneError for a mask that does not fit its layer.
    """
    masks = prune_rs.Masks(dict(taken.items()))
    for name, mask in prune_rs.Masks({} if given is None else given).items():
        first = layers.first_name(name)
        must_fit_layer(layers, first, mask)
        masks[first] = mask & masks[first] if first in masks else mask
    return masks


def must_fit(layers: Layers, masks: prune_rs.Masks) -> None:
    """Raises PruneError for a mask without a layer that it can hold."""
    for name, mask in masks.items():
        must_fit_layer(layers, name, mask)


def must_fit_layer(layers: Layers, name: str, mask: prune_rs.Mask) -> None:
    """Raises PruneError where the module has no such layer, or one that the mask cannot hold."""
    parameter = layers.parameters.get(name)
    if parameter is None:
        why = layers.closed.get(name)
        if why is not None:
            raise PruneError(f"masks, layer `{name}`: {why}")
        raise PruneError(f"masks: the module has no layer `{name}`{near(name, layers.parameters)}")
    if tuple(parameter.shape) != mask.shape:
        raise PruneError(f"layer `{name}`: its mask has shape {mask.shape}, but the parameter has {tuple(parameter.shape)}")
    if not parameter.is_floating_point():
        raise PruneError(f"masks, layer `{name}`: its elements are of type {parameter.dtype}, not floating ones")
    if _overlaps_itself(parameter):
        raise PruneError(
            f"masks, layer `{name}`: several of its elements lie at one place; give it memory of its own with `clone()`"
        )


def _overlaps_itself(tensor: torch.Tensor) -> bool:
    """Whether the tensor is expanded, so that a zero at one index is one at others."""
    return any(step == 0 and length > 1 for length, step in zip(tensor.shape, tensor.stride()))


def refuse_closed(strategy: prune_rs.Strategy, layers: Layers) -> None:
    """Refuses a strategy that names a layer whose elements cannot be had."""
    for key, event in strategy.events:
        for name, why in layers.closed.items():
            if _names(event, name):
                raise PruneError(f"event {key}, layer `{name}`: {why}")


def _names(table: Any, name: str) -> bool:
    return isinstance(table, Mapping) and (name in table or any(_names(value, name) for value in table.values()))
