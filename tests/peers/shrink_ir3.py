"""Holds shrunk models of version 3 of the format to the checker of the `onnx` package, whole and with inferred shapes.

    pip install onnx
    python tests/peers/shrink_ir3.py

Run it from the workspace: the tests of prune-onnx write the models. In that version every initializer has to be an input as well,
so what edits add, rename or cut has to be one of the right shape. What the checker says against a generated network itself, such
as an operator of another version, is not asked of the small one.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx


def complaint(path):
    """What the checker says, or nothing."""
    model = onnx.load(path)
    assert model.ir_version == 3, path.name
    inputs = {value.name for value in model.graph.input}
    assert inputs.issuperset(tensor.name for tensor in model.graph.initializer), path.name
    try:
        onnx.checker.check_model(model)
        for output in model.graph.output:
            # The generator states none.
            output.type.tensor_type.ClearField("shape")
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return str(error)
    return None


def main():
    folder = Path(tempfile.mkdtemp())
    command = ["cargo", "test", "--package", "prune-onnx", "--test", "ir3"]
    subprocess.run(command, env={**os.environ, "PRUNE_ONNX_CASES": str(folder)}, check=True, stdout=subprocess.DEVNULL)
    checked, left_out = 0, 0
    for small in sorted(folder.glob("ir3-*.small.onnx")):
        if complaint(small.with_name(small.name.replace(".small.", ".whole."))):
            left_out += 1
            continue
        found = complaint(small)
        assert found is None, f"{small.name}: {found}"
        checked += 1
    print(f"{checked} shrunk models are as the checker wants them; {left_out} networks are not, whole or shrunk")
    return 0 if checked > left_out else 1


if __name__ == "__main__":
    sys.exit(main())
