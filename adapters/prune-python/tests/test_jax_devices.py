"""Arrays on several devices, and the example: programs of their own, since JAX counts its devices once."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("jax")
pytest.importorskip("flax")
pytest.importorskip("optax")

ROOT = pathlib.Path(__file__).parent.parent

TWO_DEVICES = """
import jax, jax.numpy as jnp, numpy as np, optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import prune_rs
from prune_rs.jax import Pruner, apply_masks, hold, mask_tree, prune_act_struct, prune_act_unstruct, revivals, set_masks

one, two = jax.devices()
array = np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)
mesh = Mesh(np.array([one, two]), ("x",))
spread = NamedSharding(mesh, PartitionSpec("x"))
plain = {"kernel": array}
strategy = {1: {"method": "unstr_global", "density": 0.3}}
expected, report = Pruner(strategy).end_epoch(1, plain)
for place in (two, spread, NamedSharding(mesh, PartitionSpec(None, "x"))):
    params = {"kernel": jax.device_put(array, place)}
    pruner = Pruner(strategy)
    pruned, made = pruner.end_epoch(1, params)
    assert made == report and np.array_equal(pruned["kernel"], expected["kernel"])
    assert pruned["kernel"].devices() == params["kernel"].devices()
    inside = jax.jit(apply_masks)(params, pruner.masks(params))
    assert inside["kernel"].devices() == params["kernel"].devices()

    tx = hold(optax.adam(1e-2))
    state = set_masks(tx.init(params), pruner.held)

    @jax.jit
    def step(params, state):
        updates, state = tx.update(jax.tree.map(jnp.sin, params), state, params)
        return optax.apply_updates(params, updates), state

    for _ in range(3):
        params, state = step(params, state)
    assert revivals(params, pruner.held, state) == 0
    assert params["kernel"].devices() == pruned["kernel"].devices()

    back = {1: {"method": "unstr_global", "density": 0.3, "rewind": 0}}
    for begun in (array + 1, jnp.asarray(array + 1), jax.device_put(array + 1, one), jax.device_put(array + 1, spread)):
        rewound, _ = Pruner(back).end_epoch(1, params, rewind={"kernel": begun})
        assert rewound["kernel"].sharding == params["kernel"].sharding, (begun, place)

    x = jax.device_put(array, place)
    assert np.array_equal(jax.jit(lambda x: prune_act_unstruct(x, 0.3))(x), prune_rs.prune_act_unstruct(array, 0.3)[0])
    assert np.array_equal(jax.jit(lambda x: prune_act_struct(x, (2, 4)))(x), prune_rs.prune_act_struct(array, (2, 4))[0])
    assert np.array_equal(jax.jit(lambda x: prune_act_unstruct(x, 0.3, scope="tensor"))(x),
                          prune_rs.prune_act_unstruct(array, 0.3, scope="tensor")[0])
"""


def run(arguments, tmp_path, **environment):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=240, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_masks_do_not_depend_on_where_arrays_lie(tmp_path):
    run(["-c", TWO_DEVICES], tmp_path, XLA_FLAGS="--xla_force_host_platform_device_count=2", JAX_PLATFORMS="cpu")


def test_the_example_runs_on_part_of_the_sample(tmp_path):
    said = run([str(ROOT / "examples" / "jax_mnist.py"), "--images", "512"], tmp_path)
    assert "512 training images, 512 test images, 2 epochs" in said
    kept = [line.split()[4:7] for line in said.splitlines() if line.startswith("Dense_0-kernel")]
    assert kept == [["401408", "802816", "50.00%"]]
    assert "mean of 1: dense " in said


def test_the_example_fails_where_five_seeds_lose_more_than_half_a_point():
    spec = importlib.util.spec_from_file_location("jax_mnist", ROOT / "examples" / "jax_mnist.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    pairs = lambda lost, seeds=5: [[0.96 + seed / 1000, 0.96 + seed / 1000 - lost] for seed in range(seeds)]
    for fine in (0.0049, 0.0, -0.01):
        assert example.exit_status(pairs(fine)) == 0
    assert example.exit_status(pairs(0.0051)) == 1
    assert example.exit_status([*pairs(0.0), [0.96, 0.8]]) == 1, "it is the mean that counts"
    assert example.exit_status(pairs(0.1, seeds=4)) == 0, "few seeds tell nothing"
