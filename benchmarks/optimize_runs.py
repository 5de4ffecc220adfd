"""How a search of the benchmark is run, and what is recorded of it."""

import json
import platform
import resource
import sys
import time
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optimize_plan import CURVE_STEP, Run

import molvae
from molvae.files import read_json, replacing, write_json
from molvae.folders import remove_files
from molvae.metrics.sets import top_mean
from molvae.model.model import MolVAE
from molvae.optimize.auc import auc_top
from molvae.optimize.calls import RESUME_FILES
from molvae.optimize.objective import load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.strategies import STRATEGIES, SearchContext
from molvae.parallel import set_threads
from molvae.provenance import software
from molvae.seeding import derive_seed, numpy_generator

N_KNOWN = 2000
"""Molecules that a strategy may learn from without their scores, where there is no library: samples of the model."""
READ_AT = (500, 1000, 2000, 5000, 10000)
"""Calls at which the mean of the ten best is recorded."""
PERFECT = 1.0 - 1e-9
"""A score that nothing can improve on, up to rounding."""
SECONDS_BETWEEN_SAVES = 20.0


@dataclass(frozen=True)
class Spent:
    """What a search has cost so far, in all processes that worked on it one after the other.

    Attributes:
        wall_s: Seconds by the clock.
        cpu_s: CPU seconds.
        peak_mb: Peak memory of the process, 10^6 bytes.
        sessions: Number of processes; more than one if the search was interrupted.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float = 0.0
    sessions: int = 0


class Meter:
    """Measures what a search costs, and remembers it across interruptions."""

    def __init__(self, file: Path) -> None:
        """Begin a session, on top of those that `file` remembers."""
        self._file = file
        self._before = Spent(**read_json(file)) if file.exists() else Spent()
        self._wall_s, self._cpu_s, self._saved = time.perf_counter(), time.process_time(), 0.0

    def spent(self) -> Spent:
        """Return what the search has cost so far."""
        # Linux counts in units of 1,024 bytes, macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
        return Spent(
            self._before.wall_s + time.perf_counter() - self._wall_s,
            self._before.cpu_s + time.process_time() - self._cpu_s,
            max(self._before.peak_mb, peak_mb),
            self._before.sessions + 1,
        )

    def save(self, *, at_once: bool = False) -> None:
        """Write down the cost, unless that was done a moment ago."""
        spent = self.spent()
        if at_once or spent.wall_s - self._saved > SECONDS_BETWEEN_SAVES:
            write_json(self._file, asdict(spent))
            self._saved = spent.wall_s


def execute(run: Run, out: Path, time_limit: float | None = None) -> dict[str, Any]:
    """Carry out a search with one thread, and write `out/{run.name}.json`.

    An interrupted search is resumed if nothing has changed, neither its settings nor the package.

    Args:
        run: The search.
        out: Folder of the results.
        time_limit: Seconds after which it stops at the end of a round and writes what it has; it can be resumed.

    Returns:
        The record.
    """
    set_threads(1)
    begin = time.perf_counter()
    resume = out / f"{run.name}.resume"
    _open(resume, {**asdict(run), "software": software()})
    meter = Meter(resume / "spent.json")
    model, objective, config = molvae.load(run.model), load_objective(run.task), run.config
    known, start = _molecules(model, run, config.n_start)
    seed = derive_seed(run.seed, f"optimize {run.strategy}")
    context = SearchContext(model, start, known, run.budget, objective, seed, n_jobs=1, device=model.device)
    strategy = STRATEGIES[run.strategy](context, config.strategy_settings)
    n_rounds = n_empty = 0
    with Oracle(objective, run.budget, resume) as oracle:
        while oracle.remaining and n_empty < config.max_empty_rounds and not _is_perfect(_scores(oracle)):
            if time_limit is not None and time.perf_counter() - begin > time_limit:
                break
            before = oracle.remaining
            proposals = strategy.ask(min(config.batch_size, oracle.remaining))
            if recalled := oracle.recall(proposals, n_rounds):
                strategy.tell(recalled)
                n_rounds = oracle.n_rounds
            strategy.tell(oracle.score(proposals, n_rounds))
            n_rounds += 1
            n_empty = 0 if oracle.remaining < before else n_empty + 1
            meter.save()
        meter.save(at_once=True)
        finished = not oracle.remaining or n_empty == config.max_empty_rounds or _is_perfect(_scores(oracle))
        record = _record(run, oracle, meter.spent(), finished=finished, n_rounds=n_rounds)
    _write(out / f"{run.name}.json", record)
    if finished:
        remove_files(resume, (*RESUME_FILES, "run.json", "spent.json"))
    return record


def _open(resume: Path, content: dict[str, Any]) -> None:
    """Make the folder of what an interrupted search resumes from; what belongs to another search is removed."""
    file = resume / "run.json"
    content = json.loads(json.dumps(content))
    if file.exists() and read_json(file) == content:
        return
    if resume.exists():
        remove_files(resume, (*RESUME_FILES, "run.json", "spent.json"))
    resume.mkdir(parents=True, exist_ok=True)
    write_json(file, content)


def _molecules(model: MolVAE, run: Run, n_start: int) -> tuple[list[str], list[str]]:
    """Return molecules that a strategy may learn from without scores, and those that are scored first."""
    sampled = model.sample(max(2 * n_start, N_KNOWN), derive_seed(run.seed, "benchmark start"))
    samples = list(dict.fromkeys(smiles for smiles in sampled if smiles is not None))
    n_start = min(n_start, run.budget // 2)
    if run.library is None:
        return samples, samples[:n_start]
    library = [line.split()[0] for line in Path(run.library).read_text(encoding="utf-8").splitlines() if line.strip()]
    drawn = numpy_generator(run.seed, "benchmark library").permutation(len(library))[: n_start // 2]
    return library, [*(library[i] for i in drawn), *samples[: n_start - len(drawn)]]


def _scores(oracle: Oracle) -> NDArray[np.float64]:
    """Return the scores in the order of the calls; what could not be scored or is infeasible counts as 0."""
    return np.array([np.nan_to_num(one.score) if one.feasible else 0.0 for one in oracle.evaluations])


def _is_perfect(scores: NDArray[np.float64]) -> bool:
    """Whether no call can change the mean of the ten best any more."""
    return int((scores >= PERFECT).sum()) >= 10


def _record(run: Run, oracle: Oracle, spent: Spent, *, finished: bool, n_rounds: int) -> dict[str, Any]:
    scores, trace = _scores(oracle), oracle.trace()
    best = np.argsort(-scores, kind="stable")[:10]
    points = range(CURVE_STEP, run.budget + 1, CURVE_STEP)
    # A search that ended keeps its value up to the budget.
    reached = [call for call in points if finished or call <= len(scores)]
    origins = trace.assign(score=scores).groupby("origin", sort=True)["score"].agg(["size", "max"])
    return {
        **asdict(run),
        "settings": list(run.settings),
        "finished": finished,
        "n_calls": len(scores),
        "n_rounds": n_rounds,
        **{f"auc_top{n}": auc_top(scores, n, run.budget) for n in (1, 10, 100)},
        "top10_at": {str(call): _top10(scores[:call]) for call in READ_AT if call in reached},
        "wall_minutes": round(spent.wall_s / 60.0, 2),
        "cpu_minutes": round(spent.cpu_s / 60.0, 2),
        "peak_mb": round(spent.peak_mb),
        "sessions": spent.sessions,
        "origins": {name: {"calls": int(n), "best": float(top)} for name, n, top in origins.itertuples()},
        "best": [[trace["smiles"].iloc[i], float(scores[i])] for i in best],
        "versions": {**software(), **{package: metadata.version(package) for package in ("torch", "rdkit")}},
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "curve": [round(_top10(scores[:call]), 4) for call in reached],
    }


def _top10(scores: NDArray[np.float64]) -> float:
    return float(top_mean(scores, 10)) if len(scores) else 0.0


def _write(file: Path, record: dict[str, Any]) -> None:
    """Write a record with one line a key."""
    lines = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as temporary:
        temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
