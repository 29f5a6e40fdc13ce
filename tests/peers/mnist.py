"""Channels pruned in training on the full MNIST, and what ONNX Runtime gains by it.

    cargo xtask mnist
    pip install numpy onnx onnxruntime
    python tests/peers/mnist.py

For each seed `cargo xtask demo --method small --from-scratch` trains the CNN, its dense twin and the small network from new
weights, all as long, activations dense. The networks of every run are checked by the onnx package and run by ONNX Runtime on all
test images: `model.onnx` must have the loss that the demo noted of its own forward pass, and `small.onnx` the outputs of
`model.onnx`. Runs that are there already are not repeated; nor is any with `--time`, which only takes times: of one run's two
networks in turn, medians of many rounds.
"""

import argparse
import gzip
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Of what the largest output is: outputs are sums of some hundred f32 numbers in another order.
NOISE = 1e-5


def session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def idx(folder, name):
    """One of MNIST's files, zipped or not."""
    zipped = folder / f"{name}.gz"
    data = gzip.decompress(zipped.read_bytes()) if zipped.exists() else (folder / name).read_bytes()
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def size(path):
    """Parameters, multiply-adds of an image and bytes of a network, counted from its graph."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    onnx.checker.check_model(model, full_check=True)
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    for value in model.graph.value_info:
        shapes.setdefault(value.name, [dim.dim_value for dim in value.type.tensor_type.shape.dim])
    multiply_adds = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            multiply_adds += int(np.prod(shapes[node.input[1]]) * np.prod(shapes[node.output[0]][2:]))
        if node.op_type == "Gemm":
            multiply_adds += int(np.prod(shapes[node.input[1]]))
    parameters = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    return parameters, multiply_adds, path.stat().st_size


def outputs(path, images):
    run = session(path, 2)
    parts = [images[at : at + 500] for at in range(0, len(images), 500)]
    return np.concatenate([run.run(None, {"image": part})[0] for part in parts])


def accuracy(logits, labels):
    return 100.0 * float(np.mean(logits.argmax(1) == labels))


def loss(logits, labels):
    logits = logits.astype(np.float64)
    highest = logits.max(1, keepdims=True)
    total = np.log(np.exp(logits - highest).sum(1)) + highest[:, 0]
    return float(np.mean(total - logits[np.arange(len(labels)), labels]))


def examine(folder, images, labels):
    """The figures of a run."""
    last = json.loads((folder / "metrics.jsonl").read_text().splitlines()[-1])
    model, small, scratch = (outputs(folder / f"{name}.onnx", images) for name in ("model", "small", "scratch"))
    off = abs(loss(model, labels) - last["test_loss"])
    assert off < 1e-5 * max(last["test_loss"], 1.0), f"{folder}: the loss differs by {off} from that of our own forward pass"
    difference, scale = float(np.abs(model - small).max()), float(np.abs(model).max())
    assert difference <= NOISE * scale, f"{folder}: outputs differ by {difference} of {scale}"
    sizes = [size(folder / f"{name}.onnx") for name in ("model", "small", "scratch")]
    assert sizes[1][:2] == sizes[2][:2], f"{folder}: the network from scratch has other widths"
    return {
        "twin": 100.0 * last["twin"]["test_accuracy"],
        "small": accuracy(small, labels),
        "scratch": accuracy(scratch, labels),
        "off": off,
        "difference": difference,
        "scale": scale,
        "sizes": sizes,
    }


def show(runs):
    (whole, whole_work, whole_bytes), (left, work, size_left) = runs[0]["sizes"][:2]
    print(f"parameters {whole:,} and {left:,} ({left / whole:.2%}), bytes {whole_bytes:,} and {size_left:,}")
    print(f"multiply-adds {whole_work:,} and {work:,}: {whole_work / work:.2f}x fewer\n")
    print("| test accuracy | " + " | ".join(f"seed {seed}" for seed in range(len(runs))) + " | mean | to the twin |")
    print("|---" * (len(runs) + 3) + "|")
    twin = statistics.mean(run["twin"] for run in runs)
    for name, title in (("twin", "dense twin"), ("small", "small.onnx"), ("scratch", "small, from scratch")):
        values = [run[name] for run in runs]
        mean = statistics.mean(values)
        to_twin = "" if name == "twin" else f"{mean - twin:+.2f} points"
        print(f"| {title} | " + " | ".join(f"{value:.2f}%" for value in values) + f" | {mean:.2f}% | {to_twin} |")
    print(f"\nlosses of ours and of ONNX Runtime differ by at most {max(run['off'] for run in runs):.1e}")
    worst = max(runs, key=lambda run: run["difference"])
    print(f"outputs of small.onnx and model.onnx differ by at most {worst['difference']:.1e}, of up to {worst['scale']:.1f}")


def times(folder, rounds):
    """Microseconds an image of both networks, by threads and batch. They take turns; threads of the one that has just run wait
    for work in a loop for a while, so the other begins once they sleep."""
    print("| ONNX Runtime, microseconds an image | model.onnx | small.onnx | speedup |\n|---|---|---|---|")
    for threads in (1, 2):
        networks = [session(folder / f"{name}.onnx", threads) for name in ("model", "small")]
        for batch in (64, 1):
            images = np.random.default_rng(0).random((batch, 1, 28, 28), dtype=np.float32)
            taken = [[], []]
            for _ in range(rounds):
                for network, times in zip(networks, taken):
                    time.sleep(0.1 if threads > 1 else 0.0)
                    for seconds in (0.02, 0.06):
                        runs, started = 0, time.perf_counter()
                        while time.perf_counter() - started < seconds:
                            network.run(None, {"image": images})
                            runs += 1
                        took = (time.perf_counter() - started) / runs / batch * 1e6
                    times.append(took)
            whole, small = (statistics.median(times) for times in taken)
            counted = "1 thread" if threads == 1 else f"{threads} threads"
            print(f"| {counted}, batch of {batch} | {whole:.1f} | {small:.1f} | {whole / small:.2f}x |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="runs, of the seeds from 0 [3]")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each [4]")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT / "data/mnist", help="folder of MNIST's IDX files [data/mnist]")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/mnist-small"), help="folder of the runs")
    parser.add_argument("--demo", help="the built demo [cargo xtask demo]")
    parser.add_argument("--time", action="store_true", help="take times of the first run alone, and train nothing")
    parser.add_argument("--rounds", type=int, default=25, help="rounds of which times are medians [25]")
    arguments = parser.parse_args()
    if arguments.time:
        return times(arguments.out / "0", arguments.rounds)
    demo = [arguments.demo] if arguments.demo else ["cargo", "xtask", "demo"]
    for seed in range(arguments.seeds):
        out = arguments.out / str(seed)
        if (out / "scratch.onnx").exists():
            continue
        goes_on = ["--resume", "--epochs", str(arguments.epochs)]
        begins = ["--method", "small", "--no-act-pruning", "--seed", str(seed), "--epochs", str(arguments.epochs)]
        options = goes_on if (out / "checkpoint.safetensors").exists() else begins
        words = demo + options + ["--from-scratch", "--data", str(arguments.data), "--out", str(out)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        print(f"seed {seed} is trained", file=sys.stderr)
    images = idx(arguments.data, "t10k-images-idx3-ubyte")[:, None].astype(np.float32) / np.float32(255)
    labels = idx(arguments.data, "t10k-labels-idx1-ubyte")
    show([examine(arguments.out / str(seed), images, labels) for seed in range(arguments.seeds)])
    print()
    times(arguments.out / "0", arguments.rounds)


if __name__ == "__main__":
    main()
