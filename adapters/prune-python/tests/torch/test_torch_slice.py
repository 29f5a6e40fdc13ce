"""A module and its optimiser cut by the indices kept: the same function, and training that goes on."""

import copy
import json

import pytest
import torch
from prune_rs import PruneError
from prune_rs.torch import slice_module
from prune_rs.torch._kept import digest
from torch import nn

CHANNELS, SECOND = [0, 2, 5], [1, 3, 4, 5]


def network():
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.PReLU(6), nn.Conv2d(6, 6, 3, groups=6),
        nn.ConvTranspose2d(6, 8, 2), nn.GroupNorm(4, 8), nn.Conv2d(8, 6, 3, bias=False), nn.Flatten(), nn.Linear(6 * 25, 5),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        module(torch.randn(4, 3, 8, 8)).square().mean().backward()
        optimizer.step()
    return module.eval(), optimizer


def entry(module, name, axes):
    tensor = module.state_dict()[name]
    table = [{"axis": axis, "kept": kept} for axis, kept in axes.items()]
    return {"name": name, "shape": list(tensor.shape), "content": digest(tensor), "axes": table}


def kept_of(module, without=()):
    flat = [channel * 25 + place for channel in SECOND for place in range(25)]
    groups = [0, 1, 4, 5]
    axes = {
        "0.weight": {0: CHANNELS}, "0.bias": {0: CHANNELS}, "1.weight": {0: CHANNELS}, "1.bias": {0: CHANNELS},
        "1.running_mean": {0: CHANNELS}, "1.running_var": {0: CHANNELS}, "2.weight": {0: CHANNELS}, "3.weight": {0: CHANNELS},
        "3.bias": {0: CHANNELS}, "4.weight": {0: CHANNELS, 1: groups}, "4.bias": {0: groups}, "5.weight": {0: groups},
        "5.bias": {0: groups}, "6.weight": {0: SECOND, 1: groups}, "8.weight": {1: flat},
    }  # fmt: skip
    tensors = [entry(module, name, axes[name]) for name in axes if name not in without]
    return {"format": "prune-kept-1", "model": "model.onnx", "tensors": tensors}


def zeroed(module, kept):
    """The oracle: the same network with every removed slice zero."""
    other = copy.deepcopy(module)
    for tensor in kept["tensors"]:
        values = other.state_dict()[tensor["name"]]
        for one in tensor["axes"]:
            gone = [index for index in range(values.shape[one["axis"]]) if index not in one["kept"]]
            if "running_var" not in tensor["name"]:
                values.index_fill_(one["axis"], torch.tensor(gone), 0)
    return other


@pytest.mark.parametrize("without", [(), ("0.bias", "1.running_mean", "1.running_var", "1.weight", "4.bias", "5.bias")])
def test_a_cut_module_is_the_one_with_zeros_in_place_of_what_is_gone(without):
    module, optimizer = network()
    oracle = zeroed(module, kept_of(module))
    parameters, moments = list(module.parameters()), copy.deepcopy(optimizer.state_dict()["state"])
    shapes = slice_module(module, kept_of(module, without), optimizer)
    batch = torch.randn(4, 3, 8, 8)
    assert torch.allclose(module(batch), oracle(batch), atol=1e-6)
    assert shapes["4.weight"] == ((6, 8, 2, 2), (3, 4, 2, 2)) and shapes["1.running_var"] == ((6,), (3,))
    assert [id(p) for p in module.parameters()] == [id(p) for p in parameters]
    assert (module[0].out_channels, module[1].num_features, module[3].groups, module[4].out_channels) == (3, 3, 3, 4)
    assert (module[5].num_groups, module[6].in_channels, module[8].in_features, module[2].num_parameters) == (2, 4, 100, 3)
    expected = moments[0]["exp_avg"][CHANNELS]
    assert torch.equal(optimizer.state[module[0].weight]["exp_avg"], expected) and module[0].weight.grad is None
    module.train()
    module(batch).square().mean().backward()
    optimizer.step()
    assert torch.isfinite(module(batch)).all()
    fresh = nn.Conv2d(3, 3, 3, groups=3)
    fresh.load_state_dict(module[3].state_dict())


def test_a_model_that_the_command_shrank(tmp_path):
    pytest.importorskip("onnx")
    import prune_rs

    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4))
    for _ in range(3):
        module(torch.randn(4, 1, 8, 8) * 3 + 1)
    with torch.no_grad():
        module[1].weight.uniform_(0.5, 1.5)
        module[1].bias.uniform_(-1, 1)
    optimizer = torch.optim.SGD(module.parameters(), 0.1, momentum=0.9)
    module.eval()
    batch = torch.randn(4, 1, 8, 8)
    # This uses torch's own exporter. Folding would change values.
    pattern = {"dynamo": False, "do_constant_folding": False, "training": torch.onnx.TrainingMode.PRESERVE}
    try:
        with pytest.warns(Warning):
            torch.onnx.export(module, (batch,), str(tmp_path / "model.onnx"), **pattern)
    except (TypeError, RuntimeError) as error:
        pytest.skip(f"this torch exports in another way: {error}")
    report = prune_rs.shrink(tmp_path / "model.onnx", tmp_path / "small.onnx", density=0.5, kept=tmp_path / "kept.json")
    assert report is not None
    before = sum(parameter.numel() for parameter in module.parameters())
    slice_module(module, tmp_path / "kept.json", optimizer)
    assert module[0].out_channels == 4 and sum(p.numel() for p in module.parameters()) < before
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(str(tmp_path / "small.onnx"), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {session.get_inputs()[0].name: batch.numpy()})
    assert torch.allclose(module(batch), torch.from_numpy(expected), atol=1e-5)


def damaged(kept, which, **changes):
    tensors = [{**one, **changes} if one["name"] == which else one for one in kept["tensors"]]
    return {**kept, "tensors": tensors}


THREE = [{"axis": 0, "kept": [0, 1, 2]}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda k, _: damaged(k, "0.weight", name="0.weigth"), "constant `0.weigth` has no tensor.*did you mean `0.weight`.*prune slice"),
        (lambda k, _: damaged(k, "0.weight", name="0.weight@conv"), "uses of the model's constant `0.weight` lost different"),
        (lambda k, _: damaged(k, "0.weight", content="00"), "`0.weight` holds other values.*values_differ=True"),
        (lambda k, _: damaged(k, "0.weight", shape=[6, 3, 3, 4]), r"has the shape \(6, 3, 3, 3\), but \(6, 3, 3, 4\)"),
        (lambda k, _: damaged(k, "0.bias", axes=[{"axis": 0, "kept": [5, 2]}]), "do not rise below its length 6"),
        (lambda k, _: damaged(k, "0.bias", axes=[{"axis": 0, "kept": [0, 6]}]), "do not rise below its length 6"),
        (lambda k, _: damaged(k, "0.bias", axes=[{"axis": 1, "kept": [0]}]), "do not fit its shape"),
        (lambda k, _: damaged(k, "0.bias", axes=[{"axis": 0, "kept": [0, 1]}]), "`bias` would have 2 values for 3 channels"),
        (lambda k, _: damaged(damaged(k, "5.weight", axes=THREE), "5.bias", axes=THREE), "3 channels.*no whole groups of 2"),
        (lambda k, _: {**k, "format": "x"}, "format 'x'; 'prune-kept-1' is read"),
        (lambda k, _: {"tensors": []}, "no table that `prune shrink --kept` writes"),
        (lambda _, folder: folder / "none.json", "no file that `prune shrink --kept` writes"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_anything_is_cut(change, message, tmp_path):
    module, optimizer = network()
    kept = kept_of(module)
    before = copy.deepcopy((module.state_dict(), optimizer.state_dict()["state"][0]["exp_avg"]))
    with pytest.raises(PruneError, match=message):
        slice_module(module, change(kept, tmp_path), optimizer)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[0][name])
    assert torch.equal(optimizer.state_dict()["state"][0]["exp_avg"], before[1]) and module[0].out_channels == 6


def test_values_may_differ_where_that_is_said(tmp_path):
    module, optimizer = network()
    (tmp_path / "kept.json").write_text(json.dumps(kept_of(module)))
    with torch.no_grad():
        module[0].weight.add_(1)
    slice_module(module, tmp_path / "kept.json", optimizer, values_differ=True)
    assert module[0].out_channels == 3


def test_modules_and_state_that_cannot_be_cut_are_refused():
    module = nn.Sequential(nn.LSTM(4, 4))
    kept = {"format": "prune-kept-1", "model": "m", "tensors": [entry(module, "0.weight_ih_l0", {1: [0, 1]})]}
    with pytest.raises(PruneError, match="`0.weight_ih_l0`: it belongs to a LSTM"):
        slice_module(module, kept)
    module = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 2))
    optimizer = torch.optim.Adafactor(module.parameters())
    module(torch.randn(2, 4)).sum().backward()
    optimizer.step()
    cut = {"0.weight": {0: [1, 2]}, "0.bias": {0: [1, 2]}, "1.weight": {1: [1, 2]}}
    kept = {"format": "prune-kept-1", "model": "m", "tensors": [entry(module, name, axes) for name, axes in cut.items()]}
    with pytest.raises(PruneError, match="`0.weight`: the optimiser keeps `row_var`.*pass no optimizer"):
        slice_module(module, kept, optimizer)
    # Transposed, as exporters write a linear layer.
    kept["tensors"][0] = {**kept["tensors"][0], "shape": [4, 6], "axes": [{"axis": 1, "kept": [1, 2]}]}
    kept["tensors"][0]["content"] = digest(module[0].weight.t())
    expected = module[0].weight[[1, 2]].clone()
    slice_module(module, kept)
    assert torch.equal(module[0].weight, expected) and module(torch.randn(2, 4)).shape == (2, 2)
