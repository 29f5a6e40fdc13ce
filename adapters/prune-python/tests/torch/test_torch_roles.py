"""The facts that classes of modules tell: axes, and what is left dense."""

import pytest
import torch
from prune_rs import LayerFacts, PruneError
from prune_rs.torch import Pruner
from torch import nn

GLOBAL = {1: {"method": "unstr_global", "density": 0.5}}
BY_CHANNEL = {1: {"method": "unstr_unified_local", "density": 0.5, "ranking": "channel"}}


class Everything(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(6, 8)
        self.bag = nn.EmbeddingBag(6, 8)
        self.linear = nn.Linear(8, 6)
        self.bilinear = nn.Bilinear(3, 4, 5)
        self.conv = nn.Conv2d(4, 6, 3, groups=2)
        self.up = nn.ConvTranspose2d(6, 4, 3)
        self.attention = nn.MultiheadAttention(8, 2, kdim=4, vdim=4, add_bias_kv=True)
        self.same = nn.MultiheadAttention(8, 2)
        self.lstm = nn.LSTM(8, 6, proj_size=3)
        self.cell = nn.GRUCell(8, 6)
        self.norm = nn.LayerNorm([4, 8])
        self.batch = nn.BatchNorm2d(6)
        self.scaled = nn.utils.parametrizations.weight_norm(nn.Linear(8, 6))
        self.bounded = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 6))
        self.turned = nn.utils.parametrizations.orthogonal(nn.Linear(6, 6))
        self.position = nn.Parameter(torch.randn(1, 4, 8))
        self.head_weight = nn.Parameter(torch.randn(4, 8))


WEIGHTS = {
    "linear.weight", "bilinear.weight", "conv.weight", "up.weight", "attention.q_proj_weight", "attention.k_proj_weight",
    "attention.v_proj_weight", "attention.out_proj.weight", "same.in_proj_weight", "same.out_proj.weight", "lstm.weight_ih_l0",
    "lstm.weight_hh_l0", "lstm.weight_hr_l0", "cell.weight_ih", "cell.weight_hh", "scaled.parametrizations.weight.original1",
    "bounded.parametrizations.weight.original", "head_weight",
}  # fmt: skip
DENSE = {
    "embed.weight": "an embedding (Embedding)",
    "bag.weight": "an embedding (EmbeddingBag)",
    "attention.bias_k": "not tell to be a weight (MultiheadAttention)",
    "attention.bias_v": "not tell to be a weight (MultiheadAttention)",
    "norm.weight": "a norm or an activation (LayerNorm)",
    "norm.bias": "a norm or an activation (LayerNorm)",
    "scaled.parametrizations.weight.original0": "the lengths that a weight norm scales by (ParametrizedLinear)",
    "turned.parametrizations.weight.original": "parametrised by _Orthogonal, which may fill what is zero",
    "position": "a parameter that its class does not tell to be a weight (Everything)",
}


def test_weights_are_selected_and_the_rest_is_listed_with_its_reason():
    pruner = Pruner(Everything(), GLOBAL)
    report = pruner.end_epoch(1)
    assert {layer.layer for layer in report.layers} == WEIGHTS
    assert set(report.left_dense) == set(DENSE) == set(report.to_dict()["left_dense"])
    for name, why in DENSE.items():
        assert why in report.left_dense[name] and f"left dense: {name}, " in str(report)


AXES = {"linear.weight": 0, "conv.weight": 0, "up.weight": 1, "same.in_proj_weight": 0, "lstm.weight_ih_l0": 0, "bilinear.weight": 0}


@pytest.mark.parametrize("name", AXES)
def test_channels_lie_along_the_axis_of_outputs(name):
    strategy = {1: {"method": "channel_unified_local", "density": 0.5, "include": [name]}}
    report = Pruner(Everything(), strategy).end_epoch(1)
    assert [(layer.layer, layer.axis) for layer in report.layers] == [(name, AXES[name])]


def test_groups_run_along_inputs_where_that_is_asked_for_and_along_the_last_axis_else():
    strategy = {1: {"method": "str_unified_local", "pattern": (2, 4), "include": ["up.weight", "conv.weight", "linear.weight"]}}
    axes = {layer.layer: layer.axis for layer in Pruner(Everything(), strategy, defaults="files").end_epoch(1).layers}
    assert axes == {"up.weight": 0, "conv.weight": 1, "linear.weight": 1}
    axes = {layer.layer: layer.axis for layer in Pruner(Everything(), strategy).end_epoch(1).layers}
    assert axes == {"up.weight": 3, "conv.weight": 3, "linear.weight": 1}


def test_what_is_left_dense_can_be_asked_for():
    module = Everything()
    pruner = Pruner(module, GLOBAL, also=["embed.*", "position"])
    names = {layer.layer for layer in pruner.end_epoch(1).layers}
    assert names == WEIGHTS | {"embed.weight", "position"} and "embed.weight" not in pruner.left_dense
    # The strategy itself names it in full.
    named = {1: {"method": "unstr_local", "density": {"bag.weight": 0.5}}}
    assert [layer.layer for layer in Pruner(module, named).end_epoch(1).layers] == ["bag.weight"]
    with pytest.raises(PruneError, match="also: no layer is called `embd.weight`; did you mean `embed.weight`"):
        Pruner(module, GLOBAL, also=["embd.weight"])
    with pytest.raises(PruneError, match="also: a list of names or patterns such as .*, this is 'embed'"):
        Pruner(module, GLOBAL, also="embed")


def test_facts_that_are_given_go_before_those_of_classes():
    module = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 8))
    report = Pruner(module, GLOBAL, layers={"0.weight": LayerFacts(weight=False)}).end_epoch(1)
    assert [layer.layer for layer in report.layers] == ["1.weight"]
    with pytest.raises(PruneError, match="layers: the module has no layer `2.weight`; did you mean"):
        Pruner(module, GLOBAL, layers={"2.weight": LayerFacts(weight=False)})


def test_the_older_weight_norm_and_spectral_norm():
    with pytest.warns(FutureWarning):
        module = nn.Sequential(nn.utils.weight_norm(nn.Conv1d(4, 6, 3)), nn.utils.spectral_norm(nn.Linear(6, 4)))
    report = Pruner(module, GLOBAL).end_epoch(1)
    assert [layer.layer for layer in report.layers] == ["0.weight_v", "1.weight_orig"]
    assert list(report.left_dense) == ["0.weight_g"]
