"""Pytrees by names, masks as pytrees, and masks applied by selection."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
pytest.importorskip("flax")

import jax.numpy as jnp
import ml_dtypes
from flax import nnx
from flax.core import FrozenDict, freeze

import prune_rs
from prune_rs import Mask, Masks, PruneError
from prune_rs.jax import MaskKey, Pruner, apply_masks, buffers, hold, mask_tree, named_arrays, named_masks, pruning
from prune_rs.jax import revivals, set_masks, unheld


def params(dtype=jnp.float32, seed=0):
    rng = np.random.default_rng(seed)
    draw = lambda *shape: jnp.asarray(rng.standard_normal(shape), dtype)
    return {"Dense_0": {"kernel": draw(6, 8), "bias": draw(8)}, "blocks": [{"kernel": draw(8, 4)}, {"kernel": draw(4, 4)}]}


NAMES = ["Dense_0-bias", "Dense_0-kernel", "blocks-0-kernel", "blocks-1-kernel"]


class Network(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(6, 8, rngs=rngs)
        self.drop = nnx.Dropout(0.1, rngs=rngs)
        self.rest = nnx.List([nnx.Linear(8, 4, rngs=rngs)])


def test_names_are_joined_paths():
    assert list(named_arrays(params())) == NAMES
    assert list(named_arrays(freeze({"params": {"Dense_0": {"kernel": jnp.ones(2)}}}))) == ["params-Dense_0-kernel"]
    assert list(named_arrays(params(), sep="/"))[1] == "Dense_0/kernel"
    assert list(named_arrays({"a": 3, "b": None, "c": jnp.ones(1), "key": jax.random.key(0)})) == ["c"]


def test_states_and_modules_of_nnx_have_the_names_of_attributes():
    network = Network(nnx.Rngs(0))
    expected = ["first-bias", "first-kernel", "rest-0-bias", "rest-0-kernel"]
    assert list(named_arrays(nnx.state(network, nnx.Param))) == expected
    assert [name for name in named_arrays(network) if not name.startswith("drop")] == expected
    assert list(named_arrays(nnx.to_pure_dict(nnx.state(network, nnx.Param)))) == expected
    masks = prune_rs.mask_global({"first-kernel": network.first.kernel[...]}, 0.25)
    for tree in (nnx.state(network, nnx.Param), network):
        applied = named_arrays(apply_masks(tree, masks))
        assert int((applied["first-kernel"] != 0).sum()) == 12
        assert applied["rest-0-kernel"] is named_arrays(tree)["rest-0-kernel"]
    assert isinstance(apply_masks(nnx.state(network, nnx.Param), masks), nnx.State)


def test_masks_are_made_of_views():
    array = params()["Dense_0"]["kernel"]
    view = np.asarray(array)
    assert not view.flags.owndata and not view.flags.writeable
    assert prune_rs.mask_unstructured(array, 0.3) == prune_rs.mask_unstructured(view.copy(), 0.3)
    half = array.astype(jnp.bfloat16)
    assert prune_rs.mask_n_m(half, "2:4") == prune_rs.mask_n_m(np.asarray(half).copy(), "2:4")


def test_mask_trees_have_the_structure_of_parameters():
    tree = params()
    masks = prune_rs.mask_global({name: tree_ for name, tree_ in named_arrays(tree).items() if "kernel" in name}, 0.5)
    made = mask_tree(masks, tree)
    assert made["Dense_0"]["bias"] is None and made["blocks"][1]["kernel"].dtype == bool
    assert np.array_equal(made["Dense_0"]["kernel"], masks["Dense_0-kernel"].to_numpy())
    complete = mask_tree(masks, tree, complete=True)
    assert jax.tree.structure(complete) == jax.tree.structure(tree)
    assert bool(complete["Dense_0"]["bias"].all())
    assert isinstance(mask_tree(masks, freeze(tree)), FrozenDict)
    # The way back gives the same bits.
    assert Masks({name: Mask.from_numpy(np.asarray(mask)) for name, mask in named_masks(made).items()}) == masks


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float16, jnp.bfloat16])
def test_applying_selects(dtype):
    tree = params(dtype)
    wild = tree["Dense_0"]["kernel"].at[0, 0].set(jnp.nan).at[1, 1].set(-jnp.inf).at[2, 2].set(-0.0)
    tree["Dense_0"]["kernel"] = wild
    kept = np.random.default_rng(1).random((6, 8)) < 0.5
    kept[0, 0] = kept[1, 1] = kept[2, 2] = False
    expected = np.where(kept, np.asarray(wild), np.zeros((), np.asarray(wild).dtype))
    for masks in (
        {"Dense_0-kernel": kept},
        {"Dense_0": {"kernel": jnp.asarray(kept)}},
        Masks({"Dense_0-kernel": kept}),
        mask_tree({"Dense_0-kernel": kept}, tree),
    ):
        applied = apply_masks(tree, masks)
        assert np.asarray(applied["Dense_0"]["kernel"]).tobytes() == expected.tobytes()
        assert applied["Dense_0"]["bias"] is tree["Dense_0"]["bias"]
        assert revivals(applied, masks) == 0 < revivals(tree, masks)
    inside = jax.jit(apply_masks)(tree, {"Dense_0": {"kernel": kept}})
    assert np.asarray(inside["Dense_0"]["kernel"]).tobytes() == expected.tobytes()


def test_one_array_is_a_tree():
    array = jnp.arange(8.0)
    mask = prune_rs.mask_n_m(array, "1:4")
    assert apply_masks(array, mask).tolist() == [0, 0, 0, 3, 0, 0, 0, 7]
    assert mask_tree(mask, array).tolist() == mask.to_numpy().tolist() and revivals(array, mask) == 5


def test_numpy_stays_numpy():
    tree = {"kernel": np.arange(8.0).reshape(2, 4)}
    applied = apply_masks(tree, {"kernel": prune_rs.mask_n_m(tree["kernel"], "2:4")})["kernel"]
    assert isinstance(applied, np.ndarray) and applied.dtype == np.float64
    assert applied.tolist() == [[0, 0, 2, 3], [0, 0, 6, 7]]
    half = {"kernel": np.ones((2, 2), ml_dtypes.bfloat16)}
    assert apply_masks(half, {"kernel": np.eye(2, dtype=bool)})["kernel"].dtype == ml_dtypes.bfloat16


def test_gradients_pass_kept_elements_only():
    tree, kept = params(), np.random.default_rng(2).random((6, 8)) < 0.5
    loss = lambda tree: sum(jnp.sum(jnp.log(jnp.abs(leaf)) * leaf) for leaf in [apply_masks(tree, {"Dense_0-kernel": kept})["Dense_0"]["kernel"]])
    gradient = np.asarray(jax.grad(lambda tree: jnp.sum(3 * apply_masks(tree, {"Dense_0-kernel": kept})["Dense_0"]["kernel"]))(tree)["Dense_0"]["kernel"])
    assert np.array_equal(gradient, np.where(kept, 3, 0).astype(np.float32))
    # A gradient outside the mask that is not finite has no effect.
    assert np.isnan(float(loss(tree)))
    gradient = np.asarray(jax.grad(loss)(tree)["Dense_0"]["kernel"])
    assert np.all(gradient[~kept] == 0) and np.all(np.isfinite(gradient[kept]))
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), tree)
    mapped = jax.vmap(lambda tree: apply_masks(tree, {"Dense_0-kernel": kept}))(stacked)
    assert np.array_equal(np.asarray(mapped["Dense_0"]["kernel"][1] != 0), kept)


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ({"Dense_0-kernal": np.ones((6, 8), bool)}, "a mask names `Dense_0-kernal`.*did you mean `Dense_0-kernel`"),
        ({"Dense_0-kernel": np.ones((8, 6), bool)}, r"layer `Dense_0-kernel`: its shape is \(6, 8\), its mask was made for \(8, 6\)"),
        ({"Dense_0": {"kernel": np.ones((6, 8))}}, "mask `Dense_0-kernel`: a mask is a prune_rs.Mask or an array of bool"),
        ({"Dense_0-kernel": 1}, "array of bool, this is of int"),
        ({"count": np.ones((3, 3), bool)}, "layer `count`: its elements are of type int32, which is not pruned"),
    ],
)
def test_masks_that_do_not_fit_are_refused(masks, words):
    tree = {**params(), "count": jnp.zeros((3, 3), jnp.int32)}
    for call in (lambda: apply_masks(tree, masks), lambda: mask_tree(masks, tree), lambda: jax.jit(lambda t: apply_masks(t, masks))(tree)):
        with pytest.raises(PruneError, match=words):
            call()


def test_arrays_that_cannot_be_read_are_refused():
    with pytest.raises(PruneError, match="layer `a`: it is traced.*make masks outside jit"):
        jax.jit(lambda a: named_arrays({"a": a}))(jnp.ones(3))
    with pytest.raises(PruneError, match="layer `a`: it is a shape without data"):
        named_arrays(jax.eval_shape(lambda: {"a": jnp.ones(3)}))
    gone = jnp.ones(3)
    gone.delete()
    with pytest.raises(PruneError, match="layer `a`: its memory has been given away"):
        named_arrays({"a": gone})
    with pytest.raises(PruneError, match="two leaves called `a-b`; pass a sep"):
        named_arrays({"a-b": jnp.ones(1), "a": {"b": jnp.ones(1)}})


@pytest.mark.parametrize("sep", ["", None, 1, {}])
def test_a_separator_is_a_text_that_shows(sep):
    tree, masks = params(), {"Dense_0-kernel": np.ones((6, 8), bool)}
    state = hold(optax.adam(1e-2)).init(tree)
    calls = [
        lambda: named_arrays(tree, sep=sep),
        lambda: named_masks(Masks(masks), sep=sep),
        lambda: mask_tree(masks, tree, sep=sep),
        lambda: apply_masks(tree, masks, sep=sep),
        lambda: revivals(tree, masks, state, sep=sep),
        lambda: buffers(state, tree, sep=sep),
        lambda: unheld(state, tree, sep=sep),
        lambda: hold(optax.adam(1e-2), sep=sep),
        lambda: set_masks(state, masks, sep=sep),
        lambda: Pruner({}, sep=sep),
        lambda: pruning(tree, prune_rate_pattern=0.5, method="global", sep=sep),
        lambda: MaskKey.from_state_dict({"sep": sep, "pruner": prune_rs.Pruner({}).state_dict()}),
    ]
    for call in calls:
        with pytest.raises(PruneError, match="sep must be a text of at least one character, such as '-'"):
            call()
