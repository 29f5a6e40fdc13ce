"""Masks for JAX: pytrees of Flax, optax transformations that keep zeros at zero, and activations pruned inside jit.

Layers are called by the path of their leaf, such as `Dense_0-kernel`; every function takes the separator as `sep`. It needs
jax and optax (`pip install "./adapters/prune-python[jax]"` in a clone, which brings Flax too); Flax's modules, states and train states are known by what they are made of.

Masks are made outside jit, by prune_rs's own functions or a Pruner, from views of JAX's memory. Inside jit, grad and vmap
work apply_masks, the transformation that hold returns, prune_act_unstruct and prune_act_struct.
"""

from prune_rs.jax._activation import prune_act_struct, prune_act_unstruct
from prune_rs.jax._apply import apply_masks, mask_tree, named_masks
from prune_rs.jax._buffers import buffers, revivals, unheld
from prune_rs.jax._hold import HoldState, hold, set_masks
from prune_rs.jax._loop import MaskKey, pruning, pruning_apply
from prune_rs.jax._names import named_arrays
from prune_rs.jax._pruner import Pruner

# The names that jax_pruning's README also uses.
pruning_act_struct = prune_act_struct
pruning_act_unstruct = prune_act_unstruct

__all__ = [
    "HoldState",
    "MaskKey",
    "Pruner",
    "apply_masks",
    "buffers",
    "hold",
    "mask_tree",
    "named_arrays",
    "named_masks",
    "prune_act_struct",
    "prune_act_unstruct",
    "pruning",
    "pruning_act_struct",
    "pruning_act_unstruct",
    "pruning_apply",
    "revivals",
    "set_masks",
    "unheld",
]
