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
# Sequences that are written for each one that is likely enough, before more of these are despaired of.
MAX_TRIES = 100


def generate_sequences(
    decoder: Decoder,
    codes: Tensor,
    max_length: int,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
    code_weight: Tensor | None = None,
    min_probability: float = 0.0,
    max_nll: float = math.inf,
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
        max_nll: As in `Decoder.generate`.

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
        written, nll = decoder.generate(
            codes[rows].to(device), max_length, temperature, chance, weight, min_probability, max_nll
        )
        return zip(written.tolist(), nll.tolist(), strict=True)

    if device.type != "cpu":
        yield from chain.from_iterable(map(write, groups, seeds))
    else:
        # A group alone is written by one thread too, so that it is rounded as it would be among others.
        n_threads = min(len(groups), torch.get_num_threads())
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from chain.from_iterable(pool.map(write, groups, seeds))


def generate_accepted(
    decoder: Decoder,
    draw_codes: Callable[[int], Tensor],
    n: int,
    max_length: int,
    temperature: float,
    generator: torch.Generator,
    min_probability: float,
    max_nll: float | None,
) -> Iterator[list[int]]:
    """Write sequences until there are n whose tokens together are likely enough.

    A sequence that is less likely than most that a model writes is more often a fault of its own than a rarity of the
    molecules.

    Args:
        decoder: The decoder.
        draw_codes: Returns as many codes as asked for, float32 (N, D), on the CPU.
        n: How many are wanted.
        max_length: As in `generate_sequences`.
        temperature: Above 0.
        generator: Source of the draws, on the CPU.
        min_probability: As in `Decoder.generate`.
        max_nll: Most nats of a sequence; no bound by None.

    Yields:
        n lists of token ids.

    Raises:
        ConfigError: If hardly any sequence is likely enough.
    """
    most = math.inf if max_nll is None else max_nll
    n_written = n_kept = 0
    while n_kept < n:
        # Ten more, lest a few wanted be given up by bad luck.
        if n_written > MAX_TRIES * (n_kept + 10):
            raise ConfigError(
                f"sample.max_nll: expected a bound that one sequence in {MAX_TRIES} is under, found {most:g}; "
                "raise it, or lower sample.temperature"
            )
        codes = draw_codes(n - n_kept)
        n_written += len(codes)
        written = generate_sequences(
            decoder, codes, max_length, temperature, generator, min_probability=min_probability, max_nll=most
        )
        for tokens, nll in written:
            if nll <= most:
                n_kept += 1
                yield tokens
