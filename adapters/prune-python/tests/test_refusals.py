"""Bad input: one exception that says what, where and what to do instead."""

import collections.abc
import inspect
import re

import ml_dtypes
import numpy as np
import pytest

import prune_rs
from prune_rs import Mask, Masks, PruneError, Pruner, Strategy

X = np.arange(8, dtype=np.float32).reshape(2, 4)


def read_only():
    array = X.copy()
    array.flags.writeable = False
    return array


def overlapping():
    return np.lib.stride_tricks.as_strided(X.copy(), (2, 3), (4, 4), writeable=True)


def unaligned():
    return np.frombuffer(bytearray(33), np.uint8)[1:].view(np.float32)


REFUSED = {
    "integers": (lambda: prune_rs.mask_unstructured(np.arange(4), 0.5), "its elements are of type int64; float32, float64"),
    "objects": (lambda: prune_rs.mask_unstructured(np.array([None, 1]), 0.5), "its elements are of type object"),
    "complex": (lambda: prune_rs.mask_unstructured(np.ones(2, complex), 0.5), "its elements are of type complex128"),
    "texts": (lambda: prune_rs.mask_unstructured("weights", 0.5), "an array is needed, this is a str"),
    "none": (lambda: prune_rs.mask_unstructured(None, 0.5), "an array is needed, this is a NoneType"),
    "foreign bytes": (lambda: prune_rs.mask_unstructured(X.astype(">f4"), 0.5), "in the order of another machine"),
    "ragged": (lambda: prune_rs.mask_unstructured([[1.0], [1.0, 2.0]], 0.5), "numpy makes no array of this list"),
    "NaN": (lambda: prune_rs.mask_unstructured(np.array([[1.0, np.nan]]), 0.5), r"the score at \[0, 1\] is NaN"),
    "density 0": (lambda: prune_rs.mask_unstructured(X, 0), "density 0 is outside 0 < d <= 1"),
    "density above 1": (lambda: prune_rs.mask_unstructured(X, 1.5), "density 1.5 is outside 0 < d <= 1"),
    "density NaN": (lambda: prune_rs.mask_unstructured(X, float("nan")), "density NaN is outside"),
    "sparsity 1": (lambda: prune_rs.mask_unstructured(X, sparsity=1.0), "sparsity 1 is outside 0 <= s < 1"),
    "no density": (lambda: prune_rs.mask_unstructured(X), "pass density, the fraction kept, or sparsity"),
    "both": (lambda: prune_rs.mask_unstructured(X, 0.5, sparsity=0.5), "pass density or sparsity, not both"),
    "a text for a number": (lambda: prune_rs.mask_unstructured(X, "half"), r"density must be a number, this is 'half' \(str\)"),
    "a truth value": (lambda: prune_rs.mask_unstructured(X, True), r"density must be a number, this is True \(bool\)"),
    "pattern 3:2": (lambda: prune_rs.mask_n_m(X, (3, 2)), "pattern 3:2 is not N:M with 1 <= N <= M"),
    "pattern text": (lambda: prune_rs.mask_n_m(X, "two of four"), "`two of four` is not a pattern; write N:M"),
    "pattern of three": (lambda: prune_rs.mask_n_m(X, (1, 2, 3)), r"pattern must be \"N:M\" or \(N, M\)"),
    "axis 2": (lambda: prune_rs.mask_n_m(X, "2:4", 2), "axis 2 does not exist: the tensor has 2 axes"),
    "axis text": (lambda: prune_rs.mask_n_m(X, "2:4", "rows"), "axis must be a whole number"),
    "pool": (lambda: prune_rs.mask_blocks(X, (2, 2), 0.5, pool="sum"), "pool is 'sum'; it can be 'mean' or 'max'"),
    "block 0": (lambda: prune_rs.mask_blocks(X, (0, 2), 0.5), r"blocks of sizes \[0, 2\]"),
    "block rank": (lambda: prune_rs.mask_blocks(X, (1, 2, 2), 0.5), "need 3 axes"),
    "by": (lambda: prune_rs.mask_unstructured(X, 0.5, by="size"), "by is 'size'; it can be 'magnitude' or 'value'"),
    "alive of another shape": (
        lambda: prune_rs.mask_unstructured(X, 0.5, alive=np.ones(3, bool)),
        r"the mask in force has shape \[3\] where \[2, 4\] is needed",
    ),
    "read-only": (lambda: prune_rs.apply_mask(read_only(), X > 3), "its memory is read-only; pass a numpy array"),
    "a list written": (lambda: prune_rs.apply_mask([1.0, 2.0], np.ones(2, bool)), "it is no numpy array"),
    "overlap": (lambda: prune_rs.apply_mask(overlapping(), np.ones((2, 3), bool)), "lie at one place in memory"),
    "unaligned": (lambda: prune_rs.mask_unstructured(unaligned(), 0.5), "not aligned in memory; copy it"),
    "another shape": (
        lambda: prune_rs.apply_mask(X.copy(), np.ones((4, 2), bool)),
        r"the mask has shape \[4, 2\] where \[2, 4\] is needed",
    ),
    "a mask of numbers": (lambda: prune_rs.apply_mask(X.copy(), X), "a mask is a Mask or an array of bool"),
    "mask bytes": (lambda: Mask.from_bytes((9,), b"\0"), r"shape \[9\] has 2 bytes of bits, but 1 were given"),
    "mask tail": (lambda: Mask.from_bytes((3,), b"\xff"), "bits are set past the last of the 3 elements"),
    "mask too large": (lambda: Mask.all((2**62, 4)), "has more elements than memory can address"),
    "masks of two shapes": (lambda: Mask.all(3) & Mask.all(4), r"the other mask has shape \[4\] where \[3\] is needed"),
    "a list of arrays": (lambda: Masks([X]), "masks must be a dict from names to values, this is a list"),
    "names that are no texts": (lambda: Masks({1: X > 0}), "masks has the key 1; the names of layers are strings"),
    "a mask in masks": (lambda: Masks({"fc": X}), "layer `fc`: a mask is a Mask or an array of bool"),
    "a hold without its array": (lambda: Masks({"fc": X > 0}).hold({}), "there is no layer `fc`"),
    "one array under two names": (
        lambda: Masks({"a": X > 0, "b": X > 1}).hold({"a": SHARED, "b": SHARED}),
        "layer `b`: its memory may be that of another array",
    ),
    "safetensors": (lambda: Masks.from_safetensors(b"nothing"), "the bytes are no safetensors file: header too small"),
    "strategy text": (lambda: Strategy("{1: {'method': 'unstr_globl', 'density': 0.5}}"), "unstr_global"),
    "strategy value": (lambda: Strategy({1: {"method": object()}}), "the strategy holds <object object"),
    "strategy list": (lambda: Strategy([1]), r"a strategy is a Strategy, a dict from epochs to events .*; this is \[1\] \(list\)"),
    "strategy number": (lambda: Pruner(3), r"a strategy is a Strategy, a dict .*; this is 3 \(int\)"),
    "strategy none": (lambda: Pruner(None), r"a strategy is a Strategy, a dict .*; this is None \(NoneType\)"),
    "strategy bytes": (lambda: Strategy(b"{}"), r"or a string of one; this is b'\{\}' \(bytes\)"),
    "a cycle": (lambda: Strategy(cycle()), "nested more than 32 deep"),
    "epoch text": (lambda: Pruner({}).end_epoch("1", {}), "epoch must be a whole number of 0 or more"),
    "epoch -1": (lambda: Pruner({}).end_epoch(-1, {}), "epoch must be a whole number of 0 or more"),
    "epochs backwards": (lambda: twice(), "epoch 1 cannot end after epoch 1 has"),
    "no moment": (lambda: Pruner({}).prepare({}), "pass epoch or step"),
    "a state": (lambda: Pruner({}).load_state_dict("{}"), "the saved state cannot be read: missing field `version`"),
    "a state of objects": (lambda: Pruner({}).load_state_dict({"version": object()}), "the state cannot be read"),
    "layers": (lambda: Pruner({}, layers={"fc": "Linear"}), "layer `fc`: LayerFacts are needed, this is 'Linear'"),
    "half a role": (lambda: prune_rs.LayerFacts(inputs=0), "give the axes of inputs and of outputs, or neither"),
    "couplings": (lambda: Pruner({}, couplings=[1]), "couplings are lists of"),
    "bf16 of floats": (lambda: prune_rs.Bf16(X), "Bf16 takes an array of int16 or uint16"),
    "bf16 of a list": (lambda: prune_rs.Bf16([1]), "Bf16 takes a numpy array of int16 or uint16"),
    "a score": (lambda: prune_rs.scores(X, "size"), "score is 'size'; it can be 'magnitude', "),
    "no evidence": (lambda: prune_rs.scores(X, "snip"), "the score `snip` needs gradients averaged over batches"),
    "no memory": (lambda: prune_rs.mask_unstructured(np.broadcast_to(np.float32(1), (2**30, 2**24)), 0.5), "no memory"),
}
SHARED = X.copy()


def cycle():
    table = {}
    table[1] = table
    return table


def twice():
    pruner = Pruner({})
    pruner.end_epoch(1, {})
    pruner.end_epoch(1, {})


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused(what):
    call, text = REFUSED[what]
    with pytest.raises(PruneError, match=text):
        call()


def test_no_call_without_a_strategy_says_to_exclude():
    """Only an event can exclude a layer; a call on arrays says what to do with the array."""
    ints, many = np.arange(4), np.zeros((1,) * 33, np.float32)
    mask = Mask.all(4)
    calls = {
        "mask_unstructured": lambda x: prune_rs.mask_unstructured(x, 0.5),
        "mask_n_m": lambda x: prune_rs.mask_n_m(x, "2:4"),
        "mask_blocks": lambda x: prune_rs.mask_blocks(x, 2, 0.5),
        "mask_channels": lambda x: prune_rs.mask_channels(x, 0.5, axis=0),
        "mask_per_output": lambda x: prune_rs.mask_per_output(x, 0.5, axis=0),
        "mask_global": lambda x: prune_rs.mask_global({"fc": x}, 0.5),
        "scores": lambda x: prune_rs.scores(x, "random"),
        "evidence": lambda x: prune_rs.scores(np.ones(4), "snip", x),
        "apply_mask": lambda x: prune_rs.apply_mask(x, mask),
        "revivals": lambda x: prune_rs.revivals(x, mask),
        "prune_act_unstruct": lambda x: prune_rs.prune_act_unstruct(x, 0.5),
    }
    for name, call in calls.items():
        for array, way_out in [(ints, "`astype` converts"), (many, "reshape it"), (unaligned(), "copy it")]:
            with pytest.raises(PruneError) as raised:
                call(array)
            text = str(raised.value)
            assert text.endswith(way_out) or "copy it with" in text, (name, text)
            assert "exclude" not in text and ("layer `fc`" in text) == (name == "mask_global"), (name, text)


def test_every_docstring_names_its_error_and_describes_its_arguments():
    calls = [getattr(prune_rs, name) for name in prune_rs.__all__ if name[0].islower()]
    calls += [method for name, method in vars(Pruner).items() if name[0] != "_" and callable(method)]
    assert len(calls) > 35
    plain = {"state_dict"}
    for call in calls:
        if call.__name__ in plain:
            continue
        told = call.__doc__
        assert "Raises PruneError" in told, call.__name__
        # An argument may be described where another call has it.
        others = [getattr(prune_rs, name, None) or getattr(Pruner, name, None) for name in re.findall(r"(?:those of|for) (\w+)", told)]
        told += "".join(other.__doc__ for other in others if other is not None)
        for argument in inspect.signature(call).parameters:
            if argument not in ("self", "cls"):
                assert re.search(rf"\b{argument}\b", told), (call.__name__, argument)


def test_the_exception_is_one_and_a_value_error():
    assert issubclass(PruneError, ValueError) and PruneError.__module__ == "prune_rs"


def test_types_that_are_not_pruned_are_listed_and_named_where_an_event_wants_them():
    arrays = {"fc": X.copy(), "steps": np.arange(4).reshape(2, 2), "names": np.array([["a"]])}
    pruner = Pruner({1: {"method": "unstr_global", "density": 0.5, "include": ["fc"]}})
    report = pruner.end_epoch(1, arrays)
    assert report.selected.kept == 4 and report.all.elements == 8
    assert any("steps" in warning and "int64" in warning for warning in report.warnings)
    with pytest.raises(PruneError, match="layer `steps`: it cannot be pruned: its elements are of type int64"):
        Pruner({1: {"method": "unstr_global", "density": 0.5}}).check(arrays)


def test_a_shape_changed_under_a_mask_is_found_before_anything_is_written():
    masks = Masks({"a": X > 3, "b": X > 3})
    arrays = {"a": X.copy(), "b": X.reshape(4, 2).copy()}
    with pytest.raises(PruneError, match=r"layer `b`: the mask has shape \[2, 4\] where \[4, 2\] is needed"):
        masks.hold(arrays)
    assert np.array_equal(arrays["a"], X)


def test_what_a_conversion_raises_beside_errors_comes_through():
    class Odd:
        def __array__(self, dtype=None, copy=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune_rs.mask_unstructured(Odd(), 0.5)


def test_disjoint_halves_of_one_array_can_be_written_together():
    rows = np.ones((4, 6), np.float32)
    Masks({"a": np.zeros((2, 6), bool), "b": np.zeros((2, 6), bool)}).hold({"a": rows[:2], "b": rows[2:]})
    assert not rows.any()


def test_a_pruner_in_use_refuses_other_calls_by_name():
    """A function or a mapping that it calls may read it, and not change it."""
    pruner = prune_rs.Pruner({1: {"method": "unstr_unified_local", "density": 0.5, "score": "wanda", "axis": 1}})
    weights = {"a-kernel": np.ones((4, 4))}
    told = []

    def measure(name, masks):
        told.append((pruner.last_epoch, len(pruner.masks), repr(pruner)))
        with pytest.raises(PruneError, match="the pruner is in use by another call"):
            pruner.pass_by(epoch=1)
        with pytest.raises(PruneError, match="the pruner is in use by another call"):
            pruner.load_state_dict(pruner.state_dict())
        return np.ones(4)

    assert pruner.prepare(weights, epoch=1, inputs=measure) is not None
    assert pruner.end_epoch(1, weights, inputs=measure) is not None
    assert [seen[:2] for seen in told] == [(None, 0), (None, 0)] and pruner.last_epoch == 1

    class Mapping(collections.abc.Mapping):
        def __getitem__(self, name):
            pruner.pass_by(epoch=3)
            return weights[name]

        def __iter__(self):
            return iter(weights)

        def __len__(self):
            return len(weights)

    with pytest.raises(PruneError, match="the pruner is in use by another call"):
        pruner.hold(Mapping())
    pruner.check(Mapping())
    assert pruner.last_epoch == 3


def test_activations_seen_as_bf16_are_copied():
    values = np.array([[0.5, -2.0, 1.0, 0.25]], ml_dtypes.bfloat16)
    bits = values.view(np.uint16)
    for call in [lambda x: prune_rs.prune_act_unstruct(x, 0.5), lambda x: prune_rs.prune_act_struct(x, "2:4")]:
        copy, mask = call(prune_rs.Bf16(bits))
        assert isinstance(copy, prune_rs.Bf16) and mask.to_numpy().tolist() == [[False, True, True, False]]
        assert copy.array.view(ml_dtypes.bfloat16).astype(float).tolist() == [[0.0, -2.0, 1.0, 0.0]]
    assert values.astype(float).tolist() == [[0.5, -2.0, 1.0, 0.25]]


def test_the_step_of_an_axis_of_one_does_not_matter():
    memory = np.array([1.0, -3.0, 2.0, 0.5], np.float32)
    odd = np.lib.stride_tricks.as_strided(memory, (1, 4), (3, 4))
    mask = prune_rs.mask_unstructured(odd, 0.5)
    prune_rs.apply_mask(odd, mask)
    assert memory.tolist() == [0.0, -3.0, 2.0, 0.0]


def test_arrays_over_one_buffer_are_not_written_at_once():
    buffer = bytearray(64)
    first, second = np.frombuffer(buffer, np.float32), np.frombuffer(buffer, np.float32)
    first[:] = 1
    masks = prune_rs.Masks({"a": np.zeros(16, bool), "b": np.zeros(16, bool)})
    with pytest.raises(PruneError, match="its memory may be that of another array of this call"):
        masks.hold({"a": first, "b": second})
    assert first.all()
    halves = {"a": np.frombuffer(buffer, np.float32, 8), "b": np.frombuffer(buffer, np.float32, 8, 32)}
    prune_rs.Masks({"a": np.zeros(8, bool), "b": np.zeros(8, bool)}).hold(halves)
    assert not first.any()
    columns = np.frombuffer(buffer, np.float32).reshape(4, 4)[:, ::2], np.frombuffer(buffer, np.float32).reshape(4, 4)[:, 1::2]
    prune_rs.Masks({"a": np.zeros((4, 2), bool), "b": np.zeros((4, 2), bool)}).hold(dict(zip("ab", columns)))
