"""Hölder constants at the paper's size: closed form against the literal loop and against a plain GEMM.

    python benchmarks/holder_scores.py

Prints, for n = 50,000 samples, d = 512 features and l = 1,024 neurons: seconds of the closed form,
of Algorithms 1 and 2 taken literally (measured on 16 neurons and 200 samples, extrapolated), of
one n × d × l matrix product of the same tiles, and the memory the closed form needs beyond its inputs.
"""

import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from holder.defenses.hp import TILE, holder_constants

N, D, L = 50_000, 512, 1024
EPSILON, ALPHA = 0.1, 0.5


def literal(w, b, z):
    """Algorithm 2: for each neuron and sample one autograd step of Algorithm 1."""
    best = torch.zeros(len(w))
    for i in range(len(w)):
        for sample in z:
            start = (sample + 1e-3 * torch.randn(len(sample))).requires_grad_()
            f = (w[i] @ sample + b[i]).relu()
            ((f - (w[i] @ start + b[i]).relu()) ** 2).backward()
            moved = (sample + EPSILON * start.grad.sign()).clamp(0, 1)
            length = (moved - sample).abs().max()
            if length > 0:
                best[i] = max(best[i], (f - (w[i] @ moved + b[i]).relu()).abs() / length**ALPHA)
    return best


def batched_literal(w, b, z):
    """The fairer loop: one neuron at a time, all samples in one autograd call."""
    best = torch.zeros(len(w))
    for i in range(len(w)):
        start = (z + 1e-3 * torch.randn_like(z)).requires_grad_()
        f = (z @ w[i] + b[i]).relu()
        ((f - (start @ w[i] + b[i]).relu()) ** 2).sum().backward()
        moved = (z + EPSILON * start.grad.sign()).clamp(0, 1)
        length = (moved - z).abs().amax(1)
        quotient = (f - (moved @ w[i] + b[i]).relu()).abs() / length**ALPHA
        best[i] = quotient.nan_to_num(0, 0, 0).max()
    return best


def product(w, z):
    """One product of the same size, in the same tiles, nothing kept."""
    for rows in z.split(TILE // len(w)):
        rows @ w.T


def seconds(function, *arguments, repeat=3, **settings):
    function(*arguments, **settings)
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        function(*arguments, **settings)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main():
    generator = torch.Generator().manual_seed(0)
    z = torch.rand(N, D, generator=generator)
    w = torch.randn(L, D, generator=generator) / D**0.5
    b = 0.1 * torch.randn(L, generator=generator)
    print(f"n {N:,}, d {D}, l {L:,}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    closed = seconds(holder_constants, w, b, z, epsilon=EPSILON, alpha=ALPHA)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    gemm = seconds(product, w, z)
    slow = seconds(literal, w[:16], b[:16], z[:200], repeat=1) * (L / 16) * (N / 200)
    medium = seconds(batched_literal, w[:16], b[:16], z, repeat=1) * (L / 16)
    print(f"closed form                    {closed:10.2f} s")
    print(f"literal loop, extrapolated     {slow:10.0f} s   {slow / closed:9.0f} ×")
    print(f"one neuron at a time, extrap.  {medium:10.0f} s   {medium / closed:9.0f} ×")
    print(f"one n × d × l product          {gemm:10.2f} s   {gemm / closed:9.2f} ×")
    print(f"speed of its three products    {3 * gemm / closed:10.0%} of that product's")
    print(f"L2 denominator                 {seconds(holder_constants, w, b, z, epsilon=EPSILON, norm='2'):10.2f} s")
    print(f"memory beyond the inputs       {(after - before) / 1024:10.0f} MiB")


if __name__ == "__main__":
    main()
