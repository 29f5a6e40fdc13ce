"""jax_pruning's MNIST example on the sample that lies in prune-mnist: a CNN at 2:4 beside its dense twin, seed by seed.

The model, the optimiser and the loop are the original's; weights are pruned at 2:4 after the first epoch, and activations in
the forward pass of both twins. Run it from a checkout:

    python adapters/prune-python/examples/jax_mnist.py --seeds 5

From five seeds on it exits with 1 where 2:4 loses more than 0.5 points in the mean.
"""

import argparse
import functools
import gzip
import pathlib
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.training import train_state

from prune_rs.jax import prune_act_unstruct, pruning, pruning_apply, revivals

pruning_strategy = {1: {"method": "str_unified_local", "prune_rate_pattern": (2, 4)}}


class CNN(nn.Module):
    """Two convolutions and two dense layers; (n, 28, 28, 1) to (n, 10)."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(features=32, kernel_size=(3, 3))(x)
        x = nn.relu(x)
        x = prune_act_unstruct(x, 0.9)
        x = nn.avg_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = nn.Conv(features=64, kernel_size=(3, 3))(x)
        x = nn.relu(x)
        x = nn.avg_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = x.reshape((x.shape[0], -1))
        x = nn.Dense(features=256)(x)
        x = nn.relu(x)
        return nn.Dense(features=10)(x)


def read_idx(path):
    """The array of bytes in a gzipped IDX file: two zeros, the type 8, the number of axes, their lengths, the bytes."""
    data = gzip.decompress(path.read_bytes())
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is no IDX file of bytes")
    lengths = np.frombuffer(data, ">u4", data[3], 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(lengths)


def load(folder, images):
    """Training and test images in [0, 1], (n, 28, 28, 1), and labels."""
    sets = []
    for part in ("train", "t10k"):
        pixels = read_idx(folder / f"{part}-images-idx3-ubyte.gz")[:images, ..., None]
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz")[:images]
        sets.append((pixels.astype(np.float32) / 255, labels.astype(np.int32)))
    return sets


def sample_folder():
    """The sample's folder in the checkout that this file is in."""
    for parent in pathlib.Path(__file__).resolve().parents:
        folder = parent / "prune-mnist" / "data" / "sample"
        if folder.is_dir():
            return folder
    raise SystemExit("the sample is not beside this file; pass --data with a folder of MNIST's four gzipped files")


@jax.jit
def train_step(state, images, labels):
    """One step of the optimiser; the loss is the mean cross-entropy."""

    def loss(params):
        logits = state.apply_fn({"params": params}, images)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    return state.apply_gradients(grads=jax.grad(loss)(state.params))


@jax.jit
def correct(params, images, labels):
    """The number of images told right."""
    return (CNN().apply({"params": params}, images).argmax(-1) == labels).sum()


def accuracy(params, images, labels, batch=500):
    """The fraction told right."""
    batches = range(0, len(images), batch)
    return sum(int(correct(params, images[i : i + batch], labels[i : i + batch])) for i in batches) / len(images)


def train_epoch(state, images, labels, batch_size, rng):
    """One pass over the training images in an order of its own."""
    order = np.asarray(jax.random.permutation(rng, len(images)))
    for start in range(0, len(order) - batch_size + 1, batch_size):
        chosen = order[start : start + batch_size]
        state = train_step(state, images[chosen], labels[chosen])
    return state


@functools.cache
def optimizer():
    """The original's: one object, so that a step is compiled once for all runs."""
    return optax.sgd(0.1, 0.9)


def begin(train_set, seed):
    """The state of a seed after the first epoch, which the twins share, and the generator for the others."""
    rng, init_rng = jax.random.split(jax.random.PRNGKey(seed))
    params = CNN().init(init_rng, jnp.ones([1, 28, 28, 1]))["params"]
    state = train_state.TrainState.create(apply_fn=CNN().apply, params=params, tx=optimizer())
    rng, input_rng = jax.random.split(rng)
    return train_epoch(state, *train_set, 128, input_rng), rng


def train(state, rng, train_set, epochs, prune_strategy):
    """The original's loop, from the end of the first epoch; returns the state and the masks."""
    mask_key = None
    for epoch in range(1, epochs + 1):
        if epoch > 1:
            rng, input_rng = jax.random.split(rng)
            state = train_epoch(state, *train_set, 128, input_rng)
        state, mask_key = pruning_apply(state, mask_key)
        mask_updated, mask_key = pruning(state, epoch, mask_key=mask_key, prune_strategy=prune_strategy)
        if mask_updated:
            state, mask_key = pruning_apply(state, mask_key)
    return state, mask_key


def main(arguments=None):
    """Runs the twins; returns their test accuracies as an array of (seeds, 2): dense, 2:4."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, help="folder of MNIST's four gzipped IDX files; by default the sample")
    parser.add_argument("--seeds", type=int, default=1, help="how many pairs of twins (1)")
    parser.add_argument("--first-seed", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of each (2)")
    parser.add_argument("--images", type=int, default=None, help="only so many images of each set")
    chosen = parser.parse_args(arguments)
    train_set, test_set = load(chosen.data or sample_folder(), chosen.images)
    print(f"{len(train_set[0])} training images, {len(test_set[0])} test images, {chosen.epochs} epochs")
    began, results = time.perf_counter(), []
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
        twins, begun = [], begin(train_set, seed)
        for strategy in ({}, pruning_strategy):
            state, mask_key = train(*begun, train_set, chosen.epochs, strategy)
            twins.append(accuracy(state.params, *test_set))
        assert revivals(state.params, mask_key.masks, state.opt_state) == 0, "what is pruned stays zero"
        results.append(twins)
        print(f"seed {seed}: dense {twins[0]:.2%}, 2:4 {twins[1]:.2%}", flush=True)
    print(mask_key.report)
    dense, pruned = np.mean(results, 0)
    seconds = time.perf_counter() - began
    print(f"mean of {chosen.seeds}: dense {dense:.2%}, 2:4 {pruned:.2%}, {100 * (pruned - dense):+.2f} points; {seconds:.0f} s")
    return np.array(results)


def exit_status(results, seeds=5, points=0.5):
    """0, or 1 where 2:4 loses more than so many points in the mean; of fewer seeds no mean is judged."""
    dense, pruned = np.mean(results, 0)
    return int(len(results) >= seeds and 100 * (dense - pruned) > points)


if __name__ == "__main__":
    sys.exit(exit_status(main()))
