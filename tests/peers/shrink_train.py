"""From torch to a smaller model and back: export, shrink, slice, compare, train on.

    pip install numpy torch onnx onnxruntime safetensors
    cargo build --release -p prune-cli
    python tests/peers/shrink_train.py [--prune target/release/prune] [--density 0.5] [--seed 0]

A network with batch normalisation and a residual is trained for an epoch, and exported to ONNX as torch does it; `prune shrink`
takes channels out of the file, and `prune slice` out of the state dict and the optimiser's buffers. A torch network of the widths
that are left, with the sliced state, must give the outputs of the small ONNX file, up to four times what ONNX Runtime and torch
differ by on the whole network. Then it trains for another epoch, momentum included, and must get better.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn


class Net(nn.Module):
    """Stem, a residual block, a dense layer, with widths of their own."""

    def __init__(self, outer=16, inner=24, hidden=32):
        super().__init__()
        self.stem = nn.Conv2d(1, outer, 3, padding=1)
        self.stem_bn = nn.BatchNorm2d(outer)
        self.conv1 = nn.Conv2d(outer, inner, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, outer, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outer)
        self.fc1 = nn.Linear(outer * 9, hidden)
        self.fc2 = nn.Linear(hidden, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.stem_bn(self.stem(x))), 2)
        x = torch.relu(x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))
        return self.fc2(torch.relu(self.fc1(torch.flatten(F.max_pool2d(x, 2), 1))))


def data(seed, count=2048):
    """Ten patterns under noise, moved about."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(7).standard_normal((10, 1, 12, 12)).astype(np.float32)
    labels = rng.integers(0, 10, count)
    noise = rng.standard_normal((count, 1, 12, 12)).astype(np.float32)
    return torch.from_numpy(patterns[labels] + 1.5 * noise), torch.from_numpy(labels)


def epoch(net, optimiser, images, labels):
    net.train()
    total = 0.0
    for start in range(0, len(images), 64):
        loss = F.cross_entropy(net(images[start : start + 64]), labels[start : start + 64])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += float(loss) * len(labels[start : start + 64])
    net.eval()
    return total / len(images)


def optimiser_of(net):
    return torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]


def command(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")
    print(done.stdout.rstrip(), end="\n\n")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--prune", default="target/release/prune", help="the command")
    options.add_argument("--density", default="0.5")
    options.add_argument("--seed", type=int, default=0)
    options = options.parse_args()
    prune = pathlib.Path(options.prune).resolve()
    torch.manual_seed(options.seed)
    images, labels = data(options.seed)
    test, test_labels = data(options.seed + 1, 512)
    net = Net()
    optimiser = optimiser_of(net)
    before = epoch(net, optimiser, images, labels)

    def accuracy(net):
        with torch.no_grad():
            return float((net(test).argmax(1) == test_labels).float().mean())

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole, small = folder / "model.onnx", folder / "small.onnx"
        # Without folding, batch normalisation stays apart, and every constant is a tensor of the state dict.
        torch.onnx.export(
            net, (test[:2],), str(whole), dynamo=False, do_constant_folding=False,
            input_names=["image"], dynamic_axes={"image": {0: "batch"}},
        )  # fmt: skip
        momentum = {
            f"momentum.{name}": optimiser.state[parameter]["momentum_buffer"].clone()
            for name, parameter in net.named_parameters()
        }
        state = {name: value.clone().contiguous() for name, value in net.state_dict().items()}
        save_file({**state, **momentum}, folder / "state.safetensors")
        kept = folder / "kept.json"
        command(prune, "shrink", whole, "-o", small, "--density", options.density, "--kept", kept)
        sliced = folder / "small.safetensors"
        command(prune, "slice", folder / "state.safetensors", "--kept", kept, "-o", sliced)
        left = load_file(sliced)
        widths = [left[name].shape[0] for name in ("stem.weight", "conv1.weight", "fc1.weight")]
        again = Net(*widths)
        again.load_state_dict({name: value for name, value in left.items() if not name.startswith("momentum.")})
        again.eval()
        with torch.no_grad():
            noise = float(np.max(np.abs(net(test).numpy() - run(whole, test))))
            differs = float(np.max(np.abs(again(test).numpy() - run(small, test))))
    print(f"widths {widths}; the sliced network differs from small.onnx by {differs:.1e}, the noise is {noise:.1e}")
    optimiser = optimiser_of(again)
    for name, parameter in again.named_parameters():
        optimiser.state[parameter]["momentum_buffer"] = left[f"momentum.{name}"].clone()
    cut = accuracy(again)
    after = epoch(again, optimiser, images, labels)
    trained = accuracy(again)
    print(f"test accuracy: dense {accuracy(net):.3f}, shrunk {cut:.3f}, after an epoch {trained:.3f}")
    print(f"training loss of the epochs: {before:.3f} dense, {after:.3f} shrunk")
    if differs > 4 * noise or trained < cut or after >= before:
        sys.exit("FAILED")


if __name__ == "__main__":
    main()
