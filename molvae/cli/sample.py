"""`molvae sample`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import (
    ConfigOption,
    DeviceOption,
    ModelArgument,
    OutMolecules,
    SeedOption,
    SetOption,
    ThreadsOption,
    load_model,
    settings,
)


def sample(
    model: ModelArgument,
    out: OutMolecules = None,
    n: Annotated[int | None, typer.Option("--n", min=1, help="Number of samples; overrides the config's.")] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="JSON file to write: software, sampling parameters and counts.")
    ] = None,
) -> None:
    """Sample new molecules from the prior of a model.

    Writes the column smiles, in the order drawn.
    """
    run = settings(config, [*(overrides or []), *([] if n is None else [f"sample.n={n}"])], seed, device)

    from molvae.sample import sample as sample_stage

    loaded, n_jobs = load_model(model, run.device, threads)
    sample_stage(loaded, out, run.sample, run.seed, n_jobs, summary)
