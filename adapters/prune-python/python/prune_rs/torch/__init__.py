"""Pruning for torch: modules in place, the optimiser's state held at zero with them.

`Pruner` carries out a strategy while an optimiser trains a module. `prune_tensor` and `apply_mask` prune one tensor, and
`as_array` lends one to every function of prune_rs. `take_over` takes over what torch.nn.utils.prune has pruned, and
`slice_module` cuts a module and its optimiser as `prune shrink` cut its ONNX model.

Whatever cannot be done raises prune_rs.PruneError, which says what, where and what to do instead.
"""

from prune_rs.torch._pruner import Pruner
from prune_rs.torch._report import Report
from prune_rs.torch._slice import slice_module
from prune_rs.torch._state import PruneWarning
from prune_rs.torch._take_over import take_over
from prune_rs.torch._tensor import apply_mask, prune_tensor
from prune_rs.torch._views import as_array

__all__ = [
    "PruneWarning",
    "Pruner",
    "Report",
    "apply_mask",
    "as_array",
    "prune_tensor",
    "slice_module",
    "take_over",
]
