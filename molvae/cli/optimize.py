"""`molvae optimize`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import (
    ConfigOption,
    DeviceOption,
    ModelArgument,
    OutFolder,
    SeedOption,
    SetOption,
    ThreadsOption,
    settings,
)


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
    device: DeviceOption = None,
) -> None:
    """Search for molecules with high objective scores, within a budget of oracle calls.

    Writes OUT/candidates.csv, candidates.sdf, trace.parquet, times.csv, latent_map.parquet and summary.json, and for an
    objective with `mean: pareto` front.csv. To resume an interrupted search, run the same command again; every call so
    far is in OUT/resume/calls.csv, and counts whatever the settings. Those of your own functions and programs stay
    there, so that a search with a larger budget goes on from them.

    An objective file can run programs and Python code: use only files that you trust.
    """
    own = [] if budget is None else [f"optimize.budget={budget}"]
    run = settings(config, [*(overrides or []), *own], seed, device)

    from molvae.folders import output_folder
    from molvae.log import logger
    from molvae.model.loading import load
    from molvae.model.shipped import model_folder
    from molvae.optimize.objective import load_objective
    from molvae.optimize.stage import known_molecules
    from molvae.optimize.stage import optimize as optimize_stage
    from molvae.parallel import set_threads

    asked = load_objective(objective)
    n_jobs = set_threads(threads)
    loaded = load(model, run.device)
    asked = asked.with_model(model_folder(model).resolve())
    reference = reference or _prepared_beside(model)
    with output_folder(out, "resume"):
        if reference is None:
            logger.warning(
                "no --reference: the search starts from the model's own samples, and all molecules count as new"
            )
        else:
            logger.info("known molecules: %s", reference)
        optimize_stage(loaded, asked, known_molecules(reference), out, run.optimize, run.seed, n_jobs)


def _prepared_beside(model: Path) -> Path | None:
    """Return the folder of prepared molecules of the run that a model folder is in, results/RUN/train/model."""
    folder = model.resolve()
    prepared = folder.parent.parent / "prepare"
    in_a_run = (model / "config.json").exists() and (folder.parent.name, folder.name) == ("train", "model")
    return prepared if in_a_run and (prepared / "molecules.parquet").exists() else None
