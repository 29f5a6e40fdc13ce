"""Times ONNX files in ONNX Runtime against each other: medians of rounds in which each runs once, as one line of JSON.

    python tests/peers/shrink_times.py 1x3x640x640 det.onnx small.onnx [...] [--threads 1] [--rounds 21] [--seconds 15]

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


def medians(files, shape, threads, rounds, seconds):
    """Milliseconds of each file, and the number of rounds."""
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    sessions = [onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in files]
    taken = [[] for _ in sessions]
    for _ in range(WARM):
        for session in sessions:
            session.run(None, {session.get_inputs()[0].name: x})
    begun = time.perf_counter()
    while len(taken[0]) < rounds or time.perf_counter() - begun < seconds:
        for session, times in zip(sessions, taken, strict=True):
            feed = {session.get_inputs()[0].name: x}
            started = time.perf_counter()
            session.run(None, feed)
            times.append(time.perf_counter() - started)
    return [1000 * statistics.median(times) for times in taken], len(taken[0])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("shape", help="of the input, such as 1x3x640x640")
    options.add_argument("files", nargs="+", help="ONNX files")
    options.add_argument("--threads", type=int, default=1, help="threads of one operator")
    options.add_argument("--rounds", type=int, default=21, help="the least rounds whose median is the time")
    options.add_argument("--seconds", type=float, default=15, help="how long rounds go on, at least")
    options = options.parse_args()
    shape = [int(n) for n in options.shape.split("x")]
    times, rounds = medians(options.files, shape, options.threads, options.rounds, options.seconds)
    print(json.dumps({"milliseconds": times, "rounds": rounds}))


if __name__ == "__main__":
    main()
