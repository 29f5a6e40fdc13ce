"""What `prune apply` takes beside copying the same checkpoint: time in the same rounds, and memory at its most.

    cargo build --release -p prune-cli
    python3 benches/files.py                 # 2 GiB of f32, five rounds: needs numpy, and 6 GiB of room under --folder
    python3 benches/files.py --gib 0.25 --rounds 3 --only 2:4

Each round copies the file with `cp` and syncs the copy, and then prunes it by each row in turn. Every run has the input in the
page cache and writes a new output, which is removed after it, outside of what is timed. Times are medians; they depend on the
disk and differ from round to round, ratios less so. Memory is the resident set at its most, as the system counts it (Linux).
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

ERK = "{0: {'method': 'unstr_global', 'density': 0.5, 'distribution': 'erk'}}"
ROWS = {
    "one ranking, density 0.5": ["--method", "unstr_global", "--density", "0.5"],
    "each layer, density 0.5": ["--method", "unstr_unified_local", "--density", "0.5"],
    "2:4": ["--method", "str_unified_local", "--pattern", "2:4"],
    "channels, density 0.5": ["--strategy", "{0: {'method': 'channel_unified_local', 'density': 0.5}}"],
    "ERK, density 0.5": ["--strategy", ERK],
}


def write_model(path, layers, side):
    """Layers of normal values of different scales, so that one ranking keeps a different share of each."""
    size = side * side * 4
    table = {
        f"layers.{i}.weight": {"dtype": "F32", "shape": [side, side], "data_offsets": [i * size, (i + 1) * size]}
        for i in range(layers)
    }
    text = json.dumps(table).encode()
    text += b" " * (-len(text) % 8)
    random = numpy.random.default_rng(0)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for layer in range(layers):
            values = random.standard_normal(side * side, dtype=numpy.float32)
            values *= numpy.float32(0.01 * (1 + layer / layers))
            values.tofile(file)


def most_memory(pid):
    """The resident set of a process at its most, in bytes; none once it has ended."""
    try:
        with open(f"/proc/{pid}/status") as status:
            lines = [line for line in status if line.startswith("VmHWM:")]
        return int(lines[0].split()[1]) * 1024 if lines else None
    except (FileNotFoundError, ProcessLookupError):
        return None


def run(command, output):
    """Seconds and the most memory of a command that writes `output`."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most = 0
    # Asked for while it runs, since what the system counts of a child that has ended is that of its parent as well.
    while process.poll() is None:
        most = max(most, most_memory(process.pid) or 0)
        time.sleep(0.005)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed")
    written = output.stat().st_size
    output.unlink()
    return seconds, most, written


def copied(source, output):
    """Seconds of copying and syncing a file."""
    start = time.perf_counter()
    subprocess.run(["cp", source, output], check=True)
    with open(output, "rb+") as file:
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    output.unlink()
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--prune", type=pathlib.Path, default=root / "target/release/prune")
    parser.add_argument("--gib", type=float, default=2.0, help="the size of the checkpoint")
    parser.add_argument("--side", type=int, default=4096, help="rows and columns of each layer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    parser.add_argument("--folder", type=pathlib.Path, help="where the files are; a temporary folder without it")
    parser.add_argument("--model", type=pathlib.Path, help="a checkpoint that was made before; made there if it is not")
    asked = parser.parse_args()
    rows = {name: arguments for name, arguments in ROWS.items() if asked.only in name}
    if not asked.prune.is_file() or not rows or asked.rounds < 1:
        sys.exit(f"needs {asked.prune} (cargo build --release -p prune-cli), a row of {list(ROWS)}, and a round")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        folder = pathlib.Path(folder)
        model, output = asked.model or folder / "model.safetensors", folder / "output.safetensors"
        if not model.exists():
            write_model(model, max(1, round(asked.gib * 2**30 / 4 / asked.side**2)), asked.side)
        size = model.stat().st_size
        os.sync()
        with open(model, "rb") as file:
            while file.read(1 << 24):
                pass
        copies, times, memory = [], {name: [] for name in rows}, dict.fromkeys(rows, 0)
        for _ in range(asked.rounds):
            copies.append(copied(model, output))
            for name, arguments in rows.items():
                command = [asked.prune, "apply", model, "-o", output, "--quiet", *arguments]
                seconds, most, written = run(command, output)
                if written != size:
                    sys.exit(f"{name}: {written} bytes were written of {size}")
                times[name].append(seconds)
                memory[name] = max(memory[name], most)
    copy = statistics.median(copies)
    print(f"{size / 2**30:.2f} GiB of f32; cp and sync {copy:.2f} s, {asked.rounds} rounds, {os.cpu_count()} cores")
    for name in rows:
        seconds = statistics.median(times[name])
        print(f"{name:<26} {seconds:6.2f} s  {seconds / copy:5.2f}x  {memory[name] / 2**20:5.0f} MiB")


if __name__ == "__main__":
    main()
