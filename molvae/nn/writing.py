"""Many sequences at a time, written by all threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import torch
from torch import Tensor

from molvae.nn.decoder import Decoder

# Rows written together: on a CPU as many as its caches hold, on a GPU as many as keep it busy.
ROWS = {"cpu": 256, "cuda": 4096}


def write_many(
    decoder: Decoder,
    codes: Tensor,
    max_length: int,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    code_weight: Tensor | None = None,
    min_probability: float = 0.0,
) -> Iterator[list[int]]:
    """Write a sequence for each code, with every thread at work on some of them.

    A step is a chain of small operations, which several threads together hardly speed up. Every group of rows has a
    source of chance of its own, so that what is written does not depend on the number of threads.

    Args:
        decoder: The decoder.
        codes: float32 (N, D), on the CPU.
        max_length: Most tokens of a sequence, its end token included.
        temperature: 0 takes the likeliest token (greedy); above, tokens are drawn.
        generator: Source of the draws, on the CPU; needed for a temperature above 0.
        code_weight: As in `Decoder.generate`, float32 (N,), on the CPU.
        min_probability: As in `Decoder.generate`.

    Yields:
        N lists of token ids, as soon as they are written; what comes after an end token is padding.
    """
    device = decoder.output.weight.device
    groups = torch.split(torch.arange(len(codes)), ROWS[device.type])
    seeds = (
        [0] * len(groups) if generator is None else torch.randint(2**62, (len(groups),), generator=generator).tolist()
    )

    def write(rows: Tensor, seed: int) -> list[list[int]]:
        chance = None if generator is None else torch.Generator(device).manual_seed(seed)
        weight = None if code_weight is None else code_weight[rows].to(device)
        written: list[list[int]] = decoder.generate(
            codes[rows].to(device), max_length, temperature, chance, weight, min_probability
        ).tolist()
        return written

    n_threads = min(len(groups), torch.get_num_threads()) if device.type == "cpu" else 1
    if n_threads == 1:
        yield from chain.from_iterable(map(write, groups, seeds))
    else:
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from chain.from_iterable(pool.map(write, groups, seeds))
