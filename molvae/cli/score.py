"""`molvae score`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import (
    ConfigOption,
    MoleculesArgument,
    OutFolder,
    SeedOption,
    SetOption,
    SmilesColumnOption,
    ThreadsOption,
    settings,
)


def score(
    samples: MoleculesArgument,
    out: OutFolder,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Folder that `molvae prepare` wrote; or --train and --test.")
    ] = None,
    train: Annotated[Path | None, typer.Option("--train", help="File of training molecules.")] = None,
    test: Annotated[Path | None, typer.Option("--test", help="File of test molecules.")] = None,
    test_scaffolds: Annotated[
        Path | None, typer.Option("--test-scaffolds", help="File of test molecules with unseen scaffolds.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Model to say how unlikely each molecule is, and whether too much.")
    ] = None,
    gpu: Annotated[
        bool | None, typer.Option("--gpu/--cpu", help="Where the networks run; as the config's `device` by default.")
    ] = None,
    smiles_column: SmilesColumnOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Score generated molecules by the MOSES and GuacaMol metrics, and one by one.

    Writes to OUT: metrics.json, molecules.csv, molecules.sdf and figures/.

    They are compared with the splits of a prepared folder (--reference), or with the molecules of files (--train,
    --test). --smiles-column is about the generated molecules; in other files the column is found by its usual names.
    What is computed of reference molecules is kept in $MOLVAE_CACHE, or the system's folder for caches.
    """
    run = settings(config, overrides, seed)
    from molvae.chem.reading import read_molecules
    from molvae.model.loading import load
    from molvae.nn.device import choose_device
    from molvae.parallel import set_threads
    from molvae.score import score as score_stage
    from molvae.score.reference import from_files, from_prepared

    n_jobs = set_threads(threads)
    match reference, train, test, test_scaffolds:
        case Path(), None, None, None:
            compared = from_prepared(reference)
        case None, Path(), Path(), _:
            compared = from_files(train, test, test_scaffolds)
        case _:
            raise typer.BadParameter(
                "expected either --reference, or --train and --test (and --test-scaffolds, if wanted)"
            )
    # A search may find no candidates, and that is to be told, not to stop at.
    generated = [record.smiles for record in read_molecules(samples, smiles_column, may_be_empty=True)]
    device = choose_device(run.device if gpu is None else "cuda" if gpu else "cpu")
    judge = None if model is None else load(model, device.type)
    score_stage(generated, compared, out, run.score, run.seed, n_jobs, judge, device.type)
