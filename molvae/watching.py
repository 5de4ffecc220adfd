"""What a running workflow is doing, read from its run folder: nothing of it waits for whoever looks."""

import csv
import heapq
import math
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from molvae.config import load_config
from molvae.errors import ConfigError, DataError
from molvae.folders import LOCK, holder, is_running
from molvae.inputs import objective_name

State = Literal["waiting", "running", "done", "failed"]

# The stages, in order, as the run's files of settings and the beginnings of the names of its logs have them.
_STAGES = ("prepare", "train", "evaluate", "sample", "optimize", "propose", "score", "report")
_ERROR = "molvae: error: "
# As `molvae.log` writes lines, and the progress of long work among them.
_LINE = re.compile(r"(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d) (?P<text>.*)")
_PROGRESS = re.compile(r"(?P<what>.+): (?P<done>\d+) of (?P<total>\d+), (?P<rate>\d+)/s, (?P<left>\d+|inf) s left")
_TIME_LEFT = re.compile(r", [\d.]+ s left$")
_DAY_S = 86_400
# A log is silent for a minute at most while progress is made; the workers of some stages take a few.
_SILENT_S = 300.0
_LOADING_S = 60.0
_N_BEST = 10
_TAIL_BYTES = 65_536


@dataclass(frozen=True)
class Progress:
    """How far a part of a job is.

    Attributes:
        what: Name of the part.
        done: Items that are done by now, by its rate.
        total: Items in all.
        rate: Items a second.
        left_s: Seconds that are left; infinite if nothing is done.
    """

    what: str
    done: float
    total: int
    rate: int
    left_s: float


@dataclass(frozen=True)
class Job:
    """A job of a run.

    Attributes:
        name: Its name, that of its log: the stage, and what it works on.
        state: Whether it is done.
        seconds: How long it took, if it is done.
        progress: How far it is, if it is running and says so.
        detail: What it said last, or what went wrong.
        best: Mean score of the ten best feasible molecules of a running search.
    """

    name: str
    state: State
    seconds: float | None = None
    progress: Progress | None = None
    detail: str = ""
    best: float | None = None


def run_folder(folder: Path) -> Path:
    """Return the only run of a project; any other folder is returned as it is.

    Args:
        folder: The run folder, `results/<run>`, or that of a project.

    Raises:
        DataError: If the project has several runs.
    """
    if (folder / "logs").is_dir():
        return folder
    runs = sorted(logs.parent for logs in folder.glob("results/*/logs") if logs.is_dir())
    if len(runs) > 1:
        raise DataError(f"{folder}: expected one run, found several; give one of {', '.join(map(str, runs))}")
    return runs[0] if runs else folder


def read_jobs(run: Path) -> list[Job]:
    """Return the jobs of a run, in the order of the stages.

    Args:
        run: The run folder, `results/<run>`.

    Raises:
        DataError: There is no such run.
    """
    if not (run / "logs").is_dir():
        raise DataError(
            f"{run}: expected the folder of a run that has begun, or a project with one, found none; `snakemake` makes "
            "results/<run>/ when it starts"
        )
    now = time.time()
    expected = _expected(run)
    jobs: list[Job] = []
    for stage in _STAGES:
        names = None if expected is None else expected.get(stage, {stage})
        logs = [log for log in sorted((run / "logs").glob("*.log")) if re.split("[_.]", log.name)[0] == stage]
        logs = [log for log in logs if names is None or log.stem in names]
        jobs += [_job(run, log, now) for log in logs]
        if not logs and names != set() and (run / "config" / f"{stage}.yaml").exists():
            jobs.append(Job(stage, "waiting"))
    return jobs


def _expected(run: Path) -> dict[str, set[str]] | None:
    """Return the jobs that the settings ask for, of each stage whose jobs depend on them; None if they are unknown.

    A run with other objectives, whose logs are still there, has left others.
    """
    try:
        settings = load_config(run / "config" / "report.yaml")
    except ConfigError:
        return None
    if "optimize" not in settings.model_fields_set:
        return None
    optimize = settings.optimize
    names = [objective_name(objective, _project(run)) for objective in optimize.objectives]
    searches = set(names) | {f"baseline_{name}" for name in names if optimize.baseline is not False}
    searches |= {f"{name}_seed-{seed}" for name in names for seed in optimize.seeds}
    return {
        "optimize": {f"optimize_{search}" for search in searches},
        "propose": {"propose"} if settings.propose.is_wanted else set(),
        "score": {f"score_{name}" for name in ["sample", *names]},
    }


def is_over(jobs: Sequence[Job]) -> bool:
    """Say whether all jobs are done, or one has failed and no other is running."""
    states = {job.state for job in jobs}
    return "running" not in states and ("failed" in states or "waiting" not in states)


def _job(run: Path, log: Path, now: float) -> Job:
    name = log.stem
    changed = log.stat().st_mtime
    timing = run / "benchmarks" / f"{name}.tsv"
    # Written after the job has ended, and left from the run before until then.
    if timing.exists() and timing.stat().st_mtime >= changed:
        return Job(name, "done", seconds=_seconds(timing))
    lines = _tail(log)
    if lines and _ERROR in lines[-1]:
        return Job(name, "failed", detail=lines[-1].partition(_ERROR)[2])
    # The clock of another machine, or one that was put back, may be behind.
    age_s = max(0.0, now - changed)
    progress, detail = _latest(lines, age_s)
    if _was_killed(run, name, age_s):
        return Job(name, "failed", detail=f"ended without a word, as if it was killed or out of memory; {detail}")
    if age_s > _SILENT_S:
        detail = f"silent for {age_s / 60:.0f} min; {detail}"
    return Job(name, "running", None, progress, detail, _best(run, name))


def _was_killed(run: Path, name: str, age_s: float) -> bool:
    """Say whether a job that did not end by itself has ended all the same.

    Either the process that locked its folder is gone from this machine, or no workflow is at work in the project, whose
    Snakemake, on this machine or another, has a lock of its own as long as it runs.
    """
    # A job that runs again finds the lock of the one before until it has loaded its libraries.
    if age_s < _LOADING_S:
        return False
    if lock := holder(run.joinpath(*_folder_of(run, name), LOCK)):
        process, host = lock
        if host == socket.gethostname() and not is_running(process):
            return True
    snakemake = _project(run) / ".snakemake"
    return age_s > _SILENT_S and snakemake.is_dir() and not any((snakemake / "locks").glob("*.lock"))


def _project(run: Path) -> Path:
    """Return the folder in which results/<run> is, and Snakemake is started."""
    return run.absolute().parent.parent


def _folder_of(run: Path, name: str) -> tuple[str, ...]:
    """Return the folder that a job writes, as the parts of its path in that of the run."""
    stage, _, what = name.partition("_")
    if stage == "report":
        return ()
    return (stage, *(_search_folder(run, name) if stage == "optimize" else (what,) if what else ()))


def _seconds(timing: Path) -> float | None:
    with timing.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return float(rows[0]["s"]) if rows else None


def _tail(log: Path) -> list[str]:
    """Return the last lines of a log, without one that is only begun."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        text = file.read().decode("utf-8", errors="replace")
    return [line for line in text[: text.rfind("\n") + 1].splitlines() if line.strip()]


def _latest(lines: list[str], age_s: float) -> tuple[Progress | None, str]:
    """Return the progress that a log tells last, carried on to now, and its last line of another kind."""
    progress, detail, at_end = None, "", None
    for line in reversed(lines):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        second = 3600 * int(match["h"]) + 60 * int(match["m"]) + int(match["s"])
        at_end = second if at_end is None else at_end
        if told := _PROGRESS.fullmatch(match["text"]):
            progress = progress or _carried_on(told, age_s + (at_end - second) % _DAY_S)
            continue
        detail = detail or _TIME_LEFT.sub("", match["text"])
        # An epoch is told between the progress of the training; any other line ends the work before it.
        if not _TIME_LEFT.search(match["text"]):
            break
    return progress, detail


def _carried_on(told: re.Match[str], age_s: float) -> Progress:
    done, total, rate = int(told["done"]), int(told["total"]), int(told["rate"])
    left_s = max(0.0, float(told["left"]) - age_s)
    # Of slow work the rate is rounded to none; what is left tells it.
    pace = (total - done) / float(told["left"]) if float(told["left"]) > 0.0 else 0.0
    return Progress(told["what"], min(float(total), done + pace * age_s), total, rate, left_s)


def _best(run: Path, name: str) -> float | None:
    """Return the mean score of the ten best feasible calls of a running search; None if it is none, or has none."""
    calls = run.joinpath("optimize", *_search_folder(run, name), "resume", "calls.csv")
    if not name.startswith("optimize_") or not calls.exists():
        return None
    with calls.open(encoding="utf-8", newline="") as file:
        scores = heapq.nlargest(_N_BEST, _feasible_scores(file))
    return math.fsum(scores) / len(scores) if scores else None


def _search_folder(run: Path, name: str) -> tuple[str, ...]:
    """Return the folders of a search below `optimize/`, from the name of its job."""
    objective = name.removeprefix("optimize_")
    # An objective of its own may have such a name.
    if (run / "optimize" / objective).is_dir():
        return (objective,)
    if objective.startswith("baseline_"):
        return objective.removeprefix("baseline_"), "baseline"
    before, _, seed = objective.rpartition("_seed-")
    return (before, f"seed-{seed}") if before and seed.isdigit() else (objective,)


def _feasible_scores(file: Iterable[str]) -> Iterator[float]:
    for row in csv.DictReader(file):
        # The last row may be only begun.
        if row.get("feasible") == "True" and row.get("status") == "ok":
            yield float(row["score"])
