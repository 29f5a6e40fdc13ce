"""Compares the masks of the pruner's methods with numpy and torch, on random cases of each method.

    pip install numpy torch
    python tests/peers/methods.py [--cases 200] [--seed 0]

Run it from the workspace. It builds and runs the example `masks` of prune-schedule, which reads the cases. Wherever a peer
leaves ties open, cases with ties are not made: weights, gradients and inputs are normal, and drawn again if scores are equal or
so near that the order of a sum decides. Counts are asked of torch as whole numbers, since its own rounding of a fraction is half
to even.

| topic | peer |
|---|---|
| magnitude in each layer | torch.nn.utils.prune.l1_unstructured |
| magnitude over all layers | torch.nn.utils.prune.global_unstructured |
| N:M along any axis, remainders included | numpy.argsort of each group |
| blocks, ragged edges included | torch avg_pool2d and max_pool2d with ceil_mode |
| channels by L1, L2 and infinity | torch.nn.utils.prune.ln_structured |
| saliency, SNIP | torch autograd on a small network, the products in numpy |
| Wanda on dense layers and convolutions | norms of torch.nn.functional.unfold, sorted row by row |
| ERK | the published loop in numpy: each layer within one element of it, the total exact |
"""

import argparse
import json
import math
import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils import prune as torch_prune


def kept_of(density, n):
    """Rule 1: round, halves up, at least one."""
    return min(n, max(1, math.floor(density * n + 0.5))) if n else 0


def distinct(scores):
    """Whether no two scores are so near that rounding could order them."""
    ordered = np.sort(np.concatenate([np.ravel(s) for s in scores]).astype(np.float64))
    return ordered.size < 2 or bool(np.all(np.diff(ordered) > 1e-9 * np.maximum(1e-3, np.abs(ordered[1:]))))


def layer(name, values):
    values = np.asarray(values, dtype=np.float32)
    return {"name": name, "shape": list(values.shape), "values": [float(v) for v in values.ravel()]}


def normal(rng, shape):
    return rng.standard_normal(shape).astype(np.float32)


def density_of(rng):
    return int(rng.integers(1, 100)) / 100


def strategy(**fields):
    return str({0: fields})


def indices(mask):
    return np.flatnonzero(np.asarray(mask).ravel()).tolist()


def torch_kept(mask):
    return indices(mask.numpy() != 0)


def magnitude(rng):
    shape = rng.integers(1, 8, size=rng.integers(2, 5))
    w, d = normal(rng, shape), density_of(rng)
    if not distinct([np.abs(w)]):
        return None
    module = torch.nn.Module()
    module.w = torch.nn.Parameter(torch.from_numpy(w))
    torch_prune.l1_unstructured(module, "w", amount=w.size - kept_of(d, w.size))
    text = strategy(method="unstr_unified_local", density=d)
    return {"strategy": text, "layers": [layer("a", w)]}, {"a": torch_kept(module.w_mask)}


def over_all_layers(rng):
    d = density_of(rng)
    ws = {f"l{i}": normal(rng, rng.integers(1, 9, size=rng.integers(2, 4))) for i in range(rng.integers(1, 5))}
    if not distinct([np.abs(w) for w in ws.values()]):
        return None
    modules = {}
    for name, w in ws.items():
        modules[name] = torch.nn.Module()
        modules[name].w = torch.nn.Parameter(torch.from_numpy(w))
    n = sum(w.size for w in ws.values())
    parameters = [(module, "w") for module in modules.values()]
    torch_prune.global_unstructured(parameters, torch_prune.L1Unstructured, amount=n - kept_of(d, n))
    expected = {name: torch_kept(module.w_mask) for name, module in modules.items()}
    layers = [layer(name, w) for name, w in ws.items()]
    return {"strategy": strategy(method="unstr_global", density=d), "layers": layers}, expected


def n_m(rng):
    rank = int(rng.integers(2, 5))
    w = normal(rng, rng.integers(1, 10, size=rank))
    m = int(rng.integers(1, 9))
    n, axis = int(rng.integers(1, m + 1)), int(rng.integers(-rank, rank))
    if not distinct([np.abs(w)]):
        return None
    kept = np.zeros(w.shape, dtype=bool)
    lanes, lanes_kept = np.moveaxis(np.abs(w), axis, -1), np.moveaxis(kept, axis, -1)
    for lane in np.ndindex(*lanes.shape[:-1]):
        for start in range(0, lanes.shape[-1], m):
            group = lanes[lane][start : start + m]
            lanes_kept[lane][start + np.argsort(-group)[: min(n, group.size)]] = True
    text = strategy(method="str_unified_local", pattern=(n, m), axis=axis)
    return {"strategy": text, "layers": [layer("a", w)]}, {"a": indices(kept)}


def blocks(rng):
    rows, columns = (int(x) for x in rng.integers(1, 12, size=2))
    a, b = (int(x) for x in rng.integers(1, 5, size=2))
    w, d, mean = normal(rng, (rows, columns)), density_of(rng), bool(rng.integers(2))
    x = torch.from_numpy(np.abs(w).astype(np.float64))[None, None]
    # A window that is larger than the tensor is cut to it.
    a_cut, b_cut = min(a, rows), min(b, columns)
    if mean:
        scores = F.avg_pool2d(x, (a_cut, b_cut), ceil_mode=True, count_include_pad=False)[0, 0].numpy()
    else:
        scores = F.max_pool2d(x, (a_cut, b_cut), ceil_mode=True)[0, 0].numpy()
    if not distinct([scores]):
        return None
    chosen = np.zeros(scores.size, dtype=bool)
    chosen[np.argsort(-scores.ravel())[: kept_of(d, scores.size)]] = True
    kept = np.kron(chosen.reshape(scores.shape), np.ones((a_cut, b_cut)))[:rows, :columns]
    pool = "mean" if mean else "max"
    text = strategy(method="block_unified_local", density=d, block=(a, b), pool=pool)
    return {"strategy": text, "layers": [layer("a", w)]}, {"a": indices(kept)}


def channels(rng):
    rank = int(rng.integers(2, 5))
    w, d = normal(rng, rng.integers(1, 8, size=rank)), density_of(rng)
    axis, order = int(rng.integers(0, rank)), [1, 2, math.inf][rng.integers(3)]
    norms = np.linalg.norm(np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1).astype(np.float64), ord=order, axis=1)
    if not distinct([norms]) or (np.diff(np.sort(norms)) < 1e-4).any():
        return None
    module = torch.nn.Module()
    module.w = torch.nn.Parameter(torch.from_numpy(w))
    amount = w.shape[axis] - kept_of(d, w.shape[axis])
    torch_prune.ln_structured(module, "w", amount=amount, n=order, dim=axis)
    norm = "inf" if order == math.inf else order
    text = strategy(method="channel_unified_local", density=d, axis=axis, norm=norm)
    return {"strategy": text, "layers": [layer("a", w)]}, {"a": torch_kept(module.w_mask)}


def gradients_of(rng, sizes, batches):
    """A small network of dense layers, and its gradients on some batches."""
    torch.manual_seed(int(rng.integers(1 << 31)))
    linear = [torch.nn.Linear(i, o, bias=False) for i, o in zip(sizes, sizes[1:])]
    gradients = []
    for _ in range(batches):
        x = torch.randn(int(rng.integers(1, 9)), sizes[0])
        for module in linear:
            module.weight.grad = None
            x = torch.tanh(module(x))
        (x**2).mean().backward()
        gradients.append([module.weight.grad.numpy().copy() for module in linear])
    return [module.weight.detach().numpy() for module in linear], gradients


def by_gradient(rng, score):
    sizes = [int(x) for x in rng.integers(1, 8, size=rng.integers(2, 5))]
    weights, gradients = gradients_of(rng, sizes, int(rng.integers(1, 5)))
    stacked = [np.stack([batch[i] for batch in gradients]).astype(np.float64) for i in range(len(weights))]
    seen = [g[-1] if score == "saliency" else g.mean(axis=0) for g in stacked]
    scores = [np.abs(w.astype(np.float64) * g) for w, g in zip(weights, seen)]
    flat = np.concatenate([s.ravel() for s in scores])
    ordered = np.sort(flat)
    if (np.diff(ordered) <= 1e-9 * ordered[1:]).any():
        return None
    d = density_of(rng)
    chosen = np.zeros(flat.size, dtype=bool)
    chosen[np.argsort(-flat)[: kept_of(d, flat.size)]] = True
    expected, start, names = {}, 0, [f"l{i}" for i in range(len(weights))]
    for name, w in zip(names, weights):
        expected[name] = indices(chosen[start : start + w.size])
        start += w.size
    case = {
        "strategy": strategy(method="unstr_global", density=d, score=score),
        "layers": [layer(name, w) for name, w in zip(names, weights)],
        "gradients": [[layer(name, g) for name, g in zip(names, batch)] for batch in gradients],
    }
    return case, expected


def wanda(rng):
    d, convolution = density_of(rng), bool(rng.integers(2))
    out, channels_in = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    if convolution:
        kernel = tuple(int(x) for x in rng.integers(1, 4, size=2))
        w = normal(rng, (out, channels_in, *kernel))
        x = torch.from_numpy(normal(rng, (3, channels_in, 6, 6)))
        patches = F.unfold(x, kernel).transpose(1, 2).reshape(-1, channels_in * kernel[0] * kernel[1])
    else:
        w = normal(rng, (out, channels_in))
        patches = torch.from_numpy(normal(rng, (int(rng.integers(1, 9)), channels_in)))
    norms = torch.linalg.vector_norm(patches.double(), dim=0).float()
    metric = np.abs(w.reshape(out, -1)).astype(np.float64) * norms.numpy().astype(np.float64)
    if not all(distinct([row]) for row in metric):
        return None
    kept = np.zeros(metric.shape, dtype=bool)
    order = torch.sort(torch.from_numpy(metric), dim=-1, descending=True).indices.numpy()
    np.put_along_axis(kept, order[:, : kept_of(d, metric.shape[1])], True, axis=1)
    case = {
        "strategy": strategy(method="unstr_unified_local", density=d, score="wanda"),
        "layers": [layer("fc.weight", w)],
        "inputs": [layer("fc.weight", norms.numpy().reshape(w.shape[1:]))],
    }
    return case, {"fc.weight": indices(kept)}


def erk_densities(shapes, density):
    """Evci et al. 2020: eps * sum / prod, and while a layer exceeds 1 the largest is dense inside the budget."""
    dense = set()
    while True:
        budget = density * sum(np.prod(s) for s in shapes) - sum(np.prod(shapes[i]) for i in dense)
        raw = {i: sum(s) / np.prod(s) for i, s in enumerate(shapes) if i not in dense}
        if not raw:
            return [1.0] * len(shapes)
        eps = budget / sum(raw[i] * np.prod(shapes[i]) for i in raw)
        largest = max(raw, key=raw.get)
        if raw[largest] * eps <= 1:
            return [1.0 if i in dense else raw[i] * eps for i in range(len(shapes))]
        dense.add(largest)


def erk(rng):
    shapes = [tuple(int(x) for x in rng.integers(1, 20, size=rng.integers(2, 5))) for _ in range(rng.integers(1, 6))]
    d = density_of(rng)
    names = [f"l{i}" for i in range(len(shapes))]
    total = kept_of(d, sum(int(np.prod(s)) for s in shapes))
    wanted = dict(zip(names, zip(shapes, erk_densities(shapes, d))))

    def agrees(answer):
        counts = {name: len(kept) for name, kept in answer.items()}
        # The published densities make fractions of elements, and their total is that of the density before it is rounded.
        near = all(abs(counts[name] - density * np.prod(shape)) < 1 for name, (shape, density) in wanted.items())
        return near and sum(counts.values()) == total

    text = strategy(method="unstr_global", density=d, distribution="erk")
    return {"strategy": text, "layers": [layer(n, normal(rng, s)) for n, s in zip(names, shapes)]}, agrees


TOPICS = {
    "magnitude in each layer": magnitude,
    "magnitude over all layers": over_all_layers,
    "N:M": n_m,
    "blocks": blocks,
    "channels": channels,
    "saliency": lambda rng: by_gradient(rng, "saliency"),
    "snip": lambda rng: by_gradient(rng, "snip"),
    "wanda": wanda,
    "erk": erk,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    made = []
    for number, (topic, make) in enumerate(TOPICS.items()):
        rng = np.random.default_rng([arguments.seed, number])
        while sum(1 for other, *_ in made if other == topic) < arguments.cases:
            case = make(rng)
            if case is not None:
                made.append((topic, *case))
    command = ["cargo", "run", "--quiet", "--package", "prune-schedule", "--example", "masks"]
    lines = "".join(json.dumps(case) + "\n" for _, case, _ in made)
    run = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr}")
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    if len(answers) != len(made):
        sys.exit(f"{len(made)} cases were asked, {len(answers)} answered")
    failed = 0
    for topic in TOPICS:
        wrong = []
        of_topic = [(c, e, a) for (t, c, e), a in zip(made, answers) if t == topic]
        for case, expected, answer in of_topic:
            right = "error" not in answer and (expected(answer) if callable(expected) else answer == expected)
            if not right:
                wrong.append((case, expected, answer))
        print(f"{topic:26} {len(of_topic) - len(wrong)} of {len(of_topic)} agree")
        failed += len(wrong)
        for case, expected, answer in wrong[:1]:
            print(f"  {case['strategy']}\n  shapes {[l['shape'] for l in case['layers']]}\n  answered {answer}\n  expected {expected}")
    print(f"numpy {np.__version__}, torch {torch.__version__}, seed {arguments.seed}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
