"""The pruner on pytrees against the one on dicts of numpy, and the original's two functions."""

import copy
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
flax = pytest.importorskip("flax")

import flax.serialization
import jax.numpy as jnp
from flax.core import FrozenDict, freeze
from flax.training import train_state

import prune_rs
from prune_rs import PruneError
from prune_rs.jax import HoldState, MaskKey, Pruner, hold, named_arrays, pruning, pruning_apply, revivals

TX = optax.adamw(1e-2, weight_decay=0.1)
GRADUAL = {
    1: {"method": "str_unified_local", "prune_rate_pattern": (2, 4)},
    3: {"method": "unstr_global", "prune_rate_pattern": 0.3},
    4: {"method": "unstr_local", "prune_rate_pattern": {"Dense_0-kernel": 0.1, "Dense_0-bias": 0.5}},
}


def params(seed=0):
    rng = np.random.default_rng(seed)
    draw = lambda *shape: jnp.asarray(rng.integers(-8, 9, shape) / 4, jnp.float32)
    return {"Dense_0": {"kernel": draw(8, 16), "bias": draw(16)}, "Dense_1": {"kernel": draw(16, 6), "bias": draw(6)}}


def moved(tree, seed):
    """The parameters after some training."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + jnp.asarray(rng.integers(-4, 5, leaf.shape) / 8, leaf.dtype), tree)


def as_numpy(tree):
    return {name: np.array(leaf) for name, leaf in named_arrays(tree).items()}


def same(tree, arrays):
    for name, leaf in named_arrays(tree).items():
        assert np.asarray(leaf).tobytes() == arrays[name].tobytes(), name


@pytest.mark.parametrize("box", [lambda tree: tree, freeze])
def test_pytrees_are_pruned_as_dicts_of_numpy_are(box):
    tree = box(params())
    ours, plain = Pruner(GRADUAL), prune_rs.Pruner(GRADUAL)
    assert ours.check(tree) == plain.check(as_numpy(tree))
    for epoch in range(1, 6):
        tree = moved(tree, epoch)
        before, arrays = tree, as_numpy(tree)
        kept = copy.deepcopy(as_numpy(before))
        tree, report = ours.end_epoch(epoch, tree)
        assert report == plain.end_epoch(epoch, arrays)
        same(tree, arrays)
        same(before, kept)
        assert type(tree) is type(before) and (tree is before) == (report is None)
        assert ours.held == plain.held
    mask = ours.masks(tree)["Dense_0"]["kernel"]
    assert int(mask.sum()) == 13 and ours.masks(tree)["Dense_1"]["bias"] is None


def test_a_pruner_is_saved_and_goes_on():
    tree = params()
    first = Pruner(GRADUAL)
    tree, _ = first.end_epoch(1, tree)
    second = Pruner(GRADUAL)
    second.load_state_dict(first.state_dict())
    tree = moved(tree, 1)
    for pruner in (first, second):
        pruner.end_epoch(2, tree)
    one, two = first.end_epoch(3, tree), second.end_epoch(3, tree)
    assert one[1] == two[1] and first.held == second.held
    with pytest.raises(PruneError, match="the state is of another strategy"):
        Pruner({}).load_state_dict(first.state_dict())


def test_sparse_training_moves_masks_at_steps():
    moving = {"method": "rigl", "fraction": 0.3, "every": 2}
    strategy = {0: {"method": "unstr_unified_local", "density": 0.25}, "2..=6 steps": moving}
    ours, plain = Pruner(strategy), prune_rs.Pruner(strategy)
    tree = params()
    arrays = as_numpy(tree)
    tree, report = ours.start(tree)
    assert report == plain.start(arrays)
    moves = 0
    for step in range(1, 8):
        gradients = params(seed=step)
        go = ours.before_step(gradients)
        assert go == plain.before_step(as_numpy(gradients))
        tree, report = ours.end_step(step, tree)
        expected = plain.end_step(step, arrays)
        assert report == expected
        moves += report is not None
        same(tree, arrays)
    assert moves > 0 and ours.held == plain.held


def test_rewinding_sets_every_parameter_back():
    strategy = {2: {"method": "unstr_global", "density": 0.5, "rewind": 0}}
    tree, begun = params(), params(seed=9)
    arrays = as_numpy(tree)
    ours, plain = Pruner(strategy), prune_rs.Pruner(strategy)
    tree, report = ours.end_epoch(2, tree, rewind=begun)
    assert report == plain.end_epoch(2, arrays, rewind=as_numpy(begun)) and report.rewound_to == 0
    same(tree, arrays)
    assert np.array_equal(tree["Dense_0"]["bias"], begun["Dense_0"]["bias"])


def test_evidence_is_given_as_pytrees():
    strategy = {1: {"method": "unstr_unified_local", "density": 0.5, "score": "saliency"}}
    tree, gradients = params(), params(seed=4)
    arrays = as_numpy(tree)
    tree, report = Pruner(strategy).end_epoch(1, tree, gradients=gradients)
    assert report == prune_rs.Pruner(strategy).end_epoch(1, arrays, gradients=as_numpy(gradients))
    same(tree, arrays)
    with pytest.raises(PruneError, match="there is no argument grads; pass gradients"):
        Pruner(strategy).end_epoch(1, tree, grads=gradients)


def test_the_originals_loop_gives_the_librarys_masks():
    tree, arrays = params(), as_numpy(params())
    state = train_state.TrainState.create(apply_fn=None, params=tree, tx=optax.sgd(0.1, 0.9))
    plain, mask_key, made = prune_rs.Pruner(GRADUAL), None, []
    for epoch in range(1, 6):
        state = state.replace(params=moved(state.params, epoch))
        for name, leaf in as_numpy(state.params).items():
            arrays[name][...] = leaf
        plain.hold_present(arrays)
        state, mask_key = pruning_apply(state, mask_key)
        before = mask_key
        mask_updated, mask_key = pruning(state, epoch, mask_key=mask_key, prune_strategy=GRADUAL)
        made.append(mask_updated)
        if mask_updated:
            assert mask_key.report.unchecked and mask_key.report.epoch == epoch
            assert mask_key.report.next_step is not None
            assert pruning_apply(state.params, mask_key, input_is_state=False)[1].report.next_step is not None
            assert pruning_apply(state, mask_key, hold_optimizer=False)[1].report.next_step is not None
            state, mask_key = pruning_apply(state, mask_key)
            assert mask_key.report.next_step is None  # pruning_apply has held the optimiser
        else:
            assert mask_key is before
        plain.end_epoch(epoch, arrays)
        same(state.params, arrays)
    assert made == [True, False, True, True, False]
    assert mask_key.masks == plain.masks and repr(mask_key) == "<mask key of 3 masks>"


def test_momentum_brings_nothing_back_between_two_calls():
    tree = params()
    state = train_state.TrainState.create(apply_fn=None, params=tree, tx=optax.adamw(1e-2, weight_decay=0.1))
    step = jax.jit(lambda state: state.apply_gradients(grads=jax.tree.map(lambda leaf: leaf + 1, state.params)))
    state = step(step(state))
    count = int(state.opt_state[0].count)
    _, mask_key = pruning(state, 1, prune_strategy={1: {"method": "unstr_global", "prune_rate_pattern": 0.1}})
    state, mask_key = pruning_apply(state, mask_key)
    assert isinstance(state.opt_state, HoldState) and int(state.opt_state.inner[0].count) == count
    for _ in range(5):
        state = step(state)
        assert revivals(state.params, mask_key.masks, state.opt_state) == 0
    again, _ = pruning_apply(state, mask_key)
    assert again.tx is state.tx
    # If asked, the optimiser is left alone. Then the behaviour is that of the original.
    bare = train_state.TrainState.create(apply_fn=None, params=tree, tx=optax.adamw(1e-2))
    bare, _ = pruning_apply(bare, mask_key, hold_optimizer=False)
    assert not isinstance(bare.opt_state, HoldState) and revivals(step(bare).params, mask_key.masks) > 0
    # A chain whose inner optimiser holds already.
    inside = train_state.TrainState.create(apply_fn=None, params=tree, tx=optax.chain(hold(optax.adam(1e-2))))
    inside, _ = pruning_apply(inside, mask_key)
    assert revivals(step(inside).params, mask_key.masks) == 0 and not isinstance(inside.opt_state, HoldState)


def test_an_event_of_some_layers_applies_the_masks_of_all():
    event = lambda layer: {"method": "unstr_local", "prune_rate_pattern": {layer: 0.25}}
    strategy = {1: event("Dense_0-kernel"), 2: event("Dense_1-kernel")}
    step = lambda state: state.apply_gradients(grads=jax.tree.map(lambda leaf: leaf + 1, state.params))
    state = step(train_state.TrainState.create(apply_fn=None, params=params(), tx=TX))
    mask_key = None
    for epoch in (1, 2):
        _, mask_key = pruning(state, epoch, mask_key, strategy)
        state = state if epoch == 1 else step(state)
        assert revivals(state.params, mask_key.masks) > 0
        state, mask_key = pruning_apply(state, mask_key, hold_optimizer=False)
        assert len(mask_key.masks) == epoch and revivals(state.params, mask_key.masks) == 0
        state = step(state)
        assert revivals(state.params, mask_key.masks) > 0, "the optimiser is not held"


def test_a_loop_is_saved_and_goes_on():
    fresh = lambda: train_state.TrainState.create(apply_fn=None, params=params(), tx=TX)
    step = lambda state: state.apply_gradients(grads=jax.tree.map(lambda leaf: leaf + 1, state.params))
    _, mask_key = pruning(fresh(), 1, prune_strategy=GRADUAL)
    with pytest.raises(PruneError, match="have not been applied yet; save what pruning_apply returns"):
        mask_key.state_dict()
    state, mask_key = pruning_apply(step(fresh()), mask_key)
    saved = json.dumps(mask_key.state_dict()), flax.serialization.to_bytes(step(state))

    again = MaskKey.from_state_dict(json.loads(saved[0]))
    assert again.masks == mask_key.masks
    resumed, again = pruning_apply(fresh(), again)
    resumed = flax.serialization.from_bytes(resumed, saved[1])
    here, there = step(step(state)), step(resumed)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True))
    made = [pruning(now, 3, key, GRADUAL)[1].masks for now, key in ((here, mask_key), (there, again))]
    assert made[0] == made[1] and made[0]["Dense_0-kernel"] <= mask_key.masks["Dense_0-kernel"]
    for unfit in ({}, [], {"sep": 1, "pruner": {}}, {"sep": "-", "pruner": {}}):
        with pytest.raises(PruneError):
            MaskKey.from_state_dict(unfit)


def test_parameters_alone_and_one_event_without_a_strategy():
    tree = freeze(params())
    updated, mask_key = pruning(tree, method="unstr_global", prune_rate_pattern=0.25)
    assert updated and mask_key.masks == prune_rs.mask_global({n: a for n, a in as_numpy(tree).items() if "kernel" in n}, 0.25)
    pruned, same_key = pruning_apply(tree, mask_key, input_is_state=False)
    assert isinstance(pruned, FrozenDict) and revivals(pruned, same_key.masks) == 0
    _, by_layer = pruning(tree, type="str", prune_rate_pattern={"Dense_1-kernel": (1, 2)}, prune_axis=0)
    assert by_layer.masks["Dense_1-kernel"] == prune_rs.mask_n_m(tree["Dense_1"]["kernel"], (1, 2), 0)
    # After the second event, both masks are in force.
    _, both = pruning(pruned, mask_key=same_key, method="unstr_local", prune_rate_pattern={"Dense_0-kernel": 0.1})
    assert set(both.masks) == {"Dense_0-kernel", "Dense_1-kernel"} and both.masks["Dense_0-kernel"] <= mask_key.masks["Dense_0-kernel"]
    assert pruning(tree) == (False, None) and pruning_apply(tree, None) == (tree, None)


def test_axes_and_floating_masks_of_the_originals_arguments():
    tree = params()
    strategy = {1: {"method": "str_unified_local", "prune_rate_pattern": (2, 4)}}
    _, mask_key = pruning(tree, 1, prune_strategy=strategy, prune_axis=0)
    assert mask_key.masks["Dense_0-kernel"] == prune_rs.mask_n_m(tree["Dense_0"]["kernel"], (2, 4), 0)
    assert "axis" not in strategy[1]
    mask_key, seen = None, []
    strategy = {2: {"method": "unstr_global", "prune_rate_pattern": 0.5}}
    for epoch in range(1, 6):
        tree = moved(tree, epoch)
        updated, mask_key = pruning(tree, epoch, mask_key, strategy, float_pruning_start=2, float_pruning_end=4)
        seen.append(updated)
        tree, mask_key = pruning_apply(tree, mask_key, input_is_state=False)
    assert seen == [False, True, True, True, False] and revivals(tree, mask_key.masks) == 0
    assert mask_key.report.epoch == 4


def test_floating_masks_are_the_ranges_of_the_library():
    table = {"2..=4": {"method": "unstr_global", "density": 0.5}}
    tree, plain, mask_key = params(), prune_rs.Pruner(table), None
    arrays = as_numpy(tree)
    for epoch in range(1, 6):
        tree = moved(tree, epoch)
        for name, leaf in as_numpy(tree).items():
            arrays[name][...] = leaf
        updated, mask_key = pruning(tree, epoch, mask_key, table)
        if updated:
            tree, mask_key = pruning_apply(tree, mask_key, input_is_state=False)
        plain.end_epoch(epoch, arrays)
        same(tree, arrays)
    assert mask_key.masks == plain.masks


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: pruning(t, 1, prune_strategy={1: {"method": "unstr_globl", "prune_rate_pattern": 0.5}}), "unstr_globl.*unstr_global"),
        (lambda t: pruning(t, 1, prune_strategy={1: {"method": "unstr_local", "prune_rate_pattern": {"Dense_0-kernl": 0.5}}}), "Dense_0-kernl.*did you mean `Dense_0-kernel`"),
        (lambda t: pruning(t, prune_strategy=GRADUAL), "pass the epoch that ends"),
        (lambda t: pruning(t, method=None, prune_rate_pattern=0.5), "method must be a text, this is None"),
        (lambda t: pruning(t, 1, prune_strategy=GRADUAL, prune_axis=[0]), "prune_axis must be a whole number, this is a list"),
        (lambda t: pruning_apply(t, pruning(t, 1, prune_strategy=GRADUAL)[1], input_is_state=None), "input_is_state must be True or False"),
        (lambda t: Pruner(GRADUAL, defaults="python"), "defaults is 'python'; it can be 'library' or 'files'"),
        (lambda t: Pruner(GRADUAL).forward_masks(t, rewind=t), "there is no argument rewind; pass gradients, inputs, scores"),
        (lambda t: hold(5), "hold takes an optax transformation, such as optax.adam.*this is a int"),
        (lambda t: pruning(t, 3, prune_strategy=GRADUAL), "1"),
        (lambda t: pruning(t, 1, mask_key=[[], []], prune_strategy=GRADUAL), "mask_key is what pruning returned, or None; this is a list"),
        (lambda t: pruning(t, 1, prune_strategy=GRADUAL, float_pruning_start=2, float_pruning_end=5), "float_pruning_start is 2"),
        (lambda t: jax.jit(lambda t: pruning(t, 1, prune_strategy=GRADUAL)[0])(t), "it is traced.*make masks outside jit"),
        (lambda t: pruning_apply(t, pruning(t, 1, prune_strategy=GRADUAL)[1]), "a dict is no TrainState; pass input_is_state=False"),
        (lambda t: pruning_apply(t, pruning(t, 1, prune_strategy=GRADUAL)[1], 1), "float_mask_val is 1"),
        (lambda t: pruning_apply({"a": t}, pruning(t, 1, prune_strategy=GRADUAL)[1], input_is_state=False), "a mask names `Dense_0-kernel`"),
        (lambda t: pruning({**t, "a": jnp.full((2, 2), jnp.nan)}, 1, prune_strategy=GRADUAL), r"layer `a`: the score at \[0, 0\] is NaN"),
        (lambda t: pruning({**t, "a": jnp.ones((2, 2), int)}, 1, prune_strategy=GRADUAL), "layer `a`: it cannot be pruned: its elements are of type int32"),
    ],
)
def test_what_cannot_be_done_is_refused(call, words):
    with pytest.raises(PruneError, match=words):
        call(params())


def test_random_calls_give_results_or_prune_errors():
    program = str(pathlib.Path(__file__).with_name("jax_calls.py"))
    done = subprocess.run([sys.executable, program, "3", "3000"], capture_output=True, text=True, timeout=400, env=os.environ)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "3000 calls of 27 functions; never done or never refused: []" in done.stdout
