"""Shrinks real ONNX models with `prune shrink`, holds them to the oracle, and times them in ONNX Runtime.

    pip install numpy onnx onnxruntime rapidocr-onnxruntime==1.4.4
    cargo build --release -p prune-cli
    python tests/peers/shrink.py [--rows det,rec,...] [--rounds 21] [--no-times] [--random 3]

The table has a row for each model and multiple. Parameters are those of the file, before and after, as `prune` counts them. The
oracle is the original with every removed slice set to zero, biases that are added included, divisors and variances left as they
are; both are run without the softmax or sigmoid at their ends. What they may differ by is four times what the original differs
from itself, optimised and not, each as a share of the largest output: weights that are taken out without retraining change the
scale of what is left. Times are medians of rounds that alternate between the original and the small model.

PP-OCRv4's detector, recogniser and classifier come out of the wheel of rapidocr-onnxruntime, without retraining. The others are
the graphs of the onnx package's backend tests, whose weights are made anew: seeded, normal, with He's variance for tensors of two
or more axes; scales and variances positive.
"""

import argparse
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

PP = {
    "det": ("ch_PP-OCRv4_det_infer.onnx", [1, 3, 640, 640], 0.265, 2.6),
    "rec": ("ch_PP-OCRv4_rec_infer.onnx", [1, 3, 48, 320], 0.37, 2.3),
    "cls": ("ch_ppocr_mobile_v2.0_cls_infer.onnx", [1, 3, 48, 192], 0.33, 1.7),
}
FAMILIES = {"det": (36, 3768), "rec": (25, 4948), "cls": (25, 1138)}
LIGHT = {
    "resnet50": 0.40,
    "densenet121": 0.40,
    "inception_v1": 0.40,
    "inception_v2": 0.40,
    "squeezenet": 0.40,
    "vgg19": 0.40,
    "shufflenet": 0.70,
}


def package(name):
    """The folder of a package, which is not imported: it may need what is not there."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"the package {name} is not installed; see the top of this file")
    return pathlib.Path(spec.submodule_search_locations[0])


def with_weights(model, seed=0):
    """The model with a constant in the place of each ConstantOfShape, and values other than all the same."""
    rng = np.random.default_rng(seed)
    held = {tensor.name: tensor for tensor in model.graph.initializer}
    variances = {node.input[4] for node in model.graph.node if node.op_type == "BatchNormalization"}
    scales = {node.input[1] for node in model.graph.node if node.op_type == "BatchNormalization"}

    def values(name, shape):
        if name in variances or name in scales:
            return rng.uniform(0.5, 1.5, shape)
        if len(shape) < 2:
            return rng.standard_normal(shape) * 0.1
        return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))

    nodes, made = [], {}
    for node in model.graph.node:
        if node.op_type == "ConstantOfShape" and node.input[0] in held:
            shape = numpy_helper.to_array(held[node.input[0]])
            made[node.output[0]] = values(node.output[0], tuple(int(n) for n in shape)).astype(np.float32)
        else:
            nodes.append(node)
    for name, tensor in held.items():
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) >= 1:
            made[name] = values(name, tuple(tensor.dims)).astype(np.float32)
    read = {name for node in nodes for name in node.input}
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    kept = [tensor for name, tensor in held.items() if name in read and name not in made]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in made.items() if name in read)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name in read and value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, 4)
    return model


def source(name):
    """A model and the shape of its input."""
    if name in PP:
        file, shape, *_ = PP[name]
        return onnx.load(package("rapidocr_onnxruntime") / "models" / file), shape
    model = onnx.load(package("onnx") / f"backend/test/data/light/light_{name}.onnx")
    return with_weights(model), [1, 3, 224, 224]


def shrink(prune, model, out, arguments):
    """Runs the command; its report and what it kept."""
    kept = pathlib.Path(str(out) + ".kept.json")
    command = [prune, "shrink", str(model), "-o", str(out), "--kept", str(kept), "--json", "--force", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout), json.loads(kept.read_text())


def oracle(model, kept):
    """The model with what is not kept set to zero."""
    untouched = set()
    for node in model.graph.node:
        if node.op_type == "Div":
            untouched.add(node.input[1])
        if node.op_type == "BatchNormalization":
            untouched.add(node.input[4])
    cuts = {tensor["name"]: tensor["axes"] for tensor in kept["tensors"] if tensor["name"] not in untouched}

    def zeroed(name, tensor):
        values = numpy_helper.to_array(tensor).copy()
        for axis in cuts[name]:
            gone = np.setdiff1d(np.arange(values.shape[axis["axis"]]), axis["kept"])
            values[(slice(None),) * axis["axis"] + (gone,)] = 0
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    for tensor in model.graph.initializer:
        if tensor.name in cuts:
            zeroed(tensor.name, tensor)
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output[0] in cuts:
            for attribute in node.attribute:
                if attribute.name == "value":
                    zeroed(node.output[0], attribute.t)
    return model


def logits(model):
    """The model without a softmax or sigmoid that is its last node."""
    last = {node.output[0]: node for node in model.graph.node}
    for output in model.graph.output:
        node = last.get(output.name)
        if node is not None and node.op_type in ("Softmax", "Sigmoid"):
            name = node.input[0]
            model.graph.node.remove(node)
            output.name = name
            # Its shape is inferred: only the last axis of what is before a softmax is known to be the same.
            output.type.tensor_type.ClearField("shape")
    return model


def session(model, threads=1, optimised=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = model if isinstance(model, (str, bytes)) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(model, x, optimised=True):
    made = session(model, optimised=optimised)
    return made.run(None, {made.get_inputs()[0].name: x})


def difference(a, b):
    return max(float(np.max(np.abs(p.astype(np.float64) - q))) for p, q in zip(a, b, strict=True))


def agrees(whole, small, kept, x):
    """Difference from the oracle, and the noise that it is measured by, each as a share of the largest output."""

    def scale(outputs):
        return max(float(np.max(np.abs(output))) for output in outputs)

    original = logits(onnx.load(whole))
    before = run(original, x)
    noise = difference(before, run(original, x, optimised=False)) / scale(before)
    left = run(logits(onnx.load(small)), x)
    wanted = run(oracle(original, kept), x)
    return difference(left, wanted) / scale(wanted), noise


def times(whole, small, x, threads, rounds):
    """Medians of alternating rounds, in milliseconds."""
    both = [session(str(path), threads) for path in (whole, small)]
    taken = [[], []]
    for turn in range(rounds + 2):
        for which, made in enumerate(both):
            feed = {made.get_inputs()[0].name: x}
            started = time.perf_counter()
            made.run(None, feed)
            if turn >= 2:
                taken[which].append(time.perf_counter() - started)
    return [1000 * statistics.median(each) for each in taken]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prune", default="target/release/prune", help="the command")
    options.add_argument("--rows", default=",".join([*PP, *LIGHT]), help="models, separated by commas")
    options.add_argument("--rounds", type=int, default=21, help="rounds whose median is the time")
    options.add_argument("--no-times", action="store_true", help="only the oracle")
    options.add_argument("--random", type=int, default=2, help="seeds of random channels that are held to the oracle too")
    options = options.parse_args()
    prune = str(pathlib.Path(options.prune).resolve())
    failed = []
    header = ["model", "multiple", "parameters left", "families", "classes", "differs", "noise"]
    if not options.no_times:
        header += ["1 thread, ms", "small", "faster", "2 threads, ms", "small", "faster"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in options.rows.split(","):
            model, shape = source(name)
            whole, small = folder / f"{name}.onnx", folder / f"{name}.small.onnx"
            onnx.save(model, whole)
            value = model.graph.input[0].name
            x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
            given = ["--input", f"{value}={'x'.join(map(str, shape))}"]
            seeds = [["--score", "random", "--seed", str(seed), "--multiple", "1"] for seed in range(options.random)]
            for more in [["--multiple", "1"], ["--multiple", "4"], *seeds]:
                report, kept = shrink(prune, whole, small, ["--density", "0.5", *given, *more])
                differs, noise = agrees(whole, small, kept, x)
                if differs > 4 * noise:
                    failed.append(f"{name} {' '.join(more)}: differs by {differs:.2e}, the noise is {noise:.2e}")
                left = report["parameters_after"] / report["parameters_before"]
                if more == ["--multiple", "1"]:
                    most = PP[name][2] if name in PP else LIGHT[name]
                    if left > most:
                        failed.append(f"{name}: {left:.3f} of the parameters are left, above {most}")
                    found = (len(report["families"]), report["classes"])
                    if name in FAMILIES and found != FAMILIES[name]:
                        failed.append(f"{name}: {found} families and classes, not {FAMILIES[name]}")
                row = [name, " ".join(more[1::2]) if "--score" not in more else f"1, random {more[3]}", f"{left:.3f}"]
                row += [str(len(report["families"])), str(report["classes"])]
                row += [f"{differs:.1e}", f"{noise:.1e}"]
                if not options.no_times and "--score" not in more:
                    for threads in (1, 2):
                        before, after = times(whole, small, x, threads, options.rounds)
                        row += [f"{before:.2f}", f"{after:.2f}", f"{before / after:.2f}x"]
                print("| " + " | ".join(row) + " |", flush=True)
    for line in failed:
        print("FAILED:", line)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
