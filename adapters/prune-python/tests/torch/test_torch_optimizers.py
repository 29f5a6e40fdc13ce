"""Zeros that stay zero through optimisers of every kind, and what of their state is left."""

import copy
import warnings

import pytest
import torch
from models import mlp, trained
from prune_rs import PruneError
from prune_rs.torch import Pruner, PruneWarning
from torch import nn

START = {0: {"method": "unstr_unified_local", "density": 0.1}}


def outside(pruner, module):
    """The elements that masks remove, of each masked parameter."""
    return {module.get_parameter(name): ~torch.from_numpy(mask.to_numpy()) for name, mask in pruner.masks.items()}


@pytest.mark.parametrize("options", [{"foreach": True}, {"fused": True}, {"foreach": False, "amsgrad": True}])
def test_a_thousand_steps_of_adamw_revive_nothing(options):
    module = mlp()
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2, weight_decay=0.1, **options)
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    trained(module, optimizer, 1000)
    assert pruner.revivals() == 0 and pruner.left_in_optimizers == {}
    for parameter, gone in outside(pruner, module).items():
        assert (parameter[gone] == 0).all() and not torch.signbit(parameter[gone]).any() and (parameter[~gone] != 0).all()
        keys = {"exp_avg", "exp_avg_sq"} | ({"max_exp_avg_sq"} if "amsgrad" in options else set())
        for key in keys:
            moment = optimizer.state[parameter][key]
            assert (moment[gone] == 0).all() and (moment[~gone] != 0).any(), key


OTHERS = ["Adadelta", "Adagrad", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"]


@pytest.mark.parametrize("name", OTHERS)
def test_every_optimiser_of_torch_is_held(name):
    module = mlp()
    options = {"momentum": 0.9, "weight_decay": 0.1} if name in ("SGD", "RMSprop") else {}
    optimizer = getattr(torch.optim, name)(module.parameters(), 1e-2, **options)
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    trained(module, optimizer, 20)
    assert pruner.revivals() == 0 and pruner.left_in_optimizers == {}
    for parameter, gone in outside(pruner, module).items():
        held = [key for key, value in optimizer.state[parameter].items() if getattr(value, "shape", None) == parameter.shape]
        assert held and all((optimizer.state[parameter][key][gone] == 0).all() for key in held)


def test_half_precision_weights_with_state_of_their_own_types(elsewhere):
    module = mlp(dtype=torch.bfloat16)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    trained(module, optimizer, 10)
    assert pruner.revivals() == 0
    # It counts the present values, not the written ones.
    with torch.no_grad():
        module[0].weight.add_(1)
        optimizer.state[module[0].weight]["exp_avg"].sub_(1)
    gone = int((~torch.from_numpy(pruner.masks["0.weight"].to_numpy())).sum())
    assert pruner.revivals() == 2 * gone


def test_factored_state_is_left_and_named_once():
    module = mlp()
    optimizer = torch.optim.Adafactor(module.parameters(), 1e-2)
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    with pytest.warns(PruneWarning, match=r"0.weight: row_var: its shape is \(16, 1\) and the layer's \(16, 12\).*factored"):
        trained(module, optimizer, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(module, optimizer, 20)
    assert set(pruner.left_in_optimizers) == {f"{name}: {key}" for name in ("0.weight", "2.weight") for key in ("row_var", "col_var")}
    assert pruner.revivals() == 0


class Strange(torch.optim.SGD):
    """Keeps what no pruner knows: 8-bit codes of the weights' shape, a list, and a tensor class of its own."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["state1"] = torch.full(parameter.shape, 127, dtype=torch.uint8)
                state["history"] = [torch.ones(3)]
                state["step"] = torch.tensor(1.0)


def test_8_bit_and_unknown_state_is_left_and_named():
    module = mlp()
    optimizer = Strange(module.parameters(), 1e-2, momentum=0.9)
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    with pytest.warns(PruneWarning, match="8-bit optimiser"):
        trained(module, optimizer, 2)
    left = pruner.left_in_optimizers
    assert set(left) == {f"{name}: {key}" for name in ("0.weight", "2.weight") for key in ("state1", "history")}
    assert "torch.uint8" in left["0.weight: state1"] and "a list" in left["0.weight: history"]
    assert (optimizer.state[module[0].weight]["state1"] == 127).all() and pruner.revivals() == 0
    # A value that replaces a skipped one is checked again.
    optimizer.state[module[0].weight]["state1"] = torch.ones(16, 12)
    pruner.hold()
    kept = torch.from_numpy(pruner.masks["0.weight"].to_numpy())
    assert torch.equal(optimizer.state[module[0].weight]["state1"], kept.float())
    assert "0.weight: state1" not in pruner.left_in_optimizers


def test_groups_added_later_are_held_and_hooks_come_off():
    module = mlp()
    optimizer = torch.optim.SGD([module[0].weight], 0.1, momentum=0.9)
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    trained(module, optimizer, 2)
    optimizer.add_param_group({"params": [module[2].weight, module[2].bias]})
    trained(module, optimizer, 3)
    gone = outside(pruner, module)[module[2].weight]
    assert (optimizer.state[module[2].weight]["momentum_buffer"][gone] == 0).all() and pruner.revivals() == 0
    pruner.detach(optimizer)
    trained(module, optimizer, 2)
    assert pruner.revivals() > 0
    with pytest.raises(PruneError, match="this optimiser is not attached"):
        pruner.detach(optimizer)
    pruner.attach(optimizer)
    assert pruner.revivals() == 0


def test_two_optimisers_hold_each_its_own():
    module = mlp()
    first = torch.optim.SGD(module[0].parameters(), 0.1, momentum=0.9)
    second = torch.optim.AdamW(module[2].parameters(), 1e-2)
    pruner = Pruner(module, START, first)
    pruner.attach(second)
    pruner.start()
    for _ in range(3):
        trained(module, first, 1)
        second.step()
        assert pruner.revivals() == 0
    with pytest.raises(PruneError, match="attached already"):
        pruner.attach(second)


def test_state_loaded_into_the_optimiser_is_held():
    module = mlp()
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    trained(module, optimizer, 2)
    dense = copy.deepcopy(optimizer.state_dict())
    pruner = Pruner(module, START, optimizer)
    pruner.start()
    trained(module, optimizer, 1)
    optimizer.load_state_dict(dense)
    assert pruner.revivals() > 0
    trained(module, optimizer, 1)
    assert pruner.revivals() == 0


@pytest.mark.parametrize("fused", [False, True])
def test_steps_that_a_grad_scaler_skips_leave_everything_and_are_not_counted(fused):
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9, fused=fused)
    strategy = {**START, "2 steps": {"method": "unstr_unified_local", "density": 0.05}}
    pruner = Pruner(module, strategy, optimizer)
    pruner.start()
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for step, poison in enumerate([False, True, True, False]):
        optimizer.zero_grad()
        scaler.scale(module(torch.randn(8, 12)).square().mean()).backward()
        if poison:
            module[0].weight.grad[0, 0] = float("inf")
        before = module[0].weight.detach().clone()
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(before, module[0].weight) is poison, step
        assert pruner.revivals() == 0
    assert [report.step for report in pruner.reports] == [None, 2] and pruner._pruner.last_step == 2


def test_an_optimiser_of_another_module_is_refused():
    with pytest.raises(PruneError, match="has none of the module's parameters"):
        Pruner(mlp(), START, torch.optim.SGD(mlp().parameters(), 0.1))
    with pytest.raises(PruneError, match="a torch.optim.Optimizer is needed, this is a int; pass the optimiser inside"):
        Pruner(mlp(), START, 3)


def test_frozen_parameters_are_pruned_and_held():
    module = mlp()
    module[0].requires_grad_(False)
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    pruner = Pruner(module, START, optimizer)
    assert len(pruner.start().layers) == 2
    trained(module, optimizer, 3)
    assert pruner.revivals() == 0 and isinstance(module[0].weight, nn.Parameter) and not module[0].weight.requires_grad
