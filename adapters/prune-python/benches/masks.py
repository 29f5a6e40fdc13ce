"""Masks through Python, against the Rust call and torch, alternating in one run; the import, and the wheel.

usage: python masks.py RUST_CALL [--elements N] [--runs R] [--torch] [--wheel FILE]

Both read memory in the system's usual pages: numpy's wish for huge ones is turned off. Each bar is printed with its result, and
the exit status says whether all were met.

RUST_CALL is the program that `cargo build --release -p prune-python --example rust_call` makes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

# Numpy reads this when it is imported.
os.environ["NUMPY_MADVISE_HUGEPAGE"] = "0"

import numpy as np  # noqa: E402

import prune_rs  # noqa: E402


def seconds(call):
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


def import_time(modules):
    code = f"import time; started = time.perf_counter(); import {modules}; print(time.perf_counter() - started)"
    return min(float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in range(5))


class Bars:
    """Bars that are printed with their results."""

    met = True

    def at_most(self, what, figure, bar):
        self.met &= figure <= bar
        print(f"{what} {figure:.4g}, at most {bar:g}: {'met' if figure <= bar else 'NOT MET'}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rust_call")
    parser.add_argument("--elements", type=int, default=100_000_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--wheel")
    asked = parser.parse_args()
    weights = np.random.default_rng(0).standard_normal(asked.elements, np.float32)
    with tempfile.NamedTemporaryFile() as file:
        weights.tofile(file.name)
        rust = subprocess.Popen([asked.rust_call, file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert rust.stdout.readline() == "ready\n"
    ours, theirs, mask = [], [], None
    for run in range(asked.runs + 1):
        mask = None  # Its memory is there for the next one, as in RUST_CALL.
        took, mask = seconds(lambda: prune_rs.mask_unstructured(weights, 0.5))
        rust.stdin.write("0.5\n")
        rust.stdin.flush()
        of_rust, kept = rust.stdout.readline().split()
        assert int(kept) == mask.kept == asked.elements // 2
        if run > 0:  # The first warms up.
            ours.append(took)
            theirs.append(float(of_rust))
    rust.stdin.close()
    rust.wait()
    python, native = statistics.median(ours), statistics.median(theirs)
    bars = Bars()
    print(f"mask of {asked.elements} f32 at density 0.5, medians of {asked.runs}")
    print(f"  through Python {python * 1e3:8.1f} ms")
    bars.at_most(f"  the Rust call  {native * 1e3:8.1f} ms   Python / Rust", python / native, 1.05)
    applied, _ = seconds(lambda: prune_rs.apply_mask(weights, mask))
    print(f"  applied        {applied * 1e3:8.1f} ms")
    if asked.torch:
        import torch
        from torch.nn.utils import prune

        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(torch.from_numpy(weights.copy()).reshape(-1, 1000))
        took, _ = seconds(lambda: prune.l1_unstructured(module, "weight", 0.5))
        bars.at_most(f"  l1_unstructured{took * 1e3:8.1f} ms   Python / torch", python / took, 0.01)
    numpy_alone, with_it = import_time("numpy"), import_time("numpy, prune_rs")
    print(f"import of numpy alone: {numpy_alone * 1e3:.0f} ms")
    bars.at_most("import of both, ms:", with_it * 1e3, 100)
    if asked.wheel:
        bars.at_most("wheel, MB:", os.path.getsize(asked.wheel) / 1e6, 4)
    return 0 if bars.met else 1


if __name__ == "__main__":
    sys.exit(main())
