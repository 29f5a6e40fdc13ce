"""The indices kept of an ONNX model that was shrunk, as `prune shrink --kept` writes them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from prune_rs import PruneError

_FORMAT = "prune-kept-1"


@dataclass(frozen=True)
class KeptTensor:
    """A constant of the model: its shape, a digest of its values, and the indices kept of each axis that lost some."""

    name: str
    shape: tuple[int, ...]
    content: str
    axes: dict[int, list[int]]

    def turned(self) -> KeptTensor:
        """The same of the transposed matrix, as exporters write linear layers. Its digest is that of the values as they lie
        in the model."""
        return KeptTensor(self.name, self.shape[::-1], self.content, {1 - axis: kept for axis, kept in self.axes.items()})


def read_kept(kept: str | os.PathLike[str] | Mapping[str, Any]) -> list[KeptTensor]:
    """Reads a file, or what json.loads made of one.

    Raises PruneError where it is none, or holds indices that do not fit.
    """
    table: Any = kept
    if isinstance(kept, (str, os.PathLike)):
        try:
            with open(kept, encoding="utf-8") as file:
                table = json.load(file)
        except (OSError, ValueError, RecursionError) as error:
            raise PruneError(f"{os.fspath(kept)!r} is no file that `prune shrink --kept` writes: {error}") from None
    try:
        if table["format"] != _FORMAT:
            raise PruneError(f"the indices kept are of the format {table['format']!r}; {_FORMAT!r} is read")
        return [_tensor(entry) for entry in table["tensors"]]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise PruneError(f"this is no table that `prune shrink --kept` writes: {type(error).__name__} {error}") from None


def _tensor(entry: Mapping[str, Any]) -> KeptTensor:
    name, shape = str(entry["name"]), tuple(entry["shape"])
    if not all(type(length) is int and length >= 0 for length in shape):
        raise PruneError(
            f"`{name}`: its shape {entry['shape']!r} is no list of lengths; have `prune shrink --kept` write the file anew"
        )
    axes: dict[int, list[int]] = {}
    for one in entry["axes"]:
        axis, indices = one["axis"], list(one["kept"])
        whole = all(type(number) is int for number in (axis, *indices))
        if not whole or not 0 <= axis < len(shape) or not indices:
            raise PruneError(f"`{name}`: the indices kept of axis {axis!r} do not fit its shape {shape}")
        rising = all(low < high for low, high in zip(indices, indices[1:]))
        if not rising or indices[0] < 0 or indices[-1] >= shape[axis]:
            raise PruneError(f"`{name}`: the indices kept of axis {axis} do not rise below its length {shape[axis]}")
        axes[axis] = indices
    return KeptTensor(name, shape, str(entry["content"]), axes)


def digest(tensor: torch.Tensor) -> str:
    """SHA-256 of a tensor's values, widened to f64, in row-major order; zeros of either sign are equal."""
    values = tensor.detach().to("cpu", torch.float64).contiguous().numpy() + 0.0
    return hashlib.sha256(values.astype(numpy.dtype("<f8")).tobytes()).hexdigest()
