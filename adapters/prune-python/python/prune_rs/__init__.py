"""Exact pruning masks for arrays of numpy, JAX and torch, strategies over epochs, and zeros that stay zero.

A mask keeps exactly as many elements as asked for, whatever ties and zeros there are, and is the same in every memory
layout, on any number of threads and in every language. `density` is the fraction kept and `2:4` keeps two of every four.

Whatever cannot be done raises PruneError (a ValueError), which says what, where and what to do instead; nothing has been
written then.
"""

from collections.abc import Mapping

from prune_rs._native import (
    Bf16,
    FileReport,
    LayerFacts,
    LayerReport,
    Mask,
    Masks,
    Prepared,
    PruneError,
    Pruner,
    Report,
    Strategy,
    Timeline,
    Totals,
    __version__,
    apply,
    apply_mask,
    check,
    expand,
    inspect,
    mask,
    mask_blocks,
    mask_channels,
    mask_global,
    mask_n_m,
    mask_per_output,
    mask_unstructured,
    preview,
    prune_act_struct,
    prune_act_unstruct,
    revivals,
    scores,
    shrink,
    slice,
)

__all__ = [
    "Bf16",
    "FileReport",
    "LayerFacts",
    "LayerReport",
    "Mask",
    "Masks",
    "Prepared",
    "PruneError",
    "Pruner",
    "Report",
    "Strategy",
    "Timeline",
    "Totals",
    "__version__",
    "apply",
    "apply_mask",
    "check",
    "expand",
    "inspect",
    "mask",
    "mask_blocks",
    "mask_channels",
    "mask_global",
    "mask_n_m",
    "mask_per_output",
    "mask_unstructured",
    "preview",
    "prune_act_struct",
    "prune_act_unstruct",
    "revivals",
    "scores",
    "shrink",
    "slice",
]

Mapping.register(Masks)
