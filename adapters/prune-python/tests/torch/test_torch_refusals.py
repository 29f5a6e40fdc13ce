"""Modules that cannot be pruned, and modules that change under a pruner: name, place and way out."""

import warnings

import pytest
import torch
from models import mlp, trained
from prune_rs import PruneError
from prune_rs.torch import Pruner
from torch import nn

HALF = {1: {"method": "unstr_unified_local", "density": 0.5}}


def refused(message):
    return pytest.raises(PruneError, match=message)


def test_modules_without_values():
    with refused("layer `0.weight`: it is on the device `meta`.*to_empty"):
        Pruner(nn.Sequential(nn.Linear(4, 4, device="meta")), HALF)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some versions of torch warn of them
        lazy = nn.Sequential(nn.LazyLinear(4))
    with refused("layer `0.weight`: it has no shape yet; run one batch through"):
        Pruner(lazy, HALF)
    with refused("a torch.nn.Module is needed, this is a dict"):
        Pruner({}, HALF)


def with_parameter(value, trainable=False):
    module = mlp()
    module.strange_weight = nn.Parameter(value, requires_grad=trainable)
    return module


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (torch.ones(4, 4).to_sparse(), "its layout is torch.sparse_coo; `to_dense"),
        (torch.ones(4, 4).to(torch.float8_e4m3fn), "its elements are of type torch.float8_e4m3fn"),
        (torch.ones(4, 4, dtype=torch.int8), "its elements are of type torch.int8"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_other_tensors_are_listed_and_refused_where_they_are_named(value, why):
    module = with_parameter(value)
    pruner = Pruner(module, HALF)
    assert why in pruner.left_dense["strange_weight"]
    assert [layer.layer for layer in pruner.end_epoch(1).layers] == ["0.weight", "2.weight"]
    named = {1: {"method": "unstr_local", "density": {"strange_weight": 0.5}}}
    with refused(f"layer `strange_weight`.*{why.split('.')[-1].split(';')[0]}"):
        Pruner(module, named).check()


def test_nan_is_named_by_layer_and_index_and_nothing_changes():
    module = mlp()
    with torch.no_grad():
        module[2].weight[1, 3] = float("nan")
    before = {name: value.clone() for name, value in module.state_dict().items()}
    pruner = Pruner(module, HALF)
    with refused(r"epoch 1: layer `2.weight`: the score at \[1, 3\] is NaN"):
        pruner.end_epoch(1)
    assert all(torch.equal(before[name], value) or name == "2.weight" for name, value in module.state_dict().items())
    assert len(pruner.masks) == 0 and pruner.reports == []


def test_a_parameter_that_is_replaced_is_named():
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, HALF, optimizer)
    pruner.end_epoch(1)
    module[2].weight = nn.Parameter(torch.randn(4, 16))
    with refused("layer `2.weight`: the module holds another parameter than when the pruner was made.*load_state_dict"):
        trained(module, optimizer, 1)
    with refused("layer `2.weight`: the module holds another parameter"):
        pruner.check()
    pruner.detach()
    other = Pruner(module, HALF, torch.optim.SGD(module.parameters(), 0.1))
    other.load_state_dict(pruner.state_dict())
    assert other.revivals() == 0 and int((module[2].weight == 0).sum()) == 32


@pytest.mark.parametrize("far", [False, True])
def test_a_shape_that_changes_under_its_mask_is_named(far, request):
    if far:
        request.getfixturevalue("elsewhere")
    module = mlp()
    pruner = Pruner(module, HALF)
    pruner.end_epoch(1)
    before = module[2].weight.detach().clone()
    module[0].weight.data = torch.randn(16, 10)
    with refused(r"layer `0.weight`: .*\(?\[?16, 12.*16, 10"):
        pruner.hold()
    assert torch.equal(module[2].weight, before)


def test_memory_that_moves_is_followed():
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 1e-2, momentum=0.9, foreach=False)
    pruner = Pruner(module, HALF, optimizer)
    trained(module, optimizer, 2)
    pruner.end_epoch(1)
    module.to(torch.bfloat16)
    trained(module, optimizer, 2)
    assert pruner.revivals() == 0 and module[0].weight.dtype is torch.bfloat16
    module[0].weight.data = module[0].weight.data.float().t().contiguous().t()
    module.float()
    trained(module, optimizer, 2)
    assert pruner.revivals() == 0 and int((module[0].weight == 0).sum()) == 96


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: p.end_epoch("1"), "epoch must be a whole number"),
        (lambda p: p.end_epoch(1, gradients=[1]), "gradients must be a dict from names to tensors, this is a list"),
        (lambda p: p.end_epoch(1, scores={3: torch.ones(1)}), "scores has the key 3"),
        (lambda p: p.end_epoch(1, scores={"0.weight": torch.empty(2, device="meta")}), "scores, layer `0.weight`: .*`meta`"),
        (lambda p: p.end_epoch(1, inputs=3), "inputs must be a dict of norms or a function"),
        (lambda p: p.load_state_dict(7), "."),
        (lambda p: p.attach(None), "a torch.optim.Optimizer is needed, this is a NoneType"),
    ],
)
def test_wrong_types_are_refused(call, message):
    pruner = Pruner(mlp(), HALF)
    with refused(message):
        call(pruner)
    assert len(pruner.masks) == 0


def test_a_strategy_that_is_refused_leaves_a_pruned_module_as_it_was():
    module = mlp()
    nn.utils.prune.l1_unstructured(module[0], "weight", 0.5)
    with refused("unknown method"):
        Pruner(module, {1: {"method": "unstr_nowhere", "density": 0.5}})
    with refused("a torch.optim.Optimizer is needed"):
        Pruner(module, HALF, 5)
    assert nn.utils.prune.is_pruned(module[0])
