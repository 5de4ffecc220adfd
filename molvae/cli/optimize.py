"""`molvae optimize`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, ModelArgument, OutFolder, SeedOption, SetOption, ThreadsOption, settings


def optimize(
    model: ModelArgument,
    objective: Annotated[
        str,
        typer.Option("--objective", help="YAML file, or name of a built-in objective (see `molvae objective --list`)."),
    ],
    out: OutFolder,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Folder that `molvae prepare` wrote; by default the one of the model's run."),
    ] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, help="Number of oracle calls; overrides the config's.")
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Search for molecules with high objective scores, within a budget of oracle calls.

    Writes OUT/candidates.csv, candidates.sdf, trace.parquet, times.csv and summary.json. To resume an interrupted
    search, run the same command again; its progress is kept in OUT/resume/.
    """
    run = settings(config, [*(overrides or []), *([] if budget is None else [f"optimize.budget={budget}"])], seed)

    from molvae.log import logger
    from molvae.model.loading import load
    from molvae.nn.device import set_threads
    from molvae.optimize.objective import load_objective
    from molvae.optimize.stage import known_molecules
    from molvae.optimize.stage import optimize as optimize_stage

    asked = load_objective(objective)
    n_jobs = set_threads(threads)
    loaded = load(model, run.device)
    beside = model.parent.parent / "prepare"
    if reference is None and (beside / "molecules.parquet").exists():
        reference = beside
    if reference is None:
        logger.warning("no --reference: the search starts from the model's own samples, and nothing counts as known")
    else:
        logger.info("known molecules: %s", reference)
    optimize_stage(loaded, asked, known_molecules(reference), out, run.optimize, run.seed, n_jobs)
