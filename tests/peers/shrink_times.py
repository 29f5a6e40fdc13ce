"""Times ONNX files in ONNX Runtime against the first of them, in rounds in which each has a turn: one line of JSON.

    python tests/peers/shrink_times.py 1x3x640x640 det.onnx small.onnx [...] [--threads 1] [--rounds 21] [--seconds 15]

It has the median of each file in milliseconds; of each file the median of what the first took in the same round, as a multiple of
what the file took; and how many processors the process had on average: with fewer than threads, something else was running.

Threads of ONNX Runtime wait for each other by spinning, which takes many times as long where another program has one of their
processors; --sleep lets them sleep.

All files have one input, of the shape given first. Nothing is shrunk here, so that the run is short. Rounds go on for so many
seconds, and until there are so many of them.
"""

import argparse
import json
import statistics
import time

import numpy as np
import onnxruntime

# Rounds before those that count, in which memory is laid out.
WARM = 2
# Seconds that a model runs before the next does: a model of a millisecond would else run in caches full of another.
TURN = 0.03


def turn(session, feed):
    """Seconds of one run: the median of as many as a turn takes, but for the first, which finds the memory of another model."""
    taken, begun = [], time.perf_counter()
    while not taken or time.perf_counter() - begun < TURN:
        started = time.perf_counter()
        session.run(None, feed)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:] or taken)


def medians(files, shape, threads, rounds, seconds, sleep):
    """The figures of all files."""
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if sleep:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions = [onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in files]
    taken = [[] for _ in sessions]
    for _ in range(WARM):
        for session in sessions:
            session.run(None, {session.get_inputs()[0].name: x})
    begun, worked = time.perf_counter(), time.process_time()
    while len(taken[0]) < rounds or time.perf_counter() - begun < seconds:
        for session, times in zip(sessions, taken, strict=True):
            times.append(turn(session, {session.get_inputs()[0].name: x}))
    return {
        "milliseconds": [1000 * statistics.median(times) for times in taken],
        "faster": [statistics.median(a / b for a, b in zip(taken[0], times, strict=True)) for times in taken],
        "rounds": len(taken[0]),
        "processors": (time.process_time() - worked) / (time.perf_counter() - begun),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("shape", help="of the input, such as 1x3x640x640")
    options.add_argument("files", nargs="+", help="ONNX files")
    options.add_argument("--threads", type=int, default=1, help="threads of one operator")
    options.add_argument("--rounds", type=int, default=21, help="the least rounds whose median is the time")
    options.add_argument("--seconds", type=float, default=15, help="how long rounds go on, at least")
    options.add_argument("--sleep", action="store_true", help="threads without work sleep, for a machine that others use")
    options = options.parse_args()
    shape = [int(n) for n in options.shape.split("x")]
    given = (options.threads, options.rounds, options.seconds, options.sleep)
    print(json.dumps(medians(options.files, shape, *given)))


if __name__ == "__main__":
    main()
