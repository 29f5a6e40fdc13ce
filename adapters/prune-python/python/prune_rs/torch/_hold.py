"""Zeros that stay zero: weights and an optimiser's buffers, written after each step."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import prune_rs
import torch
from prune_rs import Mask, PruneError
from prune_rs.torch import _views
from prune_rs.torch._layers import Layers, Place
from prune_rs.torch._state import HeldTensor, OptimizerState, PruneWarning

Tensors = list[tuple[str, torch.Tensor]]


class Holder:
    """Holds the layers of a module, and what optimisers keep for them, to masks.

    On the CPU the native half writes through views, in one pass for all buffers of a layer. On other devices the masks are
    kept as tensors of bool, and select.
    """

    def __init__(self, layers: Layers) -> None:
        self._layers = layers
        self.state = OptimizerState()
        self._warned: set[str] = set()
        self._names: list[str] = []
        self._rows: list[tuple[str, torch.Tensor, Place, tuple[torch.Tensor, ...]]] = []
        self._masks: dict[str, Mask] = {}
        self._kept: list[list[HeldTensor]] = []
        self._buffers: list[dict[str, _views.Array]] = []
        self._buffers_elsewhere: Tensors = []
        self._outside: dict[tuple[str, torch.device], torch.Tensor] = {}

    def set_masks(self, masks: prune_rs.Masks) -> None:
        """Takes note of the masks in force, which have changed."""
        self._names = masks.keys()
        known = self._layers
        objects = ((name, known.parameters[name]) for name in self._names)
        self._rows = [(name, p, known.places[name], (p, *known.twins.get(name, ()))) for name, p in objects]
        self._masks = dict(masks.items())
        self._outside.clear()
        self._kept = []
        self._buffers, self._buffers_elsewhere = [], []

    def hold(self, pruner: prune_rs.Pruner, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        """Writes +0.0 outside the masks."""
        if not self._names:
            return
        sets, elsewhere = self._gathered(optimizers)
        for name, tensor in elsewhere:
            self._must_fit(name, tensor)
        every = len(self._names)
        whole = [arrays for arrays in sets if len(arrays) == every]
        if whole:
            pruner.hold_each(whole)
        if len(whole) < len(sets):
            for arrays in sets:
                if 0 < len(arrays) < every:
                    pruner.hold_present(arrays)
        if elsewhere:
            with torch.no_grad():
                for name, tensor in elsewhere:
                    tensor.masked_fill_(self.outside(name, tensor.device), 0.0)
        if self.state.looked:
            self.state.looked = False
            self._warn()

    def mark_written(self) -> None:
        """Tells autograd that the weights on the CPU were written; it knows of those elsewhere."""
        for _, _, _, objects in self._rows:
            for parameter in objects:
                if _views.in_place(parameter) and not parameter.is_inference():
                    torch.autograd.graph.increment_version(parameter)

    def forget(self, optimizer: torch.optim.Optimizer) -> None:
        """Lets go of what an optimiser keeps."""
        self.state.forget(optimizer)
        self._kept = []
        self._buffers, self._buffers_elsewhere = [], []

    def revivals(self, pruner: prune_rs.Pruner, optimizers: Sequence[torch.optim.Optimizer]) -> int:
        """The number of elements outside the masks that are not zero, in weights and buffers."""
        sets, elsewhere = self._gathered(optimizers)
        masks = pruner.held
        count = 0
        for arrays in sets:
            here = prune_rs.Masks({name: mask for name, mask in masks.items() if name in arrays})
            count += here.revivals(arrays)
        for name, tensor in elsewhere:
            self._must_fit(name, tensor)
            count += int((tensor.detach()[self.outside(name, tensor.device)] != 0).sum())
        return count

    def outside(self, name: str, device: torch.device) -> torch.Tensor:
        """True where a mask removes, on a device."""
        found = self._outside.get((name, device))
        if found is None:
            found = torch.from_numpy(~self._masks[name].to_numpy()).to(device)
            self._outside[name, device] = found
        return found

    def _gathered(self, optimizers: Sequence[torch.optim.Optimizer]) -> tuple[list[dict[str, _views.Array]], Tensors]:
        """Sets of arrays of the CPU by layer: the weights, and one of each kind of buffer; and tensors of other devices."""
        weights: dict[str, _views.Array] = {}
        elsewhere: Tensors = []
        kept: list[list[HeldTensor]] = []
        tied = self._layers.elsewhere
        for name, parameter, place, objects in self._rows:
            if place.owner._parameters.get(place.attribute) is not parameter or name in tied:
                self._layers.must_be_here(name)
            if _views.in_place(parameter):
                weights[name] = _views.weight_view(parameter)
            else:
                elsewhere.append((name, parameter))
            kept.append(self.state.held(name, objects, optimizers))
        if len(kept) != len(self._kept) or any(now is not before for now, before in zip(kept, self._kept)):
            self._kept = kept
            self._buffers, self._buffers_elsewhere = self._sorted(kept)
        return [weights, *self._buffers], elsewhere + self._buffers_elsewhere

    def _sorted(self, kept: list[list[HeldTensor]]) -> tuple[list[dict[str, _views.Array]], Tensors]:
        """The buffers that optimisers keep of each layer, as sets of one kind; and tensors of other devices."""
        buffers: dict[str, dict[str, _views.Array]] = {}
        elsewhere: Tensors = []
        for name, held in zip(self._names, kept):
            for key, tensor, array in held:
                if array is None:
                    elsewhere.append((name, tensor))
                    continue
                # Each twin of a tied parameter may have a buffer.
                while name in buffers.setdefault(key, {}):
                    key += "'"
                buffers[key][name] = array
        return list(buffers.values()), elsewhere

    def _must_fit(self, name: str, tensor: torch.Tensor) -> None:
        shape = self._masks[name].shape
        if tuple(tensor.shape) != shape:
            raise PruneError(f"layer `{name}`: its mask has shape {shape}, but the tensor has {tuple(tensor.shape)}")

    def _warn(self) -> None:
        new = [f"{place}: {why}" for place, why in self.state.left.items() if place not in self._warned]
        if new:
            self._warned.update(self.state.left)
            warnings.warn(
                "the optimiser keeps what is not held at zero; the weights are. " + "; ".join(new), PruneWarning, stacklevel=2
            )
