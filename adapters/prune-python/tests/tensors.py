"""Safetensors files, written and read plainly."""

import json

import ml_dtypes
import numpy as np

NAMES = {"F32": np.float32, "F64": np.float64, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "BOOL": np.bool_}
OF = {np.dtype(dtype): name for name, dtype in NAMES.items()}


def save(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        value = np.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": OF[array.dtype], "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(value)]}
        data += value
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def load(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    read = lambda at: raw[8 + size + at[0] : 8 + size + at[1]]
    return {
        name: np.frombuffer(read(about["data_offsets"]), NAMES[about["dtype"]]).reshape(about["shape"])
        for name, about in header.items()
    }
