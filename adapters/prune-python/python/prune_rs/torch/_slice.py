"""A module and its optimiser, cut as an ONNX model was."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from prune_rs import PruneError
from prune_rs.torch._hooks import must_be_optimizer
from prune_rs.torch._kept import KeptTensor, digest, read_kept
from prune_rs.torch._layers import plain_name
from prune_rs.torch._roles import near
from prune_rs.torch._sizes import output_axis, shapes_in, sizes_of
from prune_rs.torch._views import why_closed


@dataclass
class _Cut:
    """A parameter or buffer, and the indices kept of each axis that loses some."""

    tensor: torch.Tensor
    axes: dict[int, list[int]]

    def of(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor of the same shape, cut."""
        for axis, kept in self.axes.items():
            tensor = tensor.index_select(axis, torch.tensor(kept, device=tensor.device))
        return tensor.contiguous()

    def shape(self) -> tuple[int, ...]:
        return tuple(len(self.axes[axis]) if axis in self.axes else length for axis, length in enumerate(self.tensor.shape))


def slice_module(
    module: torch.nn.Module,
    kept: str | os.PathLike[str] | Mapping[str, Any],
    optimizer: torch.optim.Optimizer | None = None,
    *,
    values_differ: bool = False,
) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Cuts a module, in place, as `prune shrink --kept` says that its ONNX model was cut, so that training goes on.

    The model's constants are matched with parameters and buffers by the names of the state dict. Vectors that run along the
    channels of a tensor beside them (biases, the statistics of a norm) are cut with it where the model does not list them,
    as where an exporter kept one constant for several. Parameters stay the same objects, and modules get the sizes that fit.
    optimizer: its state of each parameter is cut too. Gradients are dropped.
    values_differ: cut also tensors that hold other values than the model's constants, as after more training.
    Masks in force before are of other shapes: make the Pruner anew.

    Returns the shape of each tensor that was cut, before and after, by name.

    Raises PruneError, before anything is changed, where a constant has no tensor of its name and shape, holds other values,
    belongs to a module of a class that is not known, or where the optimiser keeps something else than numbers and tensors
    of its shape.
    """
    if not isinstance(module, torch.nn.Module):
        raise PruneError(f"a torch.nn.Module is needed, this is a {type(module).__name__}")
    if optimizer is not None:
        must_be_optimizer(optimizer)
    tensors = dict(_tensors(module))
    cuts = {like.name: _cut(like, tensors, values_differ) for like in read_kept(kept)}
    by_tensor = _one_each(cuts)
    for name, cut in _followers(module, by_tensor, {id(tensor): name for name, tensor in tensors.items()}):
        cuts[name] = by_tensor[id(cut.tensor)] = cut
    sizes = _sizes(module, by_tensor, {id(cut.tensor): name for name, cut in cuts.items()})
    states = [] if optimizer is None else list(_states(optimizer, cuts))
    shapes = {name: (tuple(cut.tensor.shape), cut.shape()) for name, cut in cuts.items()}
    with torch.no_grad():
        cut_states = [(state, key, cut.of(state[key])) for state, key, cut in states]
        cut_values = [(cut.tensor, cut.of(cut.tensor.detach())) for cut in by_tensor.values()]
        for tensor, values in cut_values:
            tensor.grad = None
            tensor.data = values
        for state, key, value in cut_states:
            state[key] = value
        for owner, attribute, size in sizes:
            setattr(owner, attribute, size)
    return shapes


def _tensors(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    for named in (module.named_parameters(remove_duplicate=False), module.named_buffers(remove_duplicate=False)):
        for name, tensor in named:
            yield plain_name(name), tensor


def _cut(like: KeptTensor, tensors: Mapping[str, torch.Tensor], values_differ: bool) -> _Cut:
    tensor = tensors.get(like.name)
    if tensor is None and tensors.get(like.name.partition("@")[0]) is not None:
        raise PruneError(
            f"the uses of the model's constant `{like.name.partition('@')[0]}` lost different indices; give each module that uses "
            "it values of its own, so that the exporter keeps them apart"
        )
    if tensor is None:
        hint = near(like.name, tensors)
        raise PruneError(
            f"the model's constant `{like.name}` has no tensor of its name in the module{hint}; export with the names of the "
            "state dict, or cut the checkpoint with `prune slice`, which compares values"
        )
    why = why_closed(tensor)
    if why is not None:
        raise PruneError(f"`{like.name}`: {why}")
    turned = len(like.shape) == 2 and tuple(tensor.shape) == like.shape[::-1]
    if tuple(tensor.shape) != like.shape and not turned:
        raise PruneError(f"`{like.name}` has the shape {tuple(tensor.shape)}, but {like.shape} in the ONNX model")
    straight = tuple(tensor.shape) == like.shape
    if straight and (digest(tensor) == like.content or (values_differ and not turned)):
        return _Cut(tensor, like.axes)
    if turned and (digest(tensor.t()) == like.content or (values_differ and not straight)):
        return _Cut(tensor, like.turned().axes)
    if values_differ:
        raise PruneError(f"`{like.name}` is square and holds other values: whether it lies transposed in the model is not known")
    raise PruneError(
        f"`{like.name}` holds other values than in the ONNX model; where the exporter folded a norm into it, export without "
        "that, and where it was trained since, pass values_differ=True"
    )


def _one_each(cuts: Mapping[str, _Cut]) -> dict[int, _Cut]:
    """The cuts by tensor: tied parameters are cut once, and alike."""
    found: dict[int, _Cut] = {}
    for name, cut in cuts.items():
        if found.setdefault(id(cut.tensor), cut).axes != cut.axes:
            raise PruneError(f"`{name}` is tied to another tensor that lost other indices; give each memory of its own first")
    return found


def _followers(module: torch.nn.Module, cuts: Mapping[int, _Cut], names: Mapping[int, str]) -> Iterator[tuple[str, _Cut]]:
    """Vectors along the output channels of what is cut beside them, which are not cut by themselves."""
    for owner in module.modules():
        held = [tensor for kept in (owner._parameters, owner._buffers) for tensor in kept.values() if tensor is not None]
        vectors = [tensor for tensor in held if tensor.ndim == 1]
        leaders = [tensor for tensor in held if id(tensor) in cuts]
        axis = output_axis(owner)
        if axis is None or not leaders:
            continue
        leader = max(leaders, key=lambda tensor: tensor.ndim)
        along = axis if leader.ndim > 1 else 0
        kept = cuts[id(leader)].axes.get(along)
        for vector in vectors:
            if kept is not None and id(vector) not in cuts and len(vector) == leader.shape[along]:
                yield names[id(vector)], _Cut(vector, {0: kept})


def _sizes(
    module: torch.nn.Module, cuts: Mapping[int, _Cut], names: Mapping[int, str]
) -> list[tuple[torch.nn.Module, str, object]]:
    """The attributes that change, of every module that holds a tensor that is cut."""
    after = {tensor: cut.shape() for tensor, cut in cuts.items()}
    sizes: list[tuple[torch.nn.Module, str, object]] = []
    for owner in module.modules():
        held = [id(tensor) for kept in (owner._parameters, owner._buffers) for tensor in kept.values() if tensor is not None]
        first = next((names[tensor] for tensor in held if tensor in cuts), None)
        if first is None:
            continue
        try:
            found = sizes_of(owner, shapes_in(owner, after))
        except PruneError as error:
            raise PruneError(f"`{first}`: {error}") from None
        sizes.extend((owner, attribute, size) for attribute, size in found.items())
    return sizes


def _states(optimizer: torch.optim.Optimizer, cuts: Mapping[str, _Cut]) -> Iterator[tuple[dict[str, Any], str, _Cut]]:
    """The tensors that an optimiser keeps for what is cut."""
    for name, cut in cuts.items():
        state: Any = optimizer.state.get(cut.tensor)
        for key, value in state.items() if state else ():
            if isinstance(value, torch.Tensor) and why_closed(value) is None and value.shape == cut.tensor.shape:
                yield state, key, cut
            elif isinstance(value, (list, tuple, dict)) or (isinstance(value, torch.Tensor) and value.numel() > 1):
                raise PruneError(
                    f"`{name}`: the optimiser keeps `{key}` for it, which is no tensor of its shape and cannot be cut; pass no "
                    "optimizer, and make a new one for the module that is cut"
                )
