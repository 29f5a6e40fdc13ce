"""What a shrunk model is held to: the original with every removed slice set to zero, in ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper


def oracle(model, kept):
    """The model with what is not kept set to zero; divisors and variances stay."""
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
    """The model without a softmax or sigmoid at its end, be it before an Identity."""
    writers = {node.output[0]: node for node in model.graph.node}
    for output in model.graph.output:
        behind = [output.name]
        while behind[-1] in writers and writers[behind[-1]].op_type == "Identity":
            behind.append(writers[behind[-1]].input[0])
        node = writers.get(behind[-1])
        if node is not None and node.op_type in ("Softmax", "Sigmoid"):
            for name in behind:
                model.graph.node.remove(writers[name])
            output.name = node.input[0]
            # Its shape is inferred: only the last axis of what is before a softmax is known to be the same.
            output.type.tensor_type.ClearField("shape")
    return model


def session(model, optimised=True):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = model if isinstance(model, (str, bytes)) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(model, x, optimised=True):
    made = session(model, optimised)
    return made.run(None, {made.get_inputs()[0].name: x})


def difference(a, b):
    return max(float(np.max(np.abs(p.astype(np.float64) - q))) for p, q in zip(a, b, strict=True))


class Noise:
    """What an original differs from itself, optimised and not, on one input."""

    def __init__(self, whole, x):
        self.whole, self.x = whole, x
        original = logits(onnx.load(whole))
        before = run(original, x)
        self.share = difference(before, run(original, x, optimised=False)) / largest(before)

    def differs(self, small, kept):
        """The difference of a shrunk model from the oracle, as a share of the largest output."""
        left = run(logits(onnx.load(small)), self.x)
        wanted = run(oracle(logits(onnx.load(self.whole)), kept), self.x)
        return difference(left, wanted) / largest(wanted)


def largest(outputs):
    return max(float(np.max(np.abs(output))) for output in outputs)
