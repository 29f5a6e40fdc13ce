"""The rules, plainly: full sorts and loops, nothing shared with the library."""

import math

import numpy as np


def kept_of(density: float, n: int) -> int:
    """Rule 1: halves away from zero, never none of some."""
    return 0 if n == 0 else min(n, max(1, math.floor(density * n + 0.5)))


def wide(array):
    """The values as float64, which holds all of every type."""
    return np.asarray(array).astype(np.float64)


def ranked(scores):
    """Indices of a flat array, best first: higher scores, then lower indices."""
    return sorted(range(len(scores)), key=lambda i: (-scores[i], i))


def unstructured(array, density):
    scores = np.abs(wide(array)).ravel()
    mask = np.zeros(scores.size, bool)
    mask[ranked(list(scores))[: kept_of(density, scores.size)]] = True
    return mask.reshape(np.shape(array))


def n_m(array, n, m, axis):
    scores = np.moveaxis(np.abs(wide(array)), axis, -1)
    mask = np.zeros(scores.shape, bool)
    for lane in np.ndindex(scores.shape[:-1]):
        for start in range(0, scores.shape[-1], m):
            group = list(scores[lane][start : start + m])
            for i in ranked(group)[: min(n, len(group))]:
                mask[(*lane, start + i)] = True
    return np.moveaxis(mask, -1, axis)


def per_output(array, density, axis):
    scores = np.moveaxis(np.abs(wide(array)), axis, 0)
    mask = np.zeros(scores.shape, bool)
    for i in range(scores.shape[0]):
        flat = scores[i].ravel()
        of_slice = np.zeros(flat.size, bool)
        of_slice[ranked(list(flat))[: kept_of(density, flat.size)]] = True
        mask[i] = of_slice.reshape(scores[i].shape)
    return np.moveaxis(mask, 0, axis)


def channels(array, density, axis):
    """By the L1 norm, of values whose sums are exact."""
    scores = np.abs(np.moveaxis(wide(array), axis, 0)).reshape(np.shape(array)[axis], -1).sum(1)
    keep = np.zeros(len(scores), bool)
    keep[ranked(list(scores))[: kept_of(density, len(scores))]] = True
    shape = [1] * np.ndim(array)
    shape[axis] = -1
    return np.broadcast_to(keep.reshape(shape), np.shape(array)).copy()


def blocks(array, sizes, density):
    """Along the last axes, by the mean, of values whose sums are exact."""
    values = np.abs(wide(array))
    first = values.ndim - len(sizes)
    full = (1,) * first + tuple(sizes)
    grid = tuple(-(-length // size) for length, size in zip(values.shape, full))
    places = list(np.ndindex(grid))
    box = lambda place: tuple(slice(i * s, (i + 1) * s) for i, s in zip(place, full))
    scores = [values[box(place)].mean() for place in places]
    mask = np.zeros(values.shape, bool)
    for i in ranked(scores)[: kept_of(density, len(places))]:
        mask[box(places[i])] = True
    return mask


def global_(arrays, density):
    ordered = sorted(arrays, key=lambda name: name.encode())
    flat = [(-score, place, i) for place, name in enumerate(ordered) for i, score in enumerate(np.abs(wide(arrays[name])).ravel())]
    masks = {name: np.zeros(np.size(arrays[name]), bool) for name in arrays}
    for _, place, i in sorted(flat)[: kept_of(density, len(flat))]:
        masks[ordered[place]][i] = True
    return {name: mask.reshape(np.shape(arrays[name])) for name, mask in masks.items()}
