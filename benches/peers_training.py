"""What PyTorch takes for the epochs that `cargo xtask bench --training` times: random images, the same arithmetic."""

import time

import torch
from torch import nn
from torch.nn import functional

BATCH = 128
STEPS = -(-60_000 // BATCH)


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding="same"), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(32, 64, 3, padding="same"), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 10),
    )


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.Conv2d(20, 50, 5), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10),
    )


def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10),
    )


def epoch(make, channels_last):
    torch.manual_seed(0)
    images = torch.rand(10_000, 1, 28, 28)
    labels = torch.randint(0, 10, (10_000,))
    model = make()
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step():
        chosen = torch.randint(0, len(images), (BATCH,))
        sgd.zero_grad()
        functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
        sgd.step()

    for _ in range(20):
        step()
    start = time.perf_counter()
    for _ in range(STEPS):
        step()
    return time.perf_counter() - start


print(f"Peers: torch {torch.__version__}, {torch.get_num_threads()} threads, an epoch of 60,000 images, batch {BATCH}")
print(f"{'':<38} {'seconds':>9}")
for name, make in [("CNN", cnn), ("LeNet-5", lenet5)]:
    print(f"{name + ', channels first':<38} {epoch(make, False):>9.2f}")
    print(f"{name + ', channels last':<38} {epoch(make, True):>9.2f}")
print(f"{'LeNet-300-100':<38} {epoch(mlp, False):>9.2f}")
