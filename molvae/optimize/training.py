"""The best molecules of the training set: a search starts from them, and is compared with them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from molvae.log import logger
from molvae.metrics.cache import Stored, cached
from molvae.metrics.sets import top_mean
from molvae.optimize.evaluator import Evaluator, warn_of_failures
from molvae.optimize.front import desirability_matrix
from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.pareto import front_order
from molvae.optimize.score_cache import ScoreCache
from molvae.optimize.spec import CORE

# Numbers of the best molecules whose mean scores are reported.
TOP = (1, 10, 100)
# Scores that are reported.
_N_BEST = 10
# Molecules that are evaluated together, and between two looks at whether the best are found.
_CHUNK = 250
_STEP = 2000
# Above the rounding of a score.
_TOLERANCE = 1e-9
# Names of the cached columns of text.
_STATUSES, _ERRORS, _VIOLATED = "statuses", "errors", "violated"
# Infeasible molecules that are scored for each one that a search starts from.
_INFEASIBLE_FOR_EACH = 10


@dataclass(frozen=True)
class TrainingScores:
    """What an objective says of the N training molecules.

    Attributes:
        n: N.
        scored: Those that satisfy the constraints and were scored in full, the best first; all of the best are among
            them.
        infeasible: SMILES of those that are known to violate a constraint, but hold the core if there is one.
    """

    n: int
    scored: tuple[Evaluation, ...]
    infeasible: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """Return the mean scores of the best that satisfy the constraints.

        Returns:
            `n_training`; `training_n_scored`, how many satisfy the constraints and were scored in full, which are all
            that do if they are fewer than 100; `training_best_scores`, the ten best scores, or as many as there are;
            and, if there is one, `training_top<n>_mean` for each of `TOP`, over all of them where they are fewer.
        """
        scores = [evaluation.score for evaluation in self.scored]
        means = {f"training_top{n}_mean": top_mean(scores, n) for n in TOP} if scores else {}
        best = scores[:_N_BEST]
        return {"n_training": self.n, "training_n_scored": len(scores), "training_best_scores": best, **means}


def score_training(
    train: Sequence[str], objective: Objective, n_jobs: int, n_best: int = max(TOP), cache: Path | None = None
) -> TrainingScores:
    """Find the best molecules of the training set, outside the budget.

    The constraints that are quick to compute rule molecules out, and the terms that are quick bound the scores of the
    others, so that costly terms and constraints are computed only for molecules that can be among the best. Where the
    terms stay apart there is no such bound, and all are computed.

    Args:
        train: The N training molecules.
        objective: What to score by.
        n_jobs: Processes for a slow objective.
        n_best: How many of the best to score in full.
        cache: File of scores, see `ScoreCache`, where those that were paid for are kept.
    """
    logger.info("%s: scoring the %d training molecules, outside the budget", objective.name, len(train))
    quick = objective if objective.is_pareto else objective.without_costly_parts()
    scores = None if cache is None else ScoreCache(cache, objective)
    evaluations = _evaluated(train, quick, n_jobs, scores if quick is objective else None)
    possible = [evaluation for evaluation in evaluations if evaluation.feasible]
    others = [evaluation for evaluation in evaluations if not evaluation.feasible]
    evaluated = [*others, *(possible if quick is objective else _best(possible, objective, n_jobs, n_best, scores))]
    warn_of_failures(f"{objective.name}, training set", evaluated)
    return TrainingScores(
        n=len(train),
        scored=tuple(_ranked([evaluation for evaluation in evaluated if evaluation.status == "ok"])),
        infeasible=tuple(one.smiles for one in evaluated if one.status == "unscored" and CORE not in one.violated),
    )


def _computed(smiles: Sequence[str], objective: Objective, n_jobs: int, cache: ScoreCache | None) -> list[Evaluation]:
    """Score molecules, those that violate a constraint left out; what the cache has is not computed again."""
    known = {} if cache is None else {one.smiles: one for one in cache.get(smiles)}
    with Evaluator(objective, n_jobs, feasible_only=True) as evaluator:
        for chunk in evaluator.evaluate([text for text in smiles if text not in known], _CHUNK):
            if cache is not None:
                cache.add(chunk)
            known |= {one.smiles: one for one in chunk}
    return [known[text] for text in smiles]


def _evaluated(train: Sequence[str], objective: Objective, n_jobs: int, cache: ScoreCache | None) -> list[Evaluation]:
    """Evaluate the training molecules; those that violate a constraint are not scored.

    What is measured of them is cached: an objective is changed more often in its weights and targets than in this.
    """

    def measured() -> Stored:
        evaluations = _computed(train, objective, n_jobs, cache)
        rows = [
            [*(one.values[term.title] for term in terms), *(one.constraints[c.title] for c in objective.constraints)]
            for one in evaluations
        ]
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(quantities))
        texts = {
            _STATUSES: [str(one.status) for one in evaluations],
            _ERRORS: [one.error for one in evaluations],
            _VIOLATED: ["\n".join(one.violated) for one in evaluations],
        }
        return Stored({"values": values}, texts)

    terms = objective.spec.terms
    # A term and a constraint may have the same name.
    quantities = [part.quantity for part in (*terms, *objective.constraints)]
    if any(quantity.external or quantity.files(objective.folder) for quantity in quantities):
        stored = measured()
    else:
        parts = [part.model_dump(mode="json") for part in objective.constraints]
        key = json.dumps([parts, [quantity.model_dump(mode="json") for quantity in quantities]])
        stored = cached("values", chain([key], train), measured)
    rows = zip(
        train,
        stored.arrays["values"].tolist(),
        *(stored.texts[name] for name in (_STATUSES, _ERRORS, _VIOLATED)),
        strict=True,
    )
    return [
        objective.judge(smiles, dict(zip(quantities, values, strict=True)))
        if status == "ok"
        else replace(objective.without_score(smiles, status, error), violated=tuple(violated.splitlines()))
        for smiles, values, status, error, violated in rows
    ]


def best_known(
    scores: TrainingScores, n: int, objective: Objective, rng: np.random.Generator, n_jobs: int
) -> list[Evaluation]:
    """Return the n best training molecules; if fewer are feasible, also infeasible ones that come near.

    Where the terms stay apart, the best are those on the front, then those on the next one, and so on.

    Args:
        scores: What the objective says of the training set, at least `n` of them scored in full.
        n: How many.
        objective: What to score infeasible ones by, those that violate the fewest constraints first.
        rng: Draws those that are looked at.
        n_jobs: Processes for a slow objective.
    """
    best = _on_first_fronts(scores.scored, n, objective) if objective.is_pareto else list(scores.scored[:n])
    n_missing = n - len(best)
    drawn = rng.permutation(len(scores.infeasible))[: _INFEASIBLE_FOR_EACH * n_missing]
    with Evaluator(objective, n_jobs) as evaluator:
        chunks = evaluator.evaluate([scores.infeasible[i] for i in drawn], _CHUNK)
        near = [evaluation for chunk in chunks for evaluation in chunk if evaluation.status == "ok"]
    near.sort(key=lambda evaluation: (len(evaluation.violated), -evaluation.score))
    return best + near[:n_missing]


def _on_first_fronts(scored: Sequence[Evaluation], n: int, objective: Objective) -> list[Evaluation]:
    of_all = np.array([evaluation.score for evaluation in scored])
    return [scored[row] for row in front_order(desirability_matrix(scored, objective), of_all, n).tolist()]


def _ranked(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    return sorted(evaluations, key=lambda evaluation: -evaluation.score)


def _best(
    possible: Sequence[Evaluation], objective: Objective, n_jobs: int, n_best: int, cache: ScoreCache | None
) -> list[Evaluation]:
    """Score molecules, those of the highest bounds first, until no other can be among the best."""
    ranked = _ranked(possible)
    scored: list[Evaluation] = []
    for start in range(0, len(ranked), _STEP):
        best = _ranked([evaluation for evaluation in scored if evaluation.status == "ok"])
        if len(best) >= n_best and objective.bound(ranked[start].score) + _TOLERANCE < best[n_best - 1].score:
            break
        step = [evaluation.smiles for evaluation in ranked[start : start + _STEP]]
        scored += _computed(step, objective, n_jobs, cache)
    return scored
