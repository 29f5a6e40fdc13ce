"""Holds the operators of prune-onnx to the reference evaluator of the `onnx` package, in f64.

    pip install numpy onnx onnxruntime
    python tests/peers/shrink_ops.py [--folder FOLDER]

Run it from the workspace. The tests of prune-onnx write their generated networks: as they were, with classes removed, and the
indices kept of every use of a constant. Here the original runs with every removed slice at zero (divisors and variances
stay), the small network runs as it is, and both must agree to 1e-12. The evaluator of onnx 1.23.2 adds the bias of a
transposed convolution with groups wrongly, and its LRN normalises as many channels as there are samples; networks with these
run in ONNX Runtime in f32, to 1e-5.
"""

import argparse
import collections
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator


def constants(model):
    found = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            found.update((node.output[0], a.t) for a in node.attribute if a.name == "value")
    return found


def oracle(model, kept):
    """The original, each use of a constant with its removed slices at zero."""
    cuts = collections.defaultdict(list)
    for line in kept.splitlines():
        name, axis, divisor, indices, readers = line.split("\t")
        if divisor == "0":
            cuts[name, readers].append((int(axis), [int(i) for i in indices.split(",")]))
    known = constants(model)
    for number, ((name, readers), axes) in enumerate(cuts.items()):
        values = numpy_helper.to_array(known[name]).copy()
        if values.dtype.kind != "f":
            continue
        for axis, indices in axes:
            gone = np.setdiff1d(np.arange(values.shape[axis]), indices)
            values[(slice(None),) * axis + (gone,)] = 0
        copy = f"{name} zeroed {number}"
        model.graph.initializer.append(numpy_helper.from_array(values, copy))
        for reader in readers.split(","):
            node, slot = map(int, reader.split(":"))
            model.graph.node[node].input[slot] = copy
    return model


def in_singles(model, feeds):
    """What ONNX Runtime gives in f32."""
    import onnxruntime

    single = onnx.TensorProto.FLOAT
    for tensor in constants(model).values():
        if tensor.data_type == onnx.TensorProto.DOUBLE:
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.elem_type = single
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {name: value.astype(np.float32) for name, value in feeds.items()})


def is_evaluated_wrongly(model):
    if any(node.op_type == "LRN" for node in model.graph.node):
        return True
    groups = (a.i for n in model.graph.node if n.op_type == "ConvTranspose" for a in n.attribute if a.name == "group")
    return any(group > 1 for group in groups)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="cases that the tests have written before")
    folder = parser.parse_args().folder
    if folder is None:
        folder = Path(tempfile.mkdtemp())
        command = ["cargo", "test", "--package", "prune-onnx", "--test", "operators"]
        subprocess.run(command, env={**os.environ, "PRUNE_ONNX_CASES": str(folder)}, check=True, stdout=subprocess.DEVNULL)
    counts, worst, skipped = collections.Counter(), 0.0, collections.Counter()
    for small in sorted(folder.glob("*.small.onnx")):
        stem = small.name.removesuffix(".small.onnx")
        original = onnx.load(folder / f"{stem}.onnx")
        draw = np.random.default_rng(len(counts))
        feeds = {}
        for line in (folder / f"{stem}.inputs").read_text().splitlines():
            name, shape = line.split("\t")
            feeds[name] = draw.standard_normal([int(n) for n in shape.split(",")])
        zeroed = oracle(original, (folder / f"{stem}.kept").read_text())
        singles = is_evaluated_wrongly(zeroed)
        try:
            expected = in_singles(zeroed, feeds) if singles else ReferenceEvaluator(zeroed).run(None, feeds)
        except Exception as error:  # the evaluator lacks an operator or a version of it, whatever is pruned
            skipped[f"{stem.split('-')[0]}: {type(error).__name__}"] += 1
            continue
        shrunk = onnx.load(small)
        found = in_singles(shrunk, feeds) if singles else ReferenceEvaluator(shrunk).run(None, feeds)
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape, f"{stem}: shape {a.shape} instead of {b.shape}"
            difference = float(np.max(np.abs(a - b) / np.maximum(np.abs(b), 1.0), initial=0.0))
            worst = worst if singles else max(worst, difference)
            assert difference <= (1e-5 if singles else 1e-12), f"{stem}: differs by {difference}"
        counts[stem.split("-")[0]] += 1
    for operator, count in sorted(counts.items()):
        print(f"{operator:24}{count:5} networks equal")
    for reason, count in sorted(skipped.items()):
        print(f"{count} networks are not run by the reference evaluator: {reason}")
    print(f"largest difference {worst:.1e}")
    return 0 if counts else 1


if __name__ == "__main__":
    sys.exit(main())
