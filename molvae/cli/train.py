"""`molvae train`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, OutFolder, SeedOption, SetOption, ThreadsOption, settings


def train(
    prepared: Annotated[Path, typer.Argument(help="Folder that `molvae prepare` wrote.")],
    out: OutFolder,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Train the VAE and choose its prior -> OUT/model/, OUT/history.csv.

    A killed training goes on from OUT/resume/ with the same command. On several GPUs:
    torchrun --nproc-per-node 4 -m molvae train ...
    """
    run = settings(config, overrides, seed)

    from molvae.parallel import cpus_to_use, set_threads
    from molvae.train import train as train_stage
    from molvae.train.processes import processes_here

    n_jobs = cpus_to_use(threads)
    set_threads(max(1, n_jobs // processes_here()))
    train_stage(prepared, out, run.train, run.seed, n_jobs=n_jobs, device=run.device)
