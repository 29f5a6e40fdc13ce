"""A user's code for mypy: it is checked and not run."""

import numpy as np

import prune_rs
from prune_rs import LayerFacts, Mask, Masks, Pruner, Report, Strategy

weights = {"fc": np.ones((4, 4), np.float32)}
mask: Mask = prune_rs.mask_unstructured(weights["fc"], 0.5)
mask = prune_rs.mask_n_m(weights["fc"], (2, 4), axis=0, alive=mask)
masks: Masks = prune_rs.mask_global(weights, sparsity=0.5)
kept: int = masks["fc"].kept + len(mask)
maybe: Mask | None = masks.get("fc")
sure: Mask = masks.get("fc", mask)
strategy = Strategy({1: {"method": "unstr_global", "density": 0.5}})
pruner = Pruner(strategy, layers={"fc": LayerFacts(inputs=0, outputs=1)}, couplings=[[("fc", 0)]])
report: Report | None = pruner.end_epoch(1, weights, inputs=lambda name, masks: np.ones(4))
if report is not None:
    share: float | None = report.selected.density
    rows: list[int] = [layer.kept for layer in report.layers]
pruner.load_state_dict(pruner.state_dict())
prune_rs.apply_mask(weights["fc"], mask.to_numpy())
holds: bool = prune_rs.check("model.safetensors", pattern="2:4").holds
prune_rs.mask_unstructured(weights["fc"], "half")  # type: ignore[arg-type]
