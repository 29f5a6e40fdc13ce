"""Calls everything that prune_rs.jax offers with random arguments, fit and unfit: `python jax_calls.py SEED CALLS`.

Only a PruneError may come out. A program of its own, so that a crash or a hang is seen too.
"""

import collections
import inspect
import random
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

import prune_rs
import prune_rs.jax as offered
from prune_rs import PruneError

TREE = {"a": {"w": jnp.arange(16.0).reshape(4, 4)}, "b": jnp.ones(4)}
STRATEGY = {1: {"method": "unstr_global", "density": 0.5}}
MASKS = prune_rs.Masks({"a-w": np.eye(4, dtype=bool)})
HELD = offered.hold(optax.adam(1e-2), MASKS)
KEY = offered.pruning(TREE, 1, prune_strategy=STRATEGY)[1]
PRUNER = {**STRATEGY, 3: {"method": "unstr_unified_local", "density": 0.25, "rewind": 0}}
STEPS = {**STRATEGY, "1..=8 steps": {"method": "rigl", "fraction": 0.3, "every": 2}}

# Values that fit the arguments of these names.
FIT = dict.fromkeys(("params", "state", "updates", "gradients", "tree"), TREE) | {
    "x": TREE["a"]["w"],
    "masks": MASKS,
    "inner": optax.adam(1e-2),
    "strategy": STRATEGY,
    "prune_strategy": STRATEGY,
    "mask_key": KEY,
    "pattern": (2, 4),
    "prune_rate_pattern": 0.5,
    "density": 0.5,
    "epoch": 1,
    "step": 1,
}
FIT_OF = {
    "set_masks": {"state": HELD.init(TREE)},
    "update": {"state": HELD.init(TREE)},
    "pruning_apply": {"input_is_state": False, "float_mask_val": 0},
    "Pruner.load_state_dict": {"state": offered.Pruner(PRUNER).state_dict()},
    "MaskKey.from_state_dict": {"state": offered.pruning_apply(TREE, KEY, input_is_state=False)[1].state_dict()},
}
# Values to try instead. The functions make a new value for each call.
NUMBERS = [0, 1, -1, 5, 2.5, 0.5, float("nan"), float("inf"), 10**30, -(10**30), 1j, True, np.float16(2), np.bool_(False)]
TEXTS = ["", "-", "x", "2:4", "global", "unstr_global", "sample", b"x"]
BOXES = [None, (), (2, 4), [2, 4], [], {}, set(), object(), int, {"a": 1}, {1: 2}, [TREE], lambda *a: 1]
ARRAYS = [
    TREE["a"],
    jnp.ones(4),
    jnp.ones((2, 2), int),
    jnp.float32(1),
    np.ones((4, 4)),
    np.ones((4, 4), bool),
    np.array("t"),
    np.array([None, 1]),
    jax.ShapeDtypeStruct((4, 4), jnp.float32),
    jax.random.key(0),
]
OURS = [HELD, HELD.init(TREE), optax.adam(1e-2).init(TREE), MASKS["a-w"], prune_rs.Strategy({}), offered.Pruner, KEY.report]
UNFIT = [lambda value=value: value for value in NUMBERS + TEXTS + BOXES + ARRAYS + OURS] + [lambda: (n for n in (2, 4))]

METHODS = ("check", "start", "end_epoch", "end_step", "before_step", "masks", "forward_masks", "load_state_dict")


def functions():
    """The callables by name: a maker for each, since a pruner changes."""
    made = {name: lambda name=name: getattr(offered, name) for name in offered.__all__ if name not in ("HoldState", "MaskKey")}
    made |= {f"Pruner.{name}": lambda name=name: getattr(offered.Pruner(STEPS if "step" in name else PRUNER), name) for name in METHODS}
    return made | {
        "update": lambda: HELD.update,
        "init": lambda: HELD.init,
        "MaskKey.from_state_dict": lambda: offered.MaskKey.from_state_dict,
    }


def arguments(name_of, function, chance):
    """Random arguments under the names that a function has."""
    found, fit = {}, FIT | FIT_OF.get(name_of, {})
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            if chance.random() < 0.3:
                found[chance.choice(["gradients", "inputs", "scores", "rewind"])] = chance.choice(UNFIT)()
        elif parameter.default is parameter.empty or chance.random() < 0.4:
            found[name] = fit[name] if name in fit and chance.random() < 0.7 else chance.choice(UNFIT)()
    return found


def main(seed, calls):
    chance, made = random.Random(seed), functions()
    done, refused = collections.Counter(), collections.Counter()
    for _ in range(calls):
        name = chance.choice(sorted(made))
        function = made[name]()
        given = arguments(name, function, chance)
        try:
            function(**given)
            done[name] += 1
        except PruneError:
            refused[name] += 1
        except BaseException:
            print(f"{name} of", {key: repr(value)[:200] for key, value in given.items()}, file=sys.stderr)
            raise
    lacking = [name for name in made if not refused[name] or not done[name]]
    print(f"{calls} calls of {len(made)} functions; never done or never refused: {lacking}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
