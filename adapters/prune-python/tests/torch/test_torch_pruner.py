"""A module in place: exact masks, types and layouts, tied and compiled parameters, saved state."""

import copy
import json
import pickle

import numpy as np
import pytest
import torch
from models import kept_by_sorting, mlp, trained
from prune_rs import PruneError
from prune_rs.torch import Pruner, as_array
from torch import nn

HALF = {1: {"method": "unstr_unified_local", "density": 0.5}}


def floats(tensor):
    return tensor.detach().to(torch.float64).numpy()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("density", [0.03, 0.3, 1.0])
def test_masks_are_those_of_a_sort_and_kept_values_stay_as_they_were(dtype, density):
    module = mlp(dtype=dtype)
    # These are not contiguous: one is transposed, and one has gaps.
    module[0].weight = nn.Parameter(torch.randn(12, 16).to(dtype).t())
    module[2].weight = nn.Parameter(torch.randn(4, 32).to(dtype)[:, ::2], requires_grad=False)
    before = {name: floats(parameter) for name, parameter in module.named_parameters()}
    pruner = Pruner(module, {1: {"method": "unstr_unified_local", "density": density}})
    report = pruner.end_epoch(1)
    # No optimiser is attached, and where something closes the report says that its buffers are left.
    assert (report.next_step is None) == (density == 1.0)
    for name in ("0.weight", "2.weight"):
        kept = kept_by_sorting(before[name], density)
        assert np.array_equal(pruner.masks[name].to_numpy(), kept)
        after = floats(module.get_parameter(name))
        assert np.array_equal(after, np.where(kept, before[name], 0)) and not np.signbit(after[~kept]).any()
    assert np.array_equal(floats(module[0].bias), before["0.bias"])
    assert report.selected.kept == sum(pruner.masks[name].kept for name in pruner.masks)
    assert not module[0].weight.is_contiguous() and module[0].weight.dtype is dtype


def test_other_devices_get_the_same_masks_and_bits(elsewhere):
    elsewhere_, copied = mlp(dtype=torch.bfloat16), mlp(dtype=torch.bfloat16)
    pruner = Pruner(elsewhere_, HALF, torch.optim.SGD(elsewhere_.parameters(), 0.1, momentum=0.9))
    trained(elsewhere_, pruner._attached[0].optimizer, 3)
    assert pruner.end_epoch(1).next_step is None  # the attached optimiser is held
    with pytest.MonkeyPatch.context() as here:
        here.setattr("prune_rs.torch._views.in_place", lambda tensor: True)
        optimizer = torch.optim.SGD(copied.parameters(), 0.1, momentum=0.9)
        other = Pruner(copied, HALF, optimizer)
        trained(copied, optimizer, 3)
        other.end_epoch(1)
        trained(copied, optimizer, 3)
    trained(elsewhere_, pruner._attached[0].optimizer, 3)
    assert pruner.masks == other.masks and pruner.revivals() == 0
    for one, two in zip(elsewhere_.parameters(), copied.parameters()):
        assert torch.equal(one.view(torch.int16), two.view(torch.int16))


def test_tied_parameters_are_one_layer():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Linear(8, 8)
            self.decoder = nn.Linear(8, 8)
            self.third = nn.Linear(8, 8)
            self.decoder.weight = self.encoder.weight
            # Another object over the same memory.
            self.third.weight = nn.Parameter(self.encoder.weight.data)

        def forward(self, x):
            return self.third(self.decoder(self.encoder(x)))

    module = Tied()
    optimizer = torch.optim.AdamW([{"params": list(module.parameters())}], 1e-2)
    pruner = Pruner(module, HALF, optimizer)
    assert pruner.tied == {"encoder.weight": ["decoder.weight", "third.weight"]}
    trained(module, optimizer, 2, width=8)
    assert len(pruner.end_epoch(1).layers) == 1 and list(pruner.masks) == ["encoder.weight"]
    trained(module, optimizer, 2, width=8)
    assert pruner.revivals() == 0
    outside = ~torch.from_numpy(pruner.masks["encoder.weight"].to_numpy())
    for parameter in (module.encoder.weight, module.third.weight):
        assert (optimizer.state[parameter]["exp_avg"][outside] == 0).all()
        assert (optimizer.state[parameter]["exp_avg"][~outside] != 0).any()


def test_parameters_that_share_part_of_their_memory_are_refused():
    module = nn.Module()
    module.one = nn.Linear(4, 8)
    module.two = nn.Linear(8, 4)
    module.two.weight = nn.Parameter(module.one.weight.data.t())
    with pytest.raises(PruneError, match="layer `two.weight`: it shares part of its memory with `one.weight`.*`clone"):
        Pruner(module, HALF)
    # Columns of one tensor interleave, but share nothing.
    whole = torch.randn(8, 8)
    module.one.weight, module.two.weight = nn.Parameter(whole[:, ::2]), nn.Parameter(whole[:, 1::2])
    assert Pruner(module, HALF).end_epoch(1).selected.kept == 32


def test_a_compiled_module_has_the_names_of_the_plain_one():
    module = mlp()
    compiled = torch.compile(module, backend="eager")
    optimizer = torch.optim.AdamW(compiled.parameters(), 1e-2)
    pruner = Pruner(compiled, HALF, optimizer)
    trained(compiled, optimizer, 2)
    pruner.end_epoch(1)
    trained(compiled, optimizer, 2)
    assert list(pruner.masks) == ["0.weight", "2.weight"] and pruner.revivals() == 0
    sparse = module(torch.ones(1, 12))
    assert torch.equal(compiled(torch.ones(1, 12)), sparse)


def test_a_run_saved_and_resumed_goes_on_to_the_same_bits(tmp_path):
    strategy = {**HALF, 2: {"method": "unstr_global", "density": 0.2}}

    def started():
        module = mlp()
        optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
        return module, optimizer, Pruner(module, strategy, optimizer)

    module, optimizer, pruner = started()
    trained(module, optimizer, 5)
    pruner.end_epoch(1)
    state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "pruner": pruner.state_dict()}
    torch.save(state, tmp_path / "run.pt")
    json.dumps(pruner.state_dict())
    trained(module, optimizer, 5, seed=2)
    pruner.end_epoch(2)

    other, second, resumed = started()
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    other.load_state_dict(state["module"])
    second.load_state_dict(state["optimizer"])
    resumed.load_state_dict(state["pruner"])
    trained(other, second, 5, seed=2)
    assert resumed.end_epoch(2) == pruner.reports[-1]
    for one, two in zip(module.parameters(), other.parameters()):
        assert torch.equal(one, two)


def test_a_state_of_other_layers_or_another_strategy_changes_nothing():
    pruner = Pruner(mlp(), HALF)
    pruner.end_epoch(1)
    other = Pruner(nn.Sequential(nn.Linear(12, 5)), HALF)
    with pytest.raises(PruneError, match=r"layer `0.weight`: its mask has shape \(16, 12\), but the parameter has \(5, 12\)"):
        other.load_state_dict(pruner.state_dict())
    with pytest.raises(PruneError, match="another strategy"):
        Pruner(mlp(), {1: {"method": "unstr_global", "density": 0.5}}).load_state_dict(pruner.state_dict())
    assert len(other.masks) == 0


def test_a_pruner_is_neither_pickled_nor_copied():
    pruner = Pruner(mlp(), HALF)
    for carry in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(PruneError, match=r"neither pickled nor copied; save its state_dict\(\)"):
            carry(pruner)


def test_masks_given_are_held_at_once():
    first = Pruner(mlp(), HALF)
    first.end_epoch(1)
    module = mlp(seed=3)
    pruner = Pruner(module, {}, masks=first.masks)
    assert pruner.revivals() == 0 and int((module[0].weight == 0).sum()) == 96
    with pytest.raises(PruneError, match="masks: the module has no layer `0.weigt`; did you mean `0.weight`"):
        Pruner(module, {}, masks={"0.weigt": first.masks["0.weight"]})


def test_straight_through_masks_the_forward_pass_and_moves_every_weight():
    module = mlp()
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    pruner = Pruner(module, {"0..=2": {"method": "str_unified_local", "pattern": (2, 4), "straight_through": True}}, optimizer)
    pruner.start()
    dense = module[0].weight.detach().clone()
    parameters = pruner.forward_parameters()
    kept = torch.from_numpy(pruner._pruner.forward_masks({n: as_array(p) for n, p in module.named_parameters()})["0.weight"].to_numpy())
    assert torch.equal(parameters["0.weight"], torch.where(kept, dense, 0))
    torch.func.functional_call(module, parameters, (torch.randn(8, 12),)).square().mean().backward()
    assert (module[0].weight.grad[~kept] != 0).any()
    optimizer.step()
    assert (module[0].weight != 0).all()


def test_a_graph_from_before_an_event_refuses_to_run_backward():
    module = mlp()
    loss = module(torch.randn(8, 12)).square().mean()
    Pruner(module, HALF).end_epoch(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
