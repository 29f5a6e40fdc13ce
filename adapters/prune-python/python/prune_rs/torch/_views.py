"""Tensors of torch as arrays that the native half reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from prune_rs import Bf16, PruneError

Array = Any
"""A numpy array, or a Bf16 of one."""


def in_place(tensor: torch.Tensor) -> bool:
    """True if the memory of a tensor can be written as it lies: that of the CPU."""
    at_hand: bool = tensor.is_cpu
    return at_hand


def why_closed(tensor: torch.Tensor) -> str | None:
    """Why the elements of a tensor cannot be had as an array, in plain words; None where they can."""
    if torch.nn.parameter.is_lazy(tensor):
        return "it has no shape yet; run one batch through the module first"
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        return "it stands for others inside a transform of torch.func, such as vmap or grad; prune outside of that"
    if tensor.is_nested:
        return "it is a nested tensor, of rows of several lengths; prune each of `unbind()`"
    if tensor.is_meta:
        return "it is on the device `meta`, which holds no values; load the weights first, after `module.to_empty(device=...)`"
    if tensor.is_quantized:
        return "it is quantized; prune the floating module, then quantize"
    if tensor.layout is not torch.strided:
        return f"its layout is {tensor.layout}; `to_dense()` makes a tensor that can be pruned"
    if tensor.is_conj() or tensor.is_neg():
        return "it is a conjugated or negated view; `resolve_conj().resolve_neg()` makes a tensor that can be read"
    kind = type(tensor.data)
    if kind is not torch.Tensor:
        return f"it is a {kind.__name__}, of which torch shows no memory; prune the plain tensor that it stands for"
    if tensor.dtype not in _READABLE:
        return f"its elements are of type {tensor.dtype}; float32, float64, float16 and bfloat16 are pruned"
    return None


_READABLE = (
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128,
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
)  # fmt: skip


def as_array(tensor: torch.Tensor) -> Array:
    """A tensor as an array for the functions of prune_rs, such as `prune_rs.mask_n_m(as_array(layer.weight), "2:4")`.

    On the CPU the array is a view of any strides: what is written to it is written to the tensor, and autograd takes no
    note of it. From another device it is a copy on the CPU. bfloat16 comes as Bf16.

    Raises PruneError for a tensor without readable memory: of the device `meta`, sparse, quantized, a conjugated view,
    inside a transform of torch.func, or of a class of its own.
    """
    if not isinstance(tensor, torch.Tensor):
        raise PruneError(f"a tensor of torch is needed, this is a {type(tensor).__name__}")
    why = why_closed(tensor)
    if why is not None:
        raise PruneError(why)
    return _array(tensor.detach() if in_place(tensor) else host_copy(tensor))


def _array(tensor: torch.Tensor) -> Array:
    """A tensor of the CPU that is known to be readable."""
    if tensor.dtype is torch.bfloat16:
        return Bf16(tensor.view(torch.int16).numpy())
    return tensor.numpy()


def weight_view(tensor: torch.Tensor) -> Array:
    """As `as_array`, of a tensor of the CPU that has been looked at before."""
    return _array(tensor.detach())


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor itself, or the strided one of a sparse tensor; where there is none, `why_closed` says why."""
    if tensor.layout is torch.strided:
        return tensor
    try:
        return tensor.to_dense()
    except RuntimeError:
        return tensor


def host_copy(tensor: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU, of the same strides where that is possible."""
    return tensor.detach().to("cpu", copy=True)


class HostModel(Mapping[str, Array]):
    """Tensors by name as arrays: views of those on the CPU, copies of those elsewhere. Nothing is read, and nothing is
    copied, until the first array is asked for."""

    def __init__(self, tensors: Callable[[], Mapping[str, torch.Tensor]]) -> None:
        self._tensors = tensors
        self._arrays: dict[str, Array] | None = None
        self._copies: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}

    def _read(self) -> dict[str, Array]:
        if self._arrays is None:
            arrays: dict[str, Array] = {}
            for name, tensor in self._tensors().items():
                if in_place(tensor):
                    arrays[name] = weight_view(tensor)
                else:
                    copy = host_copy(tensor)
                    self._copies[name] = (tensor, copy)
                    arrays[name] = _array(copy)
            self._arrays = arrays
        return self._arrays

    def write_back(self, names: set[str] | None) -> None:
        """Copies what was written on the CPU to the devices: of these layers, or of all."""
        with torch.no_grad():
            for name, (tensor, copy) in self._copies.items():
                if names is None or name in names:
                    tensor.copy_(copy)
        for name, tensor in self._tensors().items():
            # A graph that was recorded before must not run backward over weights that have changed since.
            if (names is None or name in names) and not tensor.is_inference():
                torch.autograd.graph.increment_version(tensor)

    def __getitem__(self, name: str) -> Array:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())
