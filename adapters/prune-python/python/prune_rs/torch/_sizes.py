"""The sizes that modules keep beside their parameters, after a cut."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from prune_rs import PruneError
from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes that the parameters and buffers of a module will have, by attribute; without those that are None."""


def sizes_of(owner: nn.Module, shapes: Shapes) -> dict[str, object]:
    """The attributes that a module of a known class needs for parameters and buffers of these shapes.

    Raises PruneError where the class is not known, or where the shapes do not go together.
    """
    if isinstance(owner, nn.Linear):
        outputs, inputs = shapes["weight"]
        return _agree(shapes, outputs, {"out_features": outputs, "in_features": inputs})
    if isinstance(owner, nn.modules.conv._ConvNd):
        return _of_conv(owner, shapes)
    if isinstance(owner, nn.modules.batchnorm._NormBase):
        features = _longest(shapes)
        return _agree(shapes, features, {"num_features": features})
    if isinstance(owner, nn.GroupNorm):
        channels = _longest(shapes)
        per_group = owner.num_channels // owner.num_groups
        if channels % per_group:
            raise PruneError(f"{channels} channels would be left, which are no whole groups of {per_group}")
        return _agree(shapes, channels, {"num_channels": channels, "num_groups": channels // per_group})
    if isinstance(owner, nn.LayerNorm):
        return {"normalized_shape": shapes["weight"]}
    if isinstance(owner, nn.Embedding):
        rows, width = shapes["weight"]
        if owner.padding_idx is not None and rows != owner.num_embeddings:
            raise PruneError("rows of an embedding with a padding row would be cut, which moves that row")
        return {"num_embeddings": rows, "embedding_dim": width}
    if isinstance(owner, nn.PReLU):
        return {"num_parameters": shapes["weight"][0]}
    raise PruneError(f"it belongs to a {type(owner).__name__}, of which it is not known what else depends on its size")


def output_axis(owner: nn.Module) -> int | None:
    """The axis of a module's weight along which its biases and statistics run, where they run along one."""
    if isinstance(owner, nn.modules.conv._ConvTransposeNd):
        return 1 if owner.groups == 1 else None
    if isinstance(owner, (nn.Linear, nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.GroupNorm)):
        return 0
    return None


def _longest(shapes: Shapes) -> int:
    """The length that the parameters of a norm share."""
    return max(shape[0] for shape in shapes.values() if len(shape) == 1)


def _agree(shapes: Shapes, length: int, sizes: dict[str, object]) -> dict[str, object]:
    for attribute, shape in shapes.items():
        if len(shape) == 1 and shape[0] != length:
            raise PruneError(f"`{attribute}` would have {shape[0]} values for {length} channels: both must be cut alike")
    return sizes


def _of_conv(owner: nn.modules.conv._ConvNd, shapes: Shapes) -> dict[str, object]:
    transposed = isinstance(owner, nn.modules.conv._ConvTransposeNd)
    first, second = shapes["weight"][:2]
    groups = owner.groups
    if groups > 1 and owner.weight.shape[1] == 1:
        # Depthwise: every group is one channel and is removed with it.
        channels = owner.out_channels if not transposed else owner.in_channels
        if first % (channels // groups):
            raise PruneError(f"{first} channels would be left, which are no whole groups of {channels // groups}")
        groups = first // (channels // groups)
    outputs, inputs = (second * groups, first) if transposed else (first, second * groups)
    if outputs % groups or inputs % groups:
        raise PruneError(f"{inputs} and {outputs} channels would be left, which {groups} groups do not divide")
    return _agree(shapes, outputs, {"out_channels": outputs, "in_channels": inputs, "groups": groups})


def shapes_in(owner: nn.Module, after: Mapping[int, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes of a module's own tensors, with those that are cut as they will be."""
    held: dict[str, torch.Tensor] = {}
    for kept in (owner._parameters, owner._buffers):
        held.update({attribute: tensor for attribute, tensor in kept.items() if tensor is not None})
    return {attribute: after.get(id(tensor), tuple(tensor.shape)) for attribute, tensor in held.items()}
