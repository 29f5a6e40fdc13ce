"""The share of a training step that holding takes: weights and moments at density 0.1, against forward, backward and step.

Run it on an idle machine: `python benches/hold.py`. Each step is timed up to the end of the optimiser's own work, and the
pruner's hook right after it, in place and with the caches as they are then, so that the two alternate; the ratio is of
medians. Each bar is printed with its result, and the exit status says whether all were met.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch
from prune_rs.torch import Pruner

STRATEGY = {0: {"method": "unstr_unified_local", "density": 0.1}}


def block() -> tuple[torch.nn.Module, torch.Tensor]:
    """A transformer block, and a batch for it: (8, 64, 512)."""
    layer = torch.nn.TransformerEncoderLayer(512, 8, dim_feedforward=2048, dropout=0.0, batch_first=True)
    return layer, torch.randn(8, 64, 512)


def lenet() -> tuple[torch.nn.Module, torch.Tensor]:
    """LeNet-300-100, and a batch for it: (128, 784)."""
    linear, relu = torch.nn.Linear, torch.nn.ReLU
    return torch.nn.Sequential(linear(784, 300), relu(), linear(300, 100), relu(), linear(100, 10)), torch.randn(128, 784)


def medians(make: Callable[[], tuple[torch.nn.Module, torch.Tensor]], budget: float) -> tuple[float, float, int]:
    """The medians of a step without its pruner and of the pruner's part, in seconds, and the number of steps.

    budget: how long to go on, in seconds; the first fifth is to warm up.
    """
    torch.manual_seed(0)
    module, batch = make()
    optimizer = torch.optim.Adam(module.parameters())
    clock: list[float] = []
    # Hooks run in the order in which they were registered, so the pruner's runs between these two.
    optimizer.register_step_post_hook(lambda *_: clock.append(time.perf_counter()))
    pruner = Pruner(module, STRATEGY, optimizer)
    optimizer.register_step_post_hook(lambda *_: clock.append(time.perf_counter()))
    pruner.start()
    steps: list[float] = []
    holds: list[float] = []
    begin = time.perf_counter()
    while time.perf_counter() - begin < budget:
        clock[:] = [time.perf_counter()]
        optimizer.zero_grad()
        module(batch).square().mean().backward()
        optimizer.step()
        if clock[0] - begin > budget / 5:
            steps.append(clock[1] - clock[0])
            holds.append(clock[2] - clock[1])
    assert pruner.revivals() == 0
    return statistics.median(steps), statistics.median(holds), len(steps)


def main() -> int:
    """Measures both models."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, density 0.1, weights and both moments of Adam")
    met = True
    for name, make, bar, budget in (("transformer block", block, 0.05, 12.0), ("LeNet-300-100", lenet, 0.10, 4.0)):
        step, hold, count = medians(make, budget)
        met &= hold <= bar * step
        ratio = f"{hold / step:.1%}, at most {bar:.0%}"
        print(f"{name}: step {step * 1e3:.3f} ms, hold {hold * 1e3:.3f} ms: {ratio} ({count} steps)", flush=True)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
