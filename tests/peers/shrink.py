"""Shrinks real ONNX models with `prune shrink`, holds them to the oracle, and times them in ONNX Runtime.

    pip install numpy pillow onnx onnxruntime onnxsim==0.8.1 rapidocr-onnxruntime==1.4.4
    cargo build --release -p prune-cli
    python tests/peers/shrink.py [--rows det,rec,...] [--rounds 21] [--no-times] [--random 2] [--results FILE]

The table has a row for each model and multiple, at density 0.5. Parameters are those of the file, before and after, as `prune`
counts them. The oracle is the original with every removed slice set to zero, biases that are added included, divisors and
variances left as they are; both are run without the softmax or sigmoid at their ends. What they may differ by is four times what
the original differs from itself, optimised and not, each as a share of the largest output: weights that are taken out without
retraining change the scale of what is left. Rows named random lose classes drawn from a seed.

A model that loses a single class is timed beside its original: it has to take 1.00 +- 0.03 of the time, whatever it was rewritten
by, and keep its dynamic axes. Times are medians of rounds that alternate between all files of a model, in a process of its own
(shrink_times.py; --under puts a command before it, such as `taskset -c 0,1`); how much faster is the median within rounds.

PP-OCRv4's detector, recogniser and classifier come out of the wheel of rapidocr-onnxruntime, without retraining. The others are
the graphs of the onnx package's backend tests, whose weights are made anew: seeded, normal, with He's variance for tensors of two
or more axes; scales and variances positive. onnxsim's structured pruning to the same density, after its own simplify for the same
shapes, stands beside them where it runs. The detector's row is followed by what no training costs it (shrink_page.py).
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import shrink_page
from shrink_models import LIGHT, PP, parameters, shrink, source
from shrink_oracle import Noise

# What a model that lost one class may take of its original's time.
SAME_TIME = 0.03


def timed(options, files, shape, threads):
    """Medians of all files, in milliseconds, from a process that does nothing else."""
    script = pathlib.Path(__file__).with_name("shrink_times.py")
    command = [*options.under, sys.executable, str(script), "x".join(map(str, shape)), *map(str, files)]
    command += ["--threads", str(threads), "--rounds", str(options.rounds), "--seconds", str(options.seconds)]
    command += ["--sleep"] * options.sleep
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout)


def peer(model, value, shape):
    """The parameters that onnxsim leaves of its simplified model, as a fraction; a text where it does not run."""
    try:
        import onnxsim

        simple = onnxsim.simplify(model, overwrite_input_shapes={value: shape})
        simple = simple[0] if isinstance(simple, tuple) else simple
        return f"{parameters(onnxsim.apply_structured_pruning(simple, sparsity=0.5)) / parameters(simple):.3f}"
    except ImportError:
        return "not installed"
    except Exception as error:  # whatever it raises, the row goes on
        return type(error).__name__


def kept_open(whole, small):
    """Inputs and outputs are stated as before, open lengths included."""
    graphs = [onnx.load(path, load_external_data=False).graph for path in (whole, small)]
    stated = [[value.SerializeToString() for value in [*graph.input, *graph.output]] for graph in graphs]
    return stated[0] == stated[1]


class Row:
    """A model, its smaller forms, and what they failed at."""

    def __init__(self, options, folder, name):
        self.options, self.name, self.failed = options, name, []
        model, self.shape = source(name)
        self.whole, self.folder = folder / f"{name}.onnx", folder
        onnx.save(model, self.whole)
        self.value = model.graph.input[0].name
        self.noise = Noise(self.whole, np.random.default_rng(1).standard_normal(self.shape).astype(np.float32))
        self.peer = peer(model, self.value, self.shape)

    def shrunk(self, label, arguments, most=None):
        """One smaller model: its file, its report, and what it differs by."""
        small = self.folder / f"{self.name}.{label}.onnx"
        given = ["--input", f"{self.value}={'x'.join(map(str, self.shape))}"]
        report, kept = shrink(self.options.prune, self.whole, small, [*given, *arguments])
        differs = self.noise.differs(small, kept)
        if differs > 4 * self.noise.share:
            self.failed.append(f"{self.name}, {label}: differs by {differs:.2e}, the noise is {self.noise.share:.2e}")
        if not kept_open(self.whole, small):
            self.failed.append(f"{self.name}, {label}: inputs or outputs are stated in another way")
        left = report["parameters_after"] / report["parameters_before"]
        if most is not None and left > most:
            self.failed.append(f"{self.name}, {label}: {left:.4f} of the parameters are left, above {most}")
        return {"file": small, "report": report, "left": left, "differs": differs, "label": label}

    def forms(self):
        """All smaller models: multiples 1 and 4, one class removed, classes drawn."""
        half = ["--density", "0.5", "--multiple"]
        most = PP[self.name][2] if self.name in PP else LIGHT[self.name]
        forms = [self.shrunk("1", [*half, "1"], most), self.shrunk("4", [*half, "4"])]
        report = forms[0]["report"]
        found = (len(report["families"]), report["classes"])
        if self.name in PP and found != PP[self.name][4:]:
            self.failed.append(f"{self.name}: {found} families and classes, not {PP[self.name][4:]}")
        for seed in range(self.options.random):
            forms.append(self.shrunk(f"1, random {seed}", [*half, "1", "--score", "random", "--seed", str(seed)]))
        all_but_one = str(1 - 1 / found[1])
        one = self.shrunk("one class", ["--method", "channel_global", "--density", all_but_one, "--multiple", "1"])
        if one["report"]["classes"] - one["report"]["classes_kept"] != 1:
            self.failed.append(f"{self.name}: not one class was removed")
        return [*forms, one]

    def times(self, forms):
        """Milliseconds and speedup of the forms that are timed, for one and two threads; checks the bars."""
        files = [self.whole, *(form["file"] for form in forms)]
        for threads in (1, 2):
            found = timed(self.options, files, self.shape, threads)
            if found["processors"] < 0.95 * threads and not self.options.sleep:
                self.failed.append(f"{self.name}: {found['processors']:.2f} processors for {threads} threads: the machine is busy")
            before, *all_after = found["milliseconds"]
            for form, after, speedup in zip(forms, all_after, found["faster"][1:], strict=True):
                form[f"times {threads}"] = (before, after, speedup)
                about = f"{self.name}, {form['label']}, {threads} threads"
                if form["label"] == "1" and self.name in PP and speedup < PP[self.name][3]:
                    self.failed.append(f"{about}: {speedup:.2f}x, below {PP[self.name][3]}x")
                if form["label"] == "one class" and abs(1 / speedup - 1) > SAME_TIME:
                    self.failed.append(f"{about}: takes {1 / speedup:.3f} of the time")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prune", default="target/release/prune", help="the command")
    options.add_argument("--rows", default=",".join([*PP, *LIGHT]), help="models, separated by commas")
    options.add_argument("--rounds", type=int, default=21, help="the least rounds whose median is the time")
    options.add_argument("--seconds", type=float, default=15, help="how long the rounds of a model go on, at least")
    options.add_argument("--no-times", action="store_true", help="only the oracle")
    options.add_argument("--random", type=int, default=2, help="seeds of random channels that are held to the oracle too")
    options.add_argument("--sleep", action="store_true", help="threads without work sleep, for a machine that others use")
    options.add_argument("--under", default="", help="a command that the timed process is given to")
    options.add_argument("--results", type=pathlib.Path, help="a file for the figures, which shrink_picture.py draws")
    options = options.parse_args()
    options.prune = str(pathlib.Path(options.prune).resolve())
    options.under = shlex.split(options.under)
    header = ["model", "multiple", "parameters left", "families", "classes", "differs", "noise", "onnxsim leaves"]
    if not options.no_times:
        header += ["1 thread, ms", "small", "faster", "2 threads, ms", "small", "faster"]
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header), flush=True)
    failed, results = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in options.rows.split(","):
            row = Row(options, folder, name)
            forms = row.forms()
            if not options.no_times:
                row.times([form for form in forms if "random" not in form["label"]])
            for form in forms:
                report = form["report"]
                cells = [name, form["label"], f"{form['left']:.3f}", str(len(report["families"])), str(report["classes"])]
                cells += [f"{form['differs']:.1e}", f"{row.noise.share:.1e}", row.peer if form["label"] == "1" else ""]
                for threads in (1, 2):
                    if f"times {threads}" in form:
                        before, after, speedup = form[f"times {threads}"]
                        cells += [f"{before:.2f}", f"{after:.2f}", f"{speedup:.2f}x"]
                print("| " + " | ".join(cells) + " |", flush=True)
                kept = {key: form[key] for key in ("label", "left", "times 1", "times 2") if key in form}
                results.append({"model": name, **kept, "parameters": report["parameters_before"]})
            failed += row.failed
        if "det" in options.rows.split(","):
            print()
            failed += shrink_page.table(options.prune, folder)
    if options.results:
        options.results.write_text(json.dumps(results, indent=1) + "\n")
    for line in failed:
        print("FAILED:", line)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
