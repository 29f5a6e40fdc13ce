"""Generated arrays: every layout and type, ties, zeros of both signs."""

import ml_dtypes
import numpy as np

TYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]


def values(rng, shape, dtype):
    """Small multiples of a quarter: many ties, sums that are exact in every type's wider one."""
    drawn = rng.integers(-12, 13, shape) / 4.0
    drawn = np.where(rng.random(shape) < 0.1, -0.0, drawn)
    return drawn.astype(dtype)


def laid_out(rng, array):
    """The same values in memory of some other order, with gaps, backwards, or as they are."""
    how = rng.integers(0, 6)
    if how == 1:
        return np.asfortranarray(array)
    if how == 2 and array.ndim:
        order = rng.permutation(array.ndim)
        return np.ascontiguousarray(array.transpose(order)).transpose(np.argsort(order))
    if how == 3 and array.ndim:
        axis = rng.integers(0, array.ndim)
        return np.flip(np.ascontiguousarray(np.flip(array, axis)), axis)
    if how == 4 and array.ndim:
        axis = rng.integers(0, array.ndim)
        wide = np.repeat(array, 3, axis)
        return wide[(slice(None),) * axis + (slice(1, None, 3),)]
    if how == 5 and array.ndim >= 2:
        wide = np.zeros((array.shape[0] + 2, *array.shape[1:-1], array.shape[-1] + 3), array.dtype)
        inner = wide[1:-1, ..., 2:-1]
        inner[...] = array
        return inner
    return array


def some(seed, ndim=None, longest=9):
    """A generator, and an array of it."""
    rng = np.random.default_rng(seed)
    ndim = rng.integers(0, 5) if ndim is None else ndim
    shape = tuple(int(length) for length in rng.integers(0 if seed % 7 == 0 else 1, longest + 1, ndim))
    dtype = TYPES[rng.integers(0, len(TYPES))]
    return rng, laid_out(rng, values(rng, shape, dtype))
