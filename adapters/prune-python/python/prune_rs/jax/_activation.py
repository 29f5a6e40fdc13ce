"""Activations pruned by the library's rules, in operations of XLA alone.

The plain algorithm sorts magnitudes, largest first and equal ones by index, and keeps the first k. Sorts are slow in XLA, and
its floats may flush subnormals to zero. So magnitudes are compared as the integers that their bits are, and the k-th largest is
found bit by bit, 16 bits at a time: each step counts the elements that reach a threshold. Of those that equal the last kept
one, the first in order are kept, and how far they reach is found in the same way. No step depends on threads or devices.

Calls into Python (jax.pure_callback) would be faster on a CPU, but are known to hang there, and other devices lack them.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import prune_rs
from prune_rs import PruneError
from prune_rs.jax._apply import select
from prune_rs.jax._names import is_array
from prune_rs.jax._values import choice

_BITS = {"float16": 16, "bfloat16": 16, "float32": 32, "float64": 64}
# Groups up to this length are ranked by comparing all pairs, longer ones by counting.
_PAIRED = 8
# Counts are int32.
_LONGEST = 2**31 - 1


def prune_act_unstruct(x: Any, density: float | None = None, *, sparsity: float | None = None, scope: str = "sample") -> Any:
    """Activations with the greatest magnitudes of each sample kept, exactly as many as asked for, and +0.0 elsewhere.

    x: an array of float32, float64, float16 or bfloat16; a sample is an index of its first axis, and an array of one axis or
    none is one sample. density: the fraction of each sample that is kept, above 0 and at most 1; a Python number, also under
    jit. sparsity: the fraction removed, in its place. scope: "sample", or "tensor" to rank the whole at once; inside vmap,
    where the batch's axis is not seen, a sample of several axes needs "tensor".

    It works inside jit, grad and vmap, and gradients pass kept elements only. Equal magnitudes go to the lower index, as in
    prune_rs.prune_act_unstruct.

    Raises PruneError for other types and densities, and for NaN where x is not traced. Inside jit nothing can be raised for
    NaN: it ranks above infinity there, so that a sample that has one keeps it.
    """
    x = _checked(x)
    choice("scope", scope, "sample", "tensor")
    samples = x.shape[0] if scope == "sample" and x.ndim > 1 else 1
    each = x.size // samples if samples else 0
    kept = _kept(each, _number("density", density), _number("sparsity", sparsity))
    return _dense(x, kept, samples) if x.size else x


def prune_act_struct(x: Any, pattern: Any, *, axis: int = -1) -> Any:
    """Activations with N of every M consecutive elements along an axis kept, those of greatest magnitude; +0.0 elsewhere.

    x: an array of float32, float64, float16 or bfloat16. pattern: (N, M) or "N:M", N kept of every M. axis: the last unless
    given. A last group of r < M elements keeps min(N, r).

    All else is as for prune_act_unstruct; a group that has NaN keeps it inside jit.
    """
    x = _checked(x)
    n, m = _pattern(pattern)
    if isinstance(axis, bool) or not isinstance(axis, int) or not -max(x.ndim, 1) <= axis < max(x.ndim, 1):
        raise PruneError(f"axis is {axis!r}, the array has {x.ndim} axes")
    return _grouped(x, n, m, axis) if x.size else x


@functools.partial(jax.jit, static_argnames="samples")
def _dense(x: jax.Array, kept: Any, samples: int) -> Any:
    return select(_largest(_magnitudes(x).reshape(samples, -1), kept).reshape(x.shape), x)


@functools.partial(jax.jit, static_argnames=("m", "axis"))
def _grouped(x: jax.Array, n: Any, m: int, axis: int) -> Any:
    lanes = jnp.moveaxis(_magnitudes(x).reshape(x.shape or (1,)), axis, -1)
    length = lanes.shape[-1]
    # The padding of the last group ranks after its own zeros, which come first.
    filled = jnp.pad(lanes, [(0, 0)] * (lanes.ndim - 1) + [(0, -length % m)])
    groups = filled.reshape(*lanes.shape[:-1], -1, m)
    kept = _paired(groups, n) if m <= _PAIRED else _largest(groups, n)
    return select(jnp.moveaxis(kept.reshape(filled.shape)[..., :length], -1, axis).reshape(x.shape), x)


def _checked(x: Any) -> jax.Array:
    if not (hasattr(x, "dtype") and hasattr(x, "shape")):
        raise PruneError(f"x must be an array, this is a {type(x).__name__}")
    if isinstance(x, jax.ShapeDtypeStruct):
        raise PruneError("x is a shape without data; pass an array")
    if str(x.dtype) not in _BITS:
        raise PruneError(f"x is of type {x.dtype}; float32, float64, float16 and bfloat16 are pruned, `astype` converts")
    array = jnp.asarray(x)
    if array.dtype != x.dtype:
        raise PruneError(f"x is of type {x.dtype}, which JAX makes {array.dtype}; enable jax_enable_x64 or convert it yourself")
    if array.size > _LONGEST:
        raise PruneError(f"x has {array.size} elements, at most {_LONGEST} can be ranked")
    if not isinstance(array, jax.core.Tracer) and array.size and bool(jnp.isnan(array).any()):
        index = [int(i[0]) for i in np.nonzero(np.isnan(np.asarray(array, np.float64)))]
        raise PruneError(f"the score at {index} is NaN, which has no rank; fix the values")
    return array


def _number(name: str, value: Any) -> float | None:
    if isinstance(value, jax.core.Tracer):
        raise PruneError(f"{name} is traced; pass a Python number, as by functools.partial or static_argnums")
    if isinstance(value, (jax.Array, np.ndarray, np.generic)) and is_array(value) and value.size == 1:
        value = value.item()
    if value is not None and not isinstance(value, (int, float)):
        raise PruneError(f"{name} must be a number, this is {value!r} ({type(value).__name__})")
    return value


@functools.lru_cache(maxsize=256, typed=True)
def _kept(elements: int, density: float | None, sparsity: float | None) -> int:
    """Rule 1, asked of the one function that has it."""
    return prune_rs.mask_unstructured(np.zeros(elements, np.float16), density, sparsity=sparsity).kept


def _pattern(pattern: Any) -> tuple[int, int]:
    if isinstance(pattern, jax.core.Tracer) or not isinstance(pattern, str) and not hasattr(pattern, "__len__"):
        raise PruneError(f"the pattern must be (N, M) or 'N:M', such as (2, 4), this is a {type(pattern).__name__}")
    prune_rs.mask_n_m(np.zeros(1, np.float32), pattern)
    n, m = pattern.split(":") if isinstance(pattern, str) else pattern
    return int(n), int(m)


def _magnitudes(x: jax.Array) -> Any:
    """Integers that order as the magnitudes do, zeros of both signs alike: the bits without the sign."""
    bits = _BITS[str(x.dtype)]
    unsigned = jnp.dtype(f"uint{bits}")
    return lax.bitcast_convert_type(lax.stop_gradient(x), unsigned) & unsigned.type(2 ** (bits - 1) - 1)


def _paired(groups: jax.Array, n: Any) -> jax.Array:
    """The n largest of each group along the last axis, equal ones by index."""
    places = [groups[..., i] for i in range(groups.shape[-1])]

    def beaten_by(i: int, j: int) -> jax.Array:
        return places[j] >= places[i] if j < i else places[j] > places[i]

    others = [[j for j in range(len(places)) if j != i] for i in range(len(places))]
    better = [sum((beaten_by(i, j).astype(jnp.int32) for j in js), jnp.int32(0)) for i, js in enumerate(others)]
    return jnp.stack([jnp.broadcast_to(count < n, places[0].shape) for count in better], -1)


def _largest(keys: jax.Array, kept: Any) -> Any:
    """The so many largest along the last axis, equal ones by index."""
    length = keys.shape[-1]
    above = jnp.zeros(keys.shape, bool)
    ties = jnp.ones(keys.shape, bool)
    room = jnp.full((*keys.shape[:-1], 1), kept, jnp.int32)
    for shift in range(keys.dtype.itemsize * 8 - 16, -1, -16):
        # A value that no longer ties becomes 0, which reaches no threshold that is tried.
        half = jnp.where(ties, (keys >> keys.dtype.type(shift)).astype(jnp.uint16), jnp.uint16(0))
        least = _reaching(half, 16, lambda half, tried, room=room: _count(half >= tried) >= room)
        above, ties = above | (ties & (half > least)), ties & (half == least)
        room = kept - _count(above)
    bits = length.bit_length()
    place_type = jnp.uint16 if bits <= 16 else jnp.uint32
    last = (1 << bits) - 1
    places = jnp.where(ties, lax.broadcasted_iota(place_type, keys.shape, keys.ndim - 1), place_type(last))
    end = _reaching(places, bits, lambda places, tried: _count(places < tried) <= room)
    return above | (places < end)


def _count(found: jax.Array) -> jax.Array:
    return jnp.sum(found, -1, keepdims=True, dtype=jnp.int32)


def _reaching(values: jax.Array, bits: int, holds: Callable[..., jax.Array]) -> Any:
    """The greatest number of so many bits for which a condition holds that, from some number on, no longer does."""
    one = values.dtype.type(1)

    def bit(i: Any, found: jax.Array) -> jax.Array:
        tried = found | (one << (bits - 1 - i).astype(values.dtype))
        return jnp.where(holds(values, tried), tried, found)

    return lax.fori_loop(0, bits, bit, jnp.zeros((*values.shape[:-1], 1), values.dtype))
