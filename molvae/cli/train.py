"""`molvae train`."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import ConfigOption, DeviceOption, OutFolder, SeedOption, SetOption, ThreadsOption, settings


def train(
    prepared: Annotated[Path, typer.Argument(help="Folder written by `molvae prepare`.")],
    out: OutFolder,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Train the VAE and choose its prior.

    Writes OUT/model/ and OUT/history.csv. To resume an interrupted training, run the same command again; its checkpoint
    is kept in OUT/resume/. On several GPUs, use torchrun --nproc-per-node 4 -m molvae train ...
    """
    run = settings(config, overrides, seed, device)

    from molvae.folders import output_folder
    from molvae.parallel import cpus_to_use, set_threads
    from molvae.train import train as train_stage
    from molvae.train.processes import is_first, processes_here

    n_jobs = cpus_to_use(threads)
    set_threads(max(1, n_jobs // processes_here()))
    # Of the processes that train together, the first alone writes.
    with output_folder(out, "model", "resume") if is_first() else nullcontext():
        train_stage(prepared, out, run.train, run.seed, n_jobs=n_jobs, device=run.device)
