"""Modules that torch.nn.utils.prune has pruned, taken over."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils import prune as torch_prune

from prune_rs import Mask, Masks, PruneError
from prune_rs.torch._layers import plain_name


def take_over(module: torch.nn.Module) -> Masks:
    """Takes over what torch.nn.utils.prune has pruned: each `weight_orig` with its `weight_mask` becomes a plain `weight`
    again, +0.0 where the mask is 0, and the masks are returned under the names that the weights have then.

    The parameters stay the same objects, so that an optimiser over them and its state stay right. A module that was not
    pruned in this way is not changed, and has no masks.

    Raises PruneError, before anything is changed, for a mask that holds other values than 0 and 1.
    """
    if not isinstance(module, torch.nn.Module):
        raise PruneError(f"a torch.nn.Module is needed, this is a {type(module).__name__}")
    found: dict[str, tuple[torch.nn.Module, str, torch.Tensor]] = {}
    for prefix, owner in module.named_modules():
        for attribute in _pruned(owner):
            name = plain_name(f"{prefix}.{attribute}" if prefix else attribute)
            kept = owner._buffers.get(f"{attribute}_mask")
            if kept is None or f"{attribute}_orig" not in owner._parameters:
                raise PruneError(f"layer `{name}`: torch.nn.utils.prune has a hook on it, but `{attribute}_mask` is gone")
            kept = kept.detach()
            if kept.is_meta:
                raise PruneError(f"layer `{name}`: its mask is on the device `meta`, which holds no values; load them first")
            if not bool(((kept == 0) | (kept == 1)).all()):
                why = f"`{attribute}_mask` holds other values than 0 and 1, and masks only keep or remove"
                raise PruneError(f"layer `{name}`: {why}")
            found[name] = (owner, attribute, kept != 0)
    masks = Masks()
    remove: Any = torch_prune.remove
    for name, (owner, attribute, kept) in found.items():
        remove(owner, attribute)
        weight: Any = owner._parameters[attribute]
        with torch.no_grad():
            # Selected once more: torch multiplies, which leaves -0.0 and NaN outside the mask.
            weight.masked_fill_(~kept, 0.0)
        masks[name] = Mask.from_numpy(kept.cpu().numpy())
    return masks


def _pruned(owner: torch.nn.Module) -> list[str]:
    hooks = owner._forward_pre_hooks.values()
    return [hook._tensor_name for hook in hooks if isinstance(hook, torch_prune.BasePruningMethod)]
