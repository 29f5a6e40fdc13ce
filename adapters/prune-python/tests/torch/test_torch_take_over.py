"""Modules of torch.nn.utils.prune, taken over; and one tensor at a time."""

import numpy as np
import prune_rs
import pytest
import torch
from models import kept_by_sorting, mlp, trained
from prune_rs import LayerFacts, Mask, PruneError
from prune_rs.torch import Pruner, apply_mask, as_array, prune_tensor, take_over
from torch import nn
from torch.nn.utils import prune as torch_prune


def test_a_pruned_module_becomes_a_plain_one_with_masks_in_force():
    module = mlp()
    torch_prune.l1_unstructured(module[0], "weight", 0.5)
    torch_prune.random_unstructured(module[0], "weight", 0.2)
    torch_prune.random_unstructured(module[0], "bias", 4)
    with torch.no_grad():
        module[0].weight_orig[module[0].weight_mask == 0] = float("nan")
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    objects = list(module.parameters())
    kept = module[0].weight_mask.bool()
    values = module[0].weight_orig.detach().clone()
    pruner = Pruner(module, {1: {"method": "unstr_global", "density": 0.2}}, optimizer)
    assert sorted(name for name, _ in module.named_parameters()) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    assert not list(module.buffers()) and {id(p) for p in objects} == {id(p) for p in module.parameters()}
    assert np.array_equal(pruner.masks["0.weight"].to_numpy(), kept.numpy()) and pruner.masks["0.bias"].kept == 12
    assert torch.equal(module[0].weight, torch.where(kept, values, 0))
    trained(module, optimizer, 5)
    assert pruner.revivals() == 0
    pruner.end_epoch(1)
    assert (pruner.masks["0.weight"] <= Mask.from_numpy(kept.numpy()))


def test_taken_over_by_itself():
    module = mlp()
    assert len(take_over(module)) == 0
    torch_prune.ln_structured(module[2], "weight", 0.5, n=2, dim=0)
    with torch.no_grad():
        # torch multiplies, which would leave NaN and -0.0 outside the mask.
        module[2].weight_orig[module[2].weight_mask == 0] = float("nan")
    masks = take_over(module)
    assert list(masks) == ["2.weight"] and masks.revivals({"2.weight": as_array(module[2].weight)}) == 0
    assert not torch_prune.is_pruned(module) and torch.isfinite(module[2].weight).all() and masks["2.weight"].kept == 32


def test_masks_that_weigh_are_refused_before_anything_is_changed():
    module = mlp()
    torch_prune.l1_unstructured(module[0], "weight", 0.5)
    torch_prune.custom_from_mask(module[2], "weight", torch.full((4, 16), 0.5))
    with pytest.raises(PruneError, match="layer `2.weight`: `weight_mask` holds other values than 0 and 1"):
        Pruner(module, {})
    assert torch_prune.is_pruned(module[0]) and torch_prune.is_pruned(module[2])


def foreign_optimizer():
    return torch.optim.SGD(mlp().parameters(), 0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: Pruner(m, {}, also=["typo"]), "also: no layer is called `typo`"),
        (lambda m: Pruner(m, {}, also=["0.weight_orig"]), "also: no layer is called `0.weight_orig`; did you mean `0.weight`"),
        (lambda m: Pruner(m, {}, foreign_optimizer()), "none of the module's parameters"),
        (lambda m: Pruner(m, {}, masks={"0.weight": torch.ones(2, 2).bool().numpy()}), "its mask has shape"),
        (lambda m: Pruner(m, {}, masks={"1.weight": torch.ones(2, 2).bool().numpy()}), "no layer `1.weight`"),
        (lambda m: Pruner(m, {}, masks={"strange": torch.ones(4).bool().numpy()}), "masks, layer `strange`: .*float8"),
        (lambda m: Pruner(m, {}, masks={"wide": torch.ones(4, 4).bool().numpy()}), "masks, layer `wide`: several of its"),
        (lambda m: Pruner(m, {}, layers={"1.weight": LayerFacts(weight=False)}), "layers: the module has no layer `1.weight`"),
        (lambda m: Pruner(m, {1: {"method": "unstr_local", "density": {"strange": 0.5}}}), "layer `strange`: .*float8"),
        (lambda m: Pruner(m, {}, couplings=5), "couplings are lists"),
    ],
)
def test_a_pruner_that_is_refused_leaves_a_pruned_module_as_it_was(make, message):
    module = mlp()
    module.strange = nn.Parameter(torch.ones(4).to(torch.float8_e4m3fn), requires_grad=False)
    module.wide = nn.Parameter(torch.ones(1, 4).expand(4, 4))
    torch_prune.l1_unstructured(module[0], "weight", 0.5)
    kept = module[0].weight_mask.bool().clone()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(PruneError, match=message):
        make(module)
    assert torch_prune.is_pruned(module[0]) and list(state) == list(module.state_dict())
    assert all(torch.equal(state[name].float(), value.float()) for name, value in module.state_dict().items())
    assert np.array_equal(Pruner(module, {}).masks["0.weight"].to_numpy(), kept.numpy())


class Tied(nn.Module):
    """An embedding and a head over one weight; `apart` for two parameters over one memory."""

    def __init__(self, head_first=False, apart=False):
        super().__init__()
        torch.manual_seed(0)
        if head_first:
            self.head = nn.Linear(8, 100, bias=False)
        self.emb = nn.Embedding(100, 8)
        self.mid = nn.Linear(8, 8)
        if not head_first:
            self.head = nn.Linear(8, 100, bias=False)
        self.head.weight = nn.Parameter(self.emb.weight.data) if apart else self.emb.weight


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("apart", [False, True])
def test_a_tied_weight_that_torch_pruned_is_taken_over(both, apart):
    module = Tied(apart=apart)
    objects = {id(p) for p in module.parameters()}
    torch_prune.l1_unstructured(module.head, "weight", 0.5)
    kept = module.head.weight_mask.bool()
    if both:
        torch_prune.random_unstructured(module.emb, "weight", 0.5)
        kept = kept & module.emb.weight_mask.bool()
    values = (module.emb.weight_orig if both else module.emb.weight).detach().clone()
    pruner = Pruner(module, {})
    assert list(pruner.masks) == ["emb.weight"] and np.array_equal(pruner.masks["emb.weight"].to_numpy(), kept.numpy())
    assert objects == {id(p) for p in module.parameters()}
    assert module.head.weight.data_ptr() == module.emb.weight.data_ptr()
    assert torch.equal(module.head.weight, torch.where(kept, values, 0)) and pruner.tied == {"emb.weight": ["head.weight"]}
    assert pruner.revivals() == 0


def test_a_mask_of_another_shape_than_its_weight_is_refused():
    module = mlp()
    torch_prune.l1_unstructured(module[0], "weight", 0.5)
    module[0]._buffers["weight_mask"] = torch.ones(12)
    with pytest.raises(PruneError, match=r"layer `0.weight`: its mask has shape \(12,\), but the parameter has \(16, 12\)"):
        take_over(module)
    assert torch_prune.is_pruned(module[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_tensor_is_pruned_in_place(dtype):
    weight = nn.Parameter(torch.randn(6, 8).to(dtype).t())
    before = weight.detach().double().numpy()
    place = weight.data_ptr()
    mask = prune_tensor(weight, 0.3)
    assert np.array_equal(mask.to_numpy(), kept_by_sorting(before, 0.3)) and weight.data_ptr() == place
    assert np.array_equal(weight.detach().double().numpy(), np.where(mask.to_numpy(), before, 0))
    assert prune_tensor(weight, sparsity=0.9).kept == 5
    other = torch.randn(4, 8).to(dtype)
    assert prune_tensor(other, pattern="2:4").fits_pattern((2, 4)) and int((other != 0).sum()) == 16
    assert prune_tensor(torch.randn(4, 8), pattern=(1, 4), axis=0).kept == 8
    assert prune_rs.mask_n_m(as_array(other), "2:4").kept == 16


def test_masks_select_on_any_device(elsewhere):
    weight = torch.tensor([float("nan"), -1.0, 2.0])
    apply_mask(weight, torch.tensor([False, False, True]))
    assert weight.tolist() == [0.0, 0.0, 2.0] and not torch.signbit(weight).any()
    assert prune_tensor(weight, 0.3).kept == 1
    host = as_array(weight)
    host[2] = 5
    assert weight[2] == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prune_tensor(torch.ones(3, dtype=torch.int32), 0.5), "elements are of type int32"),
        (lambda: prune_tensor(torch.tensor([1.0, float("nan")]), 0.5), r"the score at \[1\] is NaN"),
        (lambda: prune_tensor(torch.empty(3, device="meta"), 0.5), "device `meta`, which holds no values"),
        (lambda: prune_tensor(torch.ones(3).to_sparse(), 0.5), "layout is torch.sparse_coo; `to_dense"),
        (lambda: prune_tensor(torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), 0.5), "quantized"),
        (lambda: prune_tensor(torch.ones(3).to(torch.float8_e4m3fn), 0.5), "float8_e4m3fn"),
        (lambda: prune_tensor([1.0, 2.0], 0.5), "a tensor of torch is needed, this is a list"),
        (lambda: prune_tensor(torch.ones(3), 1.5), "1.5"),
        (lambda: prune_tensor(torch.ones(3), 0.5, pattern="2:4"), "only one of them"),
        (lambda: prune_tensor(torch.ones(3), 0.5, axis=0), "axis goes with pattern"),
        (lambda: apply_mask(torch.ones(3), torch.ones(2, dtype=torch.bool)), r"the mask has shape \(2,\), but the tensor has \(3,\)"),
        (lambda: apply_mask(torch.ones(3), torch.ones(3)), "an array of bool"),
        (lambda: apply_mask(torch.ones(3, dtype=torch.int8), torch.ones(3, dtype=torch.bool)), "torch.int8"),
        (lambda: prune_tensor(torch.ones(1).expand(4), 0.5), "several of its elements lie at one place"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_pruned_is_refused(call, message):
    with pytest.raises(PruneError, match=message):
        call()
