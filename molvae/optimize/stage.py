"""The optimize stage, from the model and the objective to the candidates."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from molvae.chem.core import Core
from molvae.chem.molecules import flat_forms
from molvae.chem.sdf import write_sdf
from molvae.config import OptimizeConfig
from molvae.errors import DataError
from molvae.files import invalidate, write_json, write_table
from molvae.folders import remove_files
from molvae.log import logger, progress
from molvae.metrics.metric import null_for_nan
from molvae.metrics.sets import top_mean
from molvae.model.latent_axes import LatentAxes
from molvae.model.model import MolVAE
from molvae.optimize.auc import auc_top
from molvae.optimize.calls import RESUME_FILES
from molvae.optimize.candidates import candidates_table
from molvae.optimize.constraints import constraint_counts, rejection_text, warn_if_hardly_feasible
from molvae.optimize.evaluator import warn_of_failures
from molvae.optimize.front import desirability_matrix, front_table, hypervolume_summary
from molvae.optimize.learned_terms import candidate_columns, write_evidence
from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.pareto import hypervolume
from molvae.optimize.scaffold_memory import ScaffoldMemory
from molvae.optimize.search_map import search_map
from molvae.optimize.spec import CORE, SIMILARITY_TO_LEAD
from molvae.optimize.strategies import STRATEGIES, SearchContext, Strategy
from molvae.optimize.training import TOP, best_known, score_training
from molvae.provenance import Record, described, made_by
from molvae.seeding import derive_seed, numpy_generator
from molvae.tables import CANDIDATES, FRONT, LATENT_MAP, MOLECULES, TIMES, TRACE

# Training molecules that are looked at, in random order, for some to start from that violate few constraints.
_MAX_LOOKED_AT = 5000


def optimize(
    model: MolVAE,
    objective: Objective,
    molecules: pd.DataFrame,
    out: Path,
    config: OptimizeConfig,
    seed: int,
    n_jobs: int = 1,
) -> None:
    """Spend a budget of oracle calls -> `trace.parquet`, `times.csv`, `candidates.csv` and `.sdf`, `summary.json`.

    Also `latent_map.parquet`, where the search went, and where the terms of the objective stay apart `front.csv`.

    A killed search resumes from `out/resume/`: it takes the same course again without computing a score twice. If it
    takes another one, because of other settings, all recorded calls count and are told to the strategy. Where they are
    those of a user's own function or program, they stay there for good.

    Args:
        model: The trained model.
        objective: What to improve.
        molecules: The known molecules, columns smiles and split; may be empty.
        out: Folder to write.
        config: Settings.
        seed: The run's seed.
        n_jobs: Processes for slow objectives and for scoring the training set.

    Raises:
        DataError: If no molecule could be scored, too many in a row failed, or there is none to start from that holds
            the objective's core.
    """
    train = molecules.loc[molecules["split"] == "train", "smiles"].tolist()
    if train and objective.constraints:
        warn_if_hardly_feasible(objective, train, numpy_generator(seed, "optimize feasible"))
    cache = _cache(objective, config, out)
    start = _start(train, objective, config, seed, n_jobs, cache)
    # Edits and crossovers write no stereochemistry: without it, a known molecule is nothing new.
    flat = flat_forms(train).difference(train)
    memory = None if config.max_per_scaffold is None else ScaffoldMemory(config.max_per_scaffold)
    context = SearchContext(
        model,
        start=start.to_score,
        known=train,
        budget=config.budget,
        objective=objective,
        seed=derive_seed(seed, f"optimize {config.strategy}"),
        n_jobs=n_jobs,
        device=model.device,
        not_new=flat,
        memory=memory,
    )
    strategy = STRATEGIES[config.strategy](context, config.strategy_settings)
    if start.known:
        logger.info(
            "%s: starting from the %d best training molecules, outside the budget", objective.name, len(start.known)
        )
        strategy.tell(start.known)
    lead = [] if objective.lead is None else [objective.lead]
    with Oracle(
        objective,
        config.budget,
        out / "resume",
        n_jobs,
        # A lead is known as well, so neither it nor its flat form is a candidate.
        {*train, *flat, *lead, *flat_forms(lead)},
        cache=cache,
        scheduler=config.scheduler,
    ) as oracle:
        n_rounds = _search(strategy, oracle, config, out / "resume")
        trace, times = oracle.trace(), oracle.times()
        oracle.require_scores()
        earlier = {"earlier_software": oracle.earlier_software} if oracle.earlier_software else {}
    warn_of_failures(objective.name, oracle.evaluations)
    if not (trace["score"] > 0.0).any():
        logger.warning(
            "%s: no score is above 0, so the search had no signal to follow; give a term a less steep desirability",
            objective.name,
        )
    table = candidates_table(trace, objective, molecules, model, config.n_candidates, seed, n_jobs)
    table = pd.concat([table, candidate_columns(objective, table["smiles"].tolist())], axis=1)
    mapped = search_map(LatentAxes.fit(model, train), trace, table, objective)
    summary = made_by(model.device) | _summary(trace, objective, config, seed, n_rounds) | start.summary | earlier
    _log(objective, summary, len(table))
    invalidate(out / "summary.json")
    write_evidence(objective, out)
    write_table(out / TRACE.file, trace)
    write_table(out / TIMES.file, times)
    write_table(out / CANDIDATES.file, table)
    write_table(out / LATENT_MAP.file, mapped)
    if objective.is_pareto:
        write_table(out / FRONT.file, front_table(trace, objective))
    else:
        (out / FRONT.file).unlink(missing_ok=True)
    names = [f"candidate-{rank}" for rank in table["rank"]]
    write_sdf(out / "candidates.sdf", table["smiles"].tolist(), names, table)
    write_json(out / "summary.json", summary)
    # Calls that were paid for serve a search that is run again with a larger budget or for more candidates.
    if not objective.is_external:
        remove_files(out / "resume", RESUME_FILES)


def _cache(objective: Objective, config: OptimizeConfig, out: Path) -> Path | None:
    """Return the file of scores to look into: the one that was asked for, or one for the calls of the comparison."""
    if config.cache is None and objective.is_external and config.compare_training:
        return out / "resume" / "scores.sqlite"
    return config.cache


def _log(objective: Objective, summary: Mapping[str, Any], n_candidates: int) -> None:
    n_calls, n_feasible = summary["n_calls"], summary["n_feasible"]
    if rejected := rejection_text(summary["constraints"]):
        n_infeasible = n_calls - n_feasible - summary["n_failed"]
        logger.info("%s: %d of %d calls violate a constraint: %s", objective.name, n_infeasible, n_calls, rejected)
    if objective.is_pareto:
        logger.info("%s: the front has a hypervolume of %.4f", objective.name, summary["hypervolume"])
    logger.info(
        "%s: %d calls, best ten feasible %s on average, %d candidates",
        objective.name,
        n_calls,
        "none" if summary["top10_mean"] is None else f"{summary['top10_mean']:.3f}",
        n_candidates,
    )


@dataclass(frozen=True)
class _Start:
    """What a search starts from.

    Attributes:
        to_score: Molecules to score first, within the budget: the lead, or the core by itself, and training molecules.
        known: Training molecules that were scored outside the budget, the best first.
        summary: What is reported of them and of the training set.
    """

    to_score: list[str]
    known: list[Evaluation]
    summary: dict[str, Any]


def _start(
    train: list[str], objective: Objective, config: OptimizeConfig, seed: int, n_jobs: int, cache: Path | None
) -> _Start:
    """Choose the training molecules to start from; those at random take at most half of the budget."""
    rng = numpy_generator(seed, "optimize start")
    from_best = config.start == "best" and not objective.is_external
    compare = not objective.is_external if config.compare_training is None else config.compare_training
    scores = None
    if train and (compare or (from_best and config.n_start)):
        n_best = max(*TOP, config.n_start if from_best else 0)
        scores = score_training(train, objective, n_jobs, n_best, cache)
    known = best_known(scores, config.n_start, objective, rng, n_jobs) if from_best and scores is not None else []
    n = 0 if from_best else min(config.n_start, config.budget // 2, len(train))
    summary: dict[str, Any] = {"n_start_outside_budget": len(known)}
    if compare and scores is not None:
        summary |= scores.summary()
        if objective.is_pareto:
            desirabilities = desirability_matrix(scores.scored, objective)
            summary["training_hypervolume"] = hypervolume(desirabilities, objective.reference_point)
    drawn = _drawn(train, objective, n, rng)
    first = [] if objective.lead is None else [objective.lead]
    if objective.spec.kept_core is not None and not (first or known or drawn):
        first = _core_alone(objective.spec.kept_core, objective.name)
    return _Start([*first, *(smiles for smiles in drawn if smiles not in first)], known, summary)


def _drawn(train: list[str], objective: Objective, n: int, rng: np.random.Generator) -> list[str]:
    """Draw n training molecules; those that have to hold a core or to be like a lead may be fewer.

    If they have to be paid for, it is rather for those that violate few constraints.
    """
    drawn = [train[i] for i in rng.permutation(len(train))]
    own = {CORE, SIMILARITY_TO_LEAD}.intersection(objective.constraint_names)
    if not n or not (own or (objective.constraints and objective.is_external)):
        return drawn[:n]
    drawn = drawn[:_MAX_LOOKED_AT]
    violated = dict(zip(drawn, objective.violations(drawn), strict=True))
    near = [smiles for smiles in drawn if own.isdisjoint(violated[smiles])]
    return sorted(near, key=lambda smiles: len(violated[smiles]))[:n]


def _core_alone(core: Core, name: str) -> list[str]:
    """Return the core as a molecule, to start from where no known molecule holds it."""
    molecule = core.molecule()
    if molecule is None:
        raise DataError(
            f"{name}: expected a molecule to start from that holds the core {core.text}, found none among the training "
            "molecules, and the core is no molecule by itself; give a lead that holds it"
        )
    logger.info("%s: no training molecule holds the core, so the search starts from the core alone", name)
    return [molecule]


def _search(strategy: Strategy[Any], oracle: Oracle, config: OptimizeConfig, folder: Path) -> int:
    """Ask, score and tell until the budget is spent; return the number of rounds.

    Args:
        strategy: What asks.
        oracle: What scores.
        config: Settings.
        folder: Where calls are recorded.
    """
    n_rounds = n_empty = 0
    with progress(f"optimise {oracle.objective.name}", config.budget) as advance:
        while oracle.remaining and n_empty < config.max_empty_rounds:
            before = oracle.n_calls
            proposals = strategy.ask(min(config.batch_size, oracle.remaining))
            if recalled := oracle.recall(proposals, n_rounds):
                logger.info(
                    "%s: another course than the recorded one, whose other %d calls count from here on",
                    *(oracle.objective.name, len(recalled)),
                )
                _tell(strategy, recalled)
                n_rounds = oracle.n_rounds
                if not oracle.remaining:
                    logger.warning(
                        "%s: the budget of %d is spent by the recorded calls; raise it to go on, or move %s away to "
                        "begin anew",
                        *(oracle.objective.name, config.budget, folder),
                    )
            _tell(strategy, oracle.score(proposals, n_rounds))
            n_rounds += 1
            n_empty = 0 if oracle.n_calls > before else n_empty + 1
            advance(oracle.n_calls - before)
    oracle.recall_all()
    if oracle.n_calls > config.budget:
        logger.warning(
            "%s: %d calls were recorded before, more than the budget of %d; all of them count",
            *(oracle.objective.name, oracle.n_calls, config.budget),
        )
    if oracle.remaining:
        logger.warning(
            "%s: no new molecule in %d rounds; the search ends with %d calls left",
            oracle.objective.name,
            n_empty,
            oracle.remaining,
        )
    return max(n_rounds, oracle.n_rounds)


def _tell(strategy: Strategy[Any], evaluations: Sequence[Evaluation]) -> None:
    """Tell a strategy what was scored; a molecule of a series of which there is enough counts as less."""
    memory = strategy.context.memory
    strategy.tell(evaluations if memory is None else memory.weigh(evaluations))


def _summary(
    trace: pd.DataFrame, objective: Objective, config: OptimizeConfig, seed: int, n_rounds: int
) -> dict[str, Any]:
    """Return the metrics of a search; scores of infeasible molecules count as 0."""
    scores = trace["score"].where(trace["feasible"], 0.0).to_numpy()
    new = trace["feasible"] & ~trace["in_training"]
    return {
        "objective": objective.as_dict(),
        **_own_files(objective),
        "strategy": config.strategy,
        "seed": seed,
        "budget": config.budget,
        "n_calls": len(trace),
        "n_rounds": n_rounds,
        "n_feasible": int(trace["feasible"].sum()),
        "n_failed": int((trace["status"] == "failed").sum()),
        **{f"top{n}_mean": null_for_nan(top_mean(scores, n)) for n in TOP},
        "new_top10_mean": null_for_nan(top_mean(trace.loc[new, "score"].to_numpy(), 10)),
        **{f"auc_top{n}": auc_top(scores, n, max(config.budget, len(trace))) for n in TOP},
        **(hypervolume_summary(trace, objective) if objective.is_pareto else {}),
        "constraints": constraint_counts([text.split("; ") for text in trace["violated"]], objective.constraint_names),
        "origins": {origin: _of_origin(rows) for origin, rows in trace.groupby("origin", sort=True)},
    }


def _own_files(objective: Objective) -> dict[str, dict[str, Record]]:
    """Return the user's own files that the scores depend on, as provenance records them."""
    files = {} if objective.is_builtin else {os.path.relpath(file): described(file) for file in objective.files}
    return {"files": files} if files else {}


def _of_origin(rows: pd.DataFrame) -> dict[str, float | int | None]:
    best = rows.loc[rows["feasible"], "score"].max()
    return {"calls": len(rows), "best": None if math.isnan(best) else float(best)}


def known_molecules(prepared: Path | None) -> pd.DataFrame:
    """Return the molecules of a prepared folder, columns smiles and split; none without a folder."""
    if prepared is None:
        return pd.DataFrame({"smiles": [], "split": []}, dtype=str)
    return MOLECULES.read(prepared / MOLECULES.file, ["smiles", "split"])
