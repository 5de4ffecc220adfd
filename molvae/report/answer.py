"""The answer of a run in a few lines of text, for the terminal."""

import textwrap
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from molvae.errors import MolvaeError
from molvae.report.numerals import number
from molvae.report.predictions import predicted_gains
from molvae.report.run_data import Optimization, load_optimization
from molvae.report.sentences import describe_optimization, title_of

_N_BEST = 5


def answer(folder: Path, objectives: Iterable[str], current: Collection[str]) -> str:
    """Return the best molecules of each search, what they are compared with, and where the report is.

    Args:
        folder: The run's folder, `results/<run>`.
        objectives: Names of the objectives.
        current: Files of the run that are up to date. Others are left out: after a run up to some stage, those of later
            stages may be missing, or there from an earlier run.
    """
    parts = []
    for objective in objectives:
        if str(folder / "optimize" / objective / "summary.json") in current:
            try:
                parts.append(_best_molecules(folder, _load_current(folder, objective, current)))
            # The run itself is done.
            except MolvaeError as error:
                parts.append(f"molvae: warning: {error}")
    page = folder / "report.html"
    if str(page) in current:
        parts.append(f"molvae: done; open {page} in a browser")
    else:
        parts.append(f"molvae: done; results are in {folder}/")
    return "\n\n".join(parts)


def _load_current(folder: Path, objective: str, current: Collection[str]) -> Optimization:
    """Read the search for an objective without the baseline and the scores that are not up to date."""
    has_baseline = str(folder / "optimize" / objective / "baseline" / "summary.json") in current
    result = load_optimization(folder, objective, has_baseline=has_baseline, seeds=())
    if str(folder / "score" / objective / "metrics.json") not in current:
        result = replace(result, scored=None)
    return result


def _best_molecules(folder: Path, result: Optimization) -> str:
    lines = textwrap.wrap(" ".join([describe_optimization(result), *predicted_gains(folder, result)]), 100)
    best = result.candidates.head(_N_BEST)
    if len(best):
        lines.append(f"The best of {folder / 'optimize' / result.objective / 'candidates.csv'}:")
        lines += [
            f"  {number(score, 3):>5}  {smiles}" for smiles, score in zip(best["smiles"], best["score"], strict=True)
        ]
    return "\n".join([f"molvae: {title_of(result.objective)}", *lines])
