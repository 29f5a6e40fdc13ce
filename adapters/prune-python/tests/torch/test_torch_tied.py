"""A weight at several places of a module: one layer, whatever the order in which the places come."""

import numpy as np
import pytest
import torch
from prune_rs import LayerFacts, Mask, PruneError
from prune_rs.torch import Pruner
from torch import nn

GLOBAL = {1: {"method": "unstr_global", "density": 0.5}}


class Language(nn.Module):
    """An embedding and a head over one weight, in either order; `apart` for two parameters over one memory."""

    def __init__(self, head_first, apart=False):
        super().__init__()
        torch.manual_seed(0)
        for part in ("head", "emb") if head_first else ("emb", "head"):
            setattr(self, part, nn.Linear(8, 50) if part == "head" else nn.Embedding(50, 8))
        self.mid = nn.Linear(8, 8)
        self.head.weight = nn.Parameter(self.emb.weight.data) if apart else self.emb.weight


ORDERS = pytest.mark.parametrize(("head_first", "first", "other"), [(True, "head", "emb"), (False, "emb", "head")])


@ORDERS
@pytest.mark.parametrize("apart", [False, True])
def test_a_head_tied_to_an_embedding_is_left_dense_in_either_order(head_first, first, other, apart):
    pruner = Pruner(Language(head_first, apart), GLOBAL)
    assert pruner.tied == {f"{first}.weight": [f"{other}.weight"]}
    report = pruner.end_epoch(1)
    assert [layer.layer for layer in report.layers] == ["mid.weight"]
    place = " at `emb.weight`" if head_first else ""
    assert report.left_dense == {f"{first}.weight": f"an embedding (Embedding{place}); `also=['{first}.weight']` selects it"}


@ORDERS
@pytest.mark.parametrize("also", ["emb.weight", "head.weight", "emb.*", "h*.weight"])
def test_it_is_asked_for_by_any_of_its_names_and_has_the_axes_of_the_head(head_first, first, other, also):
    strategy = {1: {"method": "channel_unified_local", "density": 0.5}}
    layers = Pruner(Language(head_first), strategy, also=[also]).end_epoch(1).layers
    assert {(layer.layer, layer.axis) for layer in layers} == {(f"{first}.weight", 0), ("mid.weight", 0)}


@ORDERS
@pytest.mark.parametrize("name", ["emb.weight", "head.weight"])
def test_strategies_masks_facts_and_evidence_may_name_any_place(head_first, first, other, name):
    def selected(strategy, **options):
        pruner = Pruner(Language(head_first), {1: strategy}, **options)
        return pruner, [layer.layer for layer in pruner.end_epoch(1).layers]

    asked = {"also": ["emb.weight"]}
    one = {"method": "unstr_global", "density": 0.5}
    assert selected({"method": "unstr_local", "density": {name: 0.5}})[1] == [f"{first}.weight"]
    assert selected({**one, "include": [name]}, **asked)[1] == [f"{first}.weight"]
    assert selected({**one, "include": [name[:3] + "*"]}, **asked)[1] == [f"{first}.weight"]
    assert selected({**one, "exclude": [name]}, **asked)[1] == ["mid.weight"]
    assert selected({**one, "exclude": [name[:3] + "*"]}, **asked)[1] == ["mid.weight"]
    assert selected(one, layers={name: LayerFacts(weight=True)})[1] == sorted([f"{first}.weight", "mid.weight"])
    # A pattern is fine if it matches another layer too, not only one that is left dense.
    assert selected({**one, "include": ["*m*"]})[1] == ["mid.weight"]
    kept = np.arange(400).reshape(50, 8) % 2 == 0
    pruner = Pruner(Language(head_first), {}, masks={name: kept})
    assert dict(pruner.masks.items()) == {f"{first}.weight": Mask.from_numpy(kept)} and pruner.revivals() == 0
    scored = Pruner(Language(head_first), {1: {"method": "unstr_local", "density": {name: 0.5}, "score": "given"}})
    scored.end_epoch(1, scores={name: torch.from_numpy(kept.astype(np.float32))})
    assert np.array_equal(scored.masks[f"{first}.weight"].to_numpy(), kept)
    # A pruner of the same strategy can load the state.
    other_pruner = Pruner(Language(head_first), scored.strategy)
    other_pruner.load_state_dict(scored.state_dict())
    assert other_pruner.masks == scored.masks


def test_two_values_for_one_layer_are_refused():
    both = {"method": "unstr_local", "density": {"emb.weight": 0.5, "head.weight": 0.25}}
    with pytest.raises(PruneError, match="event 1, density: `head.weight` and another name of layer `emb.weight`.*two values"):
        Pruner(Language(False), {1: both})
    both["density"]["head.weight"] = 0.5
    assert Pruner(Language(False), {1: both}).end_epoch(1).selected.kept == 200


def test_weights_to_go_back_to_come_under_every_name():
    module = Language(True)
    start = {name: value.clone() for name, value in module.state_dict().items()}
    pruner = Pruner(module, {1: {"method": "unstr_global", "density": 0.5, "rewind": 0}}, also=["emb.*"])
    with torch.no_grad():
        module.emb.weight.mul_(-1)
    assert pruner.end_epoch(1, rewind=start).rewound_to == 0
    kept = torch.from_numpy(pruner.masks["head.weight"].to_numpy())
    assert torch.equal(module.emb.weight, torch.where(kept, start["emb.weight"], 0))


@pytest.mark.parametrize("change", [lambda m: m.double(), lambda m: setattr(m.head, "weight", nn.Parameter(torch.ones(50, 8)))])
@pytest.mark.parametrize("call", [lambda p: p.end_epoch(2), lambda p: p.hold(), lambda p: p.revivals(), lambda p: p.check()])
def test_parameters_over_one_memory_that_come_apart_are_named(change, call):
    module = Language(False, apart=True)
    pruner = Pruner(module, {1: GLOBAL[1], 2: {**GLOBAL[1], "density": 0.25}}, also=["emb.*"])
    pruner.end_epoch(1)
    change(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(PruneError, match="layer `emb.weight`.*`head.weight`.*new Pruner over the module"):
        call(pruner)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    # The solution that the message gives.
    module.head.weight = module.emb.weight
    other = Pruner(module, pruner.strategy, also=["emb.*"])
    other.load_state_dict(pruner.state_dict())
    assert other.end_epoch(2).selected.density == 0.25 and other.revivals() == 0


@ORDERS
def test_one_parameter_at_two_places_may_be_cast(head_first, first, other):
    module = Language(head_first)
    pruner = Pruner(module, GLOBAL, also=["emb.*"])
    pruner.end_epoch(1)
    module.double()
    pruner.hold()
    assert pruner.revivals() == 0 and module.emb.weight is module.head.weight and module.emb.weight.dtype is torch.float64
    # The parameter is replaced only at its second place.
    getattr(module, other).weight = nn.Parameter(torch.ones(50, 8))
    with pytest.raises(PruneError, match=f"layer `{first}.weight`, tied to `{other}.weight`: the module holds another"):
        pruner.hold()
