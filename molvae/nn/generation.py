"""Generation of many sequences at a time, on all threads."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain

import torch
from torch import Tensor

from molvae.errors import ConfigError
from molvae.nn.decoder import Decoder
from molvae.sampling import SamplingParams

# Rows generated together: on a CPU as many as its caches hold, on a GPU as many as keep it busy.
ROWS = {"cpu": 256, "cuda": 4096}
# Codes that are drawn at a time, of a number that may not fit into memory: whole groups of rows, on either device.
MAX_CODES = 102_400
# Groups per thread that are begun before the first of them is read.
_AHEAD = 4
# Sequences that are generated for each accepted one before sampling fails.
MAX_TRIES = 100


def generate_sequences(
    decoder: Decoder,
    codes: Tensor,
    params: SamplingParams,
    generator: torch.Generator | None = None,
    code_weight: Tensor | None = None,
) -> Iterator[tuple[list[int], float]]:
    """Generate a sequence for each code, with the rows distributed over all threads.

    A step is a chain of small operations, which several threads together hardly speed up. Every group of rows has a
    random number generator of its own, so that the sequences do not depend on the number of threads.

    Args:
        decoder: The decoder.
        codes: float32 (N, D), on the CPU.
        params: How tokens are chosen.
        generator: Random number generator on the CPU; needed for a temperature above 0.
        code_weight: As in `Decoder.generate`, float32 (N,), on the CPU.

    Yields:
        N lists of token ids, each with its negative log-likelihood in nats, as soon as they are generated; what comes
        after an end token is padding.
    """
    device = decoder.output.weight.device
    groups = torch.split(torch.arange(len(codes)), ROWS[device.type])
    seeds = (
        [0] * len(groups) if generator is None else torch.randint(2**62, (len(groups),), generator=generator).tolist()
    )

    def generate(rows: Tensor, seed: int) -> Iterator[tuple[list[int], float]]:
        own_generator = None if generator is None else torch.Generator(device).manual_seed(seed)
        weight = None if code_weight is None else code_weight[rows].to(device)
        token_ids, nll = decoder.generate(codes[rows].to(device), params, own_generator, weight)
        return zip(token_ids.tolist(), nll.tolist(), strict=True)

    parts = map(generate, groups, seeds) if device.type != "cpu" else _in_threads(generate, groups, seeds)
    yield from chain.from_iterable(parts)


def _in_threads(
    generate: Callable[[Tensor, int], Iterator[tuple[list[int], float]]], groups: Sequence[Tensor], seeds: Sequence[int]
) -> Iterator[Iterator[tuple[list[int], float]]]:
    """Yield what is generated for each group, in order, with a bounded number of groups in memory."""
    # A single group is computed by one thread too, so that it is rounded as it would be among others.
    n_threads = min(len(groups), torch.get_num_threads())
    pending: deque[Future[Iterator[tuple[list[int], float]]]] = deque()
    with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for rows, seed in zip(groups, seeds, strict=True):
                pending.append(pool.submit(generate, rows, seed))
                if len(pending) == n_threads * _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def generate_accepted(
    decoder: Decoder, draw_codes: Callable[[int], Tensor], n: int, params: SamplingParams, generator: torch.Generator
) -> Iterator[list[int]]:
    """Generate sequences until n have at most `params.max_nll` (rejection sampling).

    Args:
        decoder: The decoder.
        draw_codes: From a number of codes, 102,400 at most, to codes of the prior, float32 (N, D), on the CPU.
        n: Number of sequences.
        params: How tokens are chosen and which sequences are accepted.
        generator: Random number generator on the CPU.

    Yields:
        n lists of token ids.

    Raises:
        ConfigError: If hardly any sequence is accepted.
    """
    n_generated = n_accepted = 0
    while n_accepted < n:
        n_missing = n - n_accepted
        for begin in range(0, n_missing, MAX_CODES):
            # Ten more, so that a small n does not fail by bad luck.
            if n_generated > MAX_TRIES * (n_accepted + 10):
                raise ConfigError(
                    f"sample.max_nll: expected a bound that at least one sequence in {MAX_TRIES} is below, found "
                    f"{params.max_nll:g}; raise it, or lower sample.temperature"
                )
            codes = draw_codes(min(MAX_CODES, n_missing - begin))
            n_generated += len(codes)
            for token_ids, nll in generate_sequences(decoder, codes, params, generator):
                if nll <= params.max_nll:
                    n_accepted += 1
                    yield token_ids
