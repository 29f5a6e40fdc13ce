"""Masks and strategies, looked at before a pruner is made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import prune_rs
import torch
from prune_rs import PruneError
from prune_rs.torch._layers import Layers
from prune_rs.torch._roles import near
from prune_rs.torch._tensor import mask_of


def joined(taken: prune_rs.Masks, given: Any, layers: Layers) -> prune_rs.Masks:
    """Masks taken over, and masks given, by the first names of layers. An element stays where all masks of its layer keep it.

    Raises PruneError for a mask that does not fit its layer.
    """
    masks = prune_rs.Masks(dict(taken.items()))
    for name, mask in prune_rs.Masks(_read(given)).items():
        first = layers.first_name(name)
        must_fit_layer(layers, first, mask)
        masks[first] = mask & masks[first] if first in masks else mask
    return masks


def _read(given: Any) -> Any:
    """Masks given, tensors among them as Masks."""
    if not isinstance(given, Mapping):
        return {} if given is None else given
    masks = dict(given)
    for name, mask in given.items():
        if isinstance(mask, torch.Tensor):
            try:
                masks[name] = mask_of(mask)
            except PruneError as error:
                raise PruneError(f"masks, layer `{name}`: {error}") from None
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
    """True if the tensor is expanded, so that a zero at one index is one at others."""
    return any(step == 0 and length > 1 for length, step in zip(tensor.shape, tensor.stride()))


def by_first_names(strategy: prune_rs.Strategy, layers: Layers, selectable: set[str]) -> prune_rs.Strategy:
    """The strategy with the first names of tied layers in place of their others.

    selectable: the layers that patterns select.

    Raises PruneError where an event gives one layer two values under two names.
    """
    if not layers.tied:
        return strategy
    firsts = {other: first for first, others in layers.tied.items() for other in others}
    open_firsts = {other: first for other, first in firsts.items() if first in selectable}
    events: dict[Any, Any] = {}
    for key, event in strategy.events:
        events[key] = renamed = dict(event)
        for word, value in event.items():
            if word in ("include", "exclude"):
                patterns = [value] if isinstance(value, str) else value
                renamed[word] = [name for pattern in patterns for name in _widened(pattern, open_firsts, selectable)]
            elif isinstance(value, Mapping):
                renamed[word] = _by_layer(value, firsts, f"event {key}, {word}")
    return prune_rs.Strategy(events)


def _widened(pattern: str, firsts: Mapping[str, str], selectable: set[str]) -> list[str]:
    """A pattern, and the first names of layers that it matches under another name; or those alone."""
    like = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
    found = list(dict.fromkeys(first for other, first in firsts.items() if like.fullmatch(other) and not like.fullmatch(first)))
    alone = bool(found) and not any(like.fullmatch(name) for name in selectable)
    return found if alone else [pattern, *found]


def _by_layer(values: Mapping[str, Any], firsts: Mapping[str, str], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        first = firsts.get(name, name)
        if first in found and found[first] != value:
            raise PruneError(f"{where}: `{name}` and another name of layer `{first}`, which are tied, have two values; write one")
        found[first] = value
    return found


def refuse_closed(strategy: prune_rs.Strategy, layers: Layers) -> None:
    """Refuses a strategy that names a layer whose elements cannot be had."""
    for key, event in strategy.events:
        for name, why in layers.closed.items():
            if _names(event, name):
                raise PruneError(f"event {key}, layer `{name}`: {why}")


def _names(table: Any, name: str) -> bool:
    return isinstance(table, Mapping) and (name in table or any(_names(value, name) for value in table.values()))
