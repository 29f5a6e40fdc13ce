"""What numpy and torch take for the masks that `cargo xtask bench` times, beside reading the same memory.

Arguments: for each size its elements, and the milliseconds of reading them as 32-bit and as 16-bit values.
"""

import sys
import time

import numpy
import torch
import torch.nn.utils.prune as torch_prune

COLD = 256 << 20


def median(work, rounds=3):
    times = []
    for turn in range(rounds + 1):
        start = time.perf_counter()
        work(turn)
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[rounds // 2]


def turns(value, clone):
    """As many clones as the caches do not hold; work takes them in turns."""
    count = max(1, -(-COLD // value.nbytes))
    clones = [clone(value) for _ in range(count)]
    return lambda turn: clones[turn % count]


def of_size(size, single, half):
    side = int(size**0.5) // 8 * 8
    elements = side * side
    kept = elements // 2
    threads = torch.get_num_threads()
    array = numpy.random.default_rng(0).standard_normal((side, side), dtype=numpy.float32)
    arrays = {"f32": turns(array, numpy.copy), "f16": turns(array.astype(numpy.float16), numpy.copy)}
    types = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
    tensors = {name: turns(torch.from_numpy(array).to(kind), torch.clone) for name, kind in types.items()}
    ones = torch.ones(side, side)

    def partition(weights):
        magnitudes = numpy.abs(weights)
        threshold = numpy.partition(magnitudes, elements - kept, axis=None)[elements - kept]
        return magnitudes >= threshold

    def argpartition(weights):
        mask = numpy.zeros(elements, dtype=bool)
        mask[numpy.argpartition(numpy.abs(weights), elements - kept, axis=None)[elements - kept :]] = True
        return mask

    def kthvalue(weights):
        magnitudes = weights.abs()
        return magnitudes >= torch.kthvalue(magnitudes.flatten(), elements - kept + 1).values

    def l1_unstructured(weights):
        return torch_prune.L1Unstructured(amount=kept).compute_mask(weights, ones)

    def two_of_four(weights):
        groups = weights.abs().view(-1, 4)
        return torch.zeros_like(groups, dtype=torch.bool).scatter_(1, groups.topk(2, dim=1).indices, True)

    mask = torch.rand_like(ones) < 0.5
    rows = [
        ("unstructured 0.5, f32: numpy.partition and compare", single, 1, partition, arrays["f32"]),
        ("unstructured 0.5, f32: numpy.argpartition", single, 1, argpartition, arrays["f32"]),
        ("unstructured 0.5, f32: torch.kthvalue and compare", single, threads, kthvalue, tensors["f32"]),
        ("unstructured 0.5, f32: torch.nn.utils.prune L1Unstructured", single, threads, l1_unstructured, tensors["f32"]),
        ("unstructured 0.5, f16: numpy.partition and compare", half, 1, partition, arrays["f16"]),
        ("unstructured 0.5, f16: torch.kthvalue and compare", half, threads, kthvalue, tensors["f16"]),
        ("unstructured 0.5, bf16: torch.kthvalue and compare", half, threads, kthvalue, tensors["bf16"]),
        ("2:4, f32: torch.topk", single, threads, two_of_four, tensors["f32"]),
        ("2:4, bf16: torch.topk", half, threads, two_of_four, tensors["bf16"]),
        ("apply, f32: torch mul_", single, threads, lambda weights: weights.mul_(mask), tensors["f32"]),
    ]
    for name, read, threads, work, inputs in rows:
        taken = median(lambda turn: work(inputs(turn))) * 1e3
        print(f"{name + f', {size:,}':<74} {taken:>10.3f} {read:>10.3f} {taken / read:>7.1f}  {threads}", flush=True)


def main():
    print(f"Peers: numpy {numpy.__version__}, torch {torch.__version__}, against our reading of as much memory")
    print(f"{'':<74} {'ms':>10} {'read ms':>10} {'ratio':>7}  threads")
    figures = sys.argv[1:]
    for at in range(0, len(figures), 3):
        of_size(int(figures[at]), float(figures[at + 1]), float(figures[at + 2]))


main()
