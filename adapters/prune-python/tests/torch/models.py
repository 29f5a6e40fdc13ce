"""Modules that the tests prune, and the plainest way to a mask."""

import math

import numpy as np
import torch
from torch import nn


def mlp(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4)).to(dtype)


def trained(module, optimizer, steps, width=12, seed=1):
    """Steps on noise: every weight gets a gradient."""
    generator = torch.Generator().manual_seed(seed)
    parameter = next(iter(module.parameters()))
    for _ in range(steps):
        batch = torch.randn(8, width, generator=generator).to(parameter.dtype)
        optimizer.zero_grad()
        module(batch).float().square().mean().backward()
        optimizer.step()


def count(density, elements):
    """Rule 1: half away from zero, at least one."""
    return min(elements, max(1, math.floor(density * elements + 0.5))) if elements else 0


def kept_by_sorting(weights, density):
    """The mask of one array, by a sort over everything: greatest magnitude first, then the lower index."""
    flat = np.abs(np.asarray(weights, dtype=np.float64)).reshape(-1)
    order = np.lexsort((np.arange(flat.size), -flat))
    kept = np.zeros(flat.size, dtype=bool)
    kept[order[: count(density, flat.size)]] = True
    return kept.reshape(weights.shape)
