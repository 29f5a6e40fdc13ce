"""The models that shrink.py shrinks: out of wheels of PyPI, and what is expected of each."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import numpy_helper

# File, shape of the input, largest fraction of the parameters left, least speedup, families, classes.
# The classifier's families are those of its blocks and its last convolution, which a reshape through Shape leads to the last layer.
PP = {
    "det": ("ch_PP-OCRv4_det_infer.onnx", [1, 3, 640, 640], 0.265, 2.6, 36, 3768),
    "rec": ("ch_PP-OCRv4_rec_infer.onnx", [1, 3, 48, 320], 0.37, 2.3, 25, 4948),
    "cls": ("ch_ppocr_mobile_v2.0_cls_infer.onnx", [1, 3, 48, 192], 0.33, 1.7, 26, 1338),
}
# The largest fraction of the parameters left.
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
        sys.exit(f"the package {name} is not installed; see the top of shrink.py")
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
    if name not in LIGHT:
        sys.exit(f"no model is called {name}: there are {', '.join([*PP, *LIGHT])}")
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


def parameters(model):
    """Elements of floating constants, as `prune` counts them."""
    floating = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE)
    nodes = (a.t for node in model.graph.node if node.op_type == "Constant" for a in node.attribute if a.name == "value")
    constants = [*model.graph.initializer, *nodes]
    return sum(int(np.prod(tensor.dims)) for tensor in constants if tensor.data_type in floating)
