"""`molvae train`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, OutFolder, SeedOption, SetOption, ThreadsOption, settings


def train(
    prepared: Annotated[Path, typer.Argument(help="Folder written by `molvae prepare`.")],
    out: OutFolder,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Train the VAE and choose its prior.

    Writes OUT/model/ and OUT/history.csv. To resume an interrupted training, run the same command again; its checkpoint
    is kept in OUT/resume/. On several GPUs, use torchrun --nproc-per-node 4 -m molvae train ...
    """
    run = settings(config, overrides, seed)

    from molvae.nn.device import set_threads
    from molvae.parallel import cpus_to_use
    from molvae.train import train as train_stage
    from molvae.train.processes import processes_here

    n_jobs = cpus_to_use(threads)
    set_threads(max(1, n_jobs // processes_here()))
    train_stage(prepared, out, run.train, run.seed, n_jobs=n_jobs, device=run.device)
