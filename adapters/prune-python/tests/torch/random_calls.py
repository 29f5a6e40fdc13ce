"""Calls every function of prune_rs.torch with values that do not fit: each returns, or raises PruneError.

Run by test_torch_random.py in a process of its own, since a fault of native code would end it. Argument: the seed.
"""

import random
import sys
import warnings

import numpy as np
import prune_rs
import prune_rs.torch
import torch
from prune_rs import LayerFacts, Mask, PruneError
from torch import nn

warnings.simplefilter("ignore")
PICK = random.Random(int(sys.argv[1]))
KEPT = {"format": "prune-kept-1", "tensors": [{"name": "0.weight", "shape": ["x"], "content": "", "axes": []}]}


def pruned():
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    nn.utils.prune.l1_unstructured(module[0], "weight", 0.5)
    return module


def strange():
    module = nn.Module()
    module.w = nn.Parameter(torch.ones(3, 3, dtype=torch.complex64).conj())
    module.s = nn.Parameter(torch.eye(4).to_sparse())
    module.i = nn.Parameter(torch.ones(4, 4, dtype=torch.int8), requires_grad=False)
    module.v = nn.Parameter(torch.ones(1, 4).expand(4, 4))
    module.e = nn.Parameter(torch.ones(0, 4))
    return module


# Functions make a new value for each call; other values are passed as they are.
MODULES = [lambda: nn.Linear(4, 4), pruned, strange, lambda: nn.Embedding(4, 4), lambda: nn.Linear(4, 4).bfloat16()]
TENSORS = [
    lambda: torch.randn(4, 4), lambda: torch.randn(4, 4).bfloat16(), lambda: torch.ones(4, 4, dtype=torch.bool),
    lambda: torch.eye(4).to_sparse(), lambda: torch.eye(4).bool().to_sparse(), lambda: torch.eye(4).to_sparse_csr(),
    lambda: torch.ones(4, 4, dtype=torch.complex64).conj(), lambda: torch.ones(4, 4, dtype=torch.complex64).conj().imag,
    lambda: torch.empty(4, 4, device="meta"), lambda: torch.ones(4, 4, dtype=torch.int8), lambda: torch.tensor(1.0),
    lambda: torch.ones(1, 4).expand(4, 4), lambda: torch.quantize_per_tensor(torch.eye(4), 0.1, 0, torch.qint8),
    lambda: torch.full((4, 4), float("nan")), lambda: torch.empty(0), lambda: torch.ones(4, 4).to(torch.float8_e4m3fn),
    lambda: nn.Parameter(torch.randn(4, 4)), lambda: torch.randn(4, 4, dtype=torch.float64).t(), lambda: torch.randn(2, 2, 2, 2),
    lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), lambda: torch.zeros(4, 4, dtype=torch.uint16),
]  # fmt: skip
ODD = [
    None, 5, -1, 0, 2**70, 0.5, float("nan"), float("inf"), -0.0, True, "", "x", "2:4", "weight", "*", b"x", (2, 4), (), [], {},
    ["weight"], [5], [None], {"weight": 0.5}, {5: 5}, {1: {"method": "unstr_global", "density": 0.5}}, {"weight": LayerFacts()},
    {1: {"method": "unstr_local", "density": {"weight": 0.5}}}, {"weight": LayerFacts(weight=False)}, LayerFacts(), object(), int,
    print, np.ones((4, 4), dtype=bool), np.ones(3), Mask.all((4, 4)), {"weight": Mask.all((4, 4))}, iter(["weight"]), KEPT,
    {"format": "prune-kept-1", "tensors": 5}, {"format": "prune-kept-1", "tensors": [5, {}]}, "\0", "nowhere/kept.json",
    [[("weight", 0)]], [[("weight",)]], [5], "library", "files", prune_rs.Strategy({}), {"step": "3", "rigl": 1},
]  # fmt: skip


def odd():
    kind = PICK.random()
    if kind < 0.25:
        return PICK.choice(TENSORS)()
    if kind < 0.35:
        return {PICK.choice(["weight", "0.weight", "w", "s", "v", "typo"]): PICK.choice(TENSORS)()}
    if kind < 0.45:
        return PICK.choice(MODULES)()
    if kind < 0.5:
        return torch.optim.SGD(PICK.choice(MODULES[:2])().parameters(), 0.1)
    return PICK.choice(ODD)


def module():
    return PICK.choice(MODULES)() if PICK.random() < 0.8 else odd()


def tensor():
    return PICK.choice(TENSORS)() if PICK.random() < 0.8 else odd()


def some(*names):
    return {name: odd() for name in names if PICK.random() < 0.25}


def inside(call):
    """Inside a transform of torch.func, now and then."""
    def summed(x):
        call(x)
        return x.sum()

    return torch.func.grad(summed)(torch.ones(4, 4)) if PICK.random() < 0.5 else torch.vmap(summed)(torch.ones(2, 4, 4))


def pruner():
    strategy = {1: {"method": "unstr_global", "density": 0.5}} if PICK.random() < 0.7 else odd()
    options = some("masks", "also", "layers", "defaults", "couplings")
    made = prune_rs.torch.Pruner(module(), strategy, odd() if PICK.random() < 0.2 else None, **options)
    step = PICK.choice([
        lambda: made.end_epoch(1, **some("gradients", "inputs", "scores", "rewind")), lambda: made.end_epoch(odd()),
        lambda: made.attach(odd()), lambda: made.detach(odd()), lambda: made.load_state_dict(odd()), lambda: made.observe(odd()),
        made.check, made.before_step, made.after_step, made.forward_parameters, lambda: made.start(**some("inputs", "scores")),
    ])  # fmt: skip
    step()
    made.hold()
    made.revivals()


CALLS = {
    "Pruner": pruner,
    "apply_mask": lambda: prune_rs.torch.apply_mask(tensor(), tensor()),
    "as_array": lambda: inside(prune_rs.torch.as_array) if PICK.random() < 0.2 else prune_rs.torch.as_array(tensor()),
    "prune_tensor": lambda: prune_rs.torch.prune_tensor(tensor(), **some("density", "sparsity", "pattern", "axis")),
    "slice_module": lambda: prune_rs.torch.slice_module(module(), odd(), *([odd()] if PICK.random() < 0.3 else [])),
    "take_over": lambda: prune_rs.torch.take_over(module()),
}
assert set(CALLS) | {"PruneWarning", "Report"} == set(prune_rs.torch.__all__), "a function has no call here"

returned = refused = 0
for at in range(int(sys.argv[2])):
    name = PICK.choice(list(CALLS))
    try:
        CALLS[name]()
        returned += 1
    except PruneError as error:
        assert str(error), name
        refused += 1
    except BaseException:
        print(f"call {at}, {name}", file=sys.stderr)
        raise
assert returned > 100 and refused > 100, (returned, refused)
