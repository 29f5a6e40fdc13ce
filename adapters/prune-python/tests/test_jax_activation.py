"""Activations pruned in JAX against the native library, on generated arrays, under every transformation."""

import functools

import ml_dtypes
import numpy as np
import pytest

jax = pytest.importorskip("jax")
pytest.importorskip("optax")

import jax.numpy as jnp

import prune_rs
from prune_rs import PruneError
from prune_rs.jax import prune_act_struct, prune_act_unstruct, pruning_act_struct, pruning_act_unstruct

TYPES = [np.float32, np.float16, ml_dtypes.bfloat16]
SHAPES = [(), (7,), (4, 1), (2, 41), (3, 2, 5), (0, 4), (3, 0)]


def activations(seed, shape, dtype):
    """Ties, zeros of both signs, infinities, subnormals, and values of every size."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(-4, 5, shape) / 2.0
    wild = rng.standard_normal(shape) * 10.0 ** rng.integers(-4, 4, shape)
    drawn = np.where(rng.random(shape) < 0.4, wild, drawn)
    drawn = np.where(rng.random(shape) < 0.1, -0.0, drawn)
    drawn = np.where(rng.random(shape) < 0.05, np.inf, drawn)
    drawn = np.where(rng.random(shape) < 0.05, -np.inf, drawn)
    values = np.asarray(drawn).astype(dtype)
    bits = {2: np.uint16, 4: np.uint32, 8: np.uint64}[np.dtype(dtype).itemsize]
    tiny = np.asarray(rng.integers(1, 9, shape)).astype(bits).view(dtype)
    return np.where(rng.random(shape) < 0.1, tiny, values)


def same(made, expected):
    """To the bit, signs of zeros too."""
    made = np.asarray(made)
    assert made.dtype == expected.dtype and made.shape == expected.shape
    assert made.tobytes() == expected.tobytes()


def pruned_and_mask(prune, x):
    """The output, and the places where gradients pass: the mask itself, also for kept zeros."""
    made, back = jax.vjp(prune, jnp.asarray(x))
    return made, np.asarray(back(jnp.ones_like(made))[0] != 0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_densities_are_those_of_the_library(shape, dtype):
    for seed, density in enumerate([0.05, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0]):
        x = activations(seed, shape, dtype)
        for scope in ("sample", "tensor"):
            expected, mask = prune_rs.prune_act_unstruct(x, density, scope=scope)
            made, passed = pruned_and_mask(lambda x: prune_act_unstruct(x, density, scope=scope), x)
            same(made, expected)
            assert np.array_equal(passed, mask.to_numpy())


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_patterns_are_those_of_the_library(shape, dtype):
    for seed, pattern in enumerate([(2, 4), (1, 4), (1, 1), (5, 12)]):
        x = activations(seed, shape, dtype)
        expected, mask = prune_rs.prune_act_struct(x, pattern)
        made, passed = pruned_and_mask(lambda x: prune_act_struct(x, pattern), x)
        same(made, expected)
        assert np.array_equal(passed, mask.to_numpy())


@pytest.mark.parametrize("dtype", TYPES)
def test_the_same_inside_jit(dtype):
    x = activations(9, (3, 2, 21), dtype)
    same(jax.jit(lambda x: prune_act_unstruct(x, 0.3))(x), prune_rs.prune_act_unstruct(x, 0.3)[0])
    same(jax.jit(lambda x: prune_act_struct(x, "2:4"))(x), prune_rs.prune_act_struct(x, "2:4")[0])
    same(jax.jit(lambda x: prune_act_struct(x, (5, 12)))(x), prune_rs.prune_act_struct(x, (5, 12))[0])


def test_patterns_run_along_any_axis():
    x = activations(4, (5, 6, 13), np.float32)
    for pattern in [(2, 4), (3, 9)]:
        for axis in range(-3, 3):
            kept = prune_rs.mask_n_m(x, pattern, axis).to_numpy()
            same(prune_act_struct(x, pattern, axis=axis), np.where(kept, x, np.float32(0)))


def test_long_rankings_with_more_ties_than_16_bits_count():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 3, (2, 70_001)).astype(np.float32)
    for density in (0.2, 0.5, 0.9):
        same(prune_act_unstruct(x, density), prune_rs.prune_act_unstruct(x, density)[0])


def test_doubles_need_x64_and_then_are_those_of_the_library():
    x = activations(1, (3, 40), np.float64)
    with pytest.raises(PruneError, match="x is of type float64, which JAX makes float32; enable jax_enable_x64"):
        prune_act_unstruct(x, 0.5)
    with jax.enable_x64(True):
        same(prune_act_unstruct(x, 0.3), prune_rs.prune_act_unstruct(x, 0.3)[0])
        same(prune_act_struct(x, (3, 9)), prune_rs.prune_act_struct(x, (3, 9))[0])


def test_vmap_ranks_each_sample_by_itself():
    x = activations(5, (6, 3, 8), np.float32)
    by_sample = prune_rs.prune_act_unstruct(x, 0.4)[0]
    same(jax.vmap(functools.partial(prune_act_unstruct, density=0.4, scope="tensor"))(x), by_sample)
    same(jax.vmap(lambda x: prune_act_struct(x, (2, 4)))(x), prune_rs.prune_act_struct(x, (2, 4))[0])
    same(jax.jit(jax.vmap(jax.vmap(lambda x: prune_act_struct(x, (5, 12)))))(x), prune_rs.prune_act_struct(x, (5, 12))[0])
    gradients = jax.vmap(jax.grad(lambda x: prune_act_unstruct(x, 0.5).sum()))(x.reshape(6, -1))
    assert np.asarray((gradients != 0).sum(1)).tolist() == [12] * 6


def test_gradients_pass_kept_elements_straight():
    x = jnp.array([[3.0, -1.0, 0.5, 2.0]])
    weight = jnp.array([[5.0, jnp.inf, jnp.nan, 7.0]])
    for pruned in (lambda x: prune_act_unstruct(x, 0.5), lambda x: prune_act_struct(x, (2, 4))):
        _, back = jax.vjp(pruned, x)
        assert np.asarray(back(weight)[0]).tolist() == [[5.0, 0.0, 0.0, 7.0]]
        _, forward = jax.jvp(pruned, (x,), (weight,))
        assert np.asarray(forward).tolist() == [[5.0, 0.0, 0.0, 7.0]]


def test_nan_is_refused_and_never_hidden_inside_jit():
    x = np.ones((2, 4), np.float32)
    x[1, 2] = np.nan
    for pruned in (lambda x: prune_act_unstruct(x, 0.25), lambda x: prune_act_struct(x, (1, 4))):
        with pytest.raises(PruneError, match=r"the score at \[1, 2\] is NaN"):
            pruned(x)
        made = np.asarray(jax.jit(pruned)(x))
        assert made[0].tolist() == [1.0, 0.0, 0.0, 0.0]
        assert np.isnan(made[1, 2]) and made[1, [0, 1, 3]].tolist() == [0.0, 0.0, 0.0]


def test_sparsity_and_the_other_names():
    x = activations(2, (3, 10), np.float32)
    same(prune_act_unstruct(x, sparsity=0.9), np.asarray(prune_act_unstruct(x, 0.1)))
    same(pruning_act_unstruct(x, np.float32(0.5)), np.asarray(prune_act_unstruct(x, 0.5)))
    same(pruning_act_struct(x, (2, 4)), np.asarray(prune_act_struct(x, "2:4")))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: prune_act_unstruct(x, 1.5), "density 1.5 is outside"),
        (lambda x: prune_act_unstruct(x, True), "density must be a number"),
        (lambda x: prune_act_unstruct(x, [0.5]), r"density must be a number, this is \[0.5\]"),
        (lambda x: prune_act_unstruct(x), "pass density"),
        (lambda x: prune_act_unstruct(x, 0.5, sparsity=0.5), "not both"),
        (lambda x: prune_act_unstruct(x, 0.5, scope="batch"), "scope is 'batch'; it can be 'sample' or 'tensor'"),
        (lambda x: jax.jit(prune_act_unstruct)(x, 0.5), "density is traced; pass a Python number"),
        (lambda x: prune_act_unstruct(x.astype(int), 0.5), "x is of type int64; float32, .* `astype` converts"),
        (lambda x: prune_act_unstruct([1.0], 0.5), "x must be an array, this is a list"),
        (lambda x: prune_act_struct(x, (5, 4)), "5:4"),
        (lambda x: prune_act_struct(x, "2-4"), "2-4"),
        (lambda x: prune_act_struct(x, (2, 4), axis=2), "axis is 2, the array has 2 axes"),
    ],
)
def test_what_cannot_be_done_is_refused(call, words):
    with pytest.raises(PruneError, match=words):
        call(np.ones((2, 4), np.float32))


def test_patterns_and_scopes_that_are_none_are_refused():
    x = jnp.ones((2, 4))
    with pytest.raises(PruneError, match=r"the pattern must be \(N, M\) or 'N:M', such as \(2, 4\), this is a generator"):
        prune_act_struct(x, (n for n in (2, 4)))
    with pytest.raises(PruneError, match="scope is a list; it can be 'sample' or 'tensor'"):
        prune_act_unstruct(x, 0.5, scope=["sample"])
    with pytest.raises(PruneError, match="x is a shape without data"):
        prune_act_unstruct(jax.ShapeDtypeStruct((2, 4), jnp.float32), 0.5)
