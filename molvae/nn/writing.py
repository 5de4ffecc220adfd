"""Many sequences at a time, written by all threads."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import torch
from torch import Tensor

from molvae.errors import ConfigError
from molvae.nn.decoder import Decoder

# Rows written together: on a CPU as many as its caches hold, on a GPU as many as keep it busy.
ROWS = {"cpu": 256, "cuda": 4096}
# Sequences that are written for each one wanted before it is given up that any will be likely enough.
MOST_TRIES = 100


def write_many(
    decoder: Decoder,
    codes: Tensor,
    max_length: int,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    code_weight: Tensor | None = None,
    min_probability: float = 0.0,
    max_nats: float = math.inf,
) -> Iterator[tuple[list[int], float]]:
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
        max_nats: As in `Decoder.generate`.

    Yields:
        N lists of token ids with their nats, as soon as they are written; what comes after an end token is padding.
    """
    device = decoder.output.weight.device
    groups = torch.split(torch.arange(len(codes)), ROWS[device.type])
    seeds = (
        [0] * len(groups) if generator is None else torch.randint(2**62, (len(groups),), generator=generator).tolist()
    )

    def write(rows: Tensor, seed: int) -> Iterator[tuple[list[int], float]]:
        chance = None if generator is None else torch.Generator(device).manual_seed(seed)
        weight = None if code_weight is None else code_weight[rows].to(device)
        written, nats = decoder.generate(
            codes[rows].to(device), max_length, temperature, chance, weight, min_probability, max_nats
        )
        return zip(written.tolist(), nats.tolist(), strict=True)

    n_threads = min(len(groups), torch.get_num_threads()) if device.type == "cpu" else 1
    if n_threads == 1:
        yield from chain.from_iterable(map(write, groups, seeds))
    else:
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from chain.from_iterable(pool.map(write, groups, seeds))


def write_likely(
    decoder: Decoder,
    draw_codes: Callable[[int], Tensor],
    n: int,
    max_length: int,
    temperature: float,
    generator: torch.Generator,
    min_probability: float,
    max_nats: float,
) -> Iterator[list[int]]:
    """Write sequences until there are n whose tokens together are likely enough.

    What a model thinks as unlikely as hardly any of the sequences that it writes is more often a fault than a rarity.

    Args:
        decoder: The decoder.
        draw_codes: Returns so many codes, float32 (N, D), on the CPU.
        n: How many are wanted.
        max_length: As in `write_many`.
        temperature: Above 0.
        generator: Source of the draws, on the CPU.
        min_probability: As in `Decoder.generate`.
        max_nats: Most nats of a sequence.

    Yields:
        n lists of token ids.

    Raises:
        ConfigError: If hardly any sequence is likely enough.
    """
    n_written = n_kept = 0
    while n_kept < n:
        if n_written > MOST_TRIES * n:
            raise ConfigError(
                f"sample.max_nats: expected a bound that one sequence in {MOST_TRIES} is under, found {max_nats:g}; "
                "raise it, or lower sample.temperature"
            )
        codes = draw_codes(n - n_kept)
        n_written += len(codes)
        written = write_many(
            decoder, codes, max_length, temperature, generator, min_probability=min_probability, max_nats=max_nats
        )
        for tokens, nats in written:
            if nats <= max_nats:
                n_kept += 1
                yield tokens
