"""Strategies carried out on dicts of arrays."""

import copy
import json
import pickle

import numpy as np
import pytest
import oracle

import prune_rs
from prune_rs import LayerFacts, Masks, PruneError, Pruner, Strategy

TWO = {1: {"method": "str_unified_local", "prune_rate_pattern": (2, 4)}, 3: {"method": "unstr_global", "density": 0.25}}


def model(seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return {
        "Conv_0-kernel": rng.standard_normal((3, 3, 2, 8)).astype(dtype),
        "Dense_0-kernel": np.asfortranarray(rng.standard_normal((16, 12)).astype(dtype)),
        "Dense_0-bias": rng.standard_normal(12).astype(dtype),
    }


def test_a_dict_is_a_strategy_as_it_is():
    strategy = Strategy(TWO)
    assert strategy == Strategy(str(strategy)) == Strategy(strategy.to_json()) == Strategy(strategy.to_toml())
    assert strategy == Strategy(strategy.to_dict()) == Strategy(strategy) == pickle.loads(pickle.dumps(strategy))
    assert [key for key, _ in strategy.events] == [1, 3]
    assert strategy.events[1][1]["density"] == 0.25
    assert (len(strategy), strategy.last_event_epoch, strategy.has_steps) == (2, 3, False)
    numpy_numbers = {np.int64(3): {"method": "unstr_global", "density": np.float64(0.25)}}
    assert Strategy(numpy_numbers).events[0][1]["density"] == 0.25
    assert [key for key, _ in strategy.scale_epochs(3, 6).events] == [2, 6]


def test_the_timeline_is_a_table_and_rows():
    timeline = Strategy(TWO).timeline()
    assert "2:4: keeps 50%, removes 50%" in str(timeline)
    assert [(row["epochs"], row["density"], row["sparsity"]) for row in timeline.rows] == [("1", 0.5, 0.5), ("3", 0.25, 0.75)]
    assert len(timeline) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_a_training_stays_as_sparse_as_asked(dtype):
    weights = model(dtype=dtype)
    momentum = {name: np.ones_like(array) for name, array in weights.items()}
    pruner = Pruner(TWO)
    assert pruner.check(weights) == []
    assert pruner.start(weights) is None
    before = {name: array.copy() for name, array in weights.items()}
    report = pruner.end_epoch(1, weights)
    for name in ["Conv_0-kernel", "Dense_0-kernel"]:
        kept = oracle.n_m(before[name], 2, 4, -1)
        assert np.array_equal(pruner.masks[name].to_numpy(), kept)
        assert weights[name].tobytes() == np.where(kept, before[name], dtype(0)).tobytes()
    assert np.array_equal(weights["Dense_0-bias"], before["Dense_0-bias"])
    assert (report.epoch, report.method, report.selected.kept) == (1, "str_unified_local", (144 + 192) // 2)
    assert [layer.layer for layer in report.layers] == ["Conv_0-kernel", "Dense_0-kernel"]
    assert report.layers[0].kept == 72 and report.layers[0].axis == 3 and report.layers[0].shape == (3, 3, 2, 8)
    assert report.to_dict()["selected"]["kept"] == report.selected.kept
    assert str(report).startswith("epoch 1: str_unified_local, 2:4: keeps 50%, removes 50%")
    for array in [*weights.values(), *momentum.values()]:
        array += dtype(0.5)
    assert pruner.revivals(weights) == 168
    pruner.hold_each([weights, momentum])
    assert pruner.revivals(weights) == pruner.revivals(momentum) == 0
    assert pruner.end_epoch(2, weights) is None
    report = pruner.end_epoch(3, weights)
    assert (report.selected.kept, report.selected.density, report.all.elements) == (84, 0.25, 348)
    assert (pruner.last_epoch, pruner.last_step) == (3, None)
    assert pruner.masks == pruner.held


def test_events_that_name_no_array_name_the_nearest():
    pruner = Pruner({1: {"method": "unstr_local", "density": {"Dense_0-kernl": 0.5}}})
    with pytest.raises(PruneError, match="epoch 1: there is no layer `Dense_0-kernl` .did you mean `Dense_0-kernel`"):
        pruner.check(model())


def test_after_a_refusal_everything_is_as_it_was():
    weights = model()
    weights["Dense_0-kernel"][3, 4] = np.nan
    before = {name: array.tobytes() for name, array in weights.items()}
    pruner = Pruner(TWO)
    with pytest.raises(PruneError, match=r"epoch 1: layer `Dense_0-kernel`: the score at \[3, 4\] is NaN"):
        pruner.end_epoch(1, weights)
    assert {name: array.tobytes() for name, array in weights.items()} == before
    assert pruner.last_epoch is None and len(pruner.masks) == 0
    weights = model()
    weights["Dense_0-kernel"].flags.writeable = False
    before = weights["Conv_0-kernel"].copy()
    with pytest.raises(PruneError, match="layer `Dense_0-kernel`: its memory is read-only; pass a numpy array of its own"):
        pruner.end_epoch(1, weights)
    assert np.array_equal(weights["Conv_0-kernel"], before) and pruner.last_epoch is None


def test_read_only_arrays_that_no_event_writes_are_read():
    weights = model()
    weights["Dense_0-bias"].flags.writeable = False
    assert Pruner(TWO).end_epoch(1, weights).all.elements == 348


def test_a_run_resumed_from_its_state_goes_on_alike():
    first, second = model(), model()
    pruner = Pruner(TWO)
    pruner.end_epoch(1, first)
    pruner.end_epoch(1 + 1, first)
    state = json.loads(json.dumps(pruner.state_dict()))
    other = Pruner(TWO)
    other.load_state_dict(state)
    assert other.masks == pruner.masks and other.last_epoch == 2
    third = Pruner.from_state_dict(json.dumps(state))
    other.hold(second)
    assert str(pruner.end_epoch(3, first)) == str(other.end_epoch(3, second))
    assert third.strategy == pruner.strategy
    with pytest.raises(PruneError, match="the state is of another strategy"):
        Pruner({1: {"method": "unstr_global", "density": 0.5}}).load_state_dict(state)
    with pytest.raises(PruneError, match="version"):
        Pruner(TWO).load_state_dict({**state, "version": 99})


def test_prepare_writes_nothing_and_commit_written_checks():
    weights = model()
    frozen = {name: array.copy() for name, array in weights.items()}
    for array in frozen.values():
        array.flags.writeable = False
    pruner, plain = Pruner(TWO), Pruner(TWO)
    prepared = pruner.prepare(frozen, epoch=1)
    assert (prepared.epoch, prepared.step, prepared.rewinds_to) == (1, None, None)
    assert len(pruner.masks) == 0
    expected = plain.end_epoch(1, weights)
    assert prepared.masks == plain.masks == prepared.writes and prepared.report == expected
    with pytest.raises(PruneError, match="elements are not zero outside the masks"):
        pruner.commit_written(pruner.prepare(frozen, epoch=1), frozen)
    written = {
        name: np.where(prepared.writes[name].to_numpy(), array, 0) if name in prepared.writes else array
        for name, array in frozen.items()
    }
    assert pruner.commit_written(prepared, written) == expected
    with pytest.raises(PruneError, match="has been committed"):
        pruner.commit_written(prepared, written)
    assert pruner.prepare(frozen, epoch=2) is None
    pruner.pass_by(epoch=2)
    assert pruner.commit_written(pruner.prepare(written, epoch=3)).unchecked


def test_a_prepared_event_of_another_state_is_refused():
    weights = model()
    pruner = Pruner(TWO)
    prepared = pruner.prepare(weights, epoch=1)
    pruner.end_epoch(1, weights)
    with pytest.raises(PruneError, match="prepared before the pruner went on"):
        pruner.commit(prepared, weights)


def test_steps_are_counted_and_sparse_training_grows_where_gradients_are():
    weights = {"fc": np.random.default_rng(3).standard_normal((16, 16)).astype(np.float32)}
    pruner = Pruner(
        {0: {"method": "unstr_global", "density": 0.25, "score": "random"}, "2..=4 steps": {"method": "rigl", "every": 2}}
    )
    pruner.start(weights)
    momentum = {"fc": np.zeros((16, 16), np.float32)}
    reports = []
    for step in range(1, 6):
        gradients = {"fc": np.random.default_rng(step).standard_normal((16, 16)).astype(np.float32)}
        assert pruner.before_step(gradients) == (not pruner.replaces_step(step))
        if not pruner.replaces_step(step):
            momentum["fc"] += gradients["fc"]
            weights["fc"] -= 0.1 * momentum["fc"]
        reports.append(pruner.after_step(weights, [momentum]))
        assert pruner.revivals(weights) == pruner.revivals(momentum) == 0
        assert pruner.masks["fc"].kept == 64
    assert [report is not None for report in reports] == [False, True, False, True, False]
    assert pruner.last_step == 5 and reports[1].step == 2


@pytest.mark.parametrize("measured", [False, True])
def test_input_norms_are_given_or_measured(measured):
    rng = np.random.default_rng(0)
    weights = {"a-kernel": rng.standard_normal((6, 4)), "b-kernel": rng.standard_normal((4, 2))}
    norms = {"a-kernel": rng.random(6) + 0.1, "b-kernel": rng.random(4) + 0.1}
    seen = []

    def measure(name, masks):
        seen.append((name, sorted(masks)))
        return norms[name]

    before = {name: array.copy() for name, array in weights.items()}
    strategy = {1: {"method": "unstr_unified_local", "density": 0.5, "score": "wanda", "axis": 1}}
    Pruner(strategy).end_epoch(1, weights, inputs=measure if measured else norms)
    for name, array in before.items():
        scores = np.abs(array) * norms[name][:, None]
        assert np.array_equal(weights[name] != 0, oracle.per_output(scores, 0.5, 1))
    if measured:
        assert seen == [("a-kernel", []), ("b-kernel", ["a-kernel"])]


def test_what_a_measuring_function_raises_comes_through():
    def measure(name, masks):
        raise KeyError(name)

    weights = {"a-kernel": np.ones((6, 4))}
    pruner = Pruner({1: {"method": "unstr_unified_local", "density": 0.5, "score": "wanda", "axis": 1}})
    with pytest.raises(KeyError):
        pruner.end_epoch(1, weights, inputs=measure)
    assert pruner.last_epoch is None and weights["a-kernel"].all()


def test_saliency_looks_at_gradients_given_and_observed():
    weights, gradients = model(1), model(2)
    strategy = {1: {"method": "unstr_unified_local", "density": 0.3, "score": "saliency", "include": ["Dense_0-kernel"]}}
    scores = np.abs(weights["Dense_0-kernel"].astype(np.float64) * gradients["Dense_0-kernel"])
    given, observed = Pruner(strategy), Pruner(strategy)
    given.end_epoch(1, {name: array.copy() for name, array in weights.items()}, gradients=gradients)
    observed.observe(gradients)
    observed.end_epoch(1, weights)
    assert given.masks == observed.masks
    assert np.array_equal(given.masks["Dense_0-kernel"].to_numpy(), oracle.unstructured(scores, 0.3))


def test_an_event_that_rewinds_sets_all_parameters_back():
    weights = model(1)
    early = {name: array.copy() for name, array in weights.items()}
    strategy = {2: {"method": "unstr_global", "density": 0.5, "rewind": 0}}
    pruner = Pruner(strategy)
    for array in weights.values():
        array *= np.float32(1.5)
    pruner.pass_by(epoch=1)
    prepared = pruner.prepare(weights, epoch=2, rewind=early)
    assert prepared.rewinds_to == 0
    with pytest.raises(PruneError, match="commit_written"):
        pruner.commit(prepared, weights)
    pruner.end_epoch(2, weights, rewind=early)
    assert np.array_equal(weights["Dense_0-bias"], early["Dense_0-bias"])
    kept = pruner.masks["Dense_0-kernel"].to_numpy()
    assert np.array_equal(weights["Dense_0-kernel"], np.where(kept, early["Dense_0-kernel"], 0))


def test_facts_of_layers_decide_where_names_cannot():
    rng = np.random.default_rng(0)
    weights = {"fc.weight": rng.standard_normal((8, 8)), "table": rng.standard_normal((8, 8))}
    facts = {"fc.weight": LayerFacts(inputs=0, outputs=1, kind="Dense"), "table": LayerFacts(weight=False)}
    strategy = {1: {"method": "str_unified_local", "pattern": "2:4", "axis": "reduction"}}
    pruner = Pruner(strategy, layers=facts)
    before = weights["fc.weight"].copy()
    report = pruner.end_epoch(1, weights)
    assert [(layer.layer, layer.axis) for layer in report.layers] == [("fc.weight", 0)]
    assert np.array_equal(pruner.masks["fc.weight"].to_numpy(), oracle.n_m(before, 2, 4, 0))
    pruner.load_state_dict(pruner.state_dict())
    assert "table" not in pruner.masks


def test_defaults_of_files_run_groups_along_inputs():
    kernel = np.array([[0.9, 0.1], [0.8, 0.2]], np.float32)
    strategy = {1: {"method": "str_unified_local", "pattern": "1:2"}}
    Pruner(strategy, defaults="files").end_epoch(1, {"Dense_0-kernel": kernel})
    assert kernel.tolist() == [[np.float32(0.9), 0], [0, np.float32(0.2)]]
    with pytest.raises(PruneError, match="defaults is 'file'; it can be 'library' or 'files'"):
        Pruner(strategy, defaults="file")


def test_coupled_channels_go_together():
    rng = np.random.default_rng(0)
    weights = {"fc1.weight": rng.standard_normal((6, 4)), "fc2.weight": rng.standard_normal((3, 6))}
    strategy = {1: {"method": "channel_unified_local", "density": 0.5, "include": ["fc1*"]}}
    pruner = Pruner(strategy, couplings=[[("fc1.weight", 0), ("fc2.weight", 1)]])
    pruner.end_epoch(1, weights)
    kept = pruner.masks["fc1.weight"].to_numpy()[:, 0]
    assert kept.sum() == 3 and np.array_equal(pruner.masks["fc2.weight"].to_numpy()[0], kept)


def test_masks_are_a_mapping_that_holds():
    rng = np.random.default_rng(0)
    arrays = {"a": rng.standard_normal((4, 4)), "b": rng.standard_normal(7)}
    kept = {name: rng.random(array.shape) < 0.5 for name, array in arrays.items()}
    masks = Masks(kept)
    assert list(masks) == ["a", "b"] and len(masks) == 2 and "a" in masks and "c" not in masks
    assert dict(masks) == {name: masks[name] for name in masks.keys()} and masks.get("c") is None
    masks.hold(arrays)
    assert masks.revivals(arrays) == 0 and not arrays["a"][~kept["a"]].any()
    with pytest.raises(PruneError, match="there is no layer `b`"):
        masks.hold({"a": arrays["a"]})
    assert masks.hold_present({"a": arrays["a"]}) == ["b"]
    assert Masks.from_safetensors(masks.to_safetensors()) == masks
    del masks["a"]
    masks["c"] = np.ones(3, bool)
    assert masks.keys() == ["b", "c"]
    with pytest.raises(KeyError):
        masks["a"]
    found, still_open = Masks.from_zeros({"a": arrays["a"], "zero": np.zeros((3, 3))})
    assert np.array_equal(found["a"].to_numpy(), arrays["a"] != 0) and still_open == ["zero"]


def test_straight_through_masks_are_for_forward_passes():
    weights = {"fc": np.array([[0.9, -0.1, 0.3, 0.2]])}
    pruner = Pruner({"1..=2": {"method": "unstr_global", "density": 0.5, "straight_through": True}})
    assert pruner.passes_straight_through
    assert pruner.forward_masks(weights)["fc"].kept_indices().tolist() == [0, 2]
    assert pruner.end_epoch(1, weights).forward_only and weights["fc"].all()
    pruner.end_epoch(2, weights)
    assert weights["fc"].tolist() == [[0.9, 0, 0.3, 0]]


def test_reports_are_pickled():
    weights = {"a-kernel": np.random.default_rng(0).standard_normal((6, 8)), "b-kernel": np.ones((2, 2))}
    report = Pruner({1: {"method": "unstr_global", "density": 0.3}}).end_epoch(1, weights)
    for again in [pickle.loads(pickle.dumps(report)), copy.deepcopy(report)]:
        assert again == report and again.to_dict() == report.to_dict() and str(again) == str(report)
    layer, totals = pickle.loads(pickle.dumps((report.layers[0], report.all)))
    assert layer.layer == "a-kernel" and layer.kept == report.layers[0].kept and totals.norm_kept == report.all.norm_kept


HALF = {"method": "unstr_global", "density": 0.5}
NEXT = "next: hold the optimiser's buffers to the new masks too: outside them they are as they were"


def ones():
    return {"a": np.ones((8, 16), np.float32)}


def weights():
    return {"a": np.random.default_rng(0).standard_normal((8, 16)).astype(np.float32)}


def test_the_end_of_an_epoch_holds_the_buffers_that_it_is_given():
    pruner, arrays, momentum, moments = Pruner({1: HALF}), weights(), ones(), ones()
    pruner.start(arrays)
    report = pruner.end_epoch(1, arrays, buffers=[momentum, moments])
    assert pruner.revivals(momentum) == pruner.revivals(moments) == pruner.revivals(arrays) == 0
    assert momentum["a"].sum() == 64 and report.next_step is None and not report.buffers_open
    assert "next:" not in str(report)


def test_without_buffers_the_report_says_what_is_next():
    pruner, arrays, momentum = Pruner({1: HALF}), weights(), ones()
    report = pruner.end_epoch(1, arrays)
    assert pruner.revivals(momentum) == 64 and report.buffers_open
    assert str(report).endswith(NEXT) and NEXT == f"next: {report.next_step}"
    assert report.to_dict()["buffers_open"] is True and pickle.loads(pickle.dumps(report)) == report
    pruner.hold(momentum)
    assert pruner.revivals(momentum) == 0
    # There are none, before training there are none yet, and the caller of commit_written may hold them.
    assert Pruner({1: HALF}).end_epoch(1, weights(), buffers=[]).next_step is None
    assert Pruner({0: HALF}).start(weights()).next_step is None
    for held in (False, True):
        writer = Pruner({1: HALF})
        prepared = writer.prepare(weights(), epoch=1)
        assert writer.commit_written(prepared, buffers_held=held).buffers_open is not held


def test_an_event_at_a_step_holds_the_buffers_that_it_is_given():
    for call in [
        lambda pruner, momentum: pruner.after_step(weights(), [momentum]),
        lambda pruner, momentum: pruner.end_step(1, weights(), buffers=[momentum]),
        lambda pruner, momentum: pruner.commit(pruner.prepare(weights(), step=1), weights(), [momentum]),
    ]:
        pruner, momentum = Pruner({"1 steps": HALF}), ones()
        assert call(pruner, momentum).next_step is None and pruner.revivals(momentum) == 0
    for call in [
        lambda pruner: pruner.after_step(weights()),
        lambda pruner: pruner.end_step(1, weights()),
        lambda pruner: pruner.commit(pruner.prepare(weights(), step=1), weights()),
    ]:
        assert str(call(Pruner({"1 steps": HALF}))).endswith(NEXT)


def test_buffers_that_cannot_be_held_are_refused_before_the_event():
    read_only = ones()
    read_only["a"].flags.writeable = False
    for bad, why in [
        ({}, "there is no layer `a`"),
        ({"a": np.ones((16, 8), np.float32)}, r"layer `a`: the mask has shape \[8, 16\] where \[16, 8\] is needed"),
        (read_only, "layer `a`: its memory is read-only"),
    ]:
        pruner, arrays, momentum = Pruner({1: HALF}), weights(), ones()
        with pytest.raises(PruneError, match=why):
            pruner.end_epoch(1, arrays, buffers=[momentum, bad])
        assert pruner.last_epoch is None and np.array_equal(arrays["a"], weights()["a"]) and momentum["a"].all()


def test_buffers_over_the_memory_of_arrays_are_refused_before_the_event():
    memory = bytearray(8 * 16 * 4)
    arrays, again = [{"a": np.frombuffer(memory, np.float32).reshape(8, 16)} for _ in range(2)]
    arrays["a"][:] = weights()["a"]
    for buffers in [again], [arrays]:
        pruner = Pruner({1: HALF})
        with pytest.raises(PruneError, match="layer `a`: its memory may be that of another array"):
            pruner.end_epoch(1, arrays, buffers=buffers)
        assert pruner.last_epoch is None and np.array_equal(arrays["a"], weights()["a"])


def test_the_end_of_a_step_names_what_it_was_given():
    pruner = Pruner({"2 steps": HALF})
    assert (pruner.last_step, pruner.step_in_training) == (None, 1)
    with pytest.raises(PruneError, match="buffers must be a dict from names to values, this is a list"):
        pruner.after_step(weights(), [[]])
    with pytest.raises(PruneError, match="arrays must be a dict from names to values, this is a list"):
        pruner.after_step([], [ones()])
    pruner.after_step(weights(), [ones()])
    assert (pruner.last_step, pruner.step_in_training) == (1, 2)


def test_gradients_are_borrowed_only_where_an_event_looks_at_them():
    strategy = {"2 steps": {"method": "unstr_global", "density": 0.5, "score": "saliency"}}
    pruner, arrays = Pruner(strategy), weights()
    assert pruner.strategy.observes and not Strategy({1: HALF}).observes
    seen = []
    for step in (1, 2, 3):
        looks = pruner.observes
        # An array of objects cannot be borrowed.
        gradients = weights() if looks else {"a": object()}
        assert pruner.before_step(gradients)
        seen.append(looks)
        pruner.after_step(arrays, [])
    assert seen == [False, True, False] and pruner.last_step == 3
    with pytest.raises(PruneError, match="gradients must be a dict from names to values, this is a list"):
        pruner.before_step([arrays["a"]])
