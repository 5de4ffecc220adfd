"""The best scores of the training set, with which a search is compared."""

from collections.abc import Sequence
from typing import Any

from molvae.log import logger
from molvae.metrics.sets import top_mean
from molvae.optimize.evaluator import Evaluator, warn_of_failures
from molvae.optimize.objective import Evaluation, Objective

# Numbers of the best molecules whose mean scores are reported.
TOP = (1, 10, 100)
# Molecules that are evaluated together.
_CHUNK = 500
# Above the rounding of a score.
_TOLERANCE = 1e-9


def training_summary(train: Sequence[str], objective: Objective, n_jobs: int) -> dict[str, Any]:
    """Find the best scores of the training set, outside the budget; molecules that fail are left out of the means.

    Infeasible molecules, whose scores count as 0, are not scored. Of the others, the terms that are quick to compute
    bound the score, so that the costly terms are computed only for molecules that can be among the best.

    Args:
        train: The N training molecules.
        objective: What to score by.
        n_jobs: Processes for a slow objective.

    Returns:
        `n_training`, `training_n_feasible`, and, if a molecule could be scored, `training_top<n>_mean` for each of
        `TOP`.
    """
    logger.info("%s: scoring the %d training molecules to compare with", objective.name, len(train))
    quick = objective.without_costly_terms()
    with Evaluator(quick, n_jobs, feasible_only=True) as evaluator:
        evaluations = [one for chunk in evaluator.evaluate(train, _CHUNK) for one in chunk]
    if quick is not objective:
        feasible = [evaluation for evaluation in evaluations if evaluation.feasible]
        scored = {evaluation.smiles: evaluation for evaluation in _best(feasible, objective, n_jobs)}
        evaluations = [scored.get(evaluation.smiles, evaluation) for evaluation in evaluations]
    warn_of_failures(f"{objective.name}, training set", evaluations)
    scores = [
        # What was not scored in full is infeasible, or not among the best.
        evaluation.score if evaluation.feasible and (quick is objective or evaluation.smiles in scored) else 0.0
        for evaluation in evaluations
        if evaluation.status in ("ok", "unscored")
    ]
    means = {f"training_top{n}_mean": top_mean(scores, n) for n in TOP} if scores else {}
    n_feasible = sum(evaluation.feasible for evaluation in evaluations)
    return {"n_training": len(train), "training_n_feasible": n_feasible, **means}


def _best(feasible: Sequence[Evaluation], objective: Objective, n_jobs: int) -> list[Evaluation]:
    """Score molecules, those of the highest bounds first, until no other can be among the best."""
    ranked = sorted(feasible, key=lambda evaluation: -evaluation.score)
    scored: list[Evaluation] = []
    with Evaluator(objective, n_jobs) as evaluator:
        for start in range(0, len(ranked), _CHUNK):
            chunk = ranked[start : start + _CHUNK]
            best = sorted((evaluation.score for evaluation in scored if evaluation.status == "ok"), reverse=True)
            if len(best) >= max(TOP) and objective.bound(chunk[0].score) + _TOLERANCE < best[max(TOP) - 1]:
                break
            scored += (one for part in evaluator.evaluate([e.smiles for e in chunk], _CHUNK) for one in part)
    return scored
