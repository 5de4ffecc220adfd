"""What a run will do and how long its stages will take, estimated from measured runs, before its first job.

The measured times are those of `benchmarks/demo.json`, which `make bench-demo` writes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from molvae.chem.open_file import explained, open_bytes
from molvae.chem.reading import format_of
from molvae.config import ModelConfig, RunConfig
from molvae.errors import DataError
from molvae.files import read_json
from molvae.log import duration
from molvae.parallel import MIN_PER_SHARD

JOBS = (
    *("prepare", "train", "evaluate", "sample", "score_sample"),
    *("optimize", "optimize_seed", "optimize_baseline", "score_candidates", "propose", "report"),
)
"""The jobs of a run, in order."""

# Of the jobs that were not measured, those that take as long as one that was.
_LIKE = {"optimize_seed": "optimize"}

STAGES = tuple(job for job in JOBS if job not in (*_LIKE, "propose"))
"""Those that were measured, as the table of their times names them."""

# Seconds that every job spends on imports and on loading the model, whatever it works on.
_STARTUP_S = 5.0
# Cores beyond which the stages gain little.
_MAX_CORES = 8
# Rows are counted before they are read only in files with a molecule on each line, and only where that is quick.
_LINE_FORMATS = (".smi", ".smiles", ".csv", ".tsv", ".txt")
_MAX_BYTES = 50_000_000
# Tokens of a typical vocabulary.
_N_TOKENS = 30


@dataclass(frozen=True)
class Workload:
    """How much a run has to do.

    Attributes:
        n_molecules: Molecules of the input.
        training: Passes of molecules through the networks, times the multiplications of a pass in millions.
        training_cores: Cores that a training step can be distributed over.
        n_evaluated: Molecules that the evaluation samples or reconstructs.
        n_samples: Molecules to sample.
        budget: Oracle calls of a search.
    """

    n_molecules: float
    training: float
    training_cores: float
    n_evaluated: float
    n_samples: float
    budget: float

    @classmethod
    def of(cls, settings: RunConfig, n_molecules: int) -> Self:
        """Return the workload of a run with this number of input molecules."""
        train, evaluate = settings.train, settings.evaluate
        # A model to train further has an architecture of its own, and replays its own molecules.
        size = 1.0 if train.init_from else _multiplications(train)
        replayed = train.replay if train.init_from else 0.0
        return cls(
            n_molecules=n_molecules,
            training=round(n_molecules / (1.0 - replayed) * train.epochs * size),
            training_cores=max(1, train.batch_size // MIN_PER_SHARD),
            n_evaluated=evaluate.n_reconstruct + evaluate.n_samples + evaluate.n_latent,
            n_samples=settings.sample.n,
            budget=settings.optimize.budget,
        )


def _multiplications(model: ModelConfig) -> float:
    """Return about how many millions of multiplications a token takes, for a cell with three gates."""
    encoder = (1 + model.bidirectional) * model.encoder_hidden * (model.encoder_hidden + model.embedding_dim)
    decoder = model.decoder_hidden * (model.decoder_hidden + model.embedding_dim + model.latent_dim + _N_TOKENS)
    return 3 * (model.encoder_layers * encoder + model.decoder_layers * decoder) / 1e6


@dataclass(frozen=True)
class MeasuredRun:
    """A run whose stages were timed.

    Attributes:
        n_cores: CPU cores that it ran on.
        workload: What it had to do.
        wall_s: Seconds of each of `STAGES`.
        total_s: Seconds of the whole run, whose stages may overlap.
    """

    n_cores: int
    workload: Workload
    wall_s: Mapping[str, float]
    total_s: float

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read what `benchmarks/demo.py` writes."""
        wall_s = {stage: float(seconds["wall_s"]) for stage, seconds in content["stages"].items()}
        return cls(content["n_cores"], Workload(**content["workload"]), wall_s, float(content["total"]["wall_s"]))

    def seconds(self, stage: str, workload: Workload, n_cores: int) -> float:
        """Return the estimated seconds of a stage with another workload and number of cores."""
        factor = _growth(stage, workload, self.workload)
        factor *= _usable_cores(stage, self.workload, self.n_cores) / _usable_cores(stage, workload, n_cores)
        return _STARTUP_S + max(0.0, self.wall_s[stage] - _STARTUP_S) * factor


def _usable_cores(stage: str, workload: Workload, n_cores: int) -> float:
    """Return how many of the cores make a stage faster."""
    most = {"train": min(_MAX_CORES, workload.training_cores), "report": 1}.get(stage, _MAX_CORES)
    return min(n_cores, most)


def _growth(stage: str, now: Workload, then: Workload) -> float:
    """Return by what factor the work of a stage is larger now than it was then."""
    molecules = now.n_molecules / then.n_molecules
    budget = now.budget / then.budget
    samples = now.n_samples / then.n_samples
    return {
        "prepare": molecules,
        "train": now.training / then.training,
        "evaluate": now.n_evaluated / then.n_evaluated,
        "sample": samples,
        # The generated molecules and the reference.
        "score_sample": (samples + molecules) / 2,
        "score_candidates": molecules,
        # The search itself, and the training set, which is scored for comparison.
        "optimize": (budget + molecules) / 2,
        "optimize_baseline": budget,
    }.get(stage, 1.0)


def measured_run(table: Path, settings: RunConfig) -> MeasuredRun | None:
    """Return the measured run that trains as this one does, from nothing or from a model; None if there is none."""
    try:
        content = read_json(table)
    except DataError:
        return None
    name = "quick" if settings.train.init_from else "demo"
    return MeasuredRun.from_json(content[name]) if name in content else None


def n_input_molecules(settings: RunConfig, files: Iterable[str], prepared: Path | None = None) -> int | None:
    """Return how many molecules a run reads, None where that cannot be told quickly.

    Args:
        settings: The run's settings.
        files: The user's own molecule files, see `RunPlan.inputs`.
        prepared: Folder of the prepare stage, whose summary has the number, if the stage is done.
    """
    if prepared is not None:
        return int(read_json(prepared / "summary.json")["read"])
    paths = [Path(file) for file in files]
    n_named = len(settings.prepare.input) + (settings.prepare.test_input is not None)
    is_countable = (
        all(_is_countable(path) for path in paths) and sum(path.stat().st_size for path in paths) <= _MAX_BYTES
    )
    # A public library is not among the files, because it is not there before the stage has fetched it.
    if len(paths) < n_named or not is_countable:
        return None
    try:
        return sum(map(_n_lines, paths))
    # The stage that reads the molecules says what is wrong with a file.
    except DataError:
        return None


def _is_countable(path: Path) -> bool:
    return format_of(path) in _LINE_FORMATS


def _n_lines(path: Path) -> int:
    with explained(path), open_bytes(path) as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


def announcement(
    settings: RunConfig,
    jobs: Collection[tuple[str, str]],
    n_molecules: int | None,
    measured: MeasuredRun | None,
    n_cores: int,
) -> str:
    """Return what a run will do, a line for each job with its estimated time.

    Args:
        settings: The run's settings.
        jobs: The jobs to run, as pairs of their name, one of `JOBS`, and the objective, if it belongs to one.
        n_molecules: Molecules of the input, if known.
        measured: A measured run to estimate the times from, if there is one.
        n_cores: CPU cores to use.
    """
    seconds = {}
    if measured is not None and n_molecules is not None:
        workload = Workload.of(settings, n_molecules)
        seconds = {stage: measured.seconds(stage, workload, n_cores) for stage in STAGES}
        seconds |= {job: seconds[like] for job, like in _LIKE.items()}
    known = "" if n_molecules is None else f" on {n_molecules:,} molecules"
    lines = [f"molvae: run {settings.run}{known}; results go to results/{settings.run}/. To do:"]
    for stage, objective in sorted(jobs, key=lambda job: (JOBS.index(job[0]), job[1])):
        time = f"  about {duration(seconds[stage])}" if stage in seconds else ""
        lines.append(f"  {stage.partition('_')[0]:<9} {_purpose(stage, objective, settings):<76}{time}".rstrip())
    if measured is not None and seconds:
        apart = sum(measured.wall_s.values()) or 1.0
        total = sum(seconds.get(stage, 0.0) for stage, _ in jobs) * measured.total_s / apart
        cores = f"{n_cores} core" + ("" if n_cores == 1 else "s")
        lines += [
            f"molvae: about {duration(total)} in all. These are estimates for {cores}, scaled from a run on "
            f"{measured.n_cores}:",
            "less with a GPU; more on a busy machine, with a slow objective, or on CPUs without bfloat16.",
        ]
    return "\n".join(lines)


def _purpose(stage: str, objective: str, settings: RunConfig) -> str:
    train, budget = settings.train, settings.optimize.budget
    how = f"fine-tune {train.init_from}" if train.init_from else "train a new model"
    epochs = f"{train.epochs} epoch" + ("" if train.epochs == 1 else "s")
    return {
        "prepare": "standardise, filter and split the input molecules",
        "train": f"{how}, {epochs}, and choose its prior",
        "evaluate": "reconstruct held-out molecules, compare the priors",
        "sample": f"generate {settings.sample.n:,} molecules",
        "score_sample": "compare the samples with training and test molecules",
        "optimize": f"search for {objective}, {budget:,} oracle calls",
        "optimize_seed": f"search for {objective} with a further seed",
        "optimize_baseline": f"score {budget:,} random samples for {objective}, to compare",
        "score_candidates": f"properties and alerts of the candidates for {objective}",
        "propose": f"choose the {settings.propose.n:,} molecules of the next plate",
        "report": "summarise the run on one page",
    }[stage]
