"""Holds the table of names to the classes of modules, in hundreds of architectures.

    pip install torch torchvision transformers timm diffusers
    python tests/peers/names.py build DIR [transformers|timm|torchvision|diffusers] [kind ..]   # an hour in all; without values
    cargo build --release -p prune-cli
    python tests/peers/names.py compare DIR target/release/prune [part of a label]    # what `prune inspect --json` says of them
    python tests/peers/names.py facts DIR prune-schedule/tests/names/facts            # commits what was found

`build` writes what module classes say (`names_truth.py`); the other two correct it by the lists below, each with its reason.
`compare` prints a line for every model: weights, how many of them are known, what no weight was taken, which axes are wrong.
"""

import collections
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

# Parameters of modules whose class tells nothing, that are weights: class of the module, parameter, input axes.
# Every other such parameter is a token, a table, a scale or a constant.
WEIGHTS = [
    (r"FunnelRelMultiheadAttention", r"r_kernel", (0,)),  # (width, heads, width of a head)
    (r"XLNetRelativeAttention", r"[qkvr]", (0,)),  # (width, heads, width of a head)
    (r"XLNetRelativeAttention", r"o", (1, 2)),  # (width, heads, width of a head), read from the heads
    (r"\w*MultiModalProjector", r"mm_input_projection_weight", (0,)),  # multiplied from the right
    (r"MotionConv2d|MotionLinear|SanaWMTemporalShortConvolution", r"weight", (1,)),  # plain layers by hand
    (r"QuantLinear", r"weight", (1,)),  # I-BERT's linear layer
    (r"\w*ParallelExperts", r"weight", (2,)),  # (experts, out, in)
    (r"LongcatFlashExperts|Step3p7Experts", r"gate_up_proj|down_proj|weight", (2,)),  # (experts, out, in)
    (r"Llama4TextExperts", r"gate_up_proj|down_proj", (1,)),  # (experts, in, out)
    (r"\w*SharedExperts", r"gate_proj|up_proj|down_proj", (2,)),  # (experts, out, in)
    (r"SwiGLUExperts", r"gate_up_proj|down_proj", (1,)),  # (experts, in, out)
]

# Layers by class that are no weights to prune.
NO_WEIGHTS = [
    # Projections to a vocabulary, of text or of codes: kept dense as the tables of tokens are.
    (r"(^|\.)(ctc_head|ctc_proj)\.weight$", "vocabulary of a transcription"),
    (r"(^|\.)(lm_head|lm_heads\.\d+|logits_dense|codebooks_head|generator_lm_head|lm_head_dense)\.weight$", "vocabulary"),
    (r"(^|\.)(mlm_head|mim_head|mmm_image_head|mmm_text_head|lm_head)\.decoder\.weight$", "vocabulary"),
    (r"^(model\.)?(decoder\.)?output_projection\.weight$", "vocabulary"),
    # Routers are far smaller than the experts they choose.
    (r"(^|\.)(router|gate|shared_expert_gate)\.weight$", "router", r"experts"),
    (r"(^|\.)router\.(layer|classifier|proj|gate)\.weight$", "router"),
]


def corrected(row, names):
    """Class and input axes of a tensor after the lists."""
    name, shape, truth, axes, label = row
    if truth == "?":
        parameter = name.rpartition(".")[2]
        for module, pattern, known in WEIGHTS:
            if re.fullmatch(module, label) and re.fullmatch(pattern, parameter) and len(shape) > 1:
                return "W", known
        return "O", None
    for pattern, _, *beside in NO_WEIGHTS:
        if truth == "W" and re.search(pattern, name):
            stem = name.rsplit(".", 2)[0]
            if not beside or any(other.startswith(f"{stem}.{beside[0]}") for other in names):
                return "O", None
    return truth, axes


def models(directory, sources=("transformers", "timm", "torchvision", "diffusers")):
    """Label, kind and rows (name, shape, class, axes) of every model that was built."""
    for source in sources:
        path = Path(directory, f"{source}.tsv")
        found = collections.OrderedDict()
        for line in path.read_text().splitlines() if path.exists() else []:
            _, kind, cls, name, shape, truth, axes, label = line.split("\t")
            row = name, tuple(map(int, shape.split(","))) if shape else (), truth, None, label
            if axes != "-":
                row = row[:3] + (tuple(map(int, axes.split(","))), label)
            found.setdefault((kind, cls), []).append(row)
        for (kind, cls), rows in found.items():
            names = [row[0] for row in rows]
            yield source, kind, cls, [row[:2] + corrected(row, names) for row in rows]


def write_file(path, rows):
    """A file with these names. Great sizes are divided by 16, all alike, and the values are a hole."""
    smaller = lambda size: size // 16 if size >= 512 and size % 16 == 0 else size
    header, offset, shapes = {}, 0, {}
    for name, shape, _, _ in rows:
        shape = shapes[name] = [smaller(size) for size in shape]
        end = offset + 2
        for size in shape:
            end = offset + (end - offset) * size
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)


def compare(directory, prune, part=""):
    totals = collections.Counter()
    for source, kind, cls, rows in models(directory):
        label = f"{source} {kind} {cls}"
        if part not in label:
            continue
        with tempfile.TemporaryDirectory() as folder:
            config = {"_class_name": kind} if source == "diffusers" else {"model_type": kind}
            Path(folder, "config.json").write_text(json.dumps(config))
            write_file(Path(folder, "model.safetensors"), rows)
            said = subprocess.run([prune, "inspect", "--json", folder], capture_output=True, text=True)
            if said.returncode:
                totals.update(refused=1)
                print(f"{label}\trefused: {said.stderr.strip()}", flush=True)
                continue
            told = {tensor["layer"]: tensor for tensor in json.loads(said.stdout)["tensors"]}
        weights = known = 0
        taken, wrong, missed = [], [], []
        for name, shape, truth, axes in rows:
            role = told[name]
            if truth == "W" and len(shape) > 1:
                weights += 1
                known += role["class"] == "weight"
                if role["class"] != "weight":
                    missed.append(name)
                elif axes and role["input_axes"] and role["input_axes"][0] != axes[0]:
                    wrong.append(name)
            elif role["class"] == "weight":
                taken.append(name)
        few = known * 100 < weights * 95
        totals.update(models=1, weights=weights, known=known, taken=len(taken), wrong=len(wrong), few=few)
        print(f"{label}\t{known}/{weights}\ttaken {len(taken)}\twrong {len(wrong)}\t{(taken + wrong + missed)[:3]}", flush=True)
    print(dict(totals))
    sys.exit(bool(totals["taken"] or totals["wrong"] or totals["few"] or totals["refused"]))


# Written whole; of all others only what no model before them had.
WHOLE = set(
    "llama mistral qwen2 qwen3_moe gemma3_text gpt_oss mixtral deepseek_v3 dbrx granitemoe gpt2 gpt_bigcode gpt_neox t5 bart "
    "bert roberta albert xlnet vit swin clip sam convnextv2 resnet whisper wav2vec2 wav2vec2-conformer vits encodec mamba rwkv "
    "UNet2DConditionModel SD3Transformer2DModel FluxTransformer2DModel maskrcnn_resnet50_fpn llama4_text".split()
)


def collapsed(name):
    return re.sub(r"(?<![A-Za-z_0-9])\d+(?![A-Za-z_0-9])", "#", name)


def facts(directory, out):
    for source in ("transformers", "timm", "torchvision", "diffusers"):
        lines, seen, whole = [], collections.Counter(), set()
        for _, kind, cls, rows in models(directory, (source,)):
            shapes = {row[0]: row[1] for row in rows}
            keep = kind in WHOLE and (kind, cls.endswith(":saved")) not in whole
            whole.add((kind, cls.endswith(":saved")))
            mine = []
            for name, shape, truth, axes in rows:
                if len(shape) < 2:
                    continue
                tail = ".".join(collapsed(name).split(".")[-4:])
                key = tail, len(shape), truth, axes
                if not keep and seen[key]:
                    continue
                seen[key] += 1
                stem = name.rpartition(".")[0].removesuffix(".parametrizations.weight")
                bias = next((shapes[b] for b in (f"{stem}.bias", f"{name}_bias") if b in shapes), ())
                mine.append("\t".join([
                    name, ",".join(map(str, shape)), truth, str(axes[0]) if axes else "-", ",".join(map(str, bias)) or "-",
                ]))
            # Experts tell a router from a gate.
            if any(line.split("\t")[0].endswith("gate.weight") for line in mine):
                mine += ["\t".join([row[0], ",".join(map(str, row[1])), row[2], str(row[3][0]) if row[3] else "-", "-"])
                         for row in rows if "experts" in row[0] and len(row[1]) > 1][:1]
            if mine:
                lines += [f"= {cls}\t{kind}"] + mine
        head = "# Written by tests/peers/names.py: name, shape, W a weight or O other, first input axis, shape of the bias beside it."
        Path(out, f"{source}.tsv").write_text("\n".join([head] + lines) + "\n")


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    if verb == "build":
        import names_truth

        names_truth.build(*rest)
    else:
        {"compare": compare, "facts": facts}[verb](*rest)
