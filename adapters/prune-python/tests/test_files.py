"""Doors to files: the same masks as those of arrays, reports, errors."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import tensors
from arrays import TYPES, values

import prune_rs
from prune_rs import Masks, PruneError, Pruner

EVENTS = [
    {"method": "unstr_global", "density": 0.3},
    {"method": "unstr_unified_local", "density": 0.5},
    {"method": "unstr_unified_local", "sparsity": 0.6, "score": "random", "seed": 7},
    {"method": "str_unified_local", "pattern": "2:4"},
    {"method": "str_unified_local", "pattern": "1:3", "axis": 0},
    {"method": "str_global", "pattern": "1:4"},
    {"method": "channel_unified_local", "density": 0.5},
    {"method": "block_unified_local", "density": 0.5, "block": (2, 2)},
    {"method": "unstr_unified_local", "density": 0.4, "ranking": "output"},
    {"method": "unstr_global", "density": 0.4, "distribution": "erk"},
]


def random_model(seed):
    """Layers of names that files know for weights, whose biases tell inputs from outputs."""
    rng = np.random.default_rng(seed)
    model, inputs = {}, int(rng.integers(3, 9))
    for i in range(int(rng.integers(1, 4))):
        outputs = inputs + int(rng.integers(1, 9))
        dtype = TYPES[rng.integers(0, 4)]
        if rng.random() < 0.3:
            model[f"conv{i}.weight"] = values(rng, (outputs, inputs, 3, 3), dtype)
            model[f"conv{i}.bias"] = values(rng, (outputs,), dtype)
        elif rng.random() < 0.5:
            model[f"Dense_{i}-kernel"] = values(rng, (inputs, outputs), dtype)
            model[f"Dense_{i}-bias"] = values(rng, (outputs,), dtype)
        else:
            model[f"fc{i}.weight"] = values(rng, (outputs, inputs), dtype)
            model[f"fc{i}.bias"] = values(rng, (outputs,), dtype)
        inputs = outputs
    return model


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: " ".join(f"{v}" for v in event.values()))
@pytest.mark.parametrize("seed", range(6))
def test_files_and_arrays_get_the_same_masks(tmp_path, event, seed):
    arrays = random_model(seed)
    tensors.save(tmp_path / "model.safetensors", arrays)
    report = prune_rs.apply(tmp_path / "model.safetensors", tmp_path / "sparse.safetensors", event)
    pruner = Pruner({1: event}, defaults="files")
    told = pruner.end_epoch(1, arrays)
    written = tensors.load(tmp_path / "sparse.safetensors")
    assert {name: array.tobytes() for name, array in written.items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }
    assert report.events[0]["selected"]["kept"] == told.selected.kept
    prune_rs.mask(tmp_path / "model.safetensors", tmp_path / "masks.safetensors", event)
    masks = Masks.from_safetensors((tmp_path / "masks.safetensors").read_bytes())
    assert masks == pruner.masks
    assert prune_rs.check(tmp_path / "sparse.safetensors", masks=tmp_path / "masks.safetensors").holds


# The command: that of PRUNE_COMMAND, or the one that `cargo build` makes in this clone.
COMMAND = pathlib.Path(os.environ.get("PRUNE_COMMAND") or pathlib.Path(__file__).parents[3] / "target/debug/prune")


@pytest.mark.skipif(
    not COMMAND.exists() and "PRUNE_COMMAND" not in os.environ, reason="there is no `prune`; `cargo build -p prune-cli`"
)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: " ".join(f"{v}" for v in event.values()))
@pytest.mark.parametrize("seed", range(6, 10))
def test_the_command_and_arrays_get_the_same_masks(tmp_path, event, seed):
    arrays = random_model(seed)
    model, sparse, masks = (tmp_path / f"{name}.safetensors" for name in ["model", "sparse", "masks"])
    tensors.save(model, arrays)
    strategy = ["--strategy", str(prune_rs.Strategy({1: event}))]
    for job, output in [("mask", masks), ("apply", sparse)]:
        subprocess.run([COMMAND, job, model, "-o", output, "--quiet", *strategy], check=True, timeout=60)
    pruner = Pruner({1: event}, defaults="files")
    pruner.end_epoch(1, arrays)
    assert Masks.from_safetensors(masks.read_bytes()) == pruner.masks
    written = {name: array.tobytes() for name, array in tensors.load(sparse).items()}
    assert written == {name: array.tobytes() for name, array in arrays.items()}


def test_a_strategy_of_several_events_and_one_of_its_epochs(tmp_path):
    arrays = random_model(1)
    tensors.save(tmp_path / "model.safetensors", arrays)
    strategy = {1: {"method": "unstr_global", "density": 0.5}, 2: {"method": "unstr_global", "density": 0.2}}
    both = prune_rs.apply(tmp_path / "model.safetensors", tmp_path / "both.safetensors", strategy)
    first = prune_rs.apply(tmp_path / "model.safetensors", tmp_path / "first.safetensors", strategy, epoch=1)
    assert [event["epoch"] for event in both.events] == ["1", "2"] and len(first.events) == 1
    preview = prune_rs.preview(tmp_path / "model.safetensors", strategy)
    asked = [row["asked"] for row in preview.rows if row["layer"] is None]
    assert asked == [event["selected"]["kept"] for event in both.events]
    assert str(both).startswith("epoch 1: unstr_global") and both.to_dict()["output"] == both.output
    with pytest.raises(AttributeError):
        both.nothing


def test_packed_files_come_back_bit_for_bit(tmp_path):
    weights = {"fc.weight": np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)}
    tensors.save(tmp_path / "model.safetensors", weights)
    event = {"method": "unstr_global", "density": 0.1}
    prune_rs.apply(tmp_path / "model.safetensors", tmp_path / "dense.safetensors", event)
    packed = prune_rs.apply(tmp_path / "model.safetensors", tmp_path / "packed.safetensors", event, format="bitmask")
    assert packed.bytes_after < packed.bytes_before / 4
    prune_rs.expand(tmp_path / "packed.safetensors", tmp_path / "back.safetensors")
    assert (tmp_path / "back.safetensors").read_bytes() == (tmp_path / "dense.safetensors").read_bytes()
    inspected = prune_rs.inspect(tmp_path / "dense.safetensors")
    assert inspected.all == {"elements": 4096, "non_zero": 410}


def test_checks_say_whether_it_holds(tmp_path):
    weights = np.zeros((4, 8), np.float32)
    weights[:, ::2] = 1
    tensors.save(tmp_path / "model.safetensors", {"fc.weight": weights})
    path = tmp_path / "model.safetensors"
    assert prune_rs.check(path, pattern="1:2").holds and not prune_rs.check(path, pattern=(1, 4)).holds
    assert prune_rs.check(path, density=0.5).holds and not prune_rs.check(path, sparsity=0.75).holds
    assert prune_rs.check(path, density=0.5, together=True).holds
    assert not prune_rs.check(path, pattern="1:2", axis=0).holds


def test_masks_of_zeros_are_read_off_files(tmp_path):
    weights = np.ones((4, 8), np.float32)
    weights[:, ::2] = 0
    tensors.save(tmp_path / "model.safetensors", {"fc.weight": weights})
    prune_rs.mask(tmp_path / "model.safetensors", tmp_path / "masks.safetensors", from_zeros=True)
    masks = Masks.from_safetensors((tmp_path / "masks.safetensors").read_bytes())
    assert np.array_equal(masks["fc.weight"].to_numpy(), weights != 0)


def test_shrink_and_slice_cut_alike(tmp_path):
    model, checkpoint = tmp_path / "model.onnx", tmp_path / "model.safetensors"
    rng = np.random.default_rng(0)
    weights = {
        "fc1.weight": rng.standard_normal((8, 4)).astype(np.float32),
        "fc2.weight": rng.standard_normal((3, 8)).astype(np.float32),
    }
    model.write_bytes(two_layers(weights))
    tensors.save(checkpoint, weights)
    report = prune_rs.shrink(model, tmp_path / "small.onnx", density=0.5, multiple=1, kept=tmp_path / "kept.json")
    assert report.parameters_after == report.parameters_before // 2 and report.classes_kept == 4
    cut = prune_rs.slice(checkpoint, tmp_path / "small.safetensors", tmp_path / "kept.json")
    assert [tensor["shape_after"] for tensor in cut.cut] == [[4, 4], [3, 4]]
    small = tensors.load(tmp_path / "small.safetensors")
    scores = np.sqrt((weights["fc1.weight"].astype(float) ** 2).sum(1) + (weights["fc2.weight"].astype(float) ** 2).sum(0))
    kept = np.sort(np.argsort(-scores)[:4])
    assert np.array_equal(small["fc1.weight"], weights["fc1.weight"][kept])
    assert np.array_equal(small["fc2.weight"], weights["fc2.weight"][:, kept])


def two_layers(weights):
    """An ONNX model of two Gemms with a Relu between, as the format's fields."""

    def varint(n):
        return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)

    def field(number, value):
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        value = value.encode() if isinstance(value, str) else value
        return varint(number << 3 | 2) + varint(len(value)) + value

    def tensor(name, array):
        dims = b"".join(field(1, n) for n in array.shape)
        return dims + field(2, 1) + field(8, name) + field(9, array.tobytes())

    def value(name, shape):
        dims = b"".join(field(1, field(1, n)) for n in shape)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))

    def node(op, inputs, output, *attributes):
        return b"".join(field(1, i) for i in inputs) + field(2, output) + field(4, op) + b"".join(field(5, a) for a in attributes)

    transposed = field(1, "transB") + field(3, 1) + field(20, 2)
    graph = (
        field(1, node("Gemm", ["x", "fc1.weight"], "a", transposed))
        + field(1, node("Relu", ["a"], "b"))
        + field(1, node("Gemm", ["b", "fc2.weight"], "y", transposed))
        + field(2, "g")
        + b"".join(field(5, tensor(name, array)) for name, array in weights.items())
        + field(11, value("x", [1, 4]))
        + field(12, value("y", [1, 3]))
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 17))


REFUSED = {
    "no file": (lambda t: prune_rs.inspect(t / "none.safetensors"), "cannot read .*none.safetensors"),
    "no path": (lambda t: prune_rs.inspect(5), "a path is needed, this is 5"),
    "no tensors": (lambda t: prune_rs.inspect(write(t / "a.safetensors", b"hello")), "a.safetensors"),
    "an output that is there": (lambda t: prune_rs.apply(made(t), made(t), {"method": "unstr_global", "density": 0.5}), "model.safetensors exists; add `force` to replace it"),
    "the model itself": (lambda t: prune_rs.apply(made(t), made(t), {"method": "unstr_global", "density": 0.5}, force=True), "is the model itself; write elsewhere, or say `output=None`"),
    "nothing to do": (lambda t: prune_rs.apply(made(t), t / "o"), "say what is done: a strategy, one event"),
    "axis": (lambda t: prune_rs.check(made(t), pattern="2:4", axis="rows"), "axis is 'rows'.*'reduction' or 'output'"),
    "two wishes": (lambda t: prune_rs.check(made(t), pattern="2:4", density=0.5), "one of pattern, density, sparsity and masks"),
    "together": (lambda t: prune_rs.check(made(t), pattern="2:4", together=True), "together is for a density"),
    "format": (lambda t: prune_rs.apply(made(t), t / "o", {}, format="zip"), "format is 'zip'; it can be 'dense' or 'bitmask'"),
    "training": (lambda t: prune_rs.apply(made(t), t / "o", {"method": "set", "decay": "constant"}), "nothing trains here"),
    "from_zeros": (lambda t: prune_rs.mask(made(t), t / "o", {}, from_zeros=True), "leave strategy, epoch and axis out"),
    "a choice": (lambda t: prune_rs.shrink(made(t), t / "o"), "give one of density, sparsity, keep_macs"),
    "min_density": (lambda t: prune_rs.shrink(made(t), t / "o", dead=True, min_density=0.1), "min_density is for what is ranked"),
    "multiple": (lambda t: prune_rs.shrink(made(t), t / "o", density=0.5, multiple=0), "multiple must be 1 or more"),
    "no graph": (lambda t: prune_rs.shrink(made(t), t / "o", density=0.5), "model.safetensors"),
    "kept": (lambda t: prune_rs.slice(made(t), t / "o", t / "kept.json"), "kept.json"),
}


def made(folder):
    tensors.save(folder / "model.safetensors", {"fc.weight": np.ones((4, 4), np.float32)})
    return folder / "model.safetensors"


def write(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_and_nothing_is_written(tmp_path, what):
    call, text = REFUSED[what]
    with pytest.raises(PruneError, match=text):
        call(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"model.safetensors", "a.safetensors"}
