"""One tensor, pruned in place."""

from __future__ import annotations

from typing import Any

import prune_rs
import torch
from prune_rs import Mask, PruneError
from prune_rs.torch import _views
from prune_rs.torch._views import as_array


def prune_tensor(
    tensor: torch.Tensor,
    density: float | None = None,
    *,
    sparsity: float | None = None,
    pattern: str | tuple[int, int] | None = None,
    axis: int | None = None,
) -> Mask:
    """Prunes a tensor in place, on any device, and returns its mask.

    density: the fraction kept, above 0 and at most 1, of the greatest magnitudes. sparsity: the fraction removed, in its
    place. pattern: "2:4" or (2, 4) in place of both: N kept of every M along an axis, the last unless given.

    Nothing holds the zeros afterwards: a Pruner does that. For other structures and scores make a mask from `as_array(tensor)`
    and `apply_mask` it. Raises PruneError for NaN, for elements that are not floating, and for tensors without readable memory.
    """
    if pattern is None:
        if axis is not None:
            raise PruneError("axis goes with pattern; single elements have none")
        mask = prune_rs.mask_unstructured(as_array(tensor), density, sparsity=sparsity)
    elif density is None and sparsity is None:
        mask = prune_rs.mask_n_m(as_array(tensor), pattern, axis)
    else:
        raise PruneError("pass pattern, or density, or sparsity: only one of them")
    apply_mask(tensor, mask)
    return mask


def mask_of(mask: Any) -> Mask:
    """The Mask of an array of bool, or of a tensor of bool on any device, sparse ones too.

    Raises PruneError for other elements, and for a tensor without readable memory.
    """
    if isinstance(mask, Mask):
        return mask
    if isinstance(mask, torch.Tensor):
        mask = _views.dense(mask)
        why = _views.why_closed(mask)
        if why is not None:
            raise PruneError(f"the mask cannot be read: {why}")
        if mask.dtype is not torch.bool:
            raise PruneError(
                f"a mask is a Mask or an array of bool, this tensor has elements of type {mask.dtype}; `mask != 0` makes bools"
            )
        mask = _views.host_copy(mask).numpy()
    return Mask.from_numpy(mask)


def apply_mask(tensor: torch.Tensor, mask: Any) -> None:
    """Writes +0.0 into a tensor where a mask removes, in place, on any device; what is kept stays bit for bit.

    mask: a Mask, an array of bool, or a tensor of bool, of the tensor's shape. Autograd does not record it, but a graph that
    still needs the values from before refuses to run backward.

    Raises PruneError, before anything is written, for another shape, and for what `as_array` refuses.
    """
    mask = mask_of(mask)
    array = as_array(tensor)
    if tuple(tensor.shape) != mask.shape:
        raise PruneError(f"the mask has shape {mask.shape}, but the tensor has {tuple(tensor.shape)}")
    if not tensor.is_floating_point():
        raise PruneError(f"the tensor's elements are of type {tensor.dtype}; float32, float64, float16 and bfloat16 are pruned")
    with torch.no_grad():
        if _views.in_place(tensor):
            prune_rs.apply_mask(array, mask)
            if not tensor.is_inference():
                torch.autograd.graph.increment_version(tensor)
        else:
            tensor.masked_fill_(torch.from_numpy(~mask.to_numpy()).to(tensor.device), 0.0)
