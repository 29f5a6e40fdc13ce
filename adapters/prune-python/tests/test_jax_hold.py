"""Held optimisers: weights and buffers outside the masks are +0.0 after every step."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
pytest.importorskip("flax")

import jax.numpy as jnp
from flax import nnx
from flax.training import train_state

import prune_rs
from prune_rs import PruneError
from prune_rs.jax import Pruner, apply_masks, buffers, hold, named_arrays, revivals, set_masks, unheld


def params(dtype=jnp.float32):
    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.standard_normal(shape), dtype)
    return {"Dense_0": {"kernel": draw(8, 16), "bias": draw(16)}, "out": {"Dense_0": {"kernel": draw(16, 16)}}}


def masks_of(tree, density=0.25):
    return {name: prune_rs.mask_unstructured(leaf, density) for name, leaf in named_arrays(tree).items() if leaf.ndim == 2}


def loss(tree, x):
    hidden = jnp.tanh(x @ tree["Dense_0"]["kernel"] + tree["Dense_0"]["bias"])
    return jnp.mean((hidden @ tree["out"]["Dense_0"]["kernel"] - 1) ** 2).astype(jnp.float32)


def stepper(tx):
    traces = []

    @jax.jit
    def step(tree, state, x):
        traces.append(1)
        updates, state = tx.update(jax.grad(loss)(tree, x), state, tree)
        return optax.apply_updates(tree, updates), state

    return step, traces


OPTIMISERS = {
    "sgd": lambda: optax.sgd(0.1, 0.9),
    "nesterov": lambda: optax.sgd(0.1, 0.9, nesterov=True),
    "adam": lambda: optax.adam(1e-2),
    "adamw": lambda: optax.adamw(1e-2, weight_decay=0.1),
    "amsgrad": lambda: optax.amsgrad(1e-2),
    "lion": lambda: optax.lion(1e-3, weight_decay=0.1),
    "lamb": lambda: optax.lamb(1e-2, weight_decay=0.1),
    "rmsprop": lambda: optax.rmsprop(1e-3, momentum=0.9),
    "clipped": lambda: optax.chain(optax.clip_by_global_norm(0.5), optax.adam(optax.cosine_decay_schedule(1e-2, 100))),
    "several": lambda: optax.MultiSteps(optax.adamw(1e-2, weight_decay=0.1), 2).gradient_transformation(),
    "by layer": lambda: optax.multi_transform(
        {"a": optax.adam(1e-2), "b": optax.sgd(1e-2, 0.9)}, {"Dense_0": {"kernel": "a", "bias": "a"}, "out": "b"}
    ),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_nothing_comes_back(name):
    tree, tx = params(), hold(OPTIMISERS[name]())
    state, masks = tx.init(tree), masks_of(params())
    step, traces = stepper(tx)
    x = jax.random.normal(jax.random.PRNGKey(0), (32, 8))
    for _ in range(5):
        tree, state = step(tree, state, x)
    assert revivals(tree, masks, state) > 0, "nothing is held before there are masks"
    tree, state = apply_masks(tree, masks), set_masks(state, masks)
    for _ in range(5):
        tree, state = step(tree, state, x)
        assert revivals(tree, masks, state) == 0
    assert all(int((leaf != 0).sum()) == masks[layer].kept for layer, leaf in named_arrays(tree).items() if layer in masks)
    # Other masks from the present weights, which the test does not apply: the next step does.
    fewer = masks_of(tree, 0.1)
    state = set_masks(state, fewer)
    tree, state = step(tree, state, x)
    assert revivals(tree, fewer, state) == 0
    for leaf in jax.tree.leaves(tree):
        assert not bool((jnp.signbit(leaf) & (leaf == 0)).any()), "+0.0, not -0.0"
    assert len(traces) == 1, "new masks compile nothing"


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_no_revival_in_a_thousand_steps_of_adam_with_weight_decay(dtype):
    tree = params(dtype)
    masks = masks_of(tree)
    tree, tx = apply_masks(tree, masks), hold(optax.adamw(1e-2, weight_decay=0.1), masks)
    state, x = tx.init(tree), jax.random.normal(jax.random.PRNGKey(0), (32, 8), dtype)

    @jax.jit
    def thousand(tree, state):
        def body(_, carried):
            tree, state = carried
            updates, state = tx.update(jax.grad(loss)(tree, x), state, tree)
            return optax.apply_updates(tree, updates), state

        return jax.lax.fori_loop(0, 1000, body, (tree, state))

    before = tree
    tree, state = thousand(tree, state)
    assert revivals(tree, masks, state) == 0
    kept = np.asarray(masks["Dense_0-kernel"])
    assert np.all(np.asarray(tree["Dense_0"]["kernel"] != before["Dense_0"]["kernel"])[kept]), "what is kept trains on"
    assert set(buffers(state, tree)) == {"inner-0-mu", "inner-0-nu"}


def test_kept_weights_train_as_without_hold_where_nothing_is_masked():
    tree, x = params(), jax.random.normal(jax.random.PRNGKey(0), (32, 8))
    plain, held = optax.adamw(1e-2, weight_decay=0.1), hold(optax.adamw(1e-2, weight_decay=0.1))
    a, b = (stepper(tx)[0] for tx in (plain, held))
    ta, sa, tb, sb = tree, plain.init(tree), tree, held.init(tree)
    for _ in range(5):
        ta, sa = a(ta, sa, x)
        tb, sb = b(tb, sb, x)
    for left, right in zip(jax.tree.leaves(ta), jax.tree.leaves(tb)):
        assert np.allclose(left, right, rtol=1e-5, atol=1e-6)


def test_buffers_belong_to_the_longest_path():
    tree = params()
    state = optax.adam(1e-2).init(tree)
    found = buffers(state, tree)
    assert set(found) == {"0-mu", "0-nu"} and set(found["0-mu"]) == set(named_arrays(tree))
    assert found["0-mu"]["out-Dense_0-kernel"].shape == (16, 16)
    factored = optax.adafactor(1e-2, min_dim_size_to_factor=8).init(tree)
    assert any(name.endswith("v_row-Dense_0-kernel") for name in unheld(factored, tree))
    assert unheld(state, tree) == []


@pytest.mark.parametrize("masked", ["w", "mu-w", "nu-w"])
@pytest.mark.parametrize("name", ["adam", "adamw", "nesterov", "several", "clipped"])
def test_parameters_may_have_the_names_of_buffers(name, masked):
    ones = lambda: jnp.ones((4, 4))
    tree = {"w": ones(), "mu": {"w": ones()}, "nu": {"w": ones()}, "trace": {"w": ones()}}
    kept = np.arange(16).reshape(4, 4) % 2 == 0
    tx = hold(OPTIMISERS[name]())
    state = tx.init(tree)
    gradients = jax.tree.map(lambda leaf: leaf / 8, tree)
    for _ in range(2):
        _, state = tx.update(gradients, state, tree)
    state = set_masks(state, {masked: kept})
    tree = apply_masks(tree, {masked: kept})
    for _ in range(2):
        _, state = tx.update(gradients, state, tree)
        kinds = buffers(state, tree)
        assert kinds and all(set(kind) == set(named_arrays(tree)) for kind in kinds.values())
        for kind in kinds.values():
            if all(not leaf.any() for leaf in kind.values()):
                continue  # sums that MultiSteps has just spent
            for layer, leaf in kind.items():
                assert np.array_equal(np.asarray(leaf) != 0, kept if layer == masked else np.ones((4, 4), bool)), layer


def test_parts_that_optax_left_out_keep_their_place():
    tree = {"w": jnp.ones((2, 2)), "mu": {"w": jnp.ones((2, 2))}}
    labels = {"w": "a", "mu": "b"}
    state = optax.multi_transform({"a": optax.adam(1e-2), "b": optax.sgd(1e-2, 0.9)}, labels).init(tree)
    found = {kind: set(named) for kind, named in buffers(state, tree).items()}
    assert sorted(map(sorted, found.values())) == [["mu-w"], ["w"], ["w"]]


def test_a_buffer_of_two_owners_is_refused():
    tree = {"w": jnp.ones((2, 2)), "mu": {"w": jnp.ones((2, 2))}}
    words = "buffer `mu-w` may belong to parameter `mu-w` or `w`; pass the parameters in the structure"
    with pytest.raises(PruneError, match=words):
        buffers({"mu": {"w": jnp.ones((2, 2))}}, tree)
    # Their shapes tell them apart, and so does the whole structure.
    assert buffers({"mu": {"w": jnp.ones((2, 3))}}, {**tree, "w": jnp.ones((2, 3))})["mu"].keys() == {"w"}
    flat = named_arrays(tree)
    assert set(buffers(optax.adam(1e-2).init(tree), flat)["0-mu"]) == {"w", "mu-w"}


def test_masks_survive_a_donated_state():
    tree, tx = params(), hold(optax.adam(1e-2))
    masks = {name: jnp.asarray(mask.to_numpy()) for name, mask in masks_of(tree).items()}
    state = set_masks(tx.init(tree), masks)
    step = jax.jit(lambda tree, state: tx.update(tree, state, tree), donate_argnums=1)
    step(tree, state)
    assert not any(mask.is_deleted() for mask in masks.values())


def test_train_states_and_optimisers_of_nnx():
    tree = params()
    pruner = Pruner({1: {"method": "unstr_unified_local", "density": 0.2}})
    state = train_state.TrainState.create(apply_fn=None, params=tree, tx=hold(optax.adam(1e-2)))
    pruned, report = pruner.end_epoch(1, state.params)
    state = state.replace(params=pruned, opt_state=set_masks(state.opt_state, pruner.held))
    state = state.apply_gradients(grads=jax.tree.map(jnp.ones_like, tree))
    assert report is not None and revivals(state.params, pruner.held, state.opt_state) == 0

    model = nnx.Linear(8, 16, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, hold(optax.adamw(1e-2, weight_decay=0.1)), wrt=nnx.Param)
    pruner = Pruner({1: {"method": "str_unified_local", "pattern": "2:4"}})

    @nnx.jit
    def step(model, optimizer, x):
        optimizer.update(model, nnx.grad(lambda model: jnp.mean((model(x) - 1) ** 2))(model))

    x = jax.random.normal(jax.random.PRNGKey(0), (4, 8))
    step(model, optimizer, x)
    pruned, _ = pruner.end_epoch(1, nnx.state(model, nnx.Param))
    nnx.update(model, pruned)
    optimizer.opt_state = set_masks(optimizer.opt_state, pruner.held)
    for _ in range(3):
        step(model, optimizer, x)
    weights = nnx.state(model, nnx.Param)
    assert revivals(weights, pruner.held, optimizer.opt_state) == 0
    assert int((model.kernel[...] != 0).sum()) == 64
    assert set(buffers(optimizer.opt_state, weights)) == {"inner-0-mu", "inner-0-nu"}


def test_what_cannot_be_held_is_refused():
    tree, tx = params(), hold(optax.sgd(0.1))
    state = tx.init(tree)
    with pytest.raises(PruneError, match="hold needs the parameters"):
        tx.update(tree, state)
    with pytest.raises(PruneError, match="a HoldState, this is a tuple"):
        tx.update(tree, optax.sgd(0.1).init(tree), tree)
    with pytest.raises(PruneError, match="there is no state of hold in it"):
        set_masks(optax.sgd(0.1).init(tree), {})
    with pytest.raises(PruneError, match="a mask names `Dense-kernel`"):
        set_masks(state, {"Dense-kernel": np.ones((8, 16), bool)})
    with pytest.raises(PruneError, match=r"its shape is \(8, 16\), its mask was made for \(2, 2\)"):
        hold(optax.sgd(0.1), {"Dense_0-kernel": np.ones((2, 2), bool)}).init(tree)
    grown = {**tree, "Dense_0": {"kernel": jnp.ones((8, 20)), "bias": jnp.ones(20)}}
    with pytest.raises(PruneError, match=r"layer `Dense_0-bias`: its shape is \(20,\), its mask was made for \(16,\)"):
        tx.update(grown, state, grown)


def test_a_state_begun_for_other_parameters_is_refused():
    kernel = jnp.ones((4, 4))
    tx = hold(optax.sgd(0.1), {"a-kernel": np.eye(4, dtype=bool)})
    state = tx.init({"a": {"kernel": kernel}})
    others = {"c": {"kernel": kernel}}, {"a": {"kernel": kernel}, "c": {"kernel": kernel}}, {}
    words = "has a mask of `a-kernel`, which params lack", "has no mask of `c-kernel`, which params have", "`a-kernel`, which params lack"
    for tree, said in zip(others, words, strict=True):
        for update in (tx.update, jax.jit(tx.update)):
            with pytest.raises(PruneError, match=f"{said}: it was begun for other parameters; begin it anew"):
                update(tree, state, tree)


def test_parts_that_optax_leaves_out_of_a_step_are_no_other_parameters():
    tree = {"a": {"kernel": jnp.ones((4, 4))}, "b": {"kernel": jnp.ones((4, 4))}}
    masks = {"a-kernel": np.eye(4, dtype=bool)}
    tx = optax.masked(hold(optax.adam(0.1), masks), {"a": True, "b": False})
    updates, state = tx.update(tree, tx.init(tree), tree)
    assert revivals({"a": updates["a"]}, masks) == 12, "what takes weights to zero"
    # The step gets only part of the parameters that the state was made for.
    inner, part = optax.adam(0.1), {"a": optax.MaskedNode(), "b": tree["b"]}
    held = hold(inner, masks)
    updates, state = held.update(part, held.init(tree)._replace(inner=inner.init(part)), part)
    assert updates["a"] == optax.MaskedNode() and set(state.masks) == {"a-kernel", "b-kernel"}


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_weights_that_no_update_takes_to_zero_are_refused(value):
    masks, tx = {"kernel": np.eye(2, dtype=bool)}, hold(optax.sgd(0.1, 0.9))
    outside, inside = ({"kernel": jnp.ones((2, 2)).at[place].set(value)} for place in ((0, 1), (1, 1)))
    state = set_masks(tx.init(outside), masks)
    gradients = {"kernel": jnp.ones((2, 2))}
    with pytest.raises(PruneError, match="layer `kernel`: a weight outside its mask is infinite or NaN.*apply the masks to"):
        tx.update(gradients, state, outside)
    applied = apply_masks(outside, masks)
    for update in (tx.update, jax.jit(tx.update)):
        updates, after = update(gradients, state, applied)
        assert revivals(optax.apply_updates(applied, updates), masks, after) == 0
        updates, _ = update(gradients, state, inside)
        assert optax.apply_updates(inside, updates)["kernel"][0, 1] == 0


@pytest.mark.parametrize(
    ("updates", "words"),
    [
        ({"a": jnp.ones((2, 2))}, "the updates have nothing for `b`, which params have"),
        ({"a": jnp.ones((2, 2)), "b": "x"}, "update `b` is a str; pass arrays"),
        ({"a": jnp.ones((2, 2)), "b": jnp.ones(3)}, r"update `b`: its shape is \(3,\), the parameter's is \(2,\)"),
        ({"a": jnp.ones((2, 2)), "b": jnp.ones(2), "c": jnp.ones(2)}, "the updates have `c`, which params lack"),
    ],
)
def test_updates_of_other_parameters_are_refused(updates, words):
    tree = {"a": jnp.ones((2, 2)), "b": jnp.ones(2)}
    tx = hold(optax.sgd(0.1))
    with pytest.raises(PruneError, match=words):
        tx.update(updates, tx.init(tree), tree)
    tx.update({"a": jnp.ones((2, 2)), "b": None}, tx.init(tree), tree)
