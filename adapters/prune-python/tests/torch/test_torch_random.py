"""Values that do not fit, at random: PruneError, and nothing else."""

import pathlib
import subprocess
import sys

import pytest
import torch
from models import mlp
from prune_rs import PruneError
from prune_rs.torch import Pruner, apply_mask, as_array, slice_module


@pytest.mark.parametrize("seed", range(2))
def test_random_calls_return_or_raise_prune_error(seed):
    script = pathlib.Path(__file__).with_name("random_calls.py")
    run = subprocess.run([sys.executable, script, str(seed), "1000"], capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.filterwarnings("ignore")
def test_masks_of_tensors():
    weight = torch.ones(4)
    apply_mask(weight, torch.tensor([True, False, True, False]).to_sparse())
    assert weight.tolist() == [1, 0, 1, 0]
    for mask in (torch.ones(4).bfloat16(), torch.ones(4).to_sparse(), torch.ones(4, dtype=torch.uint8)):
        with pytest.raises(PruneError, match=f"an array of bool, this tensor has elements of type {mask.dtype}; `mask != 0`"):
            apply_mask(weight, mask)
    kept = torch.rand(16, 12) < 0.5
    assert Pruner(mlp(), {}, masks={"0.weight": kept}).masks["0.weight"].kept == int(kept.sum())
    with pytest.raises(PruneError, match="masks, layer `0.weight`: a mask is a Mask or an array of bool, this tensor"):
        Pruner(mlp(), {}, masks={"0.weight": kept.bfloat16()})


def test_views_and_transforms_are_named():
    turned = torch.ones(3, dtype=torch.complex64).conj()
    for view in (turned, turned.imag):
        with pytest.raises(PruneError, match="a conjugated or negated view; `resolve_conj"):
            as_array(view)
    for transform in (torch.vmap, torch.func.grad):
        with pytest.raises(PruneError, match="inside a transform of torch.func"):
            transform(lambda x: as_array(x).sum())(torch.ones(2, 3))


def test_other_types_of_options_are_named():
    for also in (5, [5], b"x", None):
        with pytest.raises(PruneError, match="also: a list of names or patterns"):
            Pruner(mlp(), {}, also=also)
    for layers in (5, ["0.weight"], {"0.weight": 5}, {5: 5}):
        with pytest.raises(PruneError, match="layers: a dict from names to LayerFacts is needed"):
            Pruner(mlp(), {}, layers=layers)
    # An iterator can be read only once, and that is enough.
    strategy = {1: {"method": "unstr_global", "density": 0.5}}
    layers = Pruner(mlp(), strategy, also=iter(["0.bias"])).end_epoch(1).layers
    assert "0.bias" in {layer.layer for layer in layers}


@pytest.mark.parametrize("shape", [["x"], "12", [16.0, 12], [-1], [True, 3], [None]])
def test_shapes_that_are_none_are_named(shape):
    kept = {"format": "prune-kept-1", "tensors": [{"name": "0.weight", "shape": shape, "content": "", "axes": []}]}
    with pytest.raises(PruneError, match="`0.weight`: its shape .* is no list of lengths"):
        slice_module(mlp(), kept)
