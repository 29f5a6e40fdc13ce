"""Memory that overlaps, values that are not finite, graphs recorded before, and buffers that move or are let go."""

import gc
import weakref

import numpy as np
import prune_rs
import pytest
import torch
from models import mlp, trained
from prune_rs import PruneError
from prune_rs.torch import Pruner, as_array
from torch import nn

HALF = {1: {"method": "unstr_unified_local", "density": 0.5}}


def over(spans):
    """A module of parameters over one memory of 40 numbers: (start, length, step)."""
    memory = torch.randn(40)
    module = nn.Module()
    for at, (start, length, step) in enumerate(spans):
        module.register_parameter(f"weight_{at}", nn.Parameter(memory.as_strided((1, length), (40, step), start)))
    return module


def test_every_pair_of_parameters_over_one_memory_is_compared():
    # The first parameter reaches over the second to the third, and interleaves with the second.
    with pytest.raises(PruneError, match="layer `weight_2`: it shares part of its memory with `weight_0`"):
        Pruner(over([(0, 15, 2), (1, 3, 2), (20, 6, 1)]), HALF)
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        spans = []
        for _ in range(4):
            step = int(generator.integers(1, 5))
            length = int(generator.integers(2, 6))
            spans.append((int(generator.integers(0, 40 - (length - 1) * step)), length, step))
        sets = [{start + step * at for at in range(length)} for start, length, step in spans]
        pairs = [(a, b) for b in range(4) for a in range(b) if spans[a] != spans[b] and sets[a] & sets[b]]
        try:
            Pruner(over(spans), HALF)
        except PruneError:
            refused += 1
            assert pairs, spans
        else:
            assert not pairs, spans
    assert 20 < refused < 295, refused


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_values_that_are_not_finite_go_forward_as_they_are(value):
    module = mlp()
    pruner = Pruner(module, {"0..=2": {"method": "str_unified_local", "pattern": (2, 4), "straight_through": True}})
    pruner.start()
    with torch.no_grad():
        module[0].weight[1, 2] = value
    forward = pruner.forward_parameters()["0.weight"]
    weights = {name: as_array(parameter) for name, parameter in module.named_parameters()}
    kept = torch.from_numpy(pruner._pruner.forward_masks(weights)["0.weight"].to_numpy())
    assert kept[1, 2] and torch.equal(forward, torch.where(kept, module[0].weight, 0)) and not torch.isnan(forward).any()
    gradient = torch.randn(16, 12)
    forward.backward(gradient)
    assert torch.equal(module[0].weight.grad, gradient)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:FutureWarning")
def test_gradients_pass_straight_through_transforms():
    from prune_rs.torch._forward import straight_through

    weight, kept, tangent = torch.randn(3, 4), torch.rand(3, 4) < 0.5, torch.randn(3, 4)
    weight[0, 0], kept[0, 0] = float("nan"), False
    out, moved = torch.func.jvp(lambda w: straight_through(w, kept), (weight,), (tangent,))
    assert torch.equal(out, torch.where(kept, weight, 0)) and torch.equal(moved, tangent)
    each = torch.vmap(torch.func.grad(lambda w: (straight_through(w, kept) * tangent).sum()))(torch.randn(5, 3, 4))
    assert torch.equal(each, tangent.expand(5, 3, 4))


@pytest.mark.parametrize("far", [False, True])
def test_a_graph_recorded_before_a_hold_does_not_run_backward(far, request):
    if far:
        request.getfixturevalue("elsewhere")
    module = mlp()
    pruner = Pruner(module, HALF)
    pruner.end_epoch(1)
    with torch.no_grad():
        module[2].weight.add_(1)
    loss = module(torch.randn(8, 12)).sum()
    pruner.hold()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_buffers_whose_data_is_set_anew_are_looked_at_anew():
    module = nn.Sequential(nn.Linear(6, 6, bias=False))
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    pruner = Pruner(module, HALF, optimizer)
    pruner.end_epoch(1)
    trained(module, optimizer, 2, width=6)
    buffer = optimizer.state[module[0].weight]["momentum_buffer"]
    kept = torch.from_numpy(pruner.masks["0.weight"].to_numpy())
    # The address and shape stay, but the order of elements changes.
    buffer.data = buffer.data.t()
    buffer.data.fill_(1)
    pruner.hold()
    assert torch.equal(buffer, kept.float()) and pruner.revivals() == 0


def test_buffers_of_an_optimiser_that_was_detached_are_let_go():
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    pruner = Pruner(module, HALF, optimizer)
    pruner.end_epoch(1)
    trained(module, optimizer, 2)
    buffer = weakref.ref(optimizer.state[module[0].weight]["momentum_buffer"])
    pruner.detach(optimizer)
    del optimizer
    gc.collect()
    assert buffer() is None
    pruner.hold()
    other = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    pruner.attach(other)
    trained(module, other, 2)
    assert pruner.revivals() == 0 and prune_rs.revivals(
        other.state[module[0].weight]["momentum_buffer"].numpy(), pruner.masks["0.weight"]
    ) == 0
