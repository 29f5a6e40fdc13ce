"""The interpreter survives whatever it is given, and Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import prune_rs

RANDOM_CALLS = textwrap.dedent(
    """
    import random, sys, tempfile, os
    import numpy as np
    import prune_rs

    seed = int(sys.argv[1])
    rng = random.Random(seed)
    os.chdir(tempfile.mkdtemp())

    class Odd:
        def __array__(self, *a, **k): raise RuntimeError("odd")
        def __len__(self): return -1
        def __getitem__(self, i): raise OSError
        def keys(self): return [1, None]

    def array():
        kind = rng.randrange(9)
        shape = tuple(rng.choice([0, 1, 2, 3, 4, 7]) for _ in range(rng.randrange(5)))
        x = np.array(np.random.default_rng(rng.randrange(99)).standard_normal(shape))
        dtype = rng.choice(["f4", "f8", "f2", "i4", "u2", "?", ">f4", "O", "c8", "U3", "f4", "f4"])
        x = x.astype(dtype)
        if kind == 1: x = np.asfortranarray(x)
        if kind == 2: x = x[..., ::-1] if x.ndim else x
        if kind == 3 and x.ndim: x = np.broadcast_to(x, (3, *x.shape))
        if kind == 4: x.flags.writeable = False
        if kind == 5 and x.dtype == np.float32 and x.size: x.flat[0] = np.nan
        if kind == 6 and x.ndim: x = np.lib.stride_tricks.as_strided(x, x.shape, (0,) * x.ndim)
        if kind == 7 and x.ndim > 1: x = x.T
        if kind == 8 and x.dtype.itemsize == 2 and x.dtype.kind in "iu": return prune_rs.Bf16(x)
        return x

    def value(depth=0):
        makers = [
            array, array, array,
            lambda: rng.choice([None, True, 0, 1, -1, 2**70, 0.5, 0.1, 1.0, -0.0, float("nan"), float("inf")]),
            lambda: rng.choice(["", "2:4", "fc", "magnitude", "{", "x" * 300, "\\udcff", "\\0", "value", "l2", "files", "output"]),
            lambda: Odd(), lambda: b"\\0\\1", lambda: object(), lambda: prune_rs.Mask.all((2, 3)),
            lambda: prune_rs.Masks({"a": np.ones((2, 3), bool)}),
            lambda: (2, 4),
            lambda: {"method": "unstr_global", "density": 0.5},
        ]
        if depth < 3:
            makers += [
                lambda: [value(depth + 1) for _ in range(rng.randrange(3))],
                lambda: {rng.choice(["a", "b", 1, "2..=3", -1]): value(depth + 1) for _ in range(rng.randrange(3))},
                lambda: {"a": array(), "b": array()},
                lambda: {rng.randrange(4): {"method": rng.choice(["unstr_global", "str_unified_local", "rigl", "channel_global"]),
                         rng.choice(["density", "pattern", "axis", "reopen"]): value(depth + 1)}},
                lambda: prune_rs.Pruner({1: {"method": "unstr_global", "density": 0.5}}),
                lambda: prune_rs.Strategy({1: {"method": "unstr_global", "density": 0.5}}),
            ]
        return rng.choice(makers)()

    KEYWORDS = ["density", "sparsity", "axis", "by", "alive", "sizes", "pool", "norm", "epoch", "step", "gradients", "inputs",
                "scores", "rewind", "masks", "layers", "couplings", "defaults", "force", "format", "output_axis", "seed"]
    refused = worked = 0
    objects = [getattr(prune_rs, name) for name in prune_rs.__all__ if name not in ("__version__", "PruneError")]
    for _ in range(int(sys.argv[2])):
        target = rng.choice(objects)
        if rng.random() < 0.5:
            owner = value()
            names = [n for n in dir(owner) if not n.startswith("__") or n in ("__and__", "__le__", "__getitem__", "__setitem__")]
            if type(owner).__module__ == "prune_rs" and names:
                target = getattr(owner, rng.choice(names), None)
            if not callable(target): continue
        arguments = [value() for _ in range(rng.randrange(4))]
        keywords = {rng.choice(KEYWORDS): value() for _ in range(rng.randrange(2))}
        try:
            target(*arguments, **keywords)
            worked += 1
        except Exception as error:
            assert type(error).__name__ != "PanicException", error
            refused += 1
        except BaseException as error:
            print("not an Exception:", type(error), error, target, arguments, keywords)
            sys.exit(3)
    assert worked > 20 and refused > 20, (worked, refused)
    print("done", worked, refused)
    """
)


@pytest.mark.parametrize("seed", range(8))
def test_random_calls_never_end_the_interpreter(seed):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-X", "faulthandler", "-c", RANDOM_CALLS, str(seed), "3000"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and done.stdout.startswith("done"), done.stdout[-2000:] + done.stderr[-4000:]


def test_ctrl_c_stops_work_on_files(tmp_path):
    """It cleans up: no output, and nothing temporary."""
    model, output = tmp_path / "model.safetensors", tmp_path / "out.safetensors"
    values = np.random.default_rng(0).standard_normal(60_000_000).astype(np.float32)
    header = b'{"fc.weight":{"dtype":"F32","shape":[60000,1000],"data_offsets":[0,240000000]}}'
    header += b" " * (-len(header) % 8)
    with open(model, "wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.write(values.data)
    code = f"""
import prune_rs, sys
print("begun", flush=True)
try:
    while True:
        prune_rs.apply({str(model)!r}, {str(output)!r}, {{"method": "unstr_global", "density": 0.5}}, force=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "begun\n"
        time.sleep(0.5)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.stdout.readline() == "stopped\n"
        assert running.wait(30) == 0 and time.monotonic() - began < 20
    assert {path.name for path in tmp_path.iterdir()} <= {"model.safetensors", "out.safetensors"}


def test_ctrl_c_before_an_event_is_written_leaves_everything_as_it_was():
    """The signal comes while a function measures inputs, of the first layer."""
    weights = {"a-kernel": np.ones((4, 4)), "b-kernel": np.ones((4, 4))}
    pruner = prune_rs.Pruner({1: {"method": "unstr_unified_local", "density": 0.5, "score": "wanda", "axis": 1}})

    def measure(name, masks):
        os.kill(os.getpid(), signal.SIGINT)
        return np.ones(4)

    with pytest.raises(KeyboardInterrupt):
        pruner.end_epoch(1, weights, inputs=measure)
    assert pruner.last_epoch is None and weights["a-kernel"].all() and weights["b-kernel"].all()


LAYERS = {
    "unstr_unified_local": ({"density": 0.5}, 1 << 24),
    "str_unified_local": ({"pattern": "2:4"}, 1 << 22),
    "channel_unified_local": ({"density": 0.5, "axis": 0}, 1 << 22),
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no timers")
@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("method", LAYERS)
def test_signals_are_looked_at_between_layers(method, frozen):
    """Python's handlers run only where the call asks for signals."""
    event, elements = LAYERS[method]
    values = np.random.default_rng(0).standard_normal(elements, np.float32)
    if frozen:
        values = np.frombuffer(values.tobytes(), np.float32)
    weights = {f"fc{i}-kernel": values.reshape(1024, -1) for i in range(12)}
    pruner = prune_rs.Pruner({1: {"method": method, **event}})
    handled, fail = [], False

    def handle(number, frame):
        handled.append(time.perf_counter())
        if fail:
            raise RuntimeError("a signal came")

    old = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        began = time.perf_counter()
        prepared = pruner.prepare(weights, epoch=1)
        ended = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert sum(began < at < ended for at in handled) >= 5 and len(prepared.masks) == 12
        handled.clear()
        fail = True
        before = values.tobytes()
        with pytest.raises(RuntimeError, match="a signal came"):
            signal.setitimer(signal.ITIMER_REAL, 1e-3)
            pruner.end_epoch(1, {name: np.array(array) for name, array in weights.items()} if frozen else weights)
        assert len(handled) == 1 and pruner.last_epoch is None and values.tobytes() == before
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def ticks_during(array):
    """The number of ticks of another thread during a call that reads an array.

    Nothing takes the lock away from a thread here that does not give it back, so that there is no tick where the call keeps it.
    """
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(1e-4)  # Gives the lock back.

    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    thread = threading.Thread(target=tick)
    thread.start()
    try:
        began = time.perf_counter()
        prune_rs.mask_unstructured(array, 0.5)
        ended = time.perf_counter()
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(before)
    return sum(began < at < ended for at in ticks)


def test_other_threads_run_while_memory_is_read_that_nothing_can_write():
    """And not while they could write it."""
    frozen = np.frombuffer(np.random.default_rng(0).standard_normal(8_000_000).tobytes())
    assert not frozen.flags.writeable
    read_only = frozen.copy()
    read_only.flags.writeable = False
    assert any(ticks_during(frozen) for _ in range(10))
    for array in [frozen.copy(), read_only, frozen.copy()[::-1]]:
        assert not any(ticks_during(array) for _ in range(10))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_other_threads_run_while_jax_arrays_are_read(dtype):
    jax = pytest.importorskip("jax")
    array = jax.random.normal(jax.random.key(0), (4_000_000,)).astype(dtype)
    mask = prune_rs.mask_unstructured(array, 0.5)
    assert mask == prune_rs.mask_unstructured(np.array(array), 0.5)
    with pytest.raises(prune_rs.PruneError, match="it is no numpy array"):
        prune_rs.apply_mask(array, mask)
    assert any(ticks_during(array) for _ in range(20))


RACING_WRITER = textwrap.dedent(
    """
    import ctypes, threading, time
    import numpy as np
    import prune_rs

    length = 1 << 20
    values = np.random.default_rng(0).standard_normal((2, length)).astype(np.float32)
    owner = values[0].tobytes()
    frozen = np.frombuffer(owner, np.float32)
    written = np.ctypeslib.as_array((ctypes.c_float * length).from_address(frozen.ctypes.data))
    stop = threading.Event()

    def write():
        turn = 0
        while not stop.is_set():
            turn += 1
            np.multiply(values[turn % 2], 10.0 ** (turn % 9 - 4), out=written)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers: writer.start()
    pruner = prune_rs.Pruner({1: {"method": "unstr_global", "density": 0.5}})
    made = refused = 0
    try:
        end = time.monotonic() + 8
        while time.monotonic() < end:
            for call in [
                lambda: prune_rs.mask_unstructured(frozen, 0.5),
                lambda: prune_rs.mask_global({"a": frozen, "b": values}, 0.5),
                lambda: pruner.prepare({"a": frozen.reshape(1024, -1)}, epoch=1),
                lambda: prune_rs.mask_n_m(frozen, "2:4"),
            ]:
                try:
                    call()
                    made += 1
                except prune_rs.PruneError:
                    refused += 1
    finally:
        stop.set()
        for writer in writers: writer.join()
    print("done", made, refused)
    """
)


def test_memory_that_changes_while_it_is_read_is_an_error_at_worst():
    """JAX's arrays may lie in numpy's memory, which another thread writes."""
    done = subprocess.run([sys.executable, "-c", RACING_WRITER], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.startswith("done"), done.stdout[-500:] + done.stderr[-3000:]


FORK = textwrap.dedent(
    """
    import os, threading
    import numpy as np
    import prune_rs

    weights = np.random.default_rng(0).standard_normal((4, 1_000_000)).astype(np.float32)
    expected = prune_rs.mask_unstructured(weights, 0.5)

    def work():
        mask = prune_rs.mask_unstructured(weights, 0.5)
        assert mask == expected and mask == prune_rs.Mask.from_numpy(mask.to_numpy())
        copy = weights.copy()
        prune_rs.apply_mask(copy, mask)
        assert prune_rs.revivals(copy, mask) == 0
        masks = prune_rs.Masks({"a": mask})
        masks.hold({"a": copy})
        assert prune_rs.Masks.from_safetensors(masks.to_safetensors()) == masks
        assert mask.fits_pattern("4:4")
        prune_rs.prune_act_unstruct(copy, 0.5)
        prune_rs.scores(copy, "magnitude")
        pruner = prune_rs.Pruner({1: {"method": "unstr_global", "density": 0.1}})
        assert pruner.end_epoch(1, {"a": copy}).selected.kept == 400_000
        with open(f"{os.getpid()}.safetensors", "wb") as file:
            header = b'{"a.weight":{"dtype":"F32","shape":[4,1000000],"data_offsets":[0,16000000]}}'
            header += b" " * (-len(header) % 8)
            file.write(len(header).to_bytes(8, "little") + header + weights.tobytes())
        event = {"method": "unstr_global", "density": 0.5}
        prune_rs.apply(f"{os.getpid()}.safetensors", f"{os.getpid()}.sparse.safetensors", event)

    def in_child(work):
        child = os.fork()
        if child == 0:
            try:
                work()
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        return os.waitpid(child, 0)[1]

    def in_thread():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def everything():
        work()
        in_thread()
        assert in_child(lambda: (work(), in_thread())) == 0

    assert in_child(everything) == 0
    work()
    print("done")
    """
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_a_fork_works(tmp_path):
    """Its threads of Python's, and its own child, too: the library's threads have stayed in the parent."""
    command = [sys.executable, "-W", "ignore", "-X", "faulthandler", "-c", FORK]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stdout[-500:] + done.stderr[-3000:]
