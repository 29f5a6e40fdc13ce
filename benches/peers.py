"""What numpy and torch take for the masks that `cargo xtask bench` times, beside reading the same memory."""

import sys
import time

import numpy
import torch
import torch.nn.utils.prune as torch_prune


def best(work, rounds=3):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def main():
    size = int(sys.argv[1])
    side = int(size**0.5) // 8 * 8
    weights = numpy.random.default_rng(0).standard_normal((side, side), dtype=numpy.float32)
    tensor = torch.from_numpy(weights)
    kept = weights.size // 2

    def partition():
        magnitudes = numpy.abs(weights)
        threshold = numpy.partition(magnitudes, weights.size - kept, axis=None)[weights.size - kept]
        return magnitudes >= threshold

    def argpartition():
        mask = numpy.zeros(weights.size, dtype=bool)
        mask[numpy.argpartition(numpy.abs(weights), weights.size - kept, axis=None)[weights.size - kept :]] = True
        return mask

    def kthvalue():
        magnitudes = tensor.abs()
        return magnitudes >= torch.kthvalue(magnitudes.flatten(), weights.size - kept + 1).values

    def l1_unstructured():
        return torch_prune.L1Unstructured(amount=kept).compute_mask(tensor, torch.ones_like(tensor))

    def two_of_four():
        groups = tensor.abs().view(-1, 4)
        return torch.zeros_like(groups, dtype=torch.bool).scatter_(1, groups.topk(2, dim=1).indices, True)

    mask = torch.rand_like(tensor) < 0.5
    copy = tensor.clone()
    rows = [
        ("unstructured 0.5: numpy.partition and compare", 1, partition),
        ("unstructured 0.5: numpy.argpartition", 1, argpartition),
        ("unstructured 0.5: torch.kthvalue and compare", torch.get_num_threads(), kthvalue),
        ("unstructured 0.5: torch.nn.utils.prune L1Unstructured", torch.get_num_threads(), l1_unstructured),
        ("2:4: torch.topk", torch.get_num_threads(), two_of_four),
        ("apply: torch mul_", torch.get_num_threads(), lambda: copy.mul_(mask)),
    ]
    read = float(sys.argv[2]) / 1e3
    print(f"Peers: numpy {numpy.__version__}, torch {torch.__version__}, against our reading of as much memory")
    print(f"{'':<62} {'ms':>10} {'read ms':>10} {'ratio':>7}  threads")
    for name, threads, work in rows:
        taken = best(work)
        print(f"{name:<62} {taken * 1e3:>10.1f} {read * 1e3:>10.1f} {taken / read:>7.1f}  {threads}")


main()
