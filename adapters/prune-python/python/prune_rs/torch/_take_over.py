"""Modules that torch.nn.utils.prune has pruned, taken over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from prune_rs import Mask, Masks, PruneError
from prune_rs.torch._fit import must_fit_layer
from prune_rs.torch._layers import Layers, layers_of, plain_name, torch_pruned
from prune_rs.torch._tensor import apply_mask
from prune_rs.torch._views import dense, why_closed
from torch.nn.utils import prune as torch_prune


@dataclass
class Pruned:
    """The parameters that torch.nn.utils.prune has pruned in a module, found without changing the module."""

    masks: Masks = field(default_factory=Masks)
    """By layer; where several names of a tied weight are pruned, what all of them keep."""
    _places: list[tuple[torch.nn.Module, str, torch.Tensor, str]] = field(default_factory=list)

    def commit(self) -> None:
        """Makes plain parameters of them, +0.0 outside the masks."""
        remove: Any = torch_prune.remove
        for owner, attribute, parameter, name in self._places:
            # Otherwise torch would give the parameter new memory, apart from parameters that share its own.
            memory = parameter.data
            remove(owner, attribute)
            parameter.data = memory
            # The mask selects, since a product would leave -0.0 and NaN outside it.
            apply_mask(parameter, self.masks[name])


def take_over(module: torch.nn.Module) -> Masks:
    """Takes over what torch.nn.utils.prune has pruned: each `weight_orig` with its `weight_mask` becomes a plain `weight`
    again, +0.0 where the mask is 0, and the masks are returned under the names that the weights have then.

    The parameters stay the same objects, so that an optimiser over them and its state stay right. A module that was not
    pruned in this way is not changed, and has no masks. A tied weight has one mask, under its first name, which from now on
    counts at all its places: an element stays where every place that was pruned keeps it.

    Raises PruneError, before anything is changed, for a mask that holds other values than 0 and 1 or is of another shape
    than its weight, and for a weight without readable memory.
    """
    pruned = find_pruned(module, layers_of(module))
    pruned.commit()
    return pruned.masks


def find_pruned(module: torch.nn.Module, layers: Layers) -> Pruned:
    """Finds what `take_over` is to take over, and changes nothing.

    Raises PruneError as `take_over` does.
    """
    found = Pruned()
    for prefix, owner in module.named_modules():
        for attribute in torch_pruned(owner):
            name = plain_name(f"{prefix}.{attribute}" if prefix else attribute)
            parameter, kept = _looked_at(owner, attribute, name)
            first = layers.first_name(name)
            mask = Mask.from_numpy(kept.cpu().numpy())
            must_fit_layer(layers, first, mask)
            found.masks[first] = mask & found.masks[first] if first in found.masks else mask
            found._places.append((owner, attribute, parameter, first))
    return found


def _looked_at(owner: torch.nn.Module, attribute: str, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A weight that is pruned, and True where its mask keeps."""
    kept = owner._buffers.get(f"{attribute}_mask")
    parameter = owner._parameters.get(f"{attribute}_orig")
    if kept is None or parameter is None:
        raise PruneError(f"layer `{name}`: torch.nn.utils.prune has a hook on it, but `{attribute}_mask` is gone")
    kept = dense(kept.detach())
    why = why_closed(kept)
    if why is not None:
        raise PruneError(f"layer `{name}`: its mask cannot be read: {why}")
    if not bool(((kept == 0) | (kept == 1)).all()):
        why = f"`{attribute}_mask` holds other values than 0 and 1, and masks only keep or remove"
        raise PruneError(f"layer `{name}`: {why}")
    return parameter, kept != 0
