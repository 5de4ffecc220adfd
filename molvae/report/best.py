"""The best scores of a search, compared with those of training molecules, of random samples and of further seeds."""

import math
import statistics

from molvae.metrics.sets import top_mean
from molvae.report.numerals import count, inflected, listed, number, plural
from molvae.report.run_data import Optimization, Search
from molvae.report.searches import n_new, new_top_mean

N_BEST = 10
"""How many of the best are compared; fewer where fewer satisfy the constraints."""
MIN_FOR_SPREAD = 2
"""Seeds of which a standard deviation can be given."""


def training_top(search: Search, top: int) -> float | None:
    """Return the mean score of the best `top` molecules of the training set that satisfy the constraints.

    Returns:
        The mean over all of them if they are fewer; None if there are none, or the training set was not scored.
    """
    scores = search.summary.get("training_best_scores")
    if scores is None:
        # Earlier versions recorded the mean alone, in which infeasible molecules count as 0.
        scores = [search.summary.get(f"training_top{top}_mean", search.summary.get(f"training_top{N_BEST}_mean"))]
    known = [float(score) for score in scores if score is not None]
    return top_mean(known, top) if known else None


def n_training_best(search: Search) -> int:
    """Return over how many molecules the mean of the ten best of the training set is."""
    scores = search.summary.get("training_best_scores")
    if scores is None:
        return N_BEST if f"training_top{N_BEST}_mean" in search.summary else 0
    return len(scores)


def n_common(*numbers: int) -> int:
    """Return how many of the best of several sets are compared: ten, or as many as the smallest set has."""
    return min([N_BEST, *numbers])


def k_best(k: int, noun: str = "") -> str:
    """Name the best k: `ten best molecules`, `3 best molecules`, `best molecule`; without a noun, `ten best`."""
    named = f" {noun}{'' if k == 1 else 's'}" if noun else ""
    return f"{ {1: 'best', N_BEST: 'ten best'}.get(k, f'{k} best') }{named}".strip()


def best_scores(result: Optimization) -> str:
    """Compare the mean score of the best new molecules with those of training molecules and of random samples."""
    n = n_new(result.search.trace)
    if n == 0:
        return "No new molecule satisfies the constraints."
    mean = number(new_top_mean(result.search.trace, N_BEST), 3)
    text = f"{_best(n, 'new molecule').capitalize()} {inflected(n, 'has a score', 'have a mean score')} of {mean}"
    comparisons = []
    training = training_top(result.search, N_BEST)
    if training is not None:
        comparisons.append(f"{number(training, 3)} for {_best_training(result.search)}")
    if result.baseline is not None and (n_random := n_new(result.baseline.trace)):
        mean = number(new_top_mean(result.baseline.trace, N_BEST), 3)
        comparisons.append(f"{mean} for {_best(n_random, 'new random sample')} under the same budget")
    text = f"{text}, compared with {listed(comparisons)}." if comparisons else f"{text}."
    if result.search.summary.get("training_best_scores") == []:
        n_training = plural(result.search.summary["n_training"], "training molecule")
        text += f" Of {n_training}, none has a score within the constraints."
    return text


def _best(n: int, noun: str) -> str:
    """Name the molecules that a mean of the ten best is over: fewer where fewer satisfy the constraints."""
    if n >= N_BEST:
        return f"the ten best {noun}s"
    return inflected(
        n, f"the only {noun} that satisfies the constraints", f"the {n} {noun}s that satisfy the constraints"
    )


def _best_training(search: Search) -> str:
    n, n_training = n_training_best(search), f"all {count(search.summary['n_training'])} training molecules"
    if n >= N_BEST:
        return f"the ten best of {n_training}"
    only = f"the only one of {n_training} that satisfies the constraints"
    return inflected(n, only, f"the {n} of {n_training} that satisfy the constraints")


def seed_spread(result: Optimization) -> str:
    """Say how much the mean score of the best new molecules differs between seeds; nothing for a single seed."""
    if not result.further:
        return ""
    traces = [search.trace for search in (result.search, *result.further.values())]
    found = [n for n in map(n_new, traces) if n]
    n_without = len(traces) - len(found)
    text, seeds = "", plural(len(found), "seed")
    if n_without:
        text = f"In {n_without} of {plural(len(traces), 'seed')}, no new molecule satisfies the constraints."
        seeds = f"the other {seeds}"
    if len(found) < MIN_FOR_SPREAD:
        return text
    k = n_common(*found)
    means = [mean for trace in traces if not math.isnan(mean := new_top_mean(trace, k))]
    score = "score" if k == 1 else "mean score"
    return (
        f"{text}{' ' if text else ''}Over {seeds}, the {score} of the {k_best(k, 'new molecule')} is "
        f"{number(statistics.mean(means), 3)} with a standard deviation of {number(statistics.stdev(means), 3)} "
        f"({number(min(means), 3)} to {number(max(means), 3)}); the candidates are those of seed "
        f"{result.search.summary.get('seed', '')}."
    )
