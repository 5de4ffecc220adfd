"""`molvae sample`."""

from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, ModelArgument, OutTable, SeedOption, SetOption, ThreadsOption, settings


def sample(
    model: ModelArgument,
    out: OutTable,
    n: Annotated[int | None, typer.Option("--n", min=1, help="Number of samples; overrides the config's.")] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Sample new molecules from the prior of a model.

    Writes the column smiles, in the order drawn.
    """
    run = settings(config, [*(overrides or []), *([] if n is None else [f"sample.n={n}"])], seed)

    from molvae.model.loading import load
    from molvae.nn.device import set_threads
    from molvae.sample import sample as sample_stage

    n_jobs = set_threads(threads)
    sample_stage(load(model, run.device), out, run.sample, run.seed, n_jobs)
