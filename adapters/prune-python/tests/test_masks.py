"""Masks of one array, and of several together, against plain sorts."""

import numpy as np
import pytest
from arrays import TYPES, laid_out, some, values
import oracle

import prune_rs
from prune_rs import Mask, PruneError


@pytest.mark.parametrize("seed", range(250))
def test_unstructured_is_the_full_sort(seed):
    rng, array = some(seed)
    density = float(rng.choice([0.01, 0.1, 0.5, 0.75, 1.0]))
    before = array.copy()
    mask = prune_rs.mask_unstructured(array, density)
    assert np.array_equal(mask.to_numpy(), oracle.unstructured(array, density))
    assert mask.shape == array.shape
    assert mask.kept == oracle.kept_of(density, array.size)
    assert array.tobytes() == before.tobytes()


@pytest.mark.parametrize("seed", range(250))
def test_n_m_is_the_sort_of_each_group(seed):
    rng, array = some(seed, ndim=1 + seed % 3)
    m = int(rng.integers(1, 6))
    n = int(rng.integers(1, m + 1))
    axis = int(rng.integers(-array.ndim, array.ndim))
    mask = prune_rs.mask_n_m(array, (n, m), axis)
    assert np.array_equal(mask.to_numpy(), oracle.n_m(array, n, m, axis))
    assert mask == prune_rs.mask_n_m(array, f"{n}:{m}", axis)
    assert mask.fits_pattern((n, m), axis)


@pytest.mark.parametrize("seed", range(120))
def test_outputs_channels_and_blocks_are_ranked_plainly(seed):
    rng, array = some(seed, ndim=1 + seed % 3)
    if array.size == 0:
        array = np.ones((2, 3), np.float32)
    density = float(rng.choice([0.1, 0.4, 0.8]))
    axis = int(rng.integers(0, array.ndim))
    assert np.array_equal(
        prune_rs.mask_per_output(array, density, axis=axis).to_numpy(), oracle.per_output(array, density, axis)
    )
    assert np.array_equal(
        prune_rs.mask_channels(array, density, axis=axis, norm="l1").to_numpy(), oracle.channels(array, density, axis)
    )
    sizes = [1, 2, 4][seed % 3]
    sizes = (sizes,) if array.ndim == 1 else (sizes, 2)
    assert np.array_equal(prune_rs.mask_blocks(array, sizes, density).to_numpy(), oracle.blocks(array, sizes, density))


@pytest.mark.parametrize("seed", range(60))
def test_global_is_one_sort_over_all(seed):
    rng = np.random.default_rng(seed)
    arrays = {}
    for i in range(int(rng.integers(1, 5))):
        shape = tuple(int(n) for n in rng.integers(1, 7, rng.integers(0, 4)))
        arrays[f"l{(i * 7) % 5}.{i}"] = laid_out(rng, values(rng, shape, TYPES[rng.integers(0, 4)]))
    masks = prune_rs.mask_global(arrays, 0.37)
    expected = oracle.global_(arrays, 0.37)
    assert set(masks) == set(expected)
    assert all(np.array_equal(masks[name].to_numpy(), expected[name]) for name in expected)


@pytest.mark.parametrize("seed", range(120))
def test_applying_selects_in_place(seed):
    rng, array = some(seed)
    kept = rng.random(array.shape) < 0.5
    expected = np.where(kept, array, np.zeros((), array.dtype))
    outside = array.base.copy() if isinstance(array.base, np.ndarray) and array.base.shape != array.shape else None
    before = prune_rs.revivals(array, Mask.from_numpy(kept))
    assert before == int(np.count_nonzero(oracle.wide(array)[~kept] != 0))
    prune_rs.apply_mask(array, kept)
    assert array.tobytes() == expected.tobytes(), "bit for bit, zeros with their signs"
    assert prune_rs.revivals(array, kept) == 0
    if outside is not None:
        changed = array.base.astype(np.float64) != outside.astype(np.float64)
        assert changed.sum() <= before, "nothing but the view is written"


def test_scores_rank_by_value_and_alive_bounds_the_choice():
    scores = np.array([-3.0, 1.0, 2.0, -0.5], np.float32)
    assert prune_rs.mask_unstructured(scores, 0.5, by="value").kept_indices().tolist() == [1, 2]
    alive = np.array([True, True, False, False])
    assert prune_rs.mask_unstructured(scores, 0.25, alive=alive).kept_indices().tolist() == [0]
    with pytest.raises(PruneError, match="3 elements are asked for, but only 2 are alive"):
        prune_rs.mask_unstructured(scores, 0.75, alive=alive)


def test_sparsity_is_the_fraction_removed():
    array = np.arange(1000, dtype=np.float32)
    assert prune_rs.mask_unstructured(array, sparsity=0.9) == prune_rs.mask_unstructured(array, 0.1)
    mask = prune_rs.mask_unstructured(array, 0.1)
    assert (mask.density, mask.sparsity) == (0.1, 0.9)


@pytest.mark.parametrize("bits", [np.uint16, np.int16])
def test_bits_are_bf16(bits):
    import ml_dtypes

    array = np.array([[1.0, -2.5, 0.25, 3.0]], ml_dtypes.bfloat16)
    seen = array.view(bits)
    mask = prune_rs.mask_n_m(prune_rs.Bf16(seen), "2:4")
    assert mask.kept_indices().tolist() == [1, 3]
    prune_rs.apply_mask(prune_rs.Bf16(seen), mask)
    assert array.astype(np.float32).tolist() == [[0.0, -2.5, 0.0, 3.0]]


def test_masks_are_values():
    rng = np.random.default_rng(1)
    for size in [0, 1, 63, 64, 65, 1000]:
        a, b = rng.random(size) < 0.5, rng.random(size) < 0.5
        x, y = Mask.from_numpy(a), Mask.from_numpy(b)
        for made, plain in [(x & y, a & b), (x | y, a | b), (x - y, a & ~b), (~x, ~a)]:
            assert np.array_equal(made.to_numpy(), plain)
        assert (x <= y) == bool(np.all(b[a])) and (x & y) <= x and x >= (x & y)
        assert Mask.from_bytes(x.shape, x.to_bytes()) == x
        assert x.to_bytes() == np.packbits(a, bitorder="little").tobytes()
        assert hash(x) == hash(Mask.from_numpy(a.copy())) and x != "x"
        assert np.array_equal(x.kept_indices(), np.flatnonzero(a))
        assert np.array_equal(np.asarray(x), a)
    assert repr(Mask.from_numpy(np.eye(2, dtype=bool))) == "<mask of shape [2, 2] keeping 2 of 4>"
    assert Mask.all((2, 3)).kept == 6


def test_masks_are_pickled():
    import pickle

    mask = Mask.from_numpy(np.array([[True, False, True]]))
    assert pickle.loads(pickle.dumps(mask)) == mask
    masks = prune_rs.Masks({"a": mask})
    assert pickle.loads(pickle.dumps(masks)) == masks


def test_activations_are_pruned_sample_by_sample():
    x = np.array([[4.0, -1.0, 3.0, 2.0], [0.0, 0.1, 0.0, 0.0]], np.float32)
    pruned, mask = prune_rs.prune_act_unstruct(x, 0.5)
    assert pruned.tolist() == [[4.0, 0.0, 3.0, 0.0], [0.0, np.float32(0.1), 0.0, 0.0]]
    assert mask.kept == 4 and x[0, 1] == -1.0
    whole, mask = prune_rs.prune_act_unstruct(x, 0.5, scope="tensor")
    assert whole.tolist() == [[4.0, -1.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0]]
    pruned, mask = prune_rs.prune_act_struct(x, (1, 2))
    assert np.array_equal(mask.to_numpy(), oracle.n_m(x, 1, 2, -1))
    assert np.array_equal(pruned, np.where(mask.to_numpy(), x, 0))
